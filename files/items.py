"""What the items of the files' table mean to the services, and their keys.

| item | key | what it says |
| --- | --- | --- |
| entry | ``O#<owner>`` / ``F#<upload id>`` | what became of one object: ready, refused or deleted |
| name | ``O#<owner>`` / ``N#<name>`` | the file of a name, and its versions in order |
| pointer | ``A#<file id>`` / ``A`` | whose file an id is, and by which name |
| usage | ``O#<owner>`` / ``Q`` | the bytes and files of an owner (``aws.tally``) |

Every write of the first three has a condition on the revision that was read before it. An entry
and a name, once written, are never removed, so a request that comes late finds them. Items of
other kinds in the same table belong to ``assets``.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from uploads.keys import FILES_PREFIX, PREVIEWS_PREFIX, prefix_of

ENTRY, NAME, USAGE = "F#", "N#", "Q"
OWNER, POINTER = "O#", "A#"
# What ``assets`` keeps in the same table: share links, grants, idempotency keys, and the list of
# an owner's links.
OTHERS, LINK = ("S#", "G#", "I#"), "L#"
ItemKey = tuple[str, str]
OPEN = "open"  # the access of a version that whoever knows the id of its file may read
STREAMED = "streamed"  # in place of the size, of an object that the site itself wrote and counted


class State(StrEnum):
    """Where an entry is on its one way: none, ready or refused or deleted; ready, deleted."""

    READY = "ready"
    REFUSED = "refused"
    DELETED = "deleted"


@dataclass(frozen=True)
class Item:
    """What all items have: a revision, None where there is no item.

    Of an ``unreadable`` item nothing else is known; nothing it may name is deleted.
    """

    revision: str | None = None
    updated_at: datetime | None = None
    unreadable: bool = False

    def _next(self, now: datetime, **changes: Any) -> Self:
        changes = {"unreadable": False, **changes}
        return replace(self, revision=uuid.uuid4().hex, updated_at=now, **changes)


@dataclass(frozen=True)
class Entry(Item):
    """One object and what became of it; ``state`` is None where there is no item.

    ``version`` and ``file_id`` are None until it is entered under its name. ``size`` in bytes.
    """

    owner_id: str = ""
    upload_id: str = ""
    state: State | None = None
    reason: str | None = None
    name: str | None = None
    size: int | None = None
    content_type: str | None = None
    etag: str | None = None
    created_at: datetime | None = None
    attempt: str | None = None  # the attempt to accept the object that put the entry
    file_id: str | None = None
    version: int | None = None
    superseded: bool = False
    notified_at: datetime | None = None
    processed_at: datetime | None = None
    digest: str | None = None
    digest_kind: str | None = None
    true_type: str | None = None
    restores: str | None = None  # the id of the file that a copy is a version of, and no other
    access: str | None = None  # OPEN, or None: its owner's alone
    blocked_at: datetime | None = None  # when staff made it unreadable
    width: int | None = None
    height: int | None = None
    preview_key: str | None = None
    preview_problem: str | None = None  # why a picture has no preview, a code

    @property
    def key(self) -> str:
        """The key of its object."""
        return file_key(self.owner_id, self.upload_id)

    @property
    def is_ready(self) -> bool:
        """Whether its object is a file."""
        return self.state is State.READY

    @property
    def is_final(self) -> bool:
        """Whether it stays as it is for good, and its object goes."""
        return self.state in {State.REFUSED, State.DELETED}

    @property
    def is_placed(self) -> bool:
        """Whether it is entered under its name."""
        return self.file_id is not None and self.version is not None

    @property
    def preview_prefix(self) -> str:
        """The prefix of its previews, of which it names one at most."""
        return f"{prefix_of(PREVIEWS_PREFIX, self.owner_id)}{self.upload_id}/"

    def deleted(self, *, now: datetime) -> Self:
        """Return the last entry of its object: it accepts nothing any more, and tells nothing."""
        bare = type(self)(
            owner_id=self.owner_id,
            upload_id=self.upload_id,
            state=State.DELETED,
            created_at=self.created_at or now,
            attempt=self.attempt,
            file_id=self.file_id,
            version=self.version,
        )
        return bare._next(now)

    def changed(self, *, now: datetime, **facts: Any) -> Self:
        """Return the next entry, with other ``facts``."""
        return self._next(now, **facts)


@dataclass(frozen=True)
class Name(Item):
    """The file of a name: its id, and the upload ids of its versions in order.

    Once ``closed`` the file is deleted, and the next upload begins another one under the name.
    """

    owner_id: str = ""
    name: str = ""
    file_id: str | None = None
    versions: tuple[str, ...] = ()
    closed: bool = False

    def begun(self, file_id: str, upload_id: str, *, now: datetime) -> Self:
        """Return the name with a new file, whose version 0 is ``upload_id``."""
        return self._next(now, file_id=file_id, versions=(upload_id,), closed=False)

    def appended(self, upload_id: str, *, now: datetime) -> Self:
        """Return the name with one more version."""
        return self._next(now, versions=(*self.versions, upload_id))

    def closing(self, *, now: datetime) -> Self:
        """Return the name without a file."""
        return self._next(now, closed=True)


@dataclass(frozen=True)
class Pointer(Item):
    """Whose file an id is, and by which name; it may be older or younger than the file."""

    file_id: str = ""
    owner_id: str | None = None
    name: str | None = None

    def to(self, owner_id: str, name: str, *, now: datetime) -> Self:
        """Return the pointer to the file of a name."""
        return self._next(now, owner_id=owner_id, name=name)


@dataclass(frozen=True)
class Usage(Item):
    """What an owner uses; it is changed by ``aws.tally`` alone, and has no revision."""

    owner_id: str = ""
    bytes_used: int = 0
    file_count: int = 0
    closed_at: datetime | None = None


@dataclass(frozen=True)
class Other(Item):
    """An item that ``assets`` keeps in the same table; only its key is known here."""

    key: ItemKey = ("", "")


# --- Keys ---


def file_key(owner_id: str, upload_id: str) -> str:
    """Return the only key that an upload can ever write."""
    return f"{prefix_of(FILES_PREFIX, owner_id)}{upload_id}"


def entry_key(owner_id: str, upload_id: str) -> ItemKey:
    """Return the key of the entry of an object."""
    return f"{OWNER}{owner_id}", f"{ENTRY}{upload_id}"


def name_key(owner_id: str, name: str) -> ItemKey:
    """Return the key of a name."""
    return f"{OWNER}{owner_id}", f"{NAME}{name}"


def pointer_key(file_id: str) -> ItemKey:
    """Return the key of the pointer to a file."""
    return f"{POINTER}{file_id}", "A"


def usage_key(owner_id: str) -> ItemKey:
    """Return the key of what an owner uses."""
    return f"{OWNER}{owner_id}", USAGE
