"""The gateway ``aws.table.Table`` without a DynamoDB: items with a hash key, or range keys, too."""

import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Generic, Self, TypeVar

from sortedcontainers import SortedDict

from avatars.references import Reference
from aws.errors import RevisionMoved
from aws.table import SCAN_PAGE, Codec, QueryPage
from files.codecs import UsageCodec
from files.items import Item, ItemKey, Usage
from tests.simulation.memory.tally import MemoryTally

Value = TypeVar("Value", bound=Item)


@dataclass
class MemoryReferences:
    """The table of pictures."""

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


@dataclass
class MemoryItems(Generic[Value]):
    """The items of one kind in the table of files."""

    codec: Codec[Value, ItemKey]
    items: "SortedDict[ItemKey, Any]"

    def read(self, key: ItemKey) -> Value:
        return self.items.get(key) or self.codec.absent(key)

    def read_many(self, keys: Collection[ItemKey]) -> dict[ItemKey, Value]:
        return {key: self.read(key) for key in keys}

    def query(
        self, hash_key: str, *, prefix: str, after: str = "", limit: int, descending: bool = False
    ) -> QueryPage[Value]:
        first, last = (hash_key, prefix), (hash_key, prefix + "\U0010ffff")
        if descending and after:
            last = min(last, (hash_key, after))
        elif after:
            first = max(first, (hash_key, after))
        keys = self.items.irange(first, last, reverse=descending)
        page = list(islice((key for key in keys if key[1] != after), limit))
        # As DynamoDB does: a page that is full does not say whether it is the last.
        next_after = page[-1][1] if len(page) == limit else ""
        return QueryPage([self.items[key] for key in page], next_after)

    def replace(self, before: Value, after: Value) -> None:
        key = self.codec.key(after)
        if self.read(key).revision != before.revision:
            raise RevisionMoved
        self.items[key] = after


@dataclass
class MemoryTable:
    """The whole table of files, as a sweep goes through it: ``items`` and what owners use."""

    items: "SortedDict[ItemKey, Any]"
    usage: MemoryTally

    def scan(self, *, after: ItemKey | None = None, limit: int | None = None) -> Iterator[Item]:
        usage = {key: self._usage(key) for key in self.usage.items}
        keys = sorted(key for key in [*self.items, *usage] if after is None or key > after)
        for key in keys[:limit]:
            yield usage[key] if key in usage else self.items[key]

    def _usage(self, key: ItemKey) -> Usage:
        found = self.usage.read(key)
        facts: dict[str, Any] = {**found.numbers, "closed_at": found.closed_at}
        return replace(UsageCodec().absent(key), updated_at=found.updated_at, **facts)
