"""The end of a file: the entry first, the object after it.

[object first: ghost; the entry removed instead of marked: ghost] An unknown outcome deletes
nothing more; asked again it goes on.
"""

from contextlib import suppress

from django.utils import timezone

from files.errors import Blocked, Conflict, UnreadableItem
from files.items import Entry, Name, entry_key, name_key
from files.room import give_back
from files.stores import FileStores
from uploads.writing import write

ATTEMPTS = 5


def delete_entry(entry: Entry, *, stores: FileStores, even_blocked: bool = False) -> Entry:
    """Make a ready entry, or one that is not there yet, deleted; then delete its objects.

    A refused one stays refused. What staff has blocked is evidence, and goes only by
    ``even_blocked``. Raises Blocked, Conflict, UnreadableItem and StorageUnavailable.
    """
    key = entry_key(entry.owner_id, entry.upload_id)
    for _attempt in range(ATTEMPTS):
        if entry.unreadable:
            raise UnreadableItem
        if entry.is_final:
            remove_objects(entry, stores=stores)
            return entry
        if entry.blocked_at and not even_blocked:
            raise Blocked
        before = entry
        written = write(stores.entries, key, before, before.deleted(now=timezone.now()))
        if written.mine and before.is_ready:
            give_back(before, stores=stores)
        entry = written.value
    raise Conflict


def remove_objects(entry: Entry, *, stores: FileStores) -> None:
    """Delete the object and the previews of a final entry: nothing ever names them again."""
    previews = stores.bucket.list_page(prefix=entry.preview_prefix).objects
    stores.bucket.delete([entry.key, *(found.key for found in previews)])


def close_name(name: Name, *, stores: FileStores) -> bool:
    """Let nothing more come under the name's file; return False if the name changed since."""
    key = name_key(name.owner_id, name.name)
    return write(stores.names, key, name, name.closing(now=timezone.now())).mine


def delete_versions(name: Name, *, stores: FileStores) -> None:
    """Delete every version of a closed name but those that staff has blocked meanwhile."""
    keys = [entry_key(name.owner_id, upload_id) for upload_id in name.versions]
    for entry in stores.entries.read_many(keys).values():
        if not entry.is_final and not entry.blocked_at:
            with suppress(Blocked):
                delete_entry(entry, stores=stores)
