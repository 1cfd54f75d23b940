"""The end of an owner: nothing of theirs stays, and nothing more is accepted."""

import structlog
from django.utils import timezone

from aws.errors import (
    OutcomeUnknown,
    StorageUnavailable,
)
from files.deleting import delete_entry
from files.errors import (
    AlreadyAccepted,
)
from files.items import ENTRY, entry_key, usage_key
from files.services import end_upload
from files.stores import FileStores
from uploads.keys import FILES_PREFIX, PREVIEWS_PREFIX, prefix_of

events = structlog.stdlib.get_logger(__name__)


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
                delete_entry(entry, stores=stores, even_blocked=True)
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
                delete_entry(entry, stores=stores, even_blocked=True)
        if not page.next_after:
            return
        after = page.next_after
