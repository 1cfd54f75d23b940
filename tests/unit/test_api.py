"""Which clients are programs, which values are accepted, which status an error has."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from web.api import json_api, read_object, wants_json
from web.errors import BadRequest

OF_A_BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content_type", "accept", "program"),
    [
        (FORM, "application/json", True),
        (FORM, OF_A_BROWSER, False),
        (FORM, "*/*", False),
        (FORM, "application/json, text/html", False),
        (FORM, "image/png", False),
        ("application/json", OF_A_BROWSER, True),
    ],
)
def test_client_is_a_program_when_it_sends_json_or_accepts_it_and_no_page(
    content_type: str, accept: str, program: bool
) -> None:
    request = RequestFactory().post(
        "/", b"{}", content_type=content_type, headers={"accept": accept}
    )

    assert wants_json(request) is program


def test_error_has_the_status_of_the_nearest_class_that_has_one() -> None:
    class WorseRequest(BadRequest):
        pass

    @json_api({}, scope="read", refused="refused")
    def view(_request: Any) -> HttpResponse:
        raise WorseRequest

    request = RequestFactory().get("/")
    request.user = SimpleNamespace(is_authenticated=True, pk=7)  # type: ignore[assignment]

    assert view(request).status_code == 400


def read(value: object) -> object:
    body = json.dumps({"value": value})
    request = RequestFactory().post("/", body, content_type="application/json")
    return read_object(request, {"value": type(value)})["value"]


@pytest.mark.case(22)
@pytest.mark.parametrize("value", [2**63, -(2**63), "x" * 1025])
def test_value_is_refused_when_past_a_bound(value: object) -> None:
    with pytest.raises(BadRequest):
        read(value)


@pytest.mark.parametrize("value", [2**63 - 1, 1 - 2**63, "x" * 1024])
def test_value_is_read_when_at_a_bound(value: object) -> None:
    assert read(value) == value
