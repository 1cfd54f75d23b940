"""A file that comes through this process: to S3 in parts as it arrives, none of it to a disk.

The bytes go into buffers of 5 MiB in turn: while two are on their way to S3 the next one fills.
What fits into the first is written by one request. Nobody can read or find what is not finished:
parts make no object until all of them are there and counted.
"""

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Self

import structlog
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from assets.errors import TooLarge
from assets.idempotency import Claim
from aws.bucket import live_bucket
from aws.deadlines import Answer, later
from aws.direct import NewObject
from aws.errors import AlreadyWritten, PartsRefused, StorageUnavailable, UploadMissing
from aws.multipart import Part
from aws.streams import Buffer
from files import errors
from files.accepting import accept
from files.errors import BadSize, Deleted, QuotaExceeded, Refused, UnsupportedType
from files.items import Entry, State, file_key
from files.names import clean_name
from files.services import check_room, end_upload, wanted_object
from files.stores import FileStores
from files.tokens import new_upload_id
from files.types import content_type_of, is_allowed
from web.errors import UserFacingError

events = structlog.stdlib.get_logger(__name__)

PART = 5 * 1024**2  # bytes, the least that S3 takes
BUFFERS = 3
# What clients send that know nothing of a file's type: curl's --data-binary, and many libraries.
NO_TYPE = {"application/x-www-form-urlencoded", "multipart/form-data"}
# S3 may need minutes to put parts together; asked again it goes on, or has finished.
COMPLETIONS = 10


@dataclass(frozen=True)
class Announced:
    """What is known of a file before its bytes: ``size`` is None if only its end will tell."""

    owner_id: str
    name: str
    content_type: str
    size: int | None
    access: str | None


