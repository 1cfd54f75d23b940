"""What is stored about files, as the properties look at it."""

from files.items import Entry, Name, entry_key
from tests.simulation.storage import Storage
from uploads.keys import FILES_PREFIX, owner_of


def entries_of(storage: Storage) -> list[Entry]:
    """Return all entries."""
    return [item for item in storage.parts["items"].values() if isinstance(item, Entry)]


def names_of(storage: Storage) -> list[Name]:
    """Return all names."""
    return [item for item in storage.parts["items"].values() if isinstance(item, Name)]


def entry_of(storage: Storage, key: str) -> Entry:
    """Return the entry of the object at ``key``."""
    return storage.entries.read(entry_key(owner_of(key), key.rpartition("/")[2]))


def objects_of(storage: Storage) -> list[str]:
    """Return the keys of all objects that are files, or may become some."""
    return [key for key in storage.bucket.objects if key.startswith(FILES_PREFIX)]


def taken_by_owners(storage: Storage) -> dict[str, dict[str, int]]:
    """Return what the ready files of each owner take up."""
    taken: dict[str, dict[str, int]] = {}
    for entry in entries_of(storage):
        mine = taken.setdefault(entry.owner_id, {"bytes_used": 0, "file_count": 0})
        if entry.is_ready:
            mine["bytes_used"] += entry.size or 0
            mine["file_count"] += 1
    return taken
