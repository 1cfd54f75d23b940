"""S3 and DynamoDB in memory, behind the same two gateways as the product's.

Linearizable: a request happens at once and as a whole. What can go wrong on the way is the
network's part (machine.py). tests/simulation/test_agreement.py holds both to the embedded AWS.
"""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple, Self

from defusedxml.ElementTree import fromstring
from sortedcontainers import SortedDict

from avatars.references import Reference
from aws.bucket import FetchedObject, ListedObject, Listing
from aws.errors import ObjectMissing, ObjectTooLarge, RevisionMoved
from aws.policies import Policy, PresignedPost
from aws.table import SCAN_PAGE

Clock = Callable[[], datetime]


class StoredObject(NamedTuple):
    """An object; metadata and tags are sorted pairs, so that it is comparable and hashable."""

    body: bytes
    content_type: str
    last_modified: datetime
    metadata: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


@dataclass
class MemoryBucket:
    """The gateway ``aws.bucket.S3Bucket`` without an S3."""

    clock: Clock
    objects: "SortedDict[str, StoredObject]"

    @classmethod
    def empty(cls, clock: Clock) -> Self:
        """Return a bucket without objects."""
        return cls(clock, SortedDict())

    def post(self, form: Iterable[tuple[str, str]], body: bytes) -> None:
        """Store the browser's form unchanged: S3 would accept no other."""
        fields = dict(form)
        prefix = "x-amz-meta-"
        metadata = {
            name.removeprefix(prefix): value
            for name, value in fields.items()
            if name.startswith(prefix)
        }
        self.objects[fields["key"]] = StoredObject(
            body, fields["Content-Type"], self.clock(), _pairs(metadata), _tags(fields["tagging"])
        )

    def presigned_post(self, policy: Policy, *, seconds: int, now: datetime) -> PresignedPost:
        fields = {**policy.fields, "key": policy.key}
        expires_at = (now + timedelta(seconds=seconds)).isoformat(timespec="seconds")
        return PresignedPost("memory://", fields, expires_at)

    def fetch(self, key: str, *, max_bytes: int) -> FetchedObject:
        if key not in self.objects:
            raise ObjectMissing
        found = self.objects[key]
        if len(found.body) > max_bytes:
            raise ObjectTooLarge
        # The number is None where there are none, as with S3.
        count = len(found.tags) or None
        return FetchedObject(found.body, found.content_type, dict(found.metadata), count)

    def tags(self, key: str) -> dict[str, str]:
        if key not in self.objects:
            raise ObjectMissing
        return dict(self.objects[key].tags)

    def put(self, key: str, body: bytes, *, content_type: str, cache_control: str) -> None:
        self.objects[key] = StoredObject(body, content_type, self.clock())

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


@dataclass
class MemoryReferences:
    """The gateway ``aws.table.Table`` without a DynamoDB."""

    items: "SortedDict[str, Reference]"

    @classmethod
    def empty(cls) -> Self:
        """Return a table without items."""
        return cls(SortedDict())

    def read(self, key: str) -> Reference:
        return self.items.get(key) or Reference(key)

    def read_many(self, keys: Collection[str]) -> dict[str, Reference]:
        return {key: self.read(key) for key in keys}

    def scan(self, *, after: str | None = None, limit: int | None = None) -> Iterator[Reference]:
        # A page is as it was when it was asked for, whatever is written while it is gone through.
        left = sys.maxsize if limit is None else limit
        while left > 0:
            size = min(left, SCAN_PAGE)
            keys = self.items.irange(after or None, inclusive=(False, True))
            page = [self.items[owner_id] for owner_id in islice(keys, size)]
            yield from page
            if len(page) < size:
                return
            after, left = page[-1].owner_id, left - size

    def replace(self, before: Reference, after: Reference) -> None:
        if self.read(after.owner_id).revision != before.revision:
            raise RevisionMoved
        self.items[after.owner_id] = after


def _while_under(prefix: str, keys: Iterator[str]) -> Iterator[str]:
    for key in keys:
        if not key.startswith(prefix):
            return
        yield key


def _pairs(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(values.items()))


def _tags(xml: str) -> tuple[tuple[str, str], ...]:
    """Return the tags in the form field ``tagging``."""
    rows: Any = fromstring(xml).iter("Tag")
    return _pairs({row.find("Key").text: row.find("Value").text for row in rows})
