"""Takedown: staff makes a version unreadable at once, by every way, and decides what becomes of it.

A blocked version is evidence: it stays under its name, its owner can neither read nor delete it,
and its object is kept until staff deletes or unblocks it, or the account ends.
"""

import structlog
from django.utils import timezone

from files.errors import Conflict, NoSuchFile
from files.items import Entry, entry_key
from files.library import delete_version, find_file
from files.stores import FileStores
from uploads.writing import write

events = structlog.stdlib.get_logger(__name__)

ATTEMPTS = 5


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
    found = find_file(owner_id=owner_id, file_id=file_id, stores=stores, even_closed=True)
    name = found.name
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
