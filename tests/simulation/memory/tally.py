"""The gateway ``aws.tally.Tally`` without a DynamoDB."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sortedcontainers import SortedDict

from aws.errors import LimitReached, RevisionMoved
from aws.tally import Counts
from files.items import ItemKey


class Counted(NamedTuple):
    """The item of numbers, in a form that has a hash."""

    numbers: tuple[int, ...]
    moves: int = 0
    updated_at: datetime | None = None
    closed_at: datetime | None = None


@dataclass
class MemoryTally:
    """Items that hold the numbers called ``names``."""

    names: Sequence[str]
    items: "SortedDict[ItemKey, Counted]"

    def read(self, key: ItemKey) -> Counts:
        found = self._counted(key)
        numbers = dict(zip(self.names, found.numbers, strict=True))
        return Counts(key, numbers, found.moves, found.updated_at, found.closed_at)

    def add(
        self,
        key: ItemKey,
        amounts: Mapping[str, int],
        *,
        now: datetime,
        at_most: Mapping[str, int] | None = None,
    ) -> None:
        found = self._counted(key)
        numbers = {
            name: number + amounts.get(name, 0)
            for name, number in zip(self.names, found.numbers, strict=True)
        }
        if at_most is not None and (
            found.closed_at or any(numbers[name] > most for name, most in at_most.items())
        ):
            raise LimitReached
        self._write(key, numbers, found, now)

    def close(self, key: ItemKey, *, now: datetime) -> None:
        found = self._counted(key)._replace(closed_at=now)
        self._write(key, self.read(key).numbers, found, now)

    def correct(self, before: Counts, numbers: Mapping[str, int], *, now: datetime) -> None:
        found = self._counted(before.key)
        if found.moves != before.moves:
            raise RevisionMoved
        self._write(before.key, {**self.read(before.key).numbers, **numbers}, found, now)

    def _counted(self, key: ItemKey) -> Counted:
        return self.items.get(key) or Counted((0,) * len(self.names))

    def _write(
        self, key: ItemKey, numbers: Mapping[str, int], before: Counted, now: datetime
    ) -> None:
        self.items[key] = before._replace(
            numbers=tuple(numbers[name] for name in self.names),
            moves=before.moves + 1,
            updated_at=now,
        )
