"""Requests as text, under AWS's names for them."""

from typing import Any

from tests.simulation.processes import Request

AWS_NAMES = {
    "fetch": "GetObject",
    "tags": "GetObjectTagging",
    "put": "PutObject",
    "delete": "DeleteObjects",
    "exists": "HeadObject",
    "list_page": "ListObjectsV2",
    "post": "POST Object",
    "read": "GetItem",
    "read_many": "BatchGetItem",
    "scan_page": "Scan",
    "replace": "UpdateItem",
}


def in_words(request: Request) -> str:
    """Return ``request`` under AWS's name for it."""
    if request.store == "accounts":
        return f"{request.method.replace('_', ' ')} {_plain(request.args[0])}"
    name = AWS_NAMES[request.method]
    if request.method == "replace":
        before, after = request.args
        names = after.avatar.avatar_key if after.avatar else "no picture"
        return f"{name} {after.owner_id}: {names}, if the revision is {before.revision}"
    if request.method == "post":
        return f"{name} {request.args[0]['key']}"
    return f"{name} {_plain(request.args[0] if request.args else dict(request.kwargs))}"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={part}" for name, part in value.items())
    return ", ".join(value) if isinstance(value, tuple) else str(value)
