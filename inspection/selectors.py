"""The bucket joined with the table: what each object and each item is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.utils.functional import Promise

from accounts.selectors import usernames
from avatars.references import Reference, live_references
from aws.bucket import ListedObject, ObjectDetails, live_bucket
from aws.deadlines import Answer, later
from aws.errors import ObjectMissing
from aws.lifecycle import expires_at
from files.items import Entry
from inspection.file_items import entries_of, file_object_state
from inspection.labels import LABELS, PAGE_SIZE, Page
from uploads.keys import (
    AVATARS_PREFIX,
    FILES_PREFIX,
    PENDING_PREFIX,
    PREVIEWS_PREFIX,
    owner_of,
)


@dataclass(frozen=True)
class ObjectRow:
    """An object of the bucket and what it is."""

    key: str
    size: int
    last_modified: datetime
    content_type: str
    metadata: dict[str, str]
    tags: dict[str, str]
    expires_at: datetime | None
    state: str
    owner_id: str
    username: str
    gone: bool  # deleted between the listing and the look at it

    @property
    def state_label(self) -> str | Promise:
        """The name of the state, for people."""
        return LABELS[self.state]


@dataclass(frozen=True)
class ItemRow:
    """An item of the table, and whether its object is there."""

    reference: Reference
    username: str
    state: str

    @property
    def state_label(self) -> str | Promise:
        """The name of the state, for people."""
        return LABELS[self.state]


def object_page(*, prefix: str, after: str) -> Page:
    """Return a page of the bucket in key order; raises StorageUnavailable.

    The details of the objects are asked for side by side, their owners' items in one batch.
    """
    listing = live_bucket().list_page(prefix=prefix, after=after, limit=PAGE_SIZE)
    asked = [later(live_bucket().details, found.key) for found in listing.objects]
    details = [_details(answer) for answer in asked]
    rules = live_bucket().lifecycle_rules()
    owners = {owner for found in listing.objects if (owner := owner_of(found.key))}
    references = live_references().read_many(sorted(owners))
    names = usernames(owners)
    entries = entries_of([found.key for found in listing.objects])
    rows = [
        _object_row(found, detail, references, names, rules, entries.get(found.key))
        for found, detail in zip(listing.objects, details, strict=True)
    ]
    return Page(rows, listing.next_after)


def item_page(*, owner: str, after: str) -> Page:
    """Return a page of the table, or the one item of ``owner``; raises StorageUnavailable."""
    if owner:
        found = live_references().read(owner)
        references = [found] if found.revision else []
    else:
        scan = live_references().scan(after=after, limit=PAGE_SIZE + 1)
        references = list(islice(scan, PAGE_SIZE + 1))
    shown = references[:PAGE_SIZE]
    names = usernames([reference.owner_id for reference in shown])
    live = [reference.live_key for reference in shown if reference.live_key]
    answers = {key: later(live_bucket().exists, key) for key in live}
    rows = [
        ItemRow(reference, names.get(reference.owner_id, ""), _item_state(reference, answers))
        for reference in shown
    ]
    return Page(rows, shown[-1].owner_id if len(references) > PAGE_SIZE else "")


def _object_row(
    found: ListedObject,
    details: ObjectDetails | None,
    references: dict[str, Reference],
    names: Any,
    rules: list[Any],
    entry: Entry | None,
) -> ObjectRow:
    owner = owner_of(found.key)
    known = details or ObjectDetails(content_type="", metadata={})
    due = known.expires_at or expires_at(
        found.key,
        last_modified=found.last_modified,
        tags=known.tags,
        size=found.size,
        rules=rules,
    )
    return ObjectRow(
        key=found.key,
        size=found.size,
        last_modified=found.last_modified,
        content_type=known.content_type,
        metadata=known.metadata,
        tags=known.tags,
        expires_at=due,
        state=_object_state(found.key, references.get(owner), entry),
        owner_id=owner,
        username=names.get(owner, ""),
        gone=details is None,
    )


def _object_state(key: str, reference: Reference | None, entry: Entry | None) -> str:
    if key.startswith(PENDING_PREFIX):
        return "pending"
    if key.startswith((FILES_PREFIX, PREVIEWS_PREFIX)):
        return file_object_state(key, entry)
    if not key.startswith(AVATARS_PREFIX):
        return "unknown"
    if reference and reference.unreadable:
        return "unknown"  # its item may name this object
    return "live" if reference and reference.live_key == key else "orphan"


def _item_state(reference: Reference, exists: Mapping[str, Answer[bool]]) -> str:
    if reference.is_strange:
        return "strange"
    if reference.closed_at and not reference.avatar:
        return "closed"
    if not reference.live_key:
        return "empty"
    return "live" if exists[reference.live_key].result() else "ghost"


def _details(answer: Answer[ObjectDetails]) -> ObjectDetails | None:
    try:
        return answer.result()
    except ObjectMissing:
        return None