class Receiver:
    """Takes the bytes of one file; ``finish`` makes it a file, ``give_up`` leaves nothing of it.

    Raises BadName, UnsupportedType, BadSize, TooLarge, QuotaExceeded, TooManyVersions and
    StorageUnavailable, before anything is sent to S3.
    """

    def __init__(self, announced: Announced, *, stores: FileStores, claim: Claim | None) -> None:
        self._stores = stores
        self._bucket = live_bucket()
        self._owner_id = announced.owner_id
        self._claim = claim
        self._upload_id = claim.upload_id if claim else new_upload_id(timezone.now())
        self._key = file_key(self._owner_id, self._upload_id)
        self._file = _checked(announced)
        room = check_room(self._owner_id, self._file.name, self._file.size or 1, stores=stores)
        self._left = _Left(settings.STREAM_MAX_BYTES, room)
        self._buffers = [Buffer() for _ in range(BUFFERS)]
        self._filled = 0  # bytes in the first of the buffers
        self._multipart_id = ""
        self._sending: deque[Answer[Part]] = deque()
        self._parts: list[Part] = []
        self._asked = False  # for the object itself

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error:
            self.give_up()

    @property
    def size(self) -> int:
        """How many bytes have come."""
        return sum(part.size for part in self._parts) + self._unsent

    @property
    def _unsent(self) -> int:
        return self._filled + PART * len(self._sending)

    def write(self, piece: bytes) -> None:
        """Take the next bytes; raises TooLarge, QuotaExceeded and StorageUnavailable."""
        self._left.take(len(piece))
        if self._claim:
            self._claim.go_on()
        view = memoryview(piece)
        while view:
            if self._filled == PART:
                self._send()
            taken = view[: PART - self._filled]
            self._buffers[0].write(taken)
            self._filled += len(taken)
            view = view[len(taken) :]

    def _send(self) -> None:
        """Send what is in the first buffer as a part, and go on with the other one."""
        if not self._multipart_id:
            self._multipart_id = self._bucket.begin_multipart(self._wanted(self._file.size))
        full = self._buffers[0]
        full.seek(0)
        sending = later(
            self._bucket.send_part,
            self._key,
            upload_id=self._multipart_id,
            number=len(self._parts) + len(self._sending) + 1,
            body=full,
        )
        self._sending.append(sending)
        self._wait(most=BUFFERS - 1)
        self._buffers = [*self._buffers[1:], full]
        self._buffers[0].seek(0)
        self._filled = 0

    def _wait(self, *, most: int = 0) -> None:
        while len(self._sending) > most:
            self._parts.append(self._sending.popleft().result())

    def finish(self) -> Entry:
        """Make the file of all that has come; return its entry.

        Raises BadSize, Refused, Deleted, NotUploaded, Conflict and StorageUnavailable.
        """
        if not self.size:
            raise BadSize(_("The file is empty. Please choose another one."))
        self._buffers[0].truncate(self._filled)
        if self._multipart_id:
            self._send()
            self._wait()
            self._complete()
        else:
            self._write()
        entry = accept(owner_id=self._owner_id, upload_id=self._upload_id, stores=self._stores)
        if entry.state is State.REFUSED:
            raise Refused(entry.reason or errors.FOREIGN)
        if entry.state is State.DELETED:
            raise Deleted
        return entry

    def _write(self) -> None:
        body, size = self._buffers[0], self._filled
        body.seek(0)
        self._asked = True
        try:
            self._bucket.write(self._wanted(size), body)
        except AlreadyWritten:
            return  # the answer to an attempt of the SDK was lost

    def _wanted(self, size: int | None) -> NewObject:
        return wanted_object(
            self._owner_id,
            self._upload_id,
            name=self._file.name,
            size=size,
            content_type=self._file.content_type,
            access=self._file.access,
        )

    def _complete(self) -> None:
        self._asked = True
        for attempt in range(COMPLETIONS):
            try:
                self._bucket.complete(
                    self._key,
                    upload_id=self._multipart_id,
                    parts=self._parts,
                    size=self.size,
                )
            except UploadMissing:
                return  # by an attempt whose answer was lost: accept tells
            except AlreadyWritten:
                self._bucket.abort_multipart(self._key, upload_id=self._multipart_id)
                return
            except PartsRefused as error:
                raise StorageUnavailable from error
            except StorageUnavailable:
                if attempt == COMPLETIONS - 1:
                    raise
            else:
                return

    def give_up(self) -> None:
        """Leave nothing: neither parts nor, if it may have come to that, an object.

        With a claim an object may stay: the same request makes it a file, or the event does.
        """
        try:
            with suppress(UserFacingError):  # what has not arrived need not be taken away
                self._wait()
            if self._asked and not self._claim:
                end_upload(
                    owner_id=self._owner_id,
                    upload_id=self._upload_id,
                    multipart_id=self._multipart_id,
                    stores=self._stores,
                )
            elif self._multipart_id:
                self._bucket.abort_multipart(self._key, upload_id=self._multipart_id)
        except UserFacingError as problem:
            # The bucket aborts it after FILE_UPLOAD_DAYS; the sweep shows it until then.
            events.warning("stream_left_parts", upload_id=self._upload_id, problem=problem.code)


def _checked(announced: Announced) -> Announced:
    """Return it with the name and the type that the file gets; raises what begin raises."""
    name = clean_name(announced.name)
    declared = announced.content_type.partition(";")[0].strip().lower()
    content_type = content_type_of("" if declared in NO_TYPE else declared, name)
    if not is_allowed(content_type, name):
        raise UnsupportedType
    if announced.size == 0:
        raise BadSize(_("The file is empty. Please choose another one."))
    if (announced.size or 0) > settings.STREAM_MAX_BYTES:
        raise TooLarge(settings.STREAM_MAX_BYTES)
    return replace(announced, name=name, content_type=content_type)


class _Left:
    """How many bytes may still come: a limit is counted, not believed."""

    def __init__(self, most: int, room: int) -> None:
        self._most, self._room, self._taken = most, room, 0

    def take(self, count: int) -> None:
        self._taken += count
        if self._taken > self._most:
            raise TooLarge(self._most)
        if self._taken > self._room:
            raise QuotaExceeded
