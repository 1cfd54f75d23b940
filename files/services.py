"""An upload of a file from its beginning to its end.

The rules stand in three steps that everything here is made of: ``accepting`` makes an object a
file, ``placing`` enters it under its name, ``deleting`` ends it.
"""

from dataclasses import dataclass
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
    PartsRefused,
    UploadMissing,
)
from aws.multipart import Part
from aws.policies import PENDING_TAG
from files.accepting import accept
from files.deleting import delete_entry
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
    TooManyUnfinished,
    TooManyVersions,
    UnreadableItem,
    UnsupportedType,
)
from files.items import STREAMED, Entry, State, entry_key, file_key, name_key, usage_key
from files.names import clean_name, encode_name
from files.placing import is_full, place
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
from uploads.keys import FILES_PREFIX, prefix_of
from uploads.writing import write

events = structlog.stdlib.get_logger(__name__)

MAX_PART_NUMBERS = 50
WRITE_ATTEMPTS = 5


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
    check_room(owner_id, name, size, stores=stores)
    now = timezone.now()
    upload_id = new_upload_id(now)
    wanted = wanted_object(owner_id, upload_id, name=name, size=size, content_type=content_type)
    if size >= settings.FILE_MULTIPART_BYTES:
        return _begin_multipart(owner_id, upload_id, wanted, now=now, stores=stores)
    upload = FileUpload(owner_id, upload_id, now, size, part_size=size)
    put = stores.bucket.presigned_put(
        wanted, tags=dict([PENDING_TAG]), seconds=settings.UPLOAD_POLICY_SECONDS, now=now
    )
    return _issued(upload, put=put)


def wanted_object(
    owner_id: str,
    upload_id: str,
    *,
    name: str,
    size: int | None,
    content_type: str | None,
    access: str | None = None,
) -> NewObject:
    """Return the object of an upload, with all that is needed to accept it.

    Only of one that the site writes itself, in parts, may the ``size`` not be known beforehand.
    """
    metadata = {
        "owner": owner_id,
        "name": encode_name(name),
        "size": STREAMED if size is None else str(size),
    }
    return NewObject(
        key=file_key(owner_id, upload_id),
        size=size or 0,
        content_type=content_type or "application/octet-stream",
        metadata=metadata | ({"access": access} if access else {}),
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


def check_room(owner_id: str, name: str, size: int, *, stores: FileStores) -> int:
    """Refuse now what ``accept`` would refuse later, when all has been sent.

    Return how many bytes the owner may still use, those of this file among them.
    """
    counts = stores.usage.read(usage_key(owner_id))
    wanted = {"bytes_used": size, "file_count": 1}
    if any(counts.numbers[kind] + wanted[kind] > most for kind, most in limits().items()):
        raise QuotaExceeded
    known = stores.names.read(name_key(owner_id, name))
    if is_full(known, stores=stores):
        raise TooManyVersions
    return limits()["bytes_used"] - counts.numbers["bytes_used"]


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


def _size_message(size: int) -> str:
    if size < 1:
        return _("The file is empty. Please choose another one.")
    return _("The file has %(size)s; at most %(limit)s are possible.") % {
        "size": filesizeformat(size),
        "limit": filesizeformat(settings.FILE_MAX_BYTES),
    }
