"""Rows of the files' table, and the uploads in parts that only the bucket knows of."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import islice
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.selectors import usernames
from aws.bucket import live_bucket
from aws.deadlines import Answer, later
from files import errors
from files.codecs import AnyCodec
from files.items import Entry, Item, ItemKey, Name, Pointer, Usage, entry_key
from files.references import live_entries, live_items
from inspection.labels import LABELS, PAGE_SIZE, Page
from uploads.keys import FILES_PREFIX, PREVIEWS_PREFIX, owner_of

KEY_SEPARATOR = " "  # between the parts of a key in a link; neither part of ours has one first


@dataclass(frozen=True)
class FileItemRow:
    """An item of the files' table, and what it is."""

    key: ItemKey
    kind: str
    state: str
    username: str
    object_key: str
    updated_at: datetime | None
    summary: str | Promise
    facts: dict[str, Any]

    @property
    def state_label(self) -> str | Promise:
        """The name of the state, for people."""
        return LABELS[self.state]


@dataclass(frozen=True)
class MultipartRow:
    """An upload in parts that was begun and not finished."""

    key: str
    begun_at: datetime
    username: str


def file_item_page(*, owner: str, after: str) -> Page:
    """Return a page of the files' table, or of the items of ``owner``; raises StorageUnavailable.

    In the order of the table, which is that of keys for one owner only.
    """
    if owner:
        found = live_items().query(entry_key(owner, "")[0], prefix="", after=after, limit=PAGE_SIZE)
        items, next_after = found.values, found.next_after
    else:
        hash_key, _, range_key = after.partition(KEY_SEPARATOR)
        start = (hash_key, range_key) if range_key else None
        scanned = list(islice(live_items().scan(after=start, limit=PAGE_SIZE + 1), PAGE_SIZE + 1))
        items = scanned[:PAGE_SIZE]
        more = len(scanned) > PAGE_SIZE
        next_after = KEY_SEPARATOR.join(AnyCodec().key(items[-1])) if more else ""
    ready = [item for item in items if isinstance(item, Entry) and item.is_ready]
    answers = {entry.key: later(live_bucket().exists, entry.key) for entry in ready}
    names = usernames({owner_id for item in items if (owner_id := _owner(item))})
    return Page([_row(item, answers, names) for item in items], next_after)


def _row(item: Item, exists: Mapping[str, Answer[bool]], names: Mapping[str, str]) -> FileItemRow:
    is_object = isinstance(item, Entry) and not item.is_final
    return FileItemRow(
        key=AnyCodec().key(item),
        kind=type(item).__name__.lower(),
        state=_state(item, exists),
        username=names.get(_owner(item), ""),
        object_key=item.key if isinstance(item, Entry) and is_object else "",
        updated_at=item.updated_at,
        summary=_summary(item),
        facts=_facts(item),
    )


def _state(item: Item, exists: Mapping[str, Answer[bool]]) -> str:
    if item.unreadable:
        return "strange"
    if isinstance(item, Entry):
        if item.is_ready:
            return "live" if exists[item.key].result() else "ghost"
        return str(item.state)
    if isinstance(item, Name):
        return "deleted" if item.closed else "live"
    if isinstance(item, Usage) and item.closed_at:
        return "closed"
    return "unknown" if isinstance(item, Pointer) and not item.owner_id else "live"


def _summary(item: Item) -> str | Promise:
    """Return what an item says, in a line."""
    if isinstance(item, Name):
        count = len(item.versions)
        return ngettext("%(count)d version", "%(count)d versions", count) % {"count": count}
    if isinstance(item, Usage):
        files = ngettext("%(count)d file", "%(count)d files", item.file_count)
        return f"{files % {'count': item.file_count}}, {filesizeformat(item.bytes_used)}"
    if isinstance(item, Entry) and item.reason:
        return errors.REASONS.get(item.reason, item.reason)
    return getattr(item, "name", None) or _("Facts")


def _facts(item: Item) -> dict[str, Any]:
    """Return what the item says, but for what other columns show."""
    shown = {"owner_id", "upload_id", "updated_at", "unreadable", "state"}
    facts = {field.name: getattr(item, field.name) for field in fields(item)}
    return {
        name: ", ".join(value) if isinstance(value, tuple) else str(value)
        for name, value in facts.items()
        if name not in shown and value not in (None, False, ())
    }


def _owner(item: Item) -> str:
    return str(getattr(item, "owner_id", None) or "")


def multiparts(*, prefix: str) -> list[MultipartRow]:
    """Return the open uploads in parts under ``prefix``; raises StorageUnavailable."""
    found = live_bucket().open_multiparts(prefix=prefix, limit=PAGE_SIZE).uploads
    names = usernames({owner for upload in found if (owner := owner_of(upload.key))})
    return [
        MultipartRow(upload.key, upload.begun_at, names.get(owner_of(upload.key), ""))
        for upload in found
    ]


def entries_of(keys: list[str]) -> dict[str, Entry]:
    """Return the entries that objects under ``files/`` or ``previews/`` belong to, by their keys.

    Keys that this code never writes are left out.
    """
    wanted = {}
    for key in keys:
        parts = key.split("/")
        if key.startswith((FILES_PREFIX, PREVIEWS_PREFIX)) and len(parts) >= 3:
            wanted[key] = entry_key(parts[1], parts[2])
    found = live_entries().read_many(list(dict.fromkeys(wanted.values())))
    return {key: found[item_key] for key, item_key in wanted.items()}


def file_object_state(key: str, entry: Entry | None) -> str:
    """Return what an object under ``files/`` or ``previews/`` is."""
    if entry is None or entry.unreadable:
        return "unknown"
    if key.startswith(PREVIEWS_PREFIX):
        return "live" if entry.preview_key == key else "orphan"
    if key != entry.key:
        return "unknown"
    if entry.state is None:
        return "arrived"
    return "live" if entry.is_ready else "orphan"
