"""Takedown: staff makes a version unreadable at once, by every way, and decides what becomes of it.

A blocked version is evidence: it stays under its name, its owner can neither read nor delete it,
and its object is kept until staff deletes or unblocks it, or the account ends.
"""

from dataclasses import dataclass

import structlog
from django.utils import timezone

from files.errors import Conflict, NoSuchFile
from files.items import Entry, Name, entry_key, name_key, pointer_key
from files.library import delete_version
from files.placing import versions_of
from files.stores import FileStores
from uploads.writing import write

events = structlog.stdlib.get_logger(__name__)

ATTEMPTS = 5


@dataclass(frozen=True)
class Holding:
    """A file as staff sees it: all versions that are there, newest first, blocked ones, too."""

    name: Name
    entries: list[Entry]


def holding_of(*, owner_id: str, file_id: str, stores: FileStores) -> Holding:
    """Return a file of the owner, closed or not; raises NoSuchFile and StorageUnavailable."""
    pointer = stores.pointers.read(pointer_key(file_id))
    if pointer.owner_id != owner_id or pointer.name is None:
        raise NoSuchFile
    name = stores.names.read(name_key(owner_id, pointer.name))
    if name.file_id != file_id:
        raise NoSuchFile
    entries = [entry for entry in versions_of(name, stores=stores).values() if entry.is_ready]
    if not entries:
        raise NoSuchFile
    return Holding(name, entries[::-1])


def block_version(*, owner_id: str, file_id: str, version: int, stores: FileStores) -> None:
    """Make a version unreadable, and delete its preview, which browsers know by a URL of its own.

    A URL of the object that was signed before that is good for ``DOWNLOAD_URL_SECONDS`` at most.
    Repeated it does nothing. Raises NoSuchFile, Conflict and StorageUnavailable.
    """
    entry = _changed(owner_id, file_id, version, blocked=True, stores=stores)
    previews = stores.bucket.list_page(prefix=entry.preview_prefix).objects
    stores.bucket.delete([found.key for found in previews])
    events.info("file_version_blocked", owner_id=owner_id, file_id=file_id, version=version)


def unblock_version(*, owner_id: str, file_id: str, version: int, stores: FileStores) -> None:
    """Make a blocked version readable again; its preview does not come back.

    Repeated it does nothing. Raises NoSuchFile, Conflict and StorageUnavailable.
    """
    _changed(owner_id, file_id, version, blocked=False, stores=stores)
    events.info("file_version_unblocked", owner_id=owner_id, file_id=file_id, version=version)


def take_down(*, owner_id: str, file_id: str, version: int, stores: FileStores) -> None:
    """Delete a version for good, blocked or not; without any other the file is deleted.

    Repeated it does nothing. Raises NoSuchFile, Conflict and StorageUnavailable.
    """
    delete_version(
        owner_id=owner_id, file_id=file_id, version=version, stores=stores, even_blocked=True
    )


def _changed(
    owner_id: str, file_id: str, version: int, *, blocked: bool, stores: FileStores
) -> Entry:
    """Return the entry of a version once it is blocked, or not."""
    name = holding_of(owner_id=owner_id, file_id=file_id, stores=stores).name
    if not 0 <= version < len(name.versions):
        raise NoSuchFile
    key = entry_key(owner_id, name.versions[version])
    for _attempt in range(ATTEMPTS):
        entry = stores.entries.read(key)
        if not entry.is_ready:
            raise NoSuchFile
        if bool(entry.blocked_at) == blocked:
            return entry
        now = timezone.now()
        after = entry.changed(
            now=now,
            blocked_at=now if blocked else None,
            preview_key=None,
        )
        written = write(stores.entries, key, entry, after)
        if written.mine:
            return written.value
    raise Conflict
