"""References: the gateway to the table, and what an item means to the services.

The services see frozen ``Reference`` values and three outcomes of a conditional update: done,
RevisionMoved, OutcomeUnknown. The simulation has a gateway of the same shape in memory.
"""

import logging
import random
import sys
import time
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from functools import cache
from typing import Any, Self

from django.conf import settings
from pynamodb.exceptions import (
    AttributeDeserializationError,
    AttributeNullError,
    PynamoDBException,
    UpdateError,
)

from avatars.models import AvatarItem
from aws.deadlines import in_time
from aws.errors import OutcomeUnknown, RevisionMoved, StorageUnavailable
from uploads.keys import AVATARS_PREFIX, prefix_of

logger = logging.getLogger(__name__)

READ_BATCH = 100  # what one BatchGetItem takes
SCAN_PAGE = 1000  # items a request
FIRST_PAUSE = 0.05  # seconds, at most


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
        return key if key.startswith(prefix_of(AVATARS_PREFIX, self.owner_id)) else None

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


class DynamoReferences:
    """The table of avatar items. Its methods may be called from many threads."""

    @in_time("dynamodb")
    def read(self, owner_id: str) -> Reference:
        """Return the owner's reference, strongly consistent."""
        with _translated():
            try:
                return _from_item(AvatarItem.get(owner_id, consistent_read=True))
            except AvatarItem.DoesNotExist:
                return Reference(owner_id)

    def read_many(self, owner_ids: Collection[str]) -> dict[str, Reference]:
        """Return the references of ``owner_ids``, strongly consistent, 100 a request."""
        found = {owner_id: Reference(owner_id) for owner_id in owner_ids}
        keys = list(found)
        for start in range(0, len(keys), READ_BATCH):
            for reference in self._read_batch(keys[start : start + READ_BATCH]):
                found[reference.owner_id] = reference
        return found

    def scan(self, *, after: str = "", limit: int | None = None) -> Iterator[Reference]:
        """Yield up to ``limit`` references past that of the owner ``after``, in table order."""
        start: Any = {"owner_id": {"S": after}} if after else None
        left = sys.maxsize if limit is None else limit
        while left > 0:
            found, start = self._scan_page(start, min(left, SCAN_PAGE))
            yield from found
            left = left - len(found) if start else 0

    def replace(self, before: Reference, after: Reference) -> None:
        """Write ``after`` on the condition that the item still is as ``before`` was read.

        Raises RevisionMoved if it is not, and OutcomeUnknown on any other failure: the SDK
        repeats requests, so even a refusal may follow an attempt that was carried out.
        """
        try:
            self._update(before, after)
        except StorageUnavailable as error:
            raise OutcomeUnknown from error

    def check(self) -> None:
        """Return if the table answers; else raise StorageUnavailable."""
        self.read("readiness-probe")

    # --- one request each ---

    @in_time("dynamodb")
    def _read_batch(self, owner_ids: list[str]) -> list[Reference]:
        """Return those of ``owner_ids`` that have an item.

        PynamoDB's own loop asks for unprocessed keys for ever and without a pause.
        """
        keys: list[Any] = [{"owner_id": {"S": owner_id}} for owner_id in owner_ids]
        found: list[Reference] = []
        for attempt in range(settings.AWS_ATTEMPTS):
            if attempt:
                time.sleep(random.random() * FIRST_PAUSE * 2**attempt)  # noqa: S311 (no secret)
            with _translated():
                answer = AvatarItem._get_connection().batch_get_item(keys, consistent_read=True)
                items = answer["Responses"].get(AvatarItem.Meta.table_name, [])
                found += [_from_item(AvatarItem.from_raw_data(item)) for item in items]
                left = answer.get("UnprocessedKeys", {}).get(AvatarItem.Meta.table_name)
            if not left:
                return found
            keys = left["Keys"]
        raise StorageUnavailable

    @in_time("dynamodb")
    def _scan_page(self, start: Any, limit: int) -> tuple[list[Reference], Any]:
        """Return up to ``limit`` references behind ``start``, and where to go on, if anywhere."""
        with _translated():
            page = AvatarItem.scan(
                last_evaluated_key=start, limit=limit, page_size=limit, consistent_read=True
            )
            return [_from_item(item) for item in page], page.last_evaluated_key

    @in_time("dynamodb")
    def _update(self, before: Reference, after: Reference) -> None:
        revision = AvatarItem.revision
        unchanged = revision == before.revision if before.revision else revision.does_not_exist()
        with _translated():
            try:
                AvatarItem(after.owner_id).update(actions=_actions(after), condition=unchanged)
            except UpdateError as error:
                if error.cause_response_code == "ConditionalCheckFailedException":
                    raise RevisionMoved from error
                raise


@cache
def live_references() -> DynamoReferences:
    """Return the table that the settings name."""
    return DynamoReferences()


AVATAR_FIELDS = [field.name for field in fields(Avatar)]
UNREADABLE = (
    AttributeDeserializationError,
    AttributeNullError,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
)
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
    except UNREADABLE as error:
        # An item that this code has not written, or no answer of DynamoDB's: reading on would
        # only guess.
        logger.exception("The table gave something that cannot be read.")
        raise StorageUnavailable from error
