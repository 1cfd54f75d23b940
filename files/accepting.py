"""The one step that makes an object a file, for the browser's confirm, the S3 event and the sweep.

The object was written once, at its final key, and carries all that is needed to judge it. An
entry only ever moves ``none -> ready | refused | deleted`` and ``ready -> deleted``; a final entry
stays for good, and is what stops a request that comes late. The order of the requests is the
protocol: each rule that a comment gives in brackets was broken on purpose in a model, and led to
what stands there.
"""

import time
from dataclasses import replace

import structlog
from django.utils import timezone

from aws.direct import ObjectFacts
from aws.errors import LimitReached, ObjectMissing
from files import errors
from files.deleting import remove_objects
from files.errors import Conflict, NotUploaded, UnreadableItem
from files.items import STREAMED, Entry, State, entry_key, file_key, name_key, usage_key
from files.names import decode_name
from files.placing import is_full, place
from files.room import give_back, take_room
from files.stores import FileStores
from files.types import FIRST_BYTES, contradicts, is_allowed, true_type
from uploads.writing import write

events = structlog.stdlib.get_logger(__name__)

ATTEMPTS = 5
# Seconds to wait for another attempt for the same object that may hold the last room.
ROOM_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.2)
# Values of Content-Encoding that change nothing; the second is of clients that sign in chunks.
PLAIN = {"", "aws-chunked", "identity"}


def accept(*, owner_id: str, upload_id: str, stores: FileStores) -> Entry:
    """Return the entry of an object, made now if there is none: ready, refused or deleted.

    Repeated it gives the same answer. Of a refused or deleted entry the object is deleted, too.
    Raises NotUploaded if there is neither object nor entry, Conflict, UnreadableItem and
    StorageUnavailable.
    """
    found = _stable_facts(file_key(owner_id, upload_id), stores=stores)
    key, no_room = entry_key(owner_id, upload_id), 0
    entry = stores.entries.read(key)
    for _attempt in range(ATTEMPTS + len(ROOM_PAUSES)):
        if entry.unreadable:
            raise UnreadableItem
        if entry.state is not None:
            return _finished(entry, stores=stores)
        if found is None:
            raise NotUploaded
        try:
            judged = _judged(entry, found, stores=stores)
        except ObjectMissing:
            # Another attempt refused it, or its owner ended it: the entry says so by now.
            found, entry = None, stores.entries.read(key)
            continue
        if judged.reason == errors.NO_ROOM and no_room < len(ROOM_PAUSES):
            # Another attempt for this object may have taken the room: it is about to put the entry.
            time.sleep(ROOM_PAUSES[no_room])
            no_room += 1
            entry = stores.entries.read(key)
            continue
        entry = _put(entry, judged, stores=stores)
    raise Conflict


def _stable_facts(key: str, *, stores: FileStores) -> ObjectFacts | None:
    """Return what HEAD says once the object can no longer expire; None if there is none.

    [tag taken off last: ghost by lifecycle; HEAD before that: wrong facts]
    """
    try:
        stores.bucket.untag(key)
        return stores.bucket.head(key)
    except ObjectMissing:
        return None


def _put(before: Entry, judged: Entry, *, stores: FileStores) -> Entry:
    """Put the entry if there still is none; return the one that is there then.

    An unknown outcome ends in StorageUnavailable, and nothing is deleted [ghost]. Another process
    may have changed the entry before the answer came, so it keeps whose attempt it was [quota].
    """
    written = write(stores.entries, entry_key(before.owner_id, before.upload_id), before, judged)
    if written.value.attempt == judged.attempt:
        events.info(
            "file_accepted" if judged.is_ready else "file_refused",
            owner_id=judged.owner_id,
            upload_id=judged.upload_id,
            reason=judged.reason,
            bytes=judged.size,
        )
    elif judged.is_ready:
        give_back(judged, stores=stores)
    return written.value


def _finished(entry: Entry, *, stores: FileStores) -> Entry:
    """Delete the object of a final entry; enter a ready one under its name."""
    if entry.is_final:
        remove_objects(entry, stores=stores)
        return entry
    return place(entry, stores=stores)


# --- Judging ---


class Unacceptable(Exception):
    """The object cannot become a file; ``reason`` is a code of ``errors.REASONS``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _judged(absent: Entry, found: ObjectFacts, *, stores: FileStores) -> Entry:
    """Return the entry that the object is to get: ready, with room taken for it, or refused."""
    now = timezone.now()
    entry = absent.changed(
        now=now,
        created_at=now,
        size=found.size,
        content_type=found.content_type,
        etag=found.etag,
        restores=found.metadata.get("restores"),
        access=found.metadata.get("access"),
        state=State.READY,
    )
    entry = replace(entry, attempt=entry.revision)
    try:
        entry = replace(entry, name=_name_in(found, owner_id=entry.owner_id))
        entry = replace(entry, true_type=_true_type(entry, stores=stores))
        _check_versions(entry, stores=stores)
        take_room(entry, stores=stores)
    except Unacceptable as refusal:
        return replace(entry, state=State.REFUSED, reason=refusal.reason)
    except LimitReached:
        reason = _why_no_room(entry, stores=stores)
        return replace(entry, state=State.REFUSED, reason=reason)
    return entry


def _name_in(found: ObjectFacts, *, owner_id: str) -> str:
    """Return the name in the metadata that begin had signed; raises Unacceptable."""
    if found.metadata.get("owner") != owner_id:
        raise Unacceptable(errors.FOREIGN)
    if found.encoding not in PLAIN:
        raise Unacceptable(errors.ENCODED)
    if found.metadata.get("size") not in {str(found.size), STREAMED}:
        raise Unacceptable(errors.WRONG_SIZE)
    try:
        return decode_name(found.metadata.get("name", ""))
    except ValueError as error:
        raise Unacceptable(errors.WRONG_NAME) from error


def _true_type(entry: Entry, *, stores: FileStores) -> str:
    """Return the type by the first bytes; raises Unacceptable if that, or what is said, is not."""
    declared, name = entry.content_type or "", entry.name or ""
    if not is_allowed(declared, name):
        raise Unacceptable(errors.WRONG_TYPE)
    found = true_type(stores.bucket.read(entry.key, start=0, length=FIRST_BYTES))
    if contradicts(declared, name, found):
        raise Unacceptable(errors.FALSE_TYPE)
    return found


def _check_versions(entry: Entry, *, stores: FileStores) -> None:
    """Raise Unacceptable if no version more can come under the name."""
    known = stores.names.read(name_key(entry.owner_id, entry.name or ""))
    if is_full(known, stores=stores):
        raise Unacceptable(errors.TOO_MANY_VERSIONS)


def _why_no_room(entry: Entry, *, stores: FileStores) -> str:
    counts = stores.usage.read(usage_key(entry.owner_id))
    return errors.CLOSED if counts.closed_at else errors.NO_ROOM
