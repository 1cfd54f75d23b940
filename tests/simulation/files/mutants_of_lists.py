"""The rules of room and of names, broken one at a time."""

from dataclasses import replace
from typing import Any
from unittest.mock import patch

from aws.errors import OutcomeUnknown
from files import accepting, deleting, library, placing, room, sweeping
from files.items import Entry, Name, entry_key, usage_key
from files.stores import FileStores
from tests.simulation import network
from tests.simulation.clock import BEGINNING
from tests.simulation.files import scripts
from tests.simulation.files.breaking import do_nothing, removing, unconditional, wherever
from tests.simulation.mutant import Mutant, Patch
from uploads.writing import write

# --- Room ---


def put_known_by_its_revision_alone() -> Patch:
    """Take an entry that another process has changed for that of another attempt."""

    def forgetful(before: Entry, judged: Entry, *, stores: FileStores) -> Entry:
        key = entry_key(before.owner_id, before.upload_id)
        written = write(stores.entries, key, before, judged)
        if judged.is_ready and not written.mine:
            room.give_back(judged, stores=stores)
        return written.value

    return patch.object(accepting, "_put", forgetful)


def room_shared_by_attempts() -> Patch:
    """Take room once for all attempts to accept an object."""
    take = room.take_room

    def shared(entry: Entry, *, stores: FileStores) -> None:
        if not stores.usage.read(usage_key(entry.owner_id)).numbers["file_count"]:
            take(entry, stores=stores)

    return patch.object(accepting, "take_room", shared)


def room_taken_after_the_put() -> Patch:
    """Count a file once it is there."""
    put = accepting._put

    def late(before: Entry, judged: Entry, *, stores: FileStores) -> Entry:
        found = put(before, judged, stores=stores)
        if found.revision == judged.revision and found.is_ready:
            room.take_room(found, stores=stores)
        return found

    return patch.multiple(accepting, _put=late, take_room=do_nothing, give_back=do_nothing)


def room_given_back_again() -> Patch:
    """Give room back until an answer comes."""
    give = room.give_back

    def insisting(entry: Entry, *, stores: FileStores) -> None:
        amounts = {"bytes_used": -(entry.size or 0), "file_count": -1}
        try:
            stores.usage.add(usage_key(entry.owner_id), amounts, now=BEGINNING)
        except OutcomeUnknown:
            give(entry, stores=stores)

    return patch.multiple(accepting, give_back=insisting)


def room_never_given_back() -> Patch:
    """Keep the room of an attempt that another one was faster than."""
    return patch.object(accepting, "give_back", do_nothing)


def additions_repeated_by_the_sdk() -> Patch:
    """Let the SDK repeat an addition whose answer is lost."""
    return patch.object(network, "FAULTS_OF_A_WRITE_SENT_ONCE", network.FAULTS_OF_A_WRITE)


def full_means_full() -> Patch:
    """Accept without a bound."""
    return patch.object(room, "limits", lambda: {"bytes_used": 10**9, "file_count": 10**9})


# --- Names ---


def appended_without_a_condition() -> Patch:
    """Write the list of versions over whatever is there."""
    return unconditional(Name)


def name_removed_instead_of_closed() -> Patch:
    """Remove the name of a deleted file."""
    return removing(Name, lambda name: name.closed)


def entry_not_read_after_the_name() -> Patch:
    """Enter an entry as it was read before the name."""
    place = placing.place

    def stale(entry: Entry, *, stores: FileStores) -> Entry:
        return place(entry, stores=replace(stores, entries=_Stale(stores.entries, entry)))

    return patch.object(accepting, "place", stale)


class _Stale:
    """Entries of which one is read as it was at first, until it is written."""

    def __init__(self, entries: Any, entry: Entry) -> None:
        self._entries = entries
        self._entry = entry

    def __getattr__(self, name: str) -> Any:
        return getattr(self._entries, name)

    def read(self, key: Any) -> Entry:
        return self._entry


def pointer_written_last() -> Patch:
    """Begin a file, and write the pointer to it after that."""
    enter, point = placing._listed, placing._point

    def late(name: Name, entry: Entry, *, stores: FileStores) -> Name | None:
        after = enter(name, entry, stores=stores)
        if after and len(after.versions) == 1:
            point(str(after.file_id), after, stores=stores)
        return after

    return patch.multiple(placing, _listed=late, _point=lambda *_, **__: None)


def versions_settled_once() -> Patch:
    """Bring a version forward without another look at the list."""

    def once(name: Name, *, stores: FileStores) -> dict[str, Entry]:
        entries = placing.versions_of(name, stores=stores)
        for before, after in placing.stale_marks(name, entries):
            key = entry_key(before.owner_id, before.upload_id)
            entries[before.upload_id] = write(stores.entries, key, before, after).value
        return entries

    return wherever("settle", once)


def closed_after_its_versions() -> Patch:
    """Delete the versions of a file, and close its name after that."""

    def late(*, owner_id: str, file_id: str, stores: FileStores) -> None:
        name = library._name_of(owner_id, file_id, stores=stores)
        deleting.delete_versions(name, stores=stores)
        name = library._name_of(owner_id, file_id, stores=stores)
        deleting.close_name(name, stores=stores)

    return patch.object(scripts, "delete_file", late)


def copy_entered_under_another_file() -> Patch:
    """Enter a copy that is to restore a version under whatever file has the name by then."""
    enter = placing._listed

    def anywhere(name: Name, entry: Entry, *, stores: FileStores) -> Name | None:
        return enter(name, replace(entry, restores=None), stores=stores)

    return patch.object(placing, "_listed", anywhere)


def name_without_versions_left_open() -> Patch:
    """Leave a name open whose last version was deleted by a process that died then."""
    return patch.object(sweeping, "is_spent", lambda name, entries: False)


AGAIN = "file: two confirms, upload again"
MUTANTS = [
    Mutant(put_known_by_its_revision_alone, "file: confirm, sweep", "Quota"),
    Mutant(room_shared_by_attempts, AGAIN, "Quota", 0),
    Mutant(room_taken_after_the_put, "file: confirm, sweep", "Quota", 0),
    Mutant(room_given_back_again, AGAIN, "Quota"),
    Mutant(room_never_given_back, AGAIN, "Quota", 0),
    Mutant(additions_repeated_by_the_sdk, AGAIN, "Quota"),
    Mutant(full_means_full, "file: room for one", "Quota", 0),
    Mutant(appended_without_a_condition, "file: two versions", "Versions", 0),
    Mutant(name_removed_instead_of_closed, "file: delete, late confirm", "Versions", 0),
    Mutant(entry_not_read_after_the_name, "file: confirm sleeps", "Versions", 0),
    Mutant(pointer_written_last, "file: two versions", "Versions", 0),
    Mutant(versions_settled_once, "file: delete last, next one", "Marks", 0),
    Mutant(closed_after_its_versions, "file: delete, confirm of the next", "Lost", 0),
    Mutant(copy_entered_under_another_file, "file: restore, begun anew", "Versions", 0),
    Mutant(name_without_versions_left_open, "file: delete version, next one", "P2"),
]
