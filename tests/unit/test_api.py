"""Which clients are programs, and get JSON where a person gets a page."""

import pytest
from django.test import RequestFactory

from web.api import wants_json

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
