"""An upload of a file from its beginning to its end, and what its owner does with the file.

The rules stand in three steps that everything here is made of: ``accepting`` makes an object a
file, ``placing`` enters it under its name, ``deleting`` ends it.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _
from structlog.contextvars import bind_contextvars

from aws.direct import NewObject, PresignedRequest
from aws.errors import (
    AlreadyWritten,
    ObjectMissing,
    OutcomeUnknown,
    PartsRefused,
    StorageUnavailable,
    UploadMissing,
)
from aws.multipart import Part
from aws.policies import PENDING_TAG
from files import errors
from files.accepting import accept
from files.deleting import close_name, delete_entry, delete_versions
from files.errors import (
    AlreadyAccepted,
    BadParts,
    BadSize,
    Conflict,
    Deleted,
    Incomplete,
    NoSuchFile,
    NotUploaded,
    QuotaExceeded,
    Refused,
    TooLargeToRestore,
    TooManyUnfinished,
    TooManyVersions,
    UnreadableItem,
    UnsupportedType,
)
from files.names import clean_name, disposition, encode_name
from files.placing import is_full, place, settle, versions_of
from files.references import (
    ENTRY,
    Entry,
    Name,
    State,
    entry_key,
    file_key,
    name_key,
    pointer_key,
    usage_key,
)
from files.room import limits
from files.stores import FileStores
from files.tokens import (
    FileUpload,
    new_upload_id,
    open_file_token,
    part_size_for,
    sign_file_upload,
)
from files.types import content_type_of, is_allowed
from uploads.keys import FILES_PREFIX, PREVIEWS_PREFIX, prefix_of
from uploads.writing import write

events = structlog.stdlib.get_logger(__name__)

MAX_PART_NUMBERS = 50
MAX_COPY_BYTES = 5 * 1024**3
WRITE_ATTEMPTS = 5
RESTORES = "restores"  # in the metadata of a copy: the file that it is to be a version of


@dataclass(frozen=True)
class IssuedUpload:
    """What begin gives the client: for a single PUT its request, else the plan of the parts."""

    upload: FileUpload
    upload_token: str
    expires_at: str
    put: PresignedRequest | None


@dataclass(frozen=True)
class SignedPart:
    """The presigned request of one part."""

    number: int
    request: PresignedRequest


@dataclass(frozen=True)
class UploadState:
    """How far an upload is; ``state`` is None while it is neither accepted nor ended."""

    state: State | None
    parts: list[Part]
    entry: Entry | None


@dataclass(frozen=True)
class FileVersions:
    """A file: its name, and its versions that can be had, newest first."""

    name: Name
    entries: list[Entry]


# --- Uploading ---


def begin_upload(
    *, owner_id: str, name: str, size: int, content_type: str, stores: FileStores
) -> IssuedUpload:
    """Issue an upload of one file of ``size`` bytes; nothing is recorded but by S3.

    Raises BadName, UnsupportedType, BadSize, QuotaExceeded, TooManyVersions, TooManyUnfinished
    and StorageUnavailable.
    """
    name = clean_name(name)
    content_type = content_type_of(content_type, name)
    if not is_allowed(content_type, name):
        raise UnsupportedType
    if not 1 <= size <= settings.FILE_MAX_BYTES:
        raise BadSize(_size_message(size))
    _check_room(owner_id, name, size, stores=stores)
    now = timezone.now()
    upload_id = new_upload_id(now)
    wanted = _wanted(owner_id, upload_id, name=name, size=size, content_type=content_type)
    if size >= settings.FILE_MULTIPART_BYTES:
        return _begin_multipart(owner_id, upload_id, wanted, now=now, stores=stores)
    upload = FileUpload(owner_id, upload_id, now, size, part_size=size)
    put = stores.bucket.presigned_put(
        wanted, tags=dict([PENDING_TAG]), seconds=settings.UPLOAD_POLICY_SECONDS, now=now
    )
    return _issued(upload, put=put)


def _wanted(
    owner_id: str, upload_id: str, *, name: str, size: int, content_type: str | None
) -> NewObject:
    """Return the object of an upload, with all that is needed to accept it."""
    return NewObject(
        key=file_key(owner_id, upload_id),
        size=size,
        content_type=content_type or "application/octet-stream",
        metadata={"owner": owner_id, "name": encode_name(name), "size": str(size)},
    )


def _begin_multipart(
    owner_id: str, upload_id: str, wanted: NewObject, *, now: datetime, stores: FileStores
) -> IssuedUpload:
    most = settings.FILE_MAX_UNFINISHED
    unfinished = stores.bucket.open_multiparts(prefix=prefix_of(FILES_PREFIX, owner_id), limit=most)
    if len(unfinished.uploads) >= most:
        raise TooManyUnfinished
    multipart_id = stores.bucket.begin_multipart(wanted)
    part_size = part_size_for(wanted.size)
    return _issued(FileUpload(owner_id, upload_id, now, wanted.size, part_size, multipart_id))


def _issued(upload: FileUpload, *, put: PresignedRequest | None = None) -> IssuedUpload:
    bind_contextvars(upload_id=upload.id)
    expires_at = put.expires_at if put else upload.expires_at.isoformat(timespec="seconds")
    return IssuedUpload(upload, sign_file_upload(upload), expires_at, put)


def _check_room(owner_id: str, name: str, size: int, *, stores: FileStores) -> None:
    """Refuse now what ``accept`` would refuse later, when all has been sent."""
    counts = stores.usage.read(usage_key(owner_id))
    wanted = {"bytes_used": size, "file_count": 1}
    if any(counts.numbers[kind] + wanted[kind] > most for kind, most in limits().items()):
        raise QuotaExceeded
    known = stores.names.read(name_key(owner_id, name))
    if is_full(known, stores=stores):
        raise TooManyVersions


def sign_parts(
    *, owner_id: str, upload_token: str, numbers: list[int], stores: FileStores
) -> list[SignedPart]:
    """Return presigned PUTs of the parts ``numbers``, each for exactly the bytes of that part.

    Raises InvalidToken, TokenExpired, BadParts and StorageUnavailable.
    """
    now = timezone.now()
    upload = _opened(upload_token, owner_id=owner_id, now=now)
    possible = range(1, upload.part_count + 1) if upload.multipart_id else ()
    if not 1 <= len(numbers) <= MAX_PART_NUMBERS or len(set(numbers)) != len(numbers):
        raise BadParts
    if not all(number in possible for number in numbers):
        raise BadParts
    return [
        SignedPart(
            number,
            stores.bucket.presigned_part(
                upload.key,
                upload_id=upload.multipart_id,
                number=number,
                size=upload.size_of_part(number),
                seconds=settings.UPLOAD_POLICY_SECONDS,
                now=now,
            ),
        )
        for number in numbers
    ]


def upload_state(*, owner_id: str, upload_token: str, stores: FileStores) -> UploadState:
    """Return how far the upload is; of one in parts, which have arrived.

    Raises InvalidToken, TokenExpired, UnreadableItem and StorageUnavailable.
    """
    upload = _opened(upload_token, owner_id=owner_id, now=timezone.now())
    entry = stores.entries.read(entry_key(owner_id, upload.id))
    if entry.unreadable:
        raise UnreadableItem
    if entry.is_ready:
        entry = place(entry, stores=stores)
    if entry.state is not None:
        return UploadState(entry.state, [], entry if entry.is_ready else None)
    try:
        parts = (
            stores.bucket.parts(upload.key, upload_id=upload.multipart_id)
            if upload.multipart_id
            else []
        )
    except UploadMissing:
        parts = []
    return UploadState(None, parts, None)


def confirm_upload(*, owner_id: str, upload_token: str, stores: FileStores) -> Entry:
    """Complete an upload that is in parts, and accept its object; return the ready entry.

    Repeated it gives the same answer. Raises InvalidToken, TokenExpired, NotUploaded,
    UploadMissing, Incomplete, Refused, Deleted, Conflict, UnreadableItem and StorageUnavailable.
    """
    upload = _opened(upload_token, owner_id=owner_id, now=timezone.now())
    is_there = not upload.multipart_id or _completed(upload, stores=stores)
    try:
        entry = accept(owner_id=owner_id, upload_id=upload.id, stores=stores)
    except NotUploaded as error:
        if is_there:
            raise
        raise UploadMissing from error
    if entry.state is State.REFUSED:
        raise Refused(entry.reason or "")
    if entry.state is State.DELETED:
        raise Deleted
    return entry


def _completed(upload: FileUpload, *, stores: FileStores) -> bool:
    """Make the object of all parts; return False if S3 knows no such upload (any more).

    The parts must be 1..n without a hole, each of its size. Raises Incomplete, Conflict and
    StorageUnavailable.
    """
    try:
        arrived = stores.bucket.parts(upload.key, upload_id=upload.multipart_id)
        known = {part.number: part for part in arrived}
        numbers = range(1, upload.part_count + 1)
        missing = [
            number
            for number in numbers
            if number not in known or known[number].size != upload.size_of_part(number)
        ]
        if missing:
            _refuse_ended(upload, stores=stores)
            raise Incomplete(missing)
        stores.bucket.complete(
            upload.key,
            upload_id=upload.multipart_id,
            parts=[known[number] for number in numbers],
            size=upload.size,
        )
    except UploadMissing:
        return False
    except AlreadyWritten:
        return True
    except PartsRefused as error:  # one was sent again since they were listed
        raise Conflict from error
    return True


def _refuse_ended(upload: FileUpload, *, stores: FileStores) -> None:
    """Raise Deleted if the upload was cancelled: more parts would not help it."""
    if stores.entries.read(entry_key(upload.owner_id, upload.id)).is_final:
        raise Deleted


def abort_upload(*, owner_id: str, upload_token: str, stores: FileStores) -> None:
    """End an upload for good: nothing of it is left, and nothing that comes late brings it back.

    Raises InvalidToken, TokenExpired, AlreadyAccepted, Conflict and StorageUnavailable.
    """
    upload = _opened(upload_token, owner_id=owner_id, now=timezone.now())
    end_upload(
        owner_id=owner_id, upload_id=upload.id, multipart_id=upload.multipart_id, stores=stores
    )


def end_upload(*, owner_id: str, upload_id: str, multipart_id: str, stores: FileStores) -> None:
    """Mark the entry deleted if there is none, then abort the multipart and delete the object."""
    key = entry_key(owner_id, upload_id)
    for _attempt in range(WRITE_ATTEMPTS):
        entry = stores.entries.read(key)
        if entry.is_ready:
            raise AlreadyAccepted
        if entry.state is None and not entry.unreadable:
            written = write(stores.entries, key, entry, entry.deleted(now=timezone.now()))
            if not written.mine:
                continue
            entry = written.value
        if multipart_id:
            stores.bucket.abort_multipart(file_key(owner_id, upload_id), upload_id=multipart_id)
        delete_entry(entry, stores=stores)
        return
    raise Conflict


def end_unfinished(*, owner_id: str, upload_id: str, stores: FileStores) -> None:
    """End an upload in parts that only the bucket knows of; without one nothing is changed.

    Raises NoSuchFile, AlreadyAccepted, Conflict and StorageUnavailable.
    """
    key = file_key(owner_id, upload_id)
    found = [
        upload for upload in stores.bucket.open_multiparts(prefix=key).uploads if upload.key == key
    ]
    if not found:
        raise NoSuchFile
    for upload in found:
        end_upload(
            owner_id=owner_id, upload_id=upload_id, multipart_id=upload.upload_id, stores=stores
        )


def _opened(upload_token: str, *, owner_id: str, now: datetime) -> FileUpload:
    upload = open_file_token(upload_token, owner_id=owner_id, now=now)
    bind_contextvars(upload_id=upload.id)
    return upload


# --- Files ---


def find_file(*, owner_id: str, file_id: str, stores: FileStores) -> FileVersions:
    """Return the owner's file, newest version first; raises NoSuchFile and StorageUnavailable."""
    name = _name_of(owner_id, file_id, stores=stores)
    if name.file_id != file_id or name.closed:
        raise NoSuchFile
    entries = [entry for entry in versions_of(name, stores=stores).values() if entry.is_ready]
    if not entries:
        raise NoSuchFile
    return FileVersions(name, entries[::-1])


