"""The sweep of files: it finishes what crashes left, and deletes only what has a final entry.

An object without an entry is an upload whose event was lost: it is accepted, not deleted. Nothing
here needs a fence but previews, which an entry may be about to name: final entries are final.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from django.conf import settings

from accounts.selectors import existing_owners
from aws.bucket import ListedObject
from aws.errors import OutcomeUnknown, RevisionMoved
from files.accepting import accept
from files.closing import close_owner
from files.deleting import close_name, delete_entry, delete_versions
from files.errors import AlreadyAccepted, Conflict, NotUploaded, UnreadableItem
from files.items import ENTRY, Entry, Item, Name, Pointer, Usage, entry_key, usage_key
from files.placing import is_spent, place, settle, stale_marks, versions_of
from files.references import live_items
from files.services import end_upload
from files.stores import FileStores, live_stores
from files.tokens import is_upload_id
from uploads.keys import FILES_PREFIX, PREVIEWS_PREFIX, owner_of
from uploads.sweeping import Doubt, Finding, Kind, Options, Outcome, Progress, Sweep

SCAN_BATCH = 100
# Nobody is believed to sleep longer than this between counting a file and putting its entry.
AT_REST = timedelta(hours=6)

ExistingOwners = Callable[[Collection[str]], set[str]]
Items = Callable[[], Iterator[Item]]


@dataclass(frozen=True)
class Owned:
    """Where a key under ``files/`` or ``previews/`` belongs."""

    owner_id: str
    upload_id: str


class FileSweep(Sweep):
    """One sweep of files; its memory does not grow with bucket or table.

    ``items`` yields every item of the table, ``existing_owners`` returns those of the given owner
    ids that still have an account. A doubt whether bucket, table and database belong together ends
    it with WrongPlace.
    """

    def __init__(
        self,
        stores: FileStores,
        options: Options,
        progress: Progress,
        *,
        items: Items,
        existing_owners: ExistingOwners,
    ) -> None:
        super().__init__(stores.bucket, options, progress)
        self.stores = stores
        self.items = items
        self.existing_owners = existing_owners
        self.gone_owners = Doubt(options)
        self.ghosts = Doubt(options)
        self.owners = 0  # of items, examined so far
        self.ready = 0  # entries, examined so far
        self.closed: set[str] = set()  # owners closed by this sweep

    def findings(self) -> Iterator[Finding]:
        """Yield each finding once it is dealt with."""
        if not self.left:
            return
        # Without its bucket every entry would look like a ghost; this ends the sweep instead.
        self.bucket.list_page(prefix=FILES_PREFIX, limit=1)
        yield from self._items()
        yield from self._objects()
        yield from self._previews()
        yield from self._multiparts()

    # --- items ---

    def _items(self) -> Iterator[Finding]:
        items = self.items()
        while self.left and (batch := list(islice(items, SCAN_BATCH))):
            owners = {owner for item in batch if (owner := _owner(item))}
            existing = self.existing_owners(owners)
            yield from self._gone_owners(batch, owners, existing)
            mine = [item for item in batch if _owner(item) in existing]
            missing = self._missing(mine)
            for item in batch:
                self.progress.examined += 1
                if item.unreadable:
                    yield Finding(Kind.STRANGE, _named(item), 0, Outcome.FOUND)
                elif _owner(item) in existing:
                    yield from self._item(item, is_missing=item in missing)

    def _gone_owners(
        self, batch: list[Item], owners: set[str], existing: set[str]
    ) -> Iterator[Finding]:
        """Close the owners whose accounts are gone and who have something left."""
        gone = {_owner(item) for item in batch if _is_left(item)} - existing - self.closed
        self.owners += len(owners)
        few = Doubt.FEW if existing else Doubt.FEW_IF_NOTHING_IS_RIGHT
        self.gone_owners.add(len(gone), seen=self.owners, few=few)
        for owner_id in self.take(sorted(gone)):
            yield self._close(owner_id)

    def _close(self, owner_id: str) -> Finding:
        self.closed.add(owner_id)
        outcome = self._mended(lambda: close_owner(owner_id=owner_id, stores=self.stores))
        return Finding(Kind.GONE, owner_id, 0, outcome)

    def _missing(self, items: list[Item]) -> list[Entry]:
        """Return the ready entries without an object, asking for all at once."""
        ready = [item for item in items if isinstance(item, Entry) and item.is_ready]
        self.ready += len(ready)
        answers = [self.stores.later(self.bucket.exists, entry.key) for entry in ready]
        try:
            return [
                entry for entry, there in zip(ready, answers, strict=True) if not there.result()
            ]
        finally:
            for unanswered in answers:  # after a failure the others are not needed any more
                unanswered.cancel()

    def _item(self, item: Item, *, is_missing: bool) -> Iterator[Finding]:
        if isinstance(item, Entry) and is_missing:
            yield from self._ghost(item)
        elif isinstance(item, Entry) and item.is_ready and not item.is_placed:
            yield from self._unsettled(
                item, item.upload_id, lambda: place(item, stores=self.stores)
            )
        elif isinstance(item, Name):
            yield from self._name(item)
        elif isinstance(item, Usage):
            yield from self._usage(item)

    def _ghost(self, scanned: Entry) -> Iterator[Finding]:
        """Delete an entry whose object is missing, unless it was deleted since it was scanned."""
        entry = self.stores.entries.read(entry_key(scanned.owner_id, scanned.upload_id))
        if entry.is_ready and self.take([entry]):
            self.ghosts.add(1, seen=self.ready)
            outcome = self._mended(
                lambda: delete_entry(entry, stores=self.stores, even_blocked=True)
            )
            yield Finding(Kind.GHOST, entry.key, 0, outcome)

    def _name(self, name: Name) -> Iterator[Finding]:
        """Finish the deletion of a closed name; set the marks of an open one."""
        entries = versions_of(name, stores=self.stores)
        if name.closed:
            if any(entry.is_ready and not entry.blocked_at for entry in entries.values()):
                yield from self._unsettled(
                    name, name.file_id or "", lambda: delete_versions(name, stores=self.stores)
                )
        elif is_spent(name, entries):
            yield from self._unsettled(
                name, name.file_id or "", lambda: close_name(name, stores=self.stores)
            )
        elif stale_marks(name, entries):
            yield from self._unsettled(
                name, name.file_id or "", lambda: settle(name, stores=self.stores)
            )

    def _unsettled(self, item: Item, name: str, finish: Callable[[], object]) -> Iterator[Finding]:
        if self._is_old(item.updated_at) and self.take([item]):
            yield Finding(Kind.UNSETTLED, name, 0, self._mended(finish))

    def _usage(self, usage: Usage) -> Iterator[Finding]:
        """Count anew what an owner at rest uses."""
        before = self.stores.usage.read(usage_key(usage.owner_id))
        at_rest = before.updated_at is None or self.options.now - before.updated_at >= AT_REST
        if before.closed_at or not at_rest:
            return
        numbers = self._counted(usage.owner_id)
        if numbers != dict(before.numbers) and self.take([usage]):
            outcome = self._mended(
                lambda: self.stores.usage.correct(before, numbers, now=self.options.now)
            )
            yield Finding(Kind.MISCOUNTED, usage.owner_id, 0, outcome)

    def _counted(self, owner_id: str) -> dict[str, int]:
        numbers, after = {"bytes_used": 0, "file_count": 0}, ""
        while True:
            page = self.stores.entries.query(
                entry_key(owner_id, "")[0], prefix=ENTRY, after=after, limit=1000
            )
            ready = [entry for entry in page.values if entry.is_ready]
            numbers["bytes_used"] += sum(entry.size or 0 for entry in ready)
            numbers["file_count"] += len(ready)
            if not page.next_after:
                return numbers
            after = page.next_after

    # --- objects ---

    def _objects(self) -> Iterator[Finding]:
        """Accept the objects without an entry; delete those whose entry is final."""
        for page in self.pages(FILES_PREFIX, self.options.after):
            yield from self._each(page, self._object)
            if self.left:
                self.progress.after = page[-1].key

    def _previews(self) -> Iterator[Finding]:
        """Delete the previews that no entry names."""
        for page in self.pages(PREVIEWS_PREFIX, self.options.after):
            yield from self._each(page, self._preview)
            if self.left:
                self.progress.after = page[-1].key

    def _each(
        self,
        page: list[ListedObject],
        look: Callable[[ListedObject, Entry], Iterator[Finding]],
    ) -> Iterator[Finding]:
        """Look at the old ones of a page, each with its entry; close owners who are gone."""
        old = {found: _owned(found.key) for found in page if self._is_old(found.last_modified)}
        known = {owned for owned in old.values() if owned}
        existing = self.existing_owners({owned.owner_id for owned in known})
        keys = [entry_key(owned.owner_id, owned.upload_id) for owned in known]
        entries = self.stores.entries.read_many(keys)
        for found, owned in old.items():
            if not owned:
                yield Finding(Kind.STRANGE, found.key, 0, Outcome.FOUND)
            elif owned.owner_id in existing:
                yield from look(found, entries[entry_key(owned.owner_id, owned.upload_id)])
            elif owned.owner_id not in self.closed and self.take([found]):
                self.gone_owners.add(1, seen=self.owners + len(known))
                yield self._close(owned.owner_id)

    def _object(self, found: ListedObject, entry: Entry) -> Iterator[Finding]:
        if entry.unreadable or entry.is_ready or not self.left:
            return
        if entry.is_final:
            yield from self.delete(Kind.ORPHAN, self.take([found]))
            return
        self.take([found])
        outcome = self._mended(
            lambda: accept(owner_id=entry.owner_id, upload_id=entry.upload_id, stores=self.stores)
        )
        yield Finding(Kind.ARRIVED, found.key, 0, outcome)

    def _preview(self, found: ListedObject, entry: Entry) -> Iterator[Finding]:
        """Fence the entry before its preview is deleted: a consumer may be about to name it."""
        if entry.is_ready and entry.preview_key != found.key:
            # The preview before this one may have fenced it.
            entry = self.stores.entries.read(entry_key(entry.owner_id, entry.upload_id))
        if entry.unreadable or entry.preview_key == found.key or not self.take([found]):
            return
        outcome = self.outcome
        if entry.is_ready:
            fresh = entry.changed(now=self.options.now)
            outcome = self.write(self.stores.entries, entry, fresh)
        if outcome is Outcome.MENDED:
            self.bucket.delete([found.key])
        yield Finding(Kind.ORPHAN, found.key, found.size, outcome)

    def _multiparts(self) -> Iterator[Finding]:
        """End the uploads in parts that the lifecycle should have ended by now."""
        if not self.left:
            return
        page = self.stores.bucket.open_multiparts(prefix=FILES_PREFIX)
        while page.uploads:
            for found in page.uploads:
                self.progress.examined += 1
                owned = _owned(found.key)
                age = self.options.now - found.begun_at
                if owned and age >= timedelta(days=settings.FILE_UPLOAD_DAYS) and self.take([1]):
                    outcome = self._mended(partial(self._end, owned, found.upload_id))
                    yield Finding(Kind.EXPIRED, found.key, 0, outcome)
            if not (page.next_after and self.left):
                return
            page = self.stores.bucket.open_multiparts(prefix=FILES_PREFIX, after=page.next_after)

    def _end(self, owned: Owned, multipart_id: str) -> None:
        try:
            end_upload(
                owner_id=owned.owner_id,
                upload_id=owned.upload_id,
                multipart_id=multipart_id,
                stores=self.stores,
            )
        except AlreadyAccepted:
            key = f"{FILES_PREFIX}{owned.owner_id}/{owned.upload_id}"
            self.stores.bucket.abort_multipart(key, upload_id=multipart_id)

    # --- what they share ---

    def _mended(self, mend: Callable[[], object]) -> Outcome:
        """Mend something, if this is no dry run; return what became of it."""
        if not self.options.delete:
            return Outcome.FOUND
        try:
            mend()
        except (Conflict, UnreadableItem, NotUploaded, RevisionMoved, OutcomeUnknown):
            return Outcome.CHANGED
        return Outcome.MENDED

    def _is_old(self, moment: datetime | None) -> bool:
        return moment is None or self.options.now - moment >= self.options.grace


def _owned(key: str) -> Owned | None:
    """Return whose object is at ``key``; None if this code never writes such a key."""
    owner_id, upload_id = owner_of(key), key.split("/")[2] if key.count("/") >= 2 else ""
    levels = 2 if key.startswith(FILES_PREFIX) else 3
    is_ours = owner_id and is_upload_id(upload_id) and key.count("/") == levels
    return Owned(owner_id, upload_id) if is_ours else None


def _owner(item: Item) -> str:
    return "" if isinstance(item, Pointer) else str(getattr(item, "owner_id", ""))


def _is_left(item: Item) -> bool:
    """Return whether an owner who is gone must be closed because of this item."""
    if isinstance(item, Entry):
        return item.is_ready
    return isinstance(item, Usage) and not item.closed_at


def _named(item: Item) -> str:
    named = ("upload_id", "name", "file_id", "owner_id")
    return str(next((value for name in named if (value := getattr(item, name, ""))), ""))


def sweep_files(options: Options, progress: Progress) -> Iterator[Finding]:
    """Sweep the files of the stores that the settings name."""
    return FileSweep(
        live_stores(),
        options,
        progress,
        items=live_items().scan,
        existing_owners=existing_owners,
    ).findings()
