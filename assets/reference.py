"""The API's reference: one document, kept by hand, as JSON and as a page for people."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from web.keys import for_keys

METHODS = ("get", "head", "post", "put", "delete")
JSON = "application/json"


@dataclass(frozen=True)
class Operation:
    """One call, with its references resolved, as the page shows it."""

    method: str
    path: str
    facts: dict[str, Any]
    parameters: list[dict[str, Any]]
    answers: list[dict[str, Any]]
    body: dict[str, Any] | None

    @property
    def is_open(self) -> bool:
        """Whether it can be called without a key."""
        return {} in self.facts.get("security", [])


@cache
def document() -> dict[str, Any]:
    """Return the document."""
    text = (settings.BASE_DIR / "assets" / "openapi.yaml").read_text()
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def resolved(part: Any) -> Any:
    """Return a part of the document, or what it refers to."""
    while isinstance(part, dict) and "$ref" in part:
        found: Any = document()
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


@cache
def operations() -> tuple[Operation, ...]:
    """Return each call of the API, in the order of the document."""
    return tuple(_operations())


def _operations() -> Iterator[Operation]:
    for path, item in document()["paths"].items():
        for method in METHODS:
            if method in item:
                facts = item[method]
                given = [*item.get("parameters", []), *facts.get("parameters", [])]
                answers = [
                    {"status": status, **resolved(answer)}
                    for status, answer in facts["responses"].items()
                ]
                yield Operation(
                    method=method.upper(),
                    path=path,
                    facts=facts,
                    parameters=[resolved(parameter) for parameter in given],
                    answers=sorted(answers, key=lambda answer: str(answer["status"])),
                    body=resolved(facts.get("requestBody")),
                )


def example_path(operation: Operation) -> str:
    """Return the path of a call with the examples of its parameters."""
    path = operation.path
    for parameter in operation.parameters:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(parameter.get("example", 0)))
    asked = [
        f"{parameter['name']}={parameter['example']}"
        for parameter in operation.parameters
        if parameter["in"] == "query" and "example" in parameter
    ]
    return f"{path}?{'&'.join(asked)}" if asked else path


def example_body(operation: Operation) -> tuple[str, Any]:
    """Return the type and the example of a call's body; an empty type without one."""
    if not operation.body:
        return "", None
    kind, content = next(iter(operation.body["content"].items()))
    return kind, content["example"]


def curl(operation: Operation, site: str) -> str:
    """Return a call of the example as a line of curl."""
    words = ["curl"]
    if operation.method == "HEAD":
        words.append("-I")
    elif operation.method != "GET":
        words += ["-X", operation.method]
    if not operation.is_open:
        words += ["-H", "Authorization: Bearer $KEY"]
    kind, example = example_body(operation)
    if kind == JSON:
        words += ["-H", f"Content-Type: {JSON}", "-d", json.dumps(example, ensure_ascii=False)]
    elif kind.startswith("multipart/"):
        for name, value in example.items():
            words += ["-F", f"{name}=@notes.txt" if name == "file" else f"{name}={value}"]
    elif kind:
        words += ["--data-binary", "@notes.txt"]
    words.append(f"{site}{example_path(operation)}")
    return " ".join(f'"{word}"' if "$KEY" in word else shlex.quote(word) for word in words)


def prose(text: str) -> list[SafeString]:
    """Return the paragraphs of a description, with what stands between backticks as code."""
    paragraphs = []
    for paragraph in text.strip().split("\n\n"):
        pieces = " ".join(paragraph.split()).split("`")
        marks = ["{}" if number % 2 == 0 else "<code>{}</code>" for number in range(len(pieces))]
        paragraphs.append(format_html("".join(marks), *pieces))
    return paragraphs


@for_keys("")
@require_safe
def api_document(request: HttpRequest) -> HttpResponse:
    """Give the document, with this site as its server."""
    servers = [{"url": _site(request)}]
    return JsonResponse({**document(), "servers": servers}, json_dumps_params={"indent": 1})


@require_safe
def api(request: HttpRequest) -> HttpResponse:
    """Show the reference."""
    groups = [{**tag, "operations": []} for tag in document()["tags"]]
    named = {group["name"]: group for group in groups}
    for operation in operations():
        named[operation.facts["tags"][0]]["operations"].append(
            {
                "facts": operation,
                "curl": curl(operation, _site(request)),
                "prose": prose(operation.facts.get("description", "")),
                "parameters": [
                    {**one, "prose": prose(one.get("description", ""))}
                    for one in operation.parameters
                ],
                "answers": [_shown(answer) for answer in operation.answers],
            }
        )
    info = document()["info"]
    context = {"info": info, "prose": prose(info["description"]), "groups": groups}
    return render(request, "assets/reference.html", context)


@for_keys("")
@require_safe
def client(request: HttpRequest) -> HttpResponse:
    """Give the program for the command line, with this site as the one that it asks."""
    text = (settings.BASE_DIR / "static" / "triphase.py").read_text()
    own = text.replace('SITE = "http://localhost:8000"', f"SITE = {json.dumps(_site(request))}", 1)
    response = HttpResponse(own, content_type="text/x-python; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="triphase.py"'
    return response


def _shown(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with its example as text."""
    content = answer.get("content", {}).get(JSON, {})
    example = content.get("example")
    text = "" if example is None else json.dumps(example, indent=2, ensure_ascii=False)
    return {**answer, "prose": prose(answer["description"]), "example": text}


def _site(request: HttpRequest) -> str:
    return request.build_absolute_uri("/").removesuffix("/")