def find_version(*, owner_id: str, file_id: str, version: int | None, stores: FileStores) -> Entry:
    """Return a version of the owner's file, the newest if ``version`` is None.

    Raises NoSuchFile and StorageUnavailable.
    """
    entries = find_file(owner_id=owner_id, file_id=file_id, stores=stores).entries
    wanted = entries[0].version if version is None else version
    for entry in entries:
        if entry.version == wanted:
            return entry
    raise NoSuchFile


def _name_of(owner_id: str, file_id: str, *, stores: FileStores) -> Name:
    """Return the name that the pointer of a file leads to; raises NoSuchFile."""
    pointer = stores.pointers.read(pointer_key(file_id))
    if pointer.owner_id != owner_id or pointer.name is None:
        raise NoSuchFile
    return stores.names.read(name_key(owner_id, pointer.name))


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

    Repeated it does nothing, or goes on where a failure ended it. Raises NoSuchFile, Conflict and
    StorageUnavailable.
    """
    for _attempt in range(WRITE_ATTEMPTS):
        name = _name_of(owner_id, file_id, stores=stores)
        if name.file_id != file_id:
            return  # deleted, and the name is another file's
        if not name.closed and not close_name(name, stores=stores):
            continue
        delete_versions(name, stores=stores)
        events.info("file_deleted", owner_id=owner_id, file_id=file_id)
        return
    raise Conflict


def delete_version(*, owner_id: str, file_id: str, version: int, stores: FileStores) -> None:
    """Delete one version of the owner's file; without any the file is deleted.

    Repeated it does nothing. Raises NoSuchFile, Conflict and StorageUnavailable.
    """
    name = _name_of(owner_id, file_id, stores=stores)
    if name.file_id != file_id or name.closed or not 0 <= version < len(name.versions):
        raise NoSuchFile
    key = entry_key(owner_id, name.versions[version])
    delete_entry(stores.entries.read(key), stores=stores)
    name = _name_of(owner_id, file_id, stores=stores)
    entries = settle(name, stores=stores)
    if not any(entry.is_ready for entry in entries.values()):
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
    _check_room(owner_id, name, size, stores=stores)
    upload_id = new_upload_id(timezone.now())
    plain = _wanted(owner_id, upload_id, name=name, size=size, content_type=entry.content_type)
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


# --- The end of an owner ---


def close_owner(*, owner_id: str, stores: FileStores) -> None:
    """Delete all files of an owner whose account is gone, and accept no more.

    Once the usage is closed nothing is accepted; what was accepted before is found below. Raises
    Conflict and StorageUnavailable; the next sweep then does the same.
    """
    try:
        stores.usage.close(usage_key(owner_id), now=timezone.now())
    except OutcomeUnknown as error:
        raise StorageUnavailable from error
    _end_uploads(owner_id, stores=stores)
    _delete_objects(owner_id, stores=stores)
    _delete_entries(owner_id, stores=stores)
    events.info("owner_closed", owner_id=owner_id, kind="files")


def _end_uploads(owner_id: str, *, stores: FileStores) -> None:
    """End every multipart that the owner has begun."""
    prefix = prefix_of(FILES_PREFIX, owner_id)
    page = stores.bucket.open_multiparts(prefix=prefix)
    while page.uploads:
        for found in page.uploads:
            upload_id = found.key.removeprefix(prefix)
            try:
                end_upload(
                    owner_id=owner_id,
                    upload_id=upload_id,
                    multipart_id=found.upload_id,
                    stores=stores,
                )
            except AlreadyAccepted:
                stores.bucket.abort_multipart(found.key, upload_id=found.upload_id)
        if not page.next_after:
            return
        page = stores.bucket.open_multiparts(prefix=prefix, after=page.next_after)


def _delete_objects(owner_id: str, *, stores: FileStores) -> None:
    """Delete every object of the owner, each after its entry: an ``accept`` may be under way."""
    for prefix in (prefix_of(FILES_PREFIX, owner_id), prefix_of(PREVIEWS_PREFIX, owner_id)):
        page = stores.bucket.list_page(prefix=prefix)
        while page.objects:
            ids = {found.key.removeprefix(prefix).partition("/")[0] for found in page.objects}
            keys = [entry_key(owner_id, upload_id) for upload_id in sorted(ids)]
            for entry in stores.entries.read_many(keys).values():
                delete_entry(entry, stores=stores)
            stores.bucket.delete([found.key for found in page.objects])
            if not page.next_after:
                break
            page = stores.bucket.list_page(prefix=prefix, after=page.next_after)


def _delete_entries(owner_id: str, *, stores: FileStores) -> None:
    """Delete what is still ready: an entry whose object is gone already."""
    hash_key, after = entry_key(owner_id, "")[0], ""
    while True:
        page = stores.entries.query(hash_key, prefix=ENTRY, after=after, limit=1000)
        for entry in page.values:
            if entry.is_ready:
                delete_entry(entry, stores=stores)
        if not page.next_after:
            return
        after = page.next_after


def _size_message(size: int) -> str:
    if size < 1:
        return _("The file is empty. Please choose another one.")
    return _("The file has %(size)s; at most %(limit)s are possible.") % {
        "size": filesizeformat(size),
        "limit": filesizeformat(settings.FILE_MAX_BYTES),
    }
