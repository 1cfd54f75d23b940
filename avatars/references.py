"""References: what an item of the avatars' table means to the services."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from functools import cache
from typing import Any, Self

from avatars.models import AvatarItem
from aws.table import Table
from uploads import stores
from uploads.keys import AVATARS_PREFIX, MAX_KEY_BYTES, prefix_of


@dataclass(frozen=True)
class Avatar:
    """A promoted picture: its key, the upload it came from, and facts about its content."""

    avatar_key: str
    upload_id: str
    content_type: str
    size: int
    width: int
    height: int
    digest: str


@dataclass(frozen=True)
class Reference:
    """An owner's item as read; ``revision`` is None where there is no item.

    Of an ``unreadable`` item only that is known, and perhaps the key that it names.
    """

    owner_id: str
    revision: str | None = None
    avatar: Avatar | None = None
    updated_at: datetime | None = None
    removed_at: datetime | None = None
    closed_at: datetime | None = None
    unreadable: bool = False
    unread_key: str | None = None

    @property
    def live_key(self) -> str | None:
        """The key of the owner's picture; None without one, and for a key that is not ours."""
        key = self.avatar.avatar_key if self.avatar else ""
        own = key.startswith(prefix_of(AVATARS_PREFIX, self.owner_id))
        return key if own and len(key.encode()) <= MAX_KEY_BYTES else None

    @property
    def strange_key(self) -> str | None:
        """A key that this code never writes: it is shown, and never served or deleted."""
        if self.unreadable:
            return self.unread_key
        return self.avatar.avatar_key if self.avatar and not self.live_key else None

    @property
    def named_key(self) -> str | None:
        """The key that the item names, whatever it is."""
        return self.live_key or self.strange_key

    @property
    def is_strange(self) -> bool:
        """Whether this code has not written the item: a person has to look at it."""
        return self.unreadable or bool(self.strange_key)

    def refuses(self, issued_at: datetime) -> bool:
        """Return whether uploads issued at ``issued_at`` can no longer be confirmed."""
        return bool(self.closed_at or (self.removed_at and issued_at <= self.removed_at))

    def pointing_at(self, avatar: Avatar, *, now: datetime) -> Self:
        """Return the next reference, to a new picture."""
        return self._next(now, avatar=avatar)

    def fenced(self, *, now: datetime) -> Self:
        """Return the next reference, the same but for its revision.

        Written, it makes every update fail whose sender read the item before.
        """
        return self._next(now)

    def emptied(self, *, now: datetime) -> Self:
        """Return the next reference, to no picture; uploads under way can still be confirmed."""
        return self._next(now, avatar=None)

    def removed(self, *, now: datetime) -> Self:
        """Return the next reference, to no picture; uploads issued so far are revoked."""
        return self._next(now, avatar=None, removed_at=now)

    def closed(self, *, now: datetime) -> Self:
        """Return the last reference: to no picture, and none will be accepted again."""
        return self._next(now, avatar=None, closed_at=self.closed_at or now)

    def _next(self, now: datetime, **changes: Any) -> Self:
        changes = {"unreadable": False, "unread_key": None, **changes}
        return replace(self, revision=uuid.uuid4().hex, updated_at=now, **changes)


class AvatarCodec:
    """How an item of the avatars' table is read and written."""

    model = AvatarItem

    def key(self, reference: Reference) -> str:
        """Return the owner's id."""
        return reference.owner_id

    def absent(self, owner_id: str) -> Reference:
        """Return the reference of an owner without an item."""
        return Reference(owner_id)

    def decode(self, item: AvatarItem) -> Reference:
        """Return the reference that ``item`` holds; raises ValueError if a fact is missing."""
        facts = {name: getattr(item, name) for name in AVATAR_FIELDS}
        if facts["avatar_key"]:
            facts |= {name: _whole(facts[name]) for name in NUMBERS}
        own = {name: getattr(item, name) for name in OWN_FIELDS}
        needed = {**(facts if facts["avatar_key"] else {}), "revision": own["revision"]}
        if missing := [name for name, value in needed.items() if value in (None, "")]:
            raise ValueError(f"without {', '.join(missing)}")
        avatar = Avatar(**facts) if facts["avatar_key"] else None
        return Reference(item.owner_id, avatar=avatar, **own)

    def unreadable(self, owner_id: str, *, revision: str, texts: Mapping[str, str]) -> Reference:
        """Return the reference of an item that cannot be decoded."""
        key = texts.get("avatar_key")
        return Reference(owner_id, revision=revision, unreadable=True, unread_key=key)

    def encode(self, reference: Reference) -> dict[str, Any]:
        """Return the attributes of ``reference``."""
        values: dict[str, Any] = dict.fromkeys(AVATAR_FIELDS)
        values |= asdict(reference.avatar) if reference.avatar else {}
        return values | {name: getattr(reference, name) for name in OWN_FIELDS}


def _whole(number: object) -> int:
    if not isinstance(number, int):
        raise ValueError(f"{number!r} is not a whole number")  # noqa: TRY004 (as for a missing one)
    return number


AVATAR_FIELDS = [field.name for field in fields(Avatar)]
NUMBERS = ["size", "width", "height"]
OWN_FIELDS = ["revision", "updated_at", "removed_at", "closed_at"]


AvatarTable = Table[Reference, str]
Stores = stores.Stores[Reference]


@cache
def live_references() -> AvatarTable:
    """Return the table that the settings name."""
    return AvatarTable(AvatarCodec())


@cache
def live_stores() -> Stores:
    """Return the stores that the settings name: one object for the whole process."""
    return stores.stores_with(live_references())
