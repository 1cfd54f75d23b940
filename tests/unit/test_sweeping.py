"""The sweep's memory, on a generated bucket and table, and when it doubts itself.

``python -m benchmarks.sweep`` does the same with up to a million objects.
"""

import gc
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from avatars.references import Avatar, Reference, Stores
from aws.bucket import ListedObject, Listing
from tests.builders import at_once
from tests.sweeps import sweep_all
from uploads.errors import WrongPlace
from uploads.keys import PENDING_PREFIX
from uploads.sweeping import Doubt, Finding, Kind, Options, Outcome, PendingSweep, Progress

NOW = datetime(2026, 1, 9, tzinfo=UTC)
LAST_WEEK = NOW - timedelta(days=7)
PAGE = 1000


class Counted:
    """A bucket and a table of ``size`` owners with a promoted object and an item each.

    One of every ``wrong_each`` owners has an item that names nothing, so that the object is an
    orphan, and one expired pending object. Requests are counted.
    """

    def __init__(self, size: int, *, wrong_each: int = 0, look: Callable[[], object]) -> None:
        self.size = size
        self.wrong = range(0, size, wrong_each) if wrong_each else range(0)
        self.look = look
        self.asked: Counter[str] = Counter()
        self.deleted = 0

    def list_page(self, *, prefix: str = "", after: str = "", limit: int = PAGE) -> Listing:
        self.ask("list_page")
        numbers = self.wrong if prefix == PENDING_PREFIX else range(self.size)
        if after:
            numbers = numbers[numbers.index(int(after.split("/")[1])) + 1 :]
        rows = [ListedObject(f"{prefix}{n:08}/x.webp", 1, LAST_WEEK) for n in numbers[:limit]]
        return Listing(rows, rows[-1].key if len(numbers) > limit else "")

    def exists(self, key: str) -> bool:
        self.asked["exists"] += 1
        return True

    def delete(self, keys: Sequence[str]) -> None:
        self.ask("delete")
        self.deleted += len(keys)

    def scan(self, **_options: Any) -> Iterator[Reference]:
        return (self.read(f"{number:08}") for number in range(self.size))

    def read_many(self, owner_ids: Collection[str]) -> dict[str, Reference]:
        self.ask("read_many")
        return {owner_id: self.read(owner_id) for owner_id in owner_ids}

    def read(self, owner_id: str) -> Reference:
        if int(owner_id) in self.wrong:
            return Reference(owner_id, revision="1")
        key = f"avatars/{owner_id}/x.webp"
        avatar = Avatar(key, "upload", "image/webp", 1, 512, 512, "0" * 64)
        return Reference(owner_id, revision="1", avatar=avatar)

    def replace(self, before: Reference, after: Reference) -> None:
        self.ask("replace")

    def existing(self, owner_ids: Collection[str]) -> set[str]:
        self.ask("existing_owners")
        return set(owner_ids)

    def ask(self, request: str) -> None:
        """Count a request, and look at the memory as it is now."""
        self.asked[request] += 1
        self.look()

    def findings(self) -> Iterator[Finding]:
        """Sweep all of it, with ``--delete``."""
        world = cast(Any, self)
        stores = Stores(bucket=world, references=world, later=at_once)
        return sweep_all(stores, self.existing, now=NOW, delete=True)


def most_blocks(size: int, wrong_each: int) -> int:
    """Return the most additional memory blocks in use while ``size`` owners were swept.

    Each object or item that is kept takes at least one block: its key.
    """
    gc.collect()
    before, most = sys.getallocatedblocks(), 0

    def look() -> None:
        nonlocal most
        most = max(most, sys.getallocatedblocks() - before)

    world = Counted(size, wrong_each=wrong_each, look=look)
    for _finding in world.findings():
        pass
    return most


@pytest.mark.case(39)
@pytest.mark.parametrize("wrong_each", [0, 100])
def test_memory_is_that_of_a_page_however_many_objects_and_items_there_are(
    wrong_each: int,
) -> None:
    most_blocks(PAGE, wrong_each)  # what is made once

    few, many = most_blocks(2 * PAGE, wrong_each), most_blocks(50 * PAGE, wrong_each)

    # A page takes some nine blocks for each of its objects, and two of them may be there at once.
    assert many < few + 20 * PAGE


