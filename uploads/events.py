"""What S3 sends about new objects, read from the body of a message.

A message may be a notification of S3, the same in an envelope of SNS, the test event that S3 sends
when a notification is set up, or anything else. Ceph and MinIO send the same records with small
differences. What is not about a new object of the site's own bucket is left out, with the reason:
it would not be more useful the next time it comes.

Source: Amazon S3 User Guide, "Event message structure".
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from uploads.keys import MAX_KEY_BYTES

VERSION = re.compile(r"2\.[0-9]+")  # "the consumer must treat minor versions as compatible"
CREATED = "ObjectCreated:"
PREFIX_OF_NAMES = "s3:"  # which MinIO, and Ceph at times, write before the name of an event
TEST_EVENT = "s3:TestEvent"
IS_TEST = "it is the test event of S3"


@dataclass(frozen=True)
class Created:
    """A record that an object was created; what the store did not tell is empty or None.

    ``size`` is in bytes. Of two records of one key the one with the greater ``sequencer`` is later:
    they are compared as text, padded with zeros on the right.
    """

    key: str
    event: str
    size: int | None = None
    sequencer: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Reading:
    """What a body says: the records that count, and why others do not."""

    created: list[Created] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


class _Ignored(Exception):
    """What cannot be used, and why."""


def read(body: str | bytes, *, bucket: str) -> Reading:
    """Return what ``body`` says about objects of ``bucket``; raises nothing, whatever it is."""
    reading = Reading()
    try:
        for record in _records(_opened(body)):
            try:
                reading.created.append(_created(record, bucket))
            except _Ignored as reason:
                reading.ignored.append(str(reason))
    except _Ignored as reason:
        reading.ignored.append(str(reason))
    return reading


def _opened(body: str | bytes) -> dict[str, Any]:
    """Return the notification in ``body``, taken out of the envelope of SNS if it has one."""
    content = _parsed(body)
    if content.get("Type") == "Notification" and isinstance(content.get("Message"), str):
        return _parsed(content["Message"])
    return content


def _parsed(text: str | bytes) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _Ignored("it is no JSON") from error
    if not isinstance(content, dict):
        raise _Ignored("it is no JSON object")
    return content


def _records(content: dict[str, Any]) -> Iterator[Any]:
    if content.get("Event") == TEST_EVENT:
        raise _Ignored(IS_TEST)
    records = content.get("Records")
    if not isinstance(records, list) or not records:
        raise _Ignored("it has no records")
    yield from records


def _created(record: Any, bucket: str) -> Created:
    """Return what one record says, if it is about a new object of ``bucket``."""
    version, event = _text(record, "eventVersion"), _text(record, "eventName")
    if not VERSION.fullmatch(version):
        raise _Ignored("the version of the record is unknown")
    event = event.removeprefix(PREFIX_OF_NAMES)
    if not event.startswith(CREATED):
        raise _Ignored("it is not about a new object")
    if _text(record, "s3", "bucket", "name") != bucket:
        raise _Ignored("it is about another bucket")
    size = _found(record, "s3", "object", "size")
    return Created(
        key=_key(_text(record, "s3", "object", "key")),
        event=event,
        size=size if type(size) is int and size >= 0 else None,
        sequencer=_text(record, "s3", "object", "sequencer", default=""),
        at=_moment(_text(record, "eventTime", default="")),
    )


def _key(encoded: str) -> str:
    """Return a key, decoded once: S3 encodes it as a form does, with ``+`` for a space.

    Ceph does not encode keys. Those of this site read the same both ways.
    """
    try:
        key = unquote_plus(encoded, errors="strict")
        size = len(key.encode())
    except UnicodeError as error:
        raise _Ignored("its key is no UTF-8") from error
    if not 0 < size <= MAX_KEY_BYTES or "\x00" in key:
        raise _Ignored("its key is none of S3's")
    return key


def _found(content: Any, *path: str) -> Any:
    """Return what lies at ``path``, None if the way there ends early."""
    for name in path:
        content = content.get(name) if isinstance(content, dict) else None
    return content


def _text(record: Any, *path: str, default: str | None = None) -> str:
    found = _found(record, *path)
    if isinstance(found, str):
        return found
    if default is None:
        raise _Ignored(f"the record has no text for {'.'.join(path)}")
    return default


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
