"""The sweep: finds what no item names, and removes it without ever making a ghost.

An object that looks forgotten may be a moment away from being named: its confirm may have been
asleep for an hour. So the sweep first fences: it writes a fresh revision to the owner's item, on
the condition of the one just read. Whoever read the item before can no longer write to it, so
what is not named now never will be, and is safe to delete. Grace periods only decide how soon.
"""

import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby, islice
from typing import NamedTuple, TypeVar

from avatars.errors import WrongPlace
from avatars.references import Reference, Stores
from avatars.services import close_owner
from aws.bucket import ListedObject
from aws.errors import OutcomeUnknown, RevisionMoved
from uploads.keys import AVATARS_PREFIX, PENDING_PREFIX, owner_of
from uploads.lifecycle import expires_by_own_rules

T = TypeVar("T")

SCAN_BATCH = 100
NOBODY = ""  # owns what no confirm could have written
FEW = 10  # items may look wrong before there is a doubt
VERY_FEW = 3  # the same for accounts that are gone where none is left


class Kind(StrEnum):
    """What a finding is."""

    ORPHAN = "orphan"  # an object under avatars/ that its owner's item does not name
    EXPIRED = "expired"  # a pending object past its lifecycle, where no lifecycle runs
    GHOST = "ghost"  # an item that names an object that is not there
    GONE = "gone"  # an item with a picture, or still open, whose owner's account is gone
    STRANGE = "strange"  # an item that names a key this code never writes: for a person to see


class Outcome(StrEnum):
    """What became of a finding."""

    FOUND = "found"  # a dry run, or a kind that is only reported
    MENDED = "mended"
    CHANGED = "changed"  # somebody changed the item meanwhile: left for the next sweep


class Finding(NamedTuple):
    """Something that is not as it should be, and what became of it."""

    kind: Kind
    name: str  # the object's key, or the owner's id
    size: int  # bytes freed
    outcome: Outcome


