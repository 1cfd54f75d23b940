"""Requests and what is stored as text, under AWS's names."""

import re
from collections.abc import Iterator
from typing import Any

from avatars.references import Reference
from aws.multipart import Part
from files.items import Entry, Name, Pointer
from tests.simulation.processes import Request
from tests.simulation.storage import Storage

MARKS = ("superseded", "notified_at", "processed_at", "preview_key")
AWS_NAMES = {
    "fetch": "GetObject",
    "tags": "GetObjectTagging",
    "put": "PutObject",
    "delete": "DeleteObjects",
    "exists": "HeadObject",
    "list_page": "ListObjectsV2",
    "post": "POST Object",
    "put_once": "PutObject by the browser",
    "put_part": "UploadPart by the browser",
    "untag": "DeleteObjectTagging",
    "head": "HeadObject",
    "copy": "CopyObject",
    "begin_multipart": "CreateMultipartUpload",
    "parts": "ListParts",
    "parts_page": "ListParts",
    "complete": "CompleteMultipartUpload",
    "abort_multipart": "AbortMultipartUpload",
    "open_multiparts": "ListMultipartUploads",
    "read": "GetItem",
    "read_many": "BatchGetItem",
    "query": "Query",
    "scan_page": "Scan",
    "replace": "UpdateItem",
    "add": "UpdateItem to add",
    "close": "UpdateItem to close",
    "correct": "UpdateItem to correct",
    "receive": "ReceiveMessage",
    "acknowledge": "DeleteMessage",
    "publish": "Publish",
}


def in_words(request: Request) -> str:
    """Return ``request`` under AWS's name for it."""
    if request.store == "accounts":
        return short(f"{request.method.replace('_', ' ')} {_plain(request.args[0])}")
    name = AWS_NAMES[request.method]
    if (request.store, request.method) == ("bucket", "read"):
        name = "GetObject of the first bytes of"
    if request.method == "replace":
        before, after = request.args
        return short(f"{name} {_item(after)}, if the revision is {before.revision}")
    if request.method == "post":
        return f"{name} {request.args[0]['key']}"
    words = [*map(_plain, request.args), *([] if request.args else [_plain(dict(request.kwargs))])]
    return short(" ".join([name, *(words[:1] if request.store == "bucket" else words)]))


def contents(storage: Storage) -> dict[str, str]:
    """Return a text for each stored object and item, by its name."""
    return {short(name): short(text) for name, text in _contents(storage)}


def _contents(storage: Storage) -> Iterator[tuple[str, str]]:
    for key, found in storage.bucket.objects.items():
        yield key, ", pending" if ("Status", "Pending") in found.tags else ""
    for key, upload_id in storage.bucket.multiparts:
        yield f"{upload_id} of {key}", ""
    for key, number in storage.queue.pending:
        yield f"event {number + 1} of {key}", ""
    for notice in storage.topic.published:
        yield f"notice {notice}", ""
    for owner, reference in storage.table.items.items():
        yield (
            f"{owner}'s item",
            f" names {reference.live_key}, revision {reference.revision}",
        )
    for item in storage.parts["items"].values():
        yield _name(item), f" {_facts(item)}, revision {item.revision}"
    for key, counted in storage.usage.items.items():
        yield f"usage of {key[0]}", f" {counted.numbers}" + ", closed" * bool(counted.closed_at)


def _item(item: Any) -> str:
    return f"{_name(item)}: {_facts(item)}"


def _name(item: Any) -> str:
    if isinstance(item, Entry):
        return f"entry {item.owner_id}/{item.upload_id}"
    if isinstance(item, Name):
        return f"name {item.owner_id}/{item.name}"
    if isinstance(item, Pointer):
        return f"pointer {item.file_id[:6]}"
    return str(item.owner_id)


def _facts(item: Any) -> str:
    if isinstance(item, Entry):
        place = f", version {item.version} of {item.file_id[:6]}" if item.file_id else ""
        more = [f", {mark.partition('_')[0]}" for mark in MARKS if getattr(item, mark)]
        reason = f", {item.reason}" if item.reason else ""
        return "".join([str(item.state), place, *more, reason])
    if isinstance(item, Name):
        closed = ", closed" if item.closed else ""
        return f"file {str(item.file_id)[:6]} of {', '.join(item.versions)}{closed}"
    if isinstance(item, Reference):
        return item.avatar.avatar_key if item.avatar else "no picture"
    return f"to {item.owner_id}/{item.name}"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={_plain(part)}" for name, part in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(_plain, value))
    return f"part {value.number}" if isinstance(value, Part) else str(value)


# The upload ids of small casts, which stand for letters.
_LETTER = re.compile("00000000-0000-7000-8000-0{10}([0-9a-f]{2})")


def short(text: str) -> str:
    """Return ``text`` with letters for upload ids, and without the marks of keys."""
    text = _LETTER.sub(lambda found: chr(int(found[1], 16)), text)
    return text.replace("O#", "").replace("F#", "entry ").replace("N#", "name ")
