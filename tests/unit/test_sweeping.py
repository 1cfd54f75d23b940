"""The sweep's memory, on a bucket and a table that exist in numbers only."""

import tracemalloc
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from avatars.references import Avatar, Reference
from avatars.stores import Stores
from avatars.sweeping import Sweep
from uploads.bucket import ListedObject, Listing

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PAGE = 1000


def key_of(owner_id: str) -> str:
    """Return the key of an owner's only object."""
    return f"avatars/{owner_id}/x.webp"


class Counted:
    """A bucket and a table of ``size`` owners with a picture each, all in order."""

    def __init__(self, size: int) -> None:
        self.size = size

    def list_page(self, *, prefix: str = "", after: str = "", limit: int = PAGE) -> Listing:
        if prefix != "avatars/":
            return Listing([], "")
        start = int(after.split("/")[1]) + 1 if after else 0
        end = min(start + limit, self.size)
        rows = [
            ListedObject(key_of(f"{n:08}"), 1, NOW - timedelta(days=1)) for n in range(start, end)
        ]
        return Listing(rows, rows[-1].key if end < self.size else "")

    def exists(self, key: str) -> bool:
        return True

    def scan(self, **_options: Any) -> Iterator[Reference]:
        return (self.reference(f"{number:08}") for number in range(self.size))

    def read_many(self, owner_ids: Collection[str]) -> dict[str, Reference]:
        return {owner_id: self.reference(owner_id) for owner_id in owner_ids}

    def reference(self, owner_id: str) -> Reference:
        avatar = Avatar(key_of(owner_id), "upload", "image/webp", 1, 512, 512, "0" * 64)
        return Reference(owner_id, revision="1", avatar=avatar)


def memory_of_a_sweep(size: int) -> int:
    """Return the bytes at the peak of a sweep over ``size`` objects and items."""
    world = cast(Any, Counted(size))
    sweep = Sweep(
        stores=Stores(bucket=world, references=world, background=world),
        existing_owners=set,
        now=NOW,
        grace=timedelta(0),
    )
    tracemalloc.start()
    try:
        assert list(sweep.findings()) == []
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_is_that_of_a_page_however_many_objects_there_are() -> None:
    """Case 39."""
    memory_of_a_sweep(PAGE)  # what is made once

    assert memory_of_a_sweep(10 * PAGE) < 1.2 * memory_of_a_sweep(2 * PAGE)
