"""The document of the API is valid, and about the routes and errors that there are."""

import re
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from openapi_spec_validator import OpenAPIV31SpecValidator

from assets.errors import STATUSES
from assets.reference import curl, document, example_path, operations
from tests.readme import documented_errors

# Routes that answer with pages, or pictures, and never with JSON.
PAGES = {
    *("/", "/login/", "/logout/", "/keys/", "/keys/{pk}/revoke/", "/api/", "/api/openapi.json"),
    "/triphase.py",
    *("/s/{token}", "/styleguide/", "/demo/sign-in/"),
    *("/inspection/bucket/", "/inspection/table/", "/inspection/files/"),
    *("/avatars/{username}/", "/avatars/{user_id}/picture/"),
}


def routes() -> set[str]:
    """Return the path of each route outside the admin, as the document writes them."""
    found: list[str] = []

    def walk(patterns: list[Any], prefix: str) -> None:
        for pattern in patterns:
            path = f"{prefix}{pattern.pattern}"
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, path)
            elif isinstance(pattern, URLPattern):
                found.append(path)

    walk(get_resolver().url_patterns, "/")
    paths = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path) for path in found}
    return {path for path in paths if not path.startswith("/admin/")}


def test_document_is_valid() -> None:
    assert list(OpenAPIV31SpecValidator(document()).iter_errors()) == []


def test_document_is_about_every_route_that_is_no_page() -> None:
    assert routes() - PAGES == set(document()["paths"])
    assert routes() >= PAGES


def test_names_in_paths_are_parameters() -> None:
    for operation in operations():
        named = set(re.findall(r"{(\w+)}", operation.path))
        assert named == {one["name"] for one in operation.parameters if one["in"] == "path"}


def test_every_operation_can_be_told_from_the_others() -> None:
    ids = [operation.facts["operationId"] for operation in operations()]
    assert len(set(ids)) == len(ids)
    tags = {tag["name"] for tag in document()["tags"]}
    assert {operation.facts["tags"][0] for operation in operations()} == tags


def test_every_status_of_an_error_is_one_of_the_document() -> None:
    told = {int(answer["status"]) for one in operations() for answer in one.answers}
    assert {status for status, _retry, _code in documented_errors()} <= told
    assert set(STATUSES.values()) - {500} <= told


def test_examples_are_lines_of_curl() -> None:
    for operation in operations():
        line = curl(operation, "https://example.org")
        assert line.startswith("curl ")
        assert "{" not in example_path(operation)
        assert ("$KEY" in line) != operation.is_open