@pytest.mark.case(39)
def test_everything_that_is_wrong_is_found_when_it_is_spread_over_many_pages() -> None:
    world = Counted(5 * PAGE, wrong_each=100, look=lambda: None)

    found = list(world.findings())

    names = [f"{number:08}/x.webp" for number in range(0, 5 * PAGE, 100)]
    assert [finding.name for finding in found if finding.kind is Kind.ORPHAN] == [
        f"avatars/{name}" for name in names
    ]
    assert [finding.name for finding in found if finding.kind is Kind.EXPIRED] == [
        f"pending/{name}" for name in names
    ]
    assert {finding.outcome for finding in found} == {Outcome.MENDED}
    assert len(found) == world.deleted == 2 * len(names)
    assert world.asked["list_page"] == 1 + 5 + 1, "a look whether it is there, then the pages"
    assert world.asked["read_many"] == 5


def test_sweep_doubts_itself_when_more_than_half_is_wrong() -> None:
    doubt = Doubt(Options(now=NOW, grace=timedelta(0), delete=True))
    doubt.add(50, seen=100)

    with pytest.raises(WrongPlace):
        doubt.add(1, seen=101)


def test_sweep_does_not_doubt_itself_when_nothing_more_is_wrong() -> None:
    doubt = Doubt(Options(now=NOW, grace=timedelta(0), delete=True))
    doubt.add(10, seen=10)

    doubt.add(0, seen=11, few=Doubt.FEW_IF_NOTHING_IS_RIGHT)


@pytest.mark.parametrize(("early", "found"), [(timedelta(0), 1), (timedelta(microseconds=1), 0)])
def test_pending_object_is_swept_from_the_moment_it_is_due(early: timedelta, found: int) -> None:
    """It is due at midnight, one day after it came."""
    bucket = cast(Any, Counted(1, wrong_each=1, look=lambda: None))
    asked = Options(now=LAST_WEEK + timedelta(days=1) - early, grace=timedelta(0))

    assert len(list(PendingSweep(bucket, asked, Progress()).findings())) == found


class Broken(Counted):
    """A world of 40 owners, in which the last ``count`` lack their ``part``."""

    def __init__(self, count: int, part: str) -> None:
        super().__init__(40, look=lambda: None)
        self.lacking, self.part = range(self.size - count, self.size), part

    def lacks(self, part: str, owner_id: str) -> bool:
        return part == self.part and int(owner_id) in self.lacking

    def exists(self, key: str) -> bool:
        return not self.lacks("object", key.split("/")[1])

    def read(self, owner_id: str) -> Reference:
        return Reference(owner_id) if self.lacks("item", owner_id) else super().read(owner_id)

    def discard(self, keys: Sequence[str]) -> None:
        self.ask("discard")

    def existing(self, owner_ids: Collection[str]) -> set[str]:
        return {owner for owner in owner_ids if not self.lacks("account", owner)}


@pytest.mark.parametrize("part", ["object", "account", "item"])
def test_sweep_counts_all_that_is_right_when_it_doubts_itself(part: str) -> None:
    """Of 40 owners 11 may lack something, and 21 are more than half."""
    assert len(list(Broken(11, part).findings())) >= 11

    with pytest.raises(WrongPlace):
        list(Broken(21, part).findings())


@pytest.mark.parametrize(("more", "found"), [(timedelta(0), 1), (timedelta(microseconds=1), 0)])
def test_orphan_is_swept_from_the_end_of_its_grace_period(more: timedelta, found: int) -> None:
    world = cast(Any, Counted(1, wrong_each=1, look=lambda: None))
    stores = Stores(bucket=world, references=world, later=at_once)

    findings = sweep_all(stores, world.existing, now=NOW, grace=NOW - LAST_WEEK + more)

    assert len([one for one in findings if one.kind is Kind.ORPHAN]) == found


def test_sweep_writes_no_item_when_all_is_right() -> None:
    """A fence would make a confirm fail that is under way."""
    world = Counted(3, look=lambda: None)

    assert list(world.findings()) == []
    assert not world.asked["replace"]
