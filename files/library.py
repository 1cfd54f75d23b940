"""What owners do with their files: look at them, download, restore and delete."""

from dataclasses import dataclass, replace

import structlog
from django.conf import settings
from django.utils import timezone

from aws.errors import (
    ObjectMissing,
    OutcomeUnknown,
)
from files import errors
from files.accepting import accept
from files.deleting import close_name, delete_entry, delete_versions
from files.errors import (
    Blocked,
    Conflict,
    NoSuchFile,
    Refused,
    TooLargeToRestore,
)
from files.items import Entry, Name, Pointer, State, entry_key, name_key, pointer_key
from files.names import disposition
from files.placing import settle, versions_of
from files.services import check_room, wanted_object
from files.stores import FileStores
from files.tokens import (
    new_upload_id,
)

events = structlog.stdlib.get_logger(__name__)

MAX_COPY_BYTES = 5 * 1024**3
WRITE_ATTEMPTS = 5
RESTORES = "restores"  # in the metadata of a copy: the file that it is to be a version of


@dataclass(frozen=True)
class FileVersions:
    """A file: its name, and its versions that can be had, newest first."""

    name: Name
    entries: list[Entry]


def find_file(
    *, owner_id: str, file_id: str, stores: FileStores, even_closed: bool = False
) -> FileVersions:
    """Return the owner's file, newest version first; raises NoSuchFile and StorageUnavailable.

    ``even_closed`` is for staff: a version that was blocked stays when its file is deleted.
    """
    name = _name_of(owner_id, file_id, stores=stores)
    return _versions(name, file_id, stores=stores, even_closed=even_closed)


def find_version(*, owner_id: str, file_id: str, version: int | None, stores: FileStores) -> Entry:
    """Return a version of the owner's file, the newest if ``version`` is None.

    Raises NoSuchFile, Blocked and StorageUnavailable.
    """
    return _readable(find_file(owner_id=owner_id, file_id=file_id, stores=stores), version)


def find_shared_version(*, file_id: str, version: int | None, stores: FileStores) -> Entry:
    """Return a version of a file, whoever its owner is: the caller decides who may read it.

    Raises NoSuchFile, Blocked and StorageUnavailable.
    """
    name = _name_at(stores.pointers.read(pointer_key(file_id)), stores=stores)
    return _readable(_versions(name, file_id, stores=stores), version)


def _name_of(owner_id: str, file_id: str, *, stores: FileStores) -> Name:
    """Return the name that the pointer of the owner's file leads to; raises NoSuchFile."""
    pointer = stores.pointers.read(pointer_key(file_id))
    if pointer.owner_id != owner_id:
        raise NoSuchFile
    return _name_at(pointer, stores=stores)


def _name_at(pointer: Pointer, *, stores: FileStores) -> Name:
    if pointer.owner_id is None or pointer.name is None:
        raise NoSuchFile
    return stores.names.read(name_key(pointer.owner_id, pointer.name))


def _versions(
    name: Name, file_id: str, *, stores: FileStores, even_closed: bool = False
) -> FileVersions:
    """Return the file of a name, if it is this one and has versions; else raise NoSuchFile."""
    if name.file_id != file_id or (name.closed and not even_closed):
        raise NoSuchFile
    entries = [entry for entry in versions_of(name, stores=stores).values() if entry.is_ready]
    if not entries:
        raise NoSuchFile
    return FileVersions(name, entries[::-1])


def _readable(found: FileVersions, version: int | None) -> Entry:
    """Return one version, the newest without a number; raises NoSuchFile and Blocked."""
    wanted = found.entries[0].version if version is None else version
    for entry in found.entries:
        if entry.version == wanted:
            if entry.blocked_at:
                raise Blocked
            return entry
    raise NoSuchFile


def download_url(entry: Entry, *, stores: FileStores) -> str:
    """Return a URL that gives the object as a download under its name, good for a minute."""
    return stores.bucket.presigned_download(
        entry.key,
        disposition=disposition(entry.name or ""),
        content_type=entry.content_type or "application/octet-stream",
        seconds=settings.DOWNLOAD_URL_SECONDS,
        now=timezone.now(),
    )


def delete_file(*, owner_id: str, file_id: str, stores: FileStores) -> None:
    """Delete all versions of the owner's file; its name may then begin another file.

    Repeated it does nothing, or goes on where a failure ended it. Raises NoSuchFile, Blocked,
    Conflict and StorageUnavailable.
    """
    for _attempt in range(WRITE_ATTEMPTS):
        name = _name_of(owner_id, file_id, stores=stores)
        if name.file_id != file_id:
            return  # deleted, and the name is another file's
        if any(entry.blocked_at for entry in versions_of(name, stores=stores).values()):
            raise Blocked
        if not name.closed and not close_name(name, stores=stores):
            continue
        delete_versions(name, stores=stores)
        events.info("file_deleted", owner_id=owner_id, file_id=file_id)
        return
    raise Conflict


def delete_version(
    *,
    owner_id: str,
    file_id: str,
    version: int,
    stores: FileStores,
    even_blocked: bool = False,
) -> None:
    """Delete one version of the owner's file; without any the file is deleted.

    Repeated it does nothing. Raises NoSuchFile, Blocked, Conflict and StorageUnavailable.
    """
    name = _name_of(owner_id, file_id, stores=stores)
    if name.file_id != file_id or not 0 <= version < len(name.versions):
        raise NoSuchFile
    if name.closed and not even_blocked:
        raise NoSuchFile
    key = entry_key(owner_id, name.versions[version])
    delete_entry(stores.entries.read(key), stores=stores, even_blocked=even_blocked)
    name = _name_of(owner_id, file_id, stores=stores)
    entries = settle(name, stores=stores)
    if not name.closed and not any(entry.is_ready for entry in entries.values()):
        # If a version came meanwhile the name has changed, and stays.
        close_name(name, stores=stores)
    events.info("file_version_deleted", owner_id=owner_id, file_id=file_id, version=version)


def restore_version(
    *, owner_id: str, file_id: str, version: int, stores: FileStores
) -> Entry | None:
    """Make a version of the owner's file its newest, by a copy within the bucket.

    Return None if the copy is still under way: the event accepts it once it is there. Raises
    NoSuchFile, TooLargeToRestore, QuotaExceeded, TooManyVersions, Conflict and StorageUnavailable.
    """
    entry = find_version(owner_id=owner_id, file_id=file_id, version=version, stores=stores)
    name, size = entry.name or "", entry.size or 0
    if size > MAX_COPY_BYTES:
        raise TooLargeToRestore
    check_room(owner_id, name, size, stores=stores)
    upload_id = new_upload_id(timezone.now())
    content_type = entry.content_type
    plain = wanted_object(
        *(owner_id, upload_id),
        name=name,
        size=size,
        content_type=content_type,
        access=entry.access,
    )
    copied = replace(plain, metadata={**plain.metadata, RESTORES: file_id})
    try:
        stores.bucket.copy(entry.key, copied)
    except ObjectMissing as error:  # deleted since it was found
        raise NoSuchFile from error
    except OutcomeUnknown:
        return None
    restored = accept(owner_id=owner_id, upload_id=upload_id, stores=stores)
    if restored.state is State.DELETED:
        raise NoSuchFile
    if restored.state is State.REFUSED:
        raise Refused(restored.reason or errors.FOREIGN)
    return restored