@dataclass
class Sweep:
    """One sweep. Its memory does not grow with the bucket or the table, but with strange keys.

    ``existing_owners`` returns those of the given owner ids that still have an account. A failure
    to list, read or delete ends it with StorageUnavailable, a doubt whether bucket and database
    belong together with WrongPlace, and nothing more is deleted.
    """

    stores: Stores
    existing_owners: Callable[[Collection[str]], set[str]]
    now: datetime
    grace: timedelta
    delete: bool = False
    limit: int = sys.maxsize  # findings
    examined: int = 0  # items and objects so far
    suspects: int = 0  # items that looked wrong so far
    owners: int = 0  # of objects so far
    unknown: int = 0  # those of them who have no item
    force: bool = False  # go on even if most items look wrong
    after: str = ""  # the last key of avatars/ that is done with: where a later sweep can go on
    bare: bool = False  # there was not one promoted picture in the bucket

    def findings(self) -> Iterator[Finding]:
        """Yield each finding once it is dealt with: items first, then orphans, then pending."""
        # Without its bucket every item would look like a ghost; this ends the sweep instead.
        self.bare = not self.stores.bucket.list_page(prefix=AVATARS_PREFIX, limit=1).objects
        protected: set[str] = set()
        yield from self._items(protected)
        yield from self._orphans(protected)
        yield from self._expired()

    # --- items ---

    def _items(self, protected: set[str]) -> Iterator[Finding]:
        """Yield the items that are wrong; collect the strange keys, which nobody may delete."""
        references = self.stores.references.scan()
        while self.limit and (batch := list(islice(references, SCAN_BATCH))):
            existing = self.existing_owners([reference.owner_id for reference in batch])
            gone = {found.owner_id for found in batch if _is_gone(found, existing)}
            self.suspects += len(gone)
            if gone:  # all at once: a doubt must come before the first of them is closed
                few = FEW if existing else VERY_FEW
                self._doubt(self.suspects, self.examined + len(batch), few=few)
            missing = self._missing([found for found in batch if found.owner_id in existing])
            for reference in batch:
                self.examined += 1
                if reference.strange_key:
                    protected.add(reference.strange_key)
                    yield Finding(Kind.STRANGE, reference.owner_id, 0, Outcome.FOUND)
                elif reference.owner_id in gone:
                    yield from self._gone(reference)
                elif reference.live_key in missing:
                    yield from self._ghost(reference)

    def _missing(self, references: list[Reference]) -> set[str]:
        """Return the keys they name that hold no object, asking for all at once."""
        keys = [found.live_key for found in references if found.live_key]
        answers = [self.stores.later(self.stores.bucket.exists, key) for key in keys]
        try:
            return {key for key, there in zip(keys, answers, strict=True) if not there.result()}
        finally:
            for unanswered in answers:  # after a failure: nobody waits for them any more
                unanswered.cancel()

    def _gone(self, reference: Reference) -> Iterator[Finding]:
        """Close an item whose owner's account was deleted."""
        if not self._take([reference]):
            return
        if self.delete:
            close_owner(owner_id=reference.owner_id, stores=self.stores)
        yield Finding(Kind.GONE, reference.owner_id, 0, self._outcome())

    def _ghost(self, scanned: Reference) -> Iterator[Finding]:
        """Empty an item whose object is missing, unless it re-pointed since it was scanned."""
        if not self.limit:
            return
        current = self.stores.references.read(scanned.owner_id)
        if current.live_key == scanned.live_key and self._take([scanned]):
            self.suspects += 1
            # One is enough where the bucket holds no picture at all.
            few, seen = (0, 0) if self.bare else (FEW, self.examined)
            self._doubt(self.suspects, seen, few=few)
            outcome = self._write(current, current.without_avatar(now=self.now))
            yield Finding(Kind.GHOST, scanned.owner_id, 0, outcome)

    # --- objects ---

    def _orphans(self, protected: set[str]) -> Iterator[Finding]:
        """Yield the objects that no item names: each page is listed first, its items read after."""
        for page in self._pages(AVATARS_PREFIX, self.after):
            old = [found for found in page if self.now - found.last_modified >= self.grace]
            owners = sorted({owner_of(found.key) for found in old} - {NOBODY})
            references = self.stores.references.read_many(owners)
            existing = self.existing_owners(owners)
            self.owners += len(owners)
            self.unknown += sum(references[owner].revision is None for owner in owners)
            self._doubt(self.unknown, self.owners, few=FEW)
            for owner_id, objects in groupby(old, key=lambda found: owner_of(found.key)):
                named = protected | {references[owner_id].live_key} if owner_id else protected
                orphans = self._take([found for found in objects if found.key not in named])
                if orphans:
                    yield from self._remove(owner_id, orphans, close=owner_id not in existing)
            if not self.limit:
                return
            self.after = page[-1].key

    def _remove(
        self, owner_id: str, orphans: list[ListedObject], *, close: bool
    ) -> Iterator[Finding]:
        """Fence the owner's item, then delete: one fence serves all objects listed before it."""
        if owner_id == NOBODY:
            yield from self._delete(Kind.ORPHAN, orphans)
            return
        before = self.stores.references.read(owner_id)
        # A strange key must stand: it protects what it names.
        close = close and not before.strange_key
        after = before.closed(now=self.now) if close else before.fenced(now=self.now)
        unnamed = [found for found in orphans if found.key != before.live_key]
        outcome = self._write(before, after)
        if outcome is Outcome.MENDED:
            self.stores.bucket.delete([found.key for found in unnamed])
        for found in unnamed:
            yield Finding(Kind.ORPHAN, found.key, found.size, outcome)

    def _expired(self) -> Iterator[Finding]:
        """Yield the pending objects that the lifecycle rule should have taken by now."""
        for page in self._pages(PENDING_PREFIX):
            expired = self._take([found for found in page if self._past_lifecycle(found)])
            yield from self._delete(Kind.EXPIRED, expired)

    # --- shared ---

    def _pages(self, prefix: str, after: str = "") -> Iterator[list[ListedObject]]:
        """Yield the pages of a listing, until it ends or the limit is reached."""
        more = True
        while more and self.limit:
            page = self.stores.bucket.list_page(prefix=prefix, after=after)
            if page.objects:
                self.examined += len(page.objects)
                yield page.objects
            after = page.next_after
            more = bool(after)

    def _doubt(self, wrong: int, seen: int, *, few: int) -> None:
        """Stop if most of what was seen looks wrong: then something else is wrong."""
        if self.delete and not self.force and wrong > max(few, seen // 2):
            raise WrongPlace

    def _take(self, found: list[T]) -> list[T]:
        """Return as many of ``found`` as the limit still allows, and count them."""
        taken = found[: self.limit]
        self.limit -= len(taken)
        return taken

    def _delete(self, kind: Kind, objects: list[ListedObject]) -> Iterator[Finding]:
        """Delete objects that no item can ever name, so that no fence is needed."""
        if self.delete and objects:
            self.stores.bucket.delete([found.key for found in objects])
        for found in objects:
            yield Finding(kind, found.key, found.size, self._outcome())

    def _outcome(self) -> Outcome:
        return Outcome.MENDED if self.delete else Outcome.FOUND

    def _write(self, before: Reference, after: Reference) -> Outcome:
        """Write ``after`` if this is no dry run; on any failure nothing may be deleted."""
        if not self.delete:
            return Outcome.FOUND
        try:
            self.stores.references.replace(before, after)
        except (RevisionMoved, OutcomeUnknown):
            return Outcome.CHANGED
        return Outcome.MENDED

    def _past_lifecycle(self, found: ListedObject) -> bool:
        due = expires_by_own_rules(found)
        return due is not None and due <= self.now


def _is_gone(reference: Reference, existing: Collection[str]) -> bool:
    """Return whether the item is to be closed: its owner has no account any more."""
    if reference.strange_key or reference.owner_id in existing:
        return False
    return not reference.closed_at or bool(reference.avatar)
