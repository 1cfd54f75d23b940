"""What pages and programs want to know of files, in as few requests as there can be."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from aws.errors import UploadMissing
from aws.multipart import OpenMultipart, PartsPage
from aws.signing import presigned_get
from files.items import ENTRY, Entry, entry_key, usage_key
from files.room import limits
from files.stores import FileStores
from uploads.keys import FILES_PREFIX, prefix_of
from uploads.stores import Answer

PAGE_SIZE = 50
# Items a request: some more than a page without a filter, many with one.
READ_AT_ONCE, SEARCHED_AT_ONCE = 100, 1000
MAX_UNFINISHED_SHOWN = 20
# Requests a page may cost: what is deleted or superseded is read, and left out.
MAX_REQUESTS = 4
SHA256 = "SHA256"
BLOCKED = "blocked"  # what owners are told of a version that staff has made unreadable


@dataclass(frozen=True)
class FilePage:
    """Files, newest first; ``next_after`` is an upload id, empty where there are no more."""

    entries: list[Entry]
    next_after: str


@dataclass(frozen=True)
class Room:
    """What an owner uses, and may use."""

    bytes_used: int
    file_count: int
    max_bytes: int
    max_files: int


@dataclass(frozen=True)
class Unfinished:
    """An upload in parts that was begun; ``size`` is what has arrived, in bytes."""

    upload_id: str
    multipart_id: str
    begun_at: datetime
    parts: int
    size: int


def file_page(*, owner_id: str, q: str, after: str, stores: FileStores) -> FilePage:
    """Return up to 50 of the owner's files whose names hold ``q``, past the upload id ``after``.

    It costs a bounded number of requests, so with a filter a page may be short, or empty, and
    there be more.
    """
    hash_key, wanted, found = entry_key(owner_id, "")[0], q.casefold(), list[Entry]()
    start = f"{ENTRY}{after}" if after else ""
    limit = SEARCHED_AT_ONCE if q else READ_AT_ONCE
    for _request in range(MAX_REQUESTS):
        page = stores.entries.query(
            hash_key, prefix=ENTRY, after=start, limit=limit, descending=True
        )
        for entry in page.values:
            if _is_shown(entry) and wanted in (entry.name or "").casefold():
                if len(found) == PAGE_SIZE:
                    return FilePage(found, found[-1].upload_id)
                found.append(entry)
        start = page.next_after
        if not start:
            return FilePage(found, "")
    return FilePage(found, start.removeprefix(ENTRY))


def _is_shown(entry: Entry) -> bool:
    return entry.is_ready and entry.is_placed and not entry.superseded


def uploads_of(*, owner_id: str, upload_ids: Collection[str], stores: FileStores) -> list[Entry]:
    """Return the entries of the owner's uploads, in the order asked for."""
    keys = [entry_key(owner_id, upload_id) for upload_id in upload_ids]
    found = stores.entries.read_many(keys)
    return [found[key] for key in keys]


def room_of(*, owner_id: str, stores: FileStores) -> Room:
    """Return what the owner uses, and may use."""
    numbers, most = stores.usage.read(usage_key(owner_id)).numbers, limits()
    return Room(
        numbers["bytes_used"], numbers["file_count"], most["bytes_used"], most["file_count"]
    )


def unfinished_of(*, owner_id: str, stores: FileStores) -> list[Unfinished]:
    """Return up to 20 of the owner's uploads in parts that only the bucket knows of, newest first.

    What has arrived of each is asked side by side, a thousand parts at most.
    """
    prefix = prefix_of(FILES_PREFIX, owner_id)
    page = stores.bucket.open_multiparts(prefix=prefix, limit=settings.FILE_MAX_UNFINISHED)
    newest = page.uploads[: -MAX_UNFINISHED_SHOWN - 1 : -1]
    asked = [
        stores.later(stores.bucket.parts_page, found.key, upload_id=found.upload_id)
        for found in newest
    ]
    unfinished = [
        _unfinished(found, prefix, parts) for found, parts in zip(newest, asked, strict=True)
    ]
    return [one for one in unfinished if one]


def _unfinished(found: OpenMultipart, prefix: str, asked: Answer[PartsPage]) -> Unfinished | None:
    """Return an upload with its parts; None if it was completed or ended meanwhile."""
    try:
        parts = asked.result().parts
    except UploadMissing:
        return None
    return Unfinished(
        upload_id=found.key.removeprefix(prefix),
        multipart_id=found.upload_id,
        begun_at=found.begun_at,
        parts=len(parts),
        size=sum(part.size for part in parts),
    )


def as_json(entry: Entry) -> dict[str, Any]:
    """Return a file as the API gives it."""
    return {
        "id": entry.file_id,
        "name": entry.name,
        "version": entry.version,
        "size": entry.size,
        "content_type": entry.content_type,
        "state": BLOCKED if entry.blocked_at else entry.state,
        "created_at": entry.created_at,
        "sha256": entry.digest if entry.digest_kind == SHA256 else None,
        "preview_url": preview_url(entry),
    }


def preview_url(entry: Entry) -> str | None:
    """Return the URL of the entry's preview, the same for a while; None without one."""
    if not entry.preview_key:
        return None
    window = settings.PICTURE_URL_WINDOW_SECONDS
    return presigned_get(
        settings.AWS_STORAGE_BUCKET_NAME, entry.preview_key, window=window, now=timezone.now()
    ).url
