"""What every kind's sweep has in common: it lists, fences, deletes, counts and doubts.

An object that looks forgotten may be a moment away from being named: its confirm may have been
asleep for an hour. So a sweep first fences: it writes a fresh revision to the owner's item, on
the condition of the one just read. A confirm that read the item before can no longer write to it,
so what is not named now never will be, and is safe to delete. Grace periods only decide how soon.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, TypeVar

from aws.bucket import ListedObject, live_bucket
from aws.errors import OutcomeUnknown, RevisionMoved
from uploads.errors import WrongPlace
from uploads.keys import PENDING_PREFIX
from uploads.lifecycle import expires_by_own_rules
from uploads.stores import Listed, Replaced

T = TypeVar("T")
Value = TypeVar("Value")


class Kind(StrEnum):
    """What a finding is."""

    ORPHAN = "orphan"  # a promoted object that its owner's item does not name
    EXPIRED = "expired"  # a pending object past its lifecycle, where no lifecycle runs
    GHOST = "ghost"  # an item that names an object that is not there
    GONE = "gone"  # an item with a picture, or still open, whose owner's account is gone
    ARRIVED = "arrived"  # an object whose event was lost: it is accepted
    UNSETTLED = "unsettled"  # a file that is not under its name, or whose marks are out of date
    MISCOUNTED = "miscounted"  # what an owner uses is counted wrongly
    STRANGE = "strange"  # an item that names a key this code never writes: for a person to see


class Outcome(StrEnum):
    """What became of a finding."""

    FOUND = "found"  # a dry run, or a kind that is only reported
    MENDED = "mended"
    CHANGED = "changed"  # the item was changed meanwhile: left for the next sweep


class Finding(NamedTuple):
    """Something that is not as it should be, and what became of it."""

    kind: Kind
    name: str  # the object's key, or the owner's id
    size: int  # bytes freed
    outcome: Outcome


@dataclass(frozen=True)
class Options:
    """What a sweep was asked to do; ``after`` is the key that an earlier one stopped at."""

    now: datetime
    grace: timedelta
    delete: bool = False
    force: bool = False
    limit: int = sys.maxsize  # findings
    after: str = ""


@dataclass
class Progress:
    """How far a sweep has come; a later one can go on after the key ``after``."""

    examined: int = 0  # items and objects
    found: int = 0
    after: str = ""


class Doubt:
    """Stops a sweep that finds most of what it sees wrong: then something else is wrong.

    With the wrong bucket every item looks like a ghost, with the wrong table every object like an
    orphan, with the wrong database every owner like gone.
    """

    FEW = 10  # may be wrong in any case
    FEW_IF_NOTHING_IS_RIGHT = 3

    def __init__(self, options: Options) -> None:
        self._on = options.delete and not options.force
        self.wrong = 0

    def add(self, wrong: int, *, seen: int, few: int = FEW) -> None:
        """Count ``wrong`` more; raise WrongPlace if that is most of all ``seen`` so far."""
        self.wrong += wrong
        if self._on and wrong and self.wrong > max(few, seen // 2):
            raise WrongPlace


class Sweep:
    """The steps that the sweeps of all kinds are made of.

    A failure to list, read or delete ends it with StorageUnavailable, and nothing more is deleted.
    """

    def __init__(self, bucket: Listed, options: Options, progress: Progress) -> None:
        self.bucket = bucket
        self.options = options
        self.progress = progress

    def pages(self, prefix: str, after: str = "") -> Iterator[list[ListedObject]]:
        """Yield the pages of a listing, until it ends or the limit of findings is reached."""
        more = True
        while more and self.left:
            page = self.bucket.list_page(prefix=prefix, after=after)
            if page.objects:
                self.progress.examined += len(page.objects)
                yield page.objects
            after = page.next_after
            more = bool(after)

    @property
    def left(self) -> int:
        """How many findings the limit still allows."""
        return self.options.limit - self.progress.found

    def take(self, found: list[T]) -> list[T]:
        """Return as many of ``found`` as the limit still allows, and count them."""
        taken = found[: self.left]
        self.progress.found += len(taken)
        return taken

    def write(self, references: Replaced[Value], before: Value, after: Value) -> Outcome:
        """Write ``after`` if this is no dry run; on any failure nothing may be deleted."""
        if not self.options.delete:
            return Outcome.FOUND
        try:
            references.replace(before, after)
        except (RevisionMoved, OutcomeUnknown):
            return Outcome.CHANGED
        return Outcome.MENDED

    def delete(self, kind: Kind, objects: list[ListedObject]) -> Iterator[Finding]:
        """Delete objects that no item can ever name, so that no fence is needed."""
        if self.options.delete and objects:
            self.bucket.delete([found.key for found in objects])
        for found in objects:
            yield Finding(kind, found.key, found.size, self.outcome)

    @property
    def outcome(self) -> Outcome:
        """What becomes of a finding that nothing can change meanwhile."""
        return Outcome.MENDED if self.options.delete else Outcome.FOUND


class PendingSweep(Sweep):
    """Finds what the lifecycle should have taken under ``pending/``; no item ever names it."""

    def findings(self) -> Iterator[Finding]:
        """Yield the pending objects that the lifecycle rule should have taken by now."""
        for page in self.pages(PENDING_PREFIX):
            expired = [found for found in page if self._is_due(found)]
            yield from self.delete(Kind.EXPIRED, self.take(expired))

    def _is_due(self, found: ListedObject) -> bool:
        due = expires_by_own_rules(found)
        return due is not None and due <= self.options.now


def sweep_pending(options: Options, progress: Progress) -> Iterator[Finding]:
    """Sweep what is pending in the bucket that the settings name."""
    return PendingSweep(live_bucket(), options, progress).findings()
