"""References: the gateway to the table, and what an item means to the services.

The services see frozen ``Reference`` values and three outcomes of a conditional update: done,
RevisionMoved, OutcomeUnknown. The simulation has a gateway of the same shape in memory.
"""

import logging
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from functools import cache
from typing import Any, Self

from pynamodb.exceptions import (
    AttributeDeserializationError,
    AttributeNullError,
    PynamoDBException,
    UpdateError,
)

from avatars.errors import OutcomeUnknown, RevisionMoved
from avatars.models import AvatarItem
from uploads.errors import StorageUnavailable

logger = logging.getLogger(__name__)

AVATARS_PREFIX = "avatars/"


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
    """An owner's item as read; ``revision`` is None where there is no item."""

    owner_id: str
    revision: str | None = None
    avatar: Avatar | None = None
    updated_at: datetime | None = None
    removed_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def live_key(self) -> str | None:
        """The key of the owner's picture; None without one, and for a key that is not ours."""
        key = self.avatar.avatar_key if self.avatar else ""
        return key if key.startswith(owner_prefix(self.owner_id)) else None

    @property
    def strange_key(self) -> str | None:
        """A key that this code never writes: it is shown, and never served or deleted."""
        return self.avatar.avatar_key if self.avatar and not self.live_key else None

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

    def without_avatar(self, *, now: datetime) -> Self:
        """Return the next reference, to no picture."""
        return self._next(now, avatar=None)

    def emptied(self, *, now: datetime) -> Self:
        """Return the next reference, to no picture, which revokes the uploads issued so far."""
        return self._next(now, avatar=None, removed_at=now)

    def closed(self, *, now: datetime) -> Self:
        """Return the last reference: to no picture, and none will be accepted again."""
        return self._next(now, avatar=None, closed_at=self.closed_at or now)

    def _next(self, now: datetime, **changes: Any) -> Self:
        return replace(self, revision=uuid.uuid4().hex, updated_at=now, **changes)


def owner_prefix(owner_id: str) -> str:
    """Return the prefix of all promoted pictures of one owner."""
    return f"{AVATARS_PREFIX}{owner_id}/"


class DynamoReferences:
    """The table of avatar items. Its methods may be called from many threads."""

    def read(self, owner_id: str) -> Reference:
        """Return the owner's reference, strongly consistent."""
        with _translated():
            try:
                return _from_item(AvatarItem.get(owner_id, consistent_read=True))
            except AvatarItem.DoesNotExist:
                return Reference(owner_id)

    def read_many(self, owner_ids: Collection[str]) -> dict[str, Reference]:
        """Return the references of ``owner_ids``, strongly consistent, 100 a request."""
        with _translated():
            found = [
                _from_item(item) for item in AvatarItem.batch_get(owner_ids, consistent_read=True)
            ]
        return {owner_id: Reference(owner_id) for owner_id in owner_ids} | {
            reference.owner_id: reference for reference in found
        }

    def scan(self, *, after: str = "", limit: int | None = None) -> Iterator[Reference]:
        """Yield up to ``limit`` references past that of the owner ``after``, in table order."""
        start = {"owner_id": {"S": after}} if after else None
        with _translated():
            for item in AvatarItem.scan(
                last_evaluated_key=start, limit=limit, page_size=limit, consistent_read=True
            ):
                yield _from_item(item)

    def replace(self, before: Reference, after: Reference) -> None:
        """Write ``after`` on the condition that the item still is as ``before`` was read.

        Raises RevisionMoved if it is not, and OutcomeUnknown on any other failure: the SDK
        repeats requests, so even a refusal may follow an attempt that was carried out.
        """
        revision = AvatarItem.revision
        unchanged = revision == before.revision if before.revision else revision.does_not_exist()
        try:
            AvatarItem(after.owner_id).update(actions=_actions(after), condition=unchanged)
        except UpdateError as error:
            if error.cause_response_code == "ConditionalCheckFailedException":
                raise RevisionMoved from error
            raise OutcomeUnknown from error

    def check(self) -> None:
        """Return if the table answers; else raise StorageUnavailable."""
        self.read("readiness-probe")


@cache
def live_references() -> DynamoReferences:
    """Return the table that the settings name."""
    return DynamoReferences()


AVATAR_FIELDS = [field.name for field in fields(Avatar)]
OWN_FIELDS = ["revision", "updated_at", "removed_at", "closed_at"]


def _from_item(item: AvatarItem) -> Reference:
    facts = {name: getattr(item, name) for name in AVATAR_FIELDS}
    avatar = Avatar(**facts) if item.avatar_key else None
    own = {name: getattr(item, name) for name in OWN_FIELDS}
    return Reference(item.owner_id, avatar=avatar, **own)


def _actions(reference: Reference) -> list[Any]:
    """Return the update that makes the whole item what ``reference`` says."""
    values: dict[str, Any] = dict.fromkeys(AVATAR_FIELDS)
    values |= asdict(reference.avatar) if reference.avatar else {}
    values |= {name: getattr(reference, name) for name in OWN_FIELDS}
    attributes = AvatarItem.get_attributes()
    return [
        attributes[name].remove() if value is None else attributes[name].set(value)
        for name, value in values.items()
    ]


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PynamoDBException as error:
        raise StorageUnavailable from error
    except (AttributeDeserializationError, AttributeNullError, TypeError, ValueError) as error:
        # An item that this code has not written; reading on would only guess.
        logger.exception("The table holds an item that cannot be read.")
        raise StorageUnavailable from error
