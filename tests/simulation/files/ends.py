"""What must be so of files when all is at rest, and after the consumer and a last sweep."""

from functools import partial

from files.accepting import accept
from files.items import Entry, Name, entry_key, usage_key
from tests.simulation.checker import End, Violation
from tests.simulation.files.reading import (
    entries_of,
    entry_of,
    names_of,
    objects_of,
    taken_by_owners,
)
from tests.simulation.files.scripts import consumer, sweeping
from tests.simulation.storage import Storage
from tests.simulation.worlds import World
from uploads.keys import PREVIEWS_PREFIX


def check_settled(storage: Storage) -> None:
    """Raise Violation unless every ready entry has its place, and marks are as lists say."""
    for name in names_of(storage):
        ready = _versions(name, storage)
        for number, entry in ready.items():
            if name.closed:
                raise Violation(f"Marks: {name.name} is deleted, and {entry.key} is ready")
            marks = name.file_id, number, number != max(ready)
            if (entry.file_id, entry.version, entry.superseded) != marks:
                raise Violation(f"Marks: those of {entry.key} are not as {name.name} says")
    for entry in entries_of(storage):
        if entry.is_ready and not entry.is_placed:
            raise Violation(f"Marks: {entry.key} is ready, and under no name")


def _versions(name: Name, storage: Storage) -> dict[int, Entry]:
    """Return the versions of a name that are ready, by number."""
    keys = [entry_key(name.owner_id, upload_id) for upload_id in name.versions]
    entries = enumerate(map(storage.entries.read, keys))
    return {number: entry for number, entry in entries if entry.is_ready}


def check_counted(storage: Storage) -> None:
    """Raise Violation unless exactly what there is is counted; that of the closed matters not."""
    for owner, taken in taken_by_owners(storage).items():
        counted = storage.usage.read(usage_key(owner))
        if dict(counted.numbers) != taken and not counted.closed_at:
            raise Violation(f"Quota: {owner} has {taken}, and {counted.numbers} are counted")


def check_replays(end: End) -> None:
    """Accept every ready file again: same answer, nothing written."""
    for entry in entries_of(end.storage):
        if entry.is_ready and entry.is_placed:
            after, again = end.after(f"replay {entry.key}", partial(_accepting, entry))
            if again != entry or after != end:
                raise Violation(f"P4: a replay of {entry.key} changes something")


def _accepting(entry: Entry, world: World) -> Entry:
    return accept(owner_id=entry.owner_id, upload_id=entry.upload_id, stores=world.file_stores)


def drained(end: End) -> End:
    """Return what there is once every event was handled, each of whose objects has its entry."""
    for _event in end.storage.queue.pending:
        end, _ = end.after("last consumer", consumer)
    if end.storage.queue.pending:
        raise Violation(f"Lost: events are never acknowledged: {end.storage.queue.pending}")
    for key in objects_of(end.storage):
        if entry_of(end.storage, key).state is None:
            raise Violation(f"Lost: {key} is there, its event was handled, and it has no entry")
    for entry in entries_of(end.storage):
        if (entry.is_ready or entry.reason) and not _is_told(entry, end.storage):
            raise Violation(f"Lost: the topic was not told that {entry.key} is {entry.state}")
    return end


def _is_told(entry: Entry, storage: Storage) -> bool:
    return f"file.{entry.state}:{entry.upload_id}" in storage.topic.published


def swept(end: End, *, weeks: int = 1) -> End:
    """Return what there is after a sweep weeks later, which must leave nothing undone."""
    end, _ = end.after(f"sweep after {weeks} weeks", partial(sweeping, weeks=weeks))
    found = end.storage
    for key in objects_of(found):
        if not entry_of(found, key).is_ready:
            raise Violation(f"P2: after a sweep {key} is still there, and is no file")
    named = {entry.preview_key for entry in entries_of(found) if entry.is_ready}
    for key in found.bucket.objects:
        if key.startswith(PREVIEWS_PREFIX) and key not in named:
            raise Violation(f"P2: after a sweep {key} is still there, and no entry names it")
    for key, _multipart in found.bucket.multiparts:
        raise Violation(f"P2: after a sweep a multipart of {key} is still open")
    for entry in entries_of(found):
        if entry.is_ready and entry.owner_id not in found.accounts:
            raise Violation(f"P2: after a sweep {entry.owner_id}, whose account is gone, has files")
    for name in names_of(found):
        if not name.closed and name.owner_id in found.accounts and not _versions(name, found):
            raise Violation(f"P2: after a sweep {name.name} is open, and has no version")
    check_settled(found)
    check_counted(found)
    return end
