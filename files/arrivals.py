"""What the consumer of events does about a new object: accept it, tell of it, work on it.

Each step may be repeated: an event comes at least once, and a process may die between any two. The
entry says what was done. The work never takes a file away, whatever it comes to.
"""

import uuid

import structlog
from django.utils import timezone

from aws.direct import Checksum
from aws.errors import ObjectMissing
from files import processors
from files.accepting import accept
from files.errors import Conflict, NotUploaded
from files.items import Entry, State, entry_key
from files.processors import Facts
from files.selectors import as_json
from files.source import ObjectSource
from files.stores import FileStores, live_stores
from files.tokens import is_upload_id
from uploads import notifying
from uploads.keys import FILES_PREFIX
from uploads.writing import write

events = structlog.stdlib.get_logger(__name__)

ATTEMPTS = 5
# A preview is never written again, so browsers may keep it as long as they like.
CACHE_CONTROL = "private, max-age=31536000, immutable"


def arrived(key: str) -> None:
    """Do all that there is to do about a new object; return when its event may be forgotten.

    Raises Conflict, UnreadableItem and StorageUnavailable, and what a processor raises: the event
    must come again.
    """
    owner_id, _, upload_id = key.removeprefix(FILES_PREFIX).partition("/")
    if not is_upload_id(upload_id):
        events.warning("event_of_strange_key", key=key)
        return
    take_in(owner_id=owner_id, upload_id=upload_id, stores=live_stores())


def take_in(*, owner_id: str, upload_id: str, stores: FileStores) -> None:
    """Accept the object of an upload, tell of it, and work on it."""
    try:
        entry = accept(owner_id=owner_id, upload_id=upload_id, stores=stores)
    except NotUploaded:
        events.info("event_without_object", owner_id=owner_id, upload_id=upload_id)
        return
    entry = _notified(entry, stores=stores)
    if entry.is_ready and not entry.processed_at:
        _work_on(entry, stores=stores)


def _notified(entry: Entry, *, stores: FileStores) -> Entry:
    """Tell the topic of a ready or refused entry, unless that was done; return it as it is then."""
    if entry.notified_at or not (entry.is_ready or entry.reason):
        return entry
    event = notifying.Event.READY if entry.is_ready else notifying.Event.REFUSED
    file = {name: value for name, value in as_json(entry).items() if name != "preview_url"}
    created_at = entry.created_at or timezone.now()
    notifying.publish(
        notifying.message(
            event,
            owner_id=entry.owner_id,
            upload_id=entry.upload_id,
            occurred_at=created_at,
            file={
                **file,
                "created_at": created_at.isoformat(),
                **({"reason": entry.reason} if entry.reason else {}),
            },
        )
    )
    return _noted(entry, stores=stores)


def _work_on(entry: Entry, *, stores: FileStores) -> None:
    """Run the processors of the file's type, and keep what they found."""
    try:
        facts = processors.process(
            ObjectSource(entry, stores), content_type=entry.content_type or ""
        )
    except ObjectMissing:
        if stores.entries.read(entry_key(entry.owner_id, entry.upload_id)).is_ready:
            raise
        return  # deleted meanwhile
    checksum = None if facts.sha256 else stores.bucket.checksum(entry.key)
    _keep(entry, facts, checksum, stores=stores)


def _keep(entry: Entry, facts: Facts, checksum: Checksum | None, *, stores: FileStores) -> None:
    """Keep what processors found, unless another attempt did.

    If the entry was changed meanwhile, the sweep may have fenced it and deleted the preview: the
    next attempt writes another one [ghost].
    """
    for _attempt in range(ATTEMPTS):
        if entry.state is State.DELETED or entry.processed_at:
            return
        preview = None if entry.blocked_at else facts.preview
        preview_key = _stored_preview(entry, preview, stores=stores)
        now = timezone.now()
        after = entry.changed(
            now=now,
            processed_at=now,
            digest=facts.sha256 or (checksum and checksum.value),
            digest_kind=facts.digest_kind if facts.sha256 else (checksum and checksum.kind),
            width=facts.width,
            height=facts.height,
            preview_key=preview_key,
            preview_problem=facts.preview_problem,
        )
        key = entry_key(entry.owner_id, entry.upload_id)
        written = write(stores.entries, key, entry, after)
        if preview_key and written.value.preview_key != preview_key:
            stores.bucket.delete([preview_key])
        if written.mine:
            events.info("file_processed", owner_id=entry.owner_id, upload_id=entry.upload_id)
            return
        entry = written.value
    raise Conflict


def _stored_preview(entry: Entry, preview: bytes | None, *, stores: FileStores) -> str | None:
    """Write a preview at a key that no other attempt uses; None if there is none."""
    if preview is None:
        return None
    key = f"{entry.preview_prefix}{uuid.uuid4().hex}.webp"
    stores.bucket.put(key, preview, content_type="image/webp", cache_control=CACHE_CONTROL)
    return key


def _noted(entry: Entry, *, stores: FileStores) -> Entry:
    """Note that the topic was told; return the entry as it is then, maybe deleted meanwhile."""
    for _attempt in range(ATTEMPTS):
        if entry.state is State.DELETED or entry.notified_at:
            return entry
        now = timezone.now()
        key = entry_key(entry.owner_id, entry.upload_id)
        written = write(stores.entries, key, entry, entry.changed(now=now, notified_at=now))
        if written.mine:
            return written.value
        entry = written.value
    raise Conflict
