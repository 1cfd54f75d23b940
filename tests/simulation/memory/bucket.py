"""The gateway ``aws.bucket.S3Bucket`` without an S3, and what browsers ask of a bucket."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlencode

from defusedxml.ElementTree import fromstring
from sortedcontainers import SortedDict

from aws.bucket import FetchedObject, ListedObject, Listing
from aws.direct import Checksum, NewObject, ObjectFacts, PresignedRequest
from aws.errors import AlreadyWritten, ObjectMissing, ObjectTooLarge, StorageUnavailable
from aws.policies import Policy, PresignedPost
from tests.simulation.memory.multiparts import MemoryMultiparts, OpenUpload

Clock = Callable[[], datetime]
META = "x-amz-meta-"


class StoredObject(NamedTuple):
    """An object; metadata and tags are sorted pairs, so that it is comparable and hashable."""

    body: bytes
    content_type: str
    last_modified: datetime
    etag: str
    metadata: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


@dataclass
class MemoryBucket(MemoryMultiparts):
    """All of a bucket. ``created`` is called with the key of each object that comes to be."""

    clock: Clock
    objects: "SortedDict[str, StoredObject]"
    multiparts: "SortedDict[tuple[str, str], OpenUpload]"
    begun: int = 0
    created: Callable[[str], None] = field(default=lambda key: None)

    @classmethod
    def empty(cls, clock: Clock) -> Self:
        """Return a bucket without objects."""
        return cls(clock, SortedDict(), SortedDict())

    # --- what browsers ask ---

    def post(self, form: Mapping[str, str], body: bytes) -> None:
        """Store the browser's form unchanged: S3 would accept no other."""
        tags = _tags(form["tagging"])
        self._store(form["key"], body, form["Content-Type"], _metadata(form), tags)

    def put_once(self, key: str, headers: Mapping[str, str], body: bytes) -> None:
        """Carry out the presigned PUT of an object; raises AlreadyWritten if there is one."""
        if key in self.objects and headers.get("If-None-Match") == "*":
            raise AlreadyWritten
        tags = dict(parse_qsl(headers.get("x-amz-tagging", "")))
        self._store(key, body, headers["Content-Type"], _metadata(headers), tags)

    # --- what the product asks ---

    def presigned_post(self, policy: Policy, *, seconds: int, now: datetime) -> PresignedPost:
        fields = {**policy.fields, "key": policy.key}
        return PresignedPost("memory://", fields, _expiry(now, seconds))

    def presigned_put(
        self, wanted: NewObject, *, tags: Mapping[str, str], seconds: int, now: datetime
    ) -> PresignedRequest:
        headers = {
            "Content-Type": wanted.content_type,
            "If-None-Match": "*",
            **{f"{META}{name}": value for name, value in wanted.metadata.items()},
            "x-amz-tagging": urlencode(tags),
        }
        return PresignedRequest(f"memory://{wanted.key}", headers, _expiry(now, seconds))

    def presigned_download(
        self, key: str, *, disposition: str, content_type: str, seconds: int, now: datetime
    ) -> str:
        return f"memory://{key}"

    def fetch(self, key: str, *, max_bytes: int) -> FetchedObject:
        found = self._found(key)
        if len(found.body) > max_bytes:
            raise ObjectTooLarge
        # The number is None where there are none, as with S3.
        count = len(found.tags) or None
        return FetchedObject(found.body, found.content_type, dict(found.metadata), count)

    def tags(self, key: str) -> dict[str, str]:
        return dict(self._found(key).tags)

    def untag(self, key: str) -> None:
        self.objects[key] = self._found(key)._replace(tags=())

    def head(self, key: str) -> ObjectFacts:
        found = self._found(key)
        return ObjectFacts(
            size=len(found.body),
            content_type=found.content_type,
            etag=found.etag,
            metadata=dict(found.metadata),
            last_modified=found.last_modified,
        )

    def read(self, key: str, *, start: int, length: int) -> bytes:
        body = self._found(key).body
        if start >= len(body):  # S3 refuses a range of which there is nothing
            raise StorageUnavailable
        return body[start : start + length]

    def checksum(self, key: str) -> Checksum | None:
        self._found(key)
        return None  # S3 keeps one only if it is sent one

    def put(self, key: str, body: bytes, *, content_type: str, cache_control: str) -> None:
        self._store(key, body, content_type)

    def copy(self, source: str, wanted: NewObject) -> None:
        found = self._found(source)
        metadata = dict(wanted.metadata)
        self._store(wanted.key, found.body, wanted.content_type, metadata, dict(found.tags))

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.objects.pop(key, None)

    def discard(self, keys: Sequence[str]) -> None:
        self.delete(keys)

    def exists(self, key: str) -> bool:
        return key in self.objects

    def list_page(self, *, prefix: str = "", after: str = "", limit: int = 1000) -> Listing:
        # S3 begins behind `after` or at the prefix, whichever comes later.
        start = (after, False) if after >= prefix else (prefix, True)
        keys = self.objects.irange(start[0], inclusive=(start[1], True))
        found = list(islice(_while_under(prefix, keys), limit + 1))
        rows = [
            ListedObject(key, len(self.objects[key].body), self.objects[key].last_modified)
            for key in found[:limit]
        ]
        return Listing(rows, rows[-1].key if len(found) > limit and rows else "")

    # --- what both come to ---

    def _found(self, key: str) -> StoredObject:
        if key not in self.objects:
            raise ObjectMissing
        found: StoredObject = self.objects[key]
        return found

    def _store(
        self,
        key: str,
        body: bytes,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        etag: str = "",
    ) -> None:
        etag = etag or hashlib.md5(body, usedforsecurity=False).hexdigest()
        self.objects[key] = StoredObject(
            body, content_type, self.clock(), etag, _pairs(metadata or {}), _pairs(tags or {})
        )
        self.created(key)


def _while_under(prefix: str, keys: Iterator[str]) -> Iterator[str]:
    for key in keys:
        if not key.startswith(prefix):
            return
        yield key


def _expiry(now: datetime, seconds: int) -> str:
    return (now + timedelta(seconds=seconds)).isoformat(timespec="seconds")


def _metadata(fields: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(META): value for name, value in fields.items() if name.startswith(META)
    }


def _pairs(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(values.items()))


def _tags(xml: str) -> dict[str, str]:
    """Return the tags in the form field ``tagging``."""
    rows: Any = fromstring(xml).iter("Tag")
    return {row.find("Key").text: row.find("Value").text for row in rows}
