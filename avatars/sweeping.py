"""The sweep of pictures: items without an object or an owner, and objects without an item."""

from collections.abc import Callable, Collection, Iterator
from itertools import groupby, islice

from accounts.selectors import existing_owners
from avatars.errors import Conflict
from avatars.references import Reference, Stores, live_stores
from avatars.services import close_owner
from aws.bucket import ListedObject
from uploads.keys import AVATARS_PREFIX, owner_of
from uploads.sweeping import Doubt, Finding, Kind, Options, Outcome, Progress, Sweep

SCAN_BATCH = 100
NO_OWNER = ""  # of a key that no confirm can have written

ExistingOwners = Callable[[Collection[str]], set[str]]


class AvatarSweep(Sweep):
    """One sweep of pictures. Its memory grows with strange keys only, not with bucket or table.

    ``existing_owners`` returns those of the given owner ids that still have an account. A doubt
    whether bucket, table and database belong together ends it with WrongPlace.
    """

    def __init__(
        self,
        stores: Stores,
        options: Options,
        progress: Progress,
        existing_owners: ExistingOwners,
    ) -> None:
        super().__init__(stores.bucket, options, progress)
        self.stores = stores
        self.existing_owners = existing_owners
        self.wrong_items = Doubt(options)
        self.unknown_owners = Doubt(options)
        self.items = 0  # examined so far
        self.owners = 0  # of objects, examined so far
        self.no_pictures = False  # in the whole bucket

    def findings(self) -> Iterator[Finding]:
        """Yield each finding once it is dealt with: items first, then orphans."""
        # Without its bucket every item would look like a ghost; this ends the sweep instead.
        first = self.bucket.list_page(prefix=AVATARS_PREFIX, limit=1)
        self.no_pictures = not first.objects
        protected: set[str] = set()
        yield from self._items(protected)
        yield from self._orphans(protected)

    # --- items ---

    def _items(self, protected: set[str]) -> Iterator[Finding]:
        """Yield the items that are wrong; collect the strange keys, which are never deleted."""
        references = self.stores.references.scan()
        while self.left and (batch := list(islice(references, SCAN_BATCH))):
            existing = self.existing_owners([reference.owner_id for reference in batch])
            gone = {found.owner_id for found in batch if _is_gone(found, existing)}
            # All at once: a doubt must come before the first of them is closed.
            few = Doubt.FEW if existing else Doubt.FEW_IF_NOTHING_IS_RIGHT
            self.wrong_items.add(len(gone), seen=self.items + len(batch), few=few)
            missing = self._missing([found for found in batch if found.owner_id in existing])
            for reference in batch:
                self.items += 1
                self.progress.examined += 1
                if reference.is_strange:
                    protected.add(reference.strange_key or "")
                    yield Finding(Kind.STRANGE, reference.owner_id, 0, Outcome.FOUND)
                elif reference.owner_id in gone:
                    yield from self._gone(reference)
                elif reference.live_key in missing:
                    yield from self._ghost(reference)

    def _missing(self, references: list[Reference]) -> set[str]:
        """Return the keys they name that hold no object, asking for all at once."""
        keys = [found.live_key for found in references if found.live_key]
        answers = [self.stores.later(self.bucket.exists, key) for key in keys]
        try:
            return {key for key, there in zip(keys, answers, strict=True) if not there.result()}
        finally:
            for unanswered in answers:  # after a failure the others are not needed any more
                unanswered.cancel()

    def _gone(self, reference: Reference) -> Iterator[Finding]:
        """Close an item whose owner's account was deleted."""
        if not self.take([reference]):
            return
        outcome = self.outcome
        if self.options.delete:
            try:
                close_owner(owner_id=reference.owner_id, stores=self.stores)
            except Conflict:
                outcome = Outcome.CHANGED
        yield Finding(Kind.GONE, reference.owner_id, 0, outcome)

    def _ghost(self, scanned: Reference) -> Iterator[Finding]:
        """Empty an item whose object is missing, unless it re-pointed since it was scanned."""
        if not self.left:
            return
        current = self.stores.references.read(scanned.owner_id)
        if current.live_key == scanned.live_key and self.take([scanned]):
            # One is enough where the bucket holds no picture at all.
            few, seen = (0, 0) if self.no_pictures else (Doubt.FEW, self.items)
            self.wrong_items.add(1, seen=seen, few=few)
            outcome = self.write(
                self.stores.references, current, current.emptied(now=self.options.now)
            )
            yield Finding(Kind.GHOST, scanned.owner_id, 0, outcome)

    # --- objects ---

    def _orphans(self, protected: set[str]) -> Iterator[Finding]:
        """Yield the objects that no item names: each page is listed first, its items read after."""
        for page in self.pages(AVATARS_PREFIX, self.options.after):
            old = [found for found in page if self._is_old(found)]
            owners = sorted({owner_of(found.key) for found in old} - {NO_OWNER})
            references = self.stores.references.read_many(owners)
            existing = self.existing_owners(owners)
            self.owners += len(owners)
            unknown = sum(references[owner].revision is None for owner in owners)
            self.unknown_owners.add(unknown, seen=self.owners)
            for owner_id, objects in groupby(old, key=lambda found: owner_of(found.key)):
                if owner_id and references[owner_id].unreadable:
                    continue  # its item may name any of them
                named = protected | {references[owner_id].live_key} if owner_id else protected
                orphans = self.take([found for found in objects if found.key not in named])
                if orphans:
                    yield from self._remove(owner_id, orphans, close=owner_id not in existing)
            if not self.left:
                return
            self.progress.after = page[-1].key

    def _remove(
        self, owner_id: str, orphans: list[ListedObject], *, close: bool
    ) -> Iterator[Finding]:
        """Fence the owner's item, then delete: one fence serves all objects listed before it."""
        if owner_id == NO_OWNER:
            yield from self.delete(Kind.ORPHAN, orphans)
            return
        before, now = self.stores.references.read(owner_id), self.options.now
        if before.unreadable:
            return
        # A strange key must stay: it protects what it names.
        close = close and not before.strange_key
        after = before.closed(now=now) if close else before.fenced(now=now)
        unnamed = [found for found in orphans if found.key != before.live_key]
        outcome = self.write(self.stores.references, before, after)
        if outcome is Outcome.MENDED:
            self.bucket.delete([found.key for found in unnamed])
        for found in unnamed:
            yield Finding(Kind.ORPHAN, found.key, found.size, outcome)

    def _is_old(self, found: ListedObject) -> bool:
        return self.options.now - found.last_modified >= self.options.grace


def _is_gone(reference: Reference, existing: Collection[str]) -> bool:
    """Return whether the item is to be closed: its owner has no account any more."""
    if reference.is_strange or reference.owner_id in existing:
        return False
    return not reference.closed_at or bool(reference.avatar)


def sweep_avatars(options: Options, progress: Progress) -> Iterator[Finding]:
    """Sweep the pictures of the stores that the settings name."""
    return AvatarSweep(live_stores(), options, progress, existing_owners).findings()
