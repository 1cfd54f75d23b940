"""The reference of the API: its page, its examples, and whether the site answers as it says."""

import json
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, Phase, given
from hypothesis.errors import Unsatisfiable
from pytest_django.live_server_helper import LiveServer
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from assets.reference import (
    document,
    example_body,
    example_path,
    operations,
)
from files.stores import FileStores
from tests.builders import make_user
from tests.functional.assets.steps import FORM, Program, content, form

OPERATIONS = {str(one.facts["operationId"]): one for one in operations()}
EXAMPLES = 6  # of each operation, good and bad
CHECKS: Any = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


# --- The page ---


def test_page_shows_every_operation_without_a_script() -> None:
    page = Client().get(reverse("api")).content.decode()
    for name, operation in OPERATIONS.items():
        assert f'id="{name}"' in page
        assert operation.facts["summary"] in page.replace("&#x27;", "'")
    assert "curl -X POST -H &quot;Authorization: Bearer $KEY&quot;" in page
    assert "http://testserver/asset/notes.txt" in page


def test_document_names_this_site() -> None:
    found = Client().get(reverse("api-document")).json()
    assert found["servers"] == [{"url": "http://testserver"}]
    assert found["paths"] == json.loads(json.dumps(document()["paths"]))


@pytest.mark.parametrize("name", OPERATIONS)
def test_example_is_answered_as_the_document_says(
    program: Program, settings: Any, name: str
) -> None:
    settings.EVENTS_SECRET = "s" * 32
    operation = OPERATIONS[name]
    kind, example = example_body(operation)
    body = json.dumps(example).encode() if kind == "application/json" else b"hello"
    if kind.startswith("multipart/"):
        fields = {**example, "file": "hello"}
        parts = [
            (field, "notes.txt" if field == "file" else None, str(value).encode())
            for field, value in fields.items()
        ]
        kind, body = FORM, form(*parts)
    kind = kind.replace("*/*", "")  # any type, so none is said
    answer = program.ask(
        operation.method,
        example_path(operation),
        body if operation.body else b"",
        content_type=kind,
    )
    content(answer)
    told = {str(one["status"]) for one in operation.answers}
    assert str(answer.status_code) in told
    # None of the examples is wrong in itself: what they name is not there, at worst.
    assert answer.status_code in {200, 201, 204, 401, 403, 404, 409, 410} or name == "readyz"


# --- The site against the document ---


@pytest.fixture
def site(live_server: LiveServer, settings: Any, file_stores: FileStores) -> str:
    """Return the URL of a site that runs; its rates let everything through."""
    for name in ("RATE_LIMITS", "RATE_LIMITS_PER_ADDRESS"):
        rates = dict.fromkeys(getattr(settings, name), "100000/second")
        setattr(settings, name, rates)
    return live_server.url


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "receiveEvents"])
def test_site_answers_as_the_document_says(site: str, name: str, mode: GenerationMode) -> None:
    """Whatever is asked: no server error, no other status, no other type or shape."""
    program = Program(make_user("anna"))
    schema = schemathesis.openapi.from_dict(document())
    operation = schema.find_operation_by_id(name)

    @given(case=operation.as_strategy(generation_mode=mode))
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        answer = case.call(base_url=site, headers=program.headers)
        case.validate_response(answer, checks=CHECKS)

    try:
        ask()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "nothing could be asked"
