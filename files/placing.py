"""How a ready entry comes under its name: as the next version of a file, or as a new file.

The list of a name's versions decides; what entries say of it (``version``, ``superseded``) are
marks for reading lists in one request. Whoever changes the list, or takes a version away, sets the
marks after that. So marks may lag while a process is between two requests, and agree with the list
as soon as nothing is under way.
"""

import random
import time
from collections.abc import Mapping

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac

from files.deleting import delete_entry, delete_versions
from files.errors import Conflict
from files.items import ENTRY, Entry, Name, Pointer, entry_key, name_key, pointer_key
from files.stores import FileStores
from uploads.writing import write

ATTEMPTS = 20


def place(entry: Entry, *, stores: FileStores) -> Entry:
    """Enter a ready entry under its name; return it with its version, or deleted meanwhile.

    Asked again it goes on where an earlier attempt ended. Raises Conflict and StorageUnavailable.
    """
    for attempt in range(ATTEMPTS):
        if not entry.is_ready or entry.is_placed:
            return entry
        _back_off(attempt)
        name = stores.names.read(name_key(entry.owner_id, entry.name or ""))
        if name.revision is not None:
            # After the name: an entry that an earlier version of the name held may be deleted.
            entry = stores.entries.read(entry_key(entry.owner_id, entry.upload_id))
            if not entry.is_ready or entry.is_placed:
                return entry
        if name.closed and name.versions:
            delete_versions(name, stores=stores)
            if entry.upload_id in name.versions:
                entry = stores.entries.read(entry_key(entry.owner_id, entry.upload_id))
                continue
        listed = _listed(name, entry, stores=stores)
        if listed is None:
            continue
        entry = settle(listed, stores=stores).get(entry.upload_id, entry)
    raise Conflict


def _listed(name: Name, entry: Entry, *, stores: FileStores) -> Name | None:
    """Return the name once it lists the entry; None if another changed it first."""
    now = timezone.now()
    is_live = name.file_id is not None and not name.closed
    if is_live and entry.upload_id in name.versions:
        return name
    if entry.restores and not (is_live and name.file_id == entry.restores):
        delete_entry(entry, stores=stores)  # its file was deleted while it was copied
        return None
    if is_live and len(name.versions) >= settings.FILE_MAX_VERSIONS:
        is_live = not is_spent(name, versions_of(name, stores=stores))
    if is_live and len(name.versions) >= settings.FILE_MAX_VERSIONS:
        delete_entry(entry, stores=stores)
        return None
    if is_live:
        after = name.appended(entry.upload_id, now=now)
    else:
        file_id = file_id_of(entry.upload_id)
        _point(file_id, name, stores=stores)
        after = name.begun(file_id, entry.upload_id, now=now)
    written = write(stores.names, name_key(name.owner_id, name.name), name, after)
    return written.value if written.mine else None


def _point(file_id: str, name: Name, *, stores: FileStores) -> None:
    """Write the pointer of a file that is about to be; it never changes again."""
    pointer = Pointer(file_id=file_id)
    after = pointer.to(name.owner_id, name.name, now=timezone.now())
    write(stores.pointers, pointer_key(file_id), pointer, after)


def file_id_of(upload_id: str) -> str:
    """Return the id of a file whose version 0 is this upload.

    Every attempt gets the same, and upload ids, which logs and keys show, do not tell it: the id
    may be a capability.
    """
    return salted_hmac("files.id", upload_id, algorithm="sha256").hexdigest()[:32]


def is_spent(name: Name, entries: Mapping[str, Entry]) -> bool:
    """Return whether an open name has had versions, and none of them is left.

    A crash after the deletion of the last one leaves it so; the next file begins anew.
    """
    return bool(name.versions) and all(entry.is_final for entry in entries.values())


def is_full(name: Name, *, stores: FileStores) -> bool:
    """Return whether no version more can come under a name."""
    if name.closed or len(name.versions) < settings.FILE_MAX_VERSIONS:
        return False
    return not is_spent(name, versions_of(name, stores=stores))


# --- Marks ---


def settle(name: Name, *, stores: FileStores) -> dict[str, Entry]:
    """Set the marks of all versions as the list says; return the entries by upload id.

    ``name`` is as read or written just now. If a version comes to the front again, the list is
    read once more after that: a version that was appended meanwhile did not know of it. Raises
    Conflict and StorageUnavailable.
    """
    for attempt in range(ATTEMPTS):
        _back_off(attempt)
        entries = versions_of(name, stores=stores)
        forward, lost = False, False
        for before, after in stale_marks(name, entries):
            key = entry_key(before.owner_id, before.upload_id)
            written = write(stores.entries, key, before, after)
            entries[before.upload_id] = written.value
            lost = lost or not written.mine
            forward = forward or (before.superseded and not after.superseded)
        if not (forward or lost):
            return entries
        name = stores.names.read(name_key(name.owner_id, name.name))
    raise Conflict


def versions_of(name: Name, *, stores: FileStores) -> dict[str, Entry]:
    """Return the entries of a name's versions by upload id, in order."""
    keys = [entry_key(name.owner_id, upload_id) for upload_id in name.versions]
    found = stores.entries.read_many(keys)
    return {key[1].removeprefix(ENTRY): found[key] for key in keys}


def stale_marks(name: Name, entries: Mapping[str, Entry]) -> list[tuple[Entry, Entry]]:
    """Return the ready versions whose marks are not as the list says, each with what it becomes."""
    if name.closed:
        return []
    now = timezone.now()
    ready = [number for number, found in enumerate(entries.values()) if found.is_ready]
    stale = []
    for number, entry in enumerate(entries.values()):
        marks = {
            "file_id": name.file_id,
            "version": number,
            "superseded": number != (ready or [0])[-1],
        }
        if entry.is_ready and any(getattr(entry, mark) != marks[mark] for mark in marks):
            stale.append((entry, entry.changed(now=now, **marks)))
    return stale


def _back_off(attempt: int) -> None:
    """Wait at random before another attempt, longer each time."""
    if attempt:
        time.sleep(random.uniform(0, 0.02 * min(attempt, 10)))  # noqa: S311 (no secret)
