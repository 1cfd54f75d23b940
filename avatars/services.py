"""The three phases of a picture, its removal, and the end of its owner.

S3 and DynamoDB share no transaction. Instead one property holds after every request, whatever
crashes: an item never names an object that is not there. The order of the requests and the
condition on ``revision`` ensure it; ARCHITECTURE.md gives the reasons.
"""

import math
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import structlog
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from structlog.contextvars import bind_contextvars

from avatars.errors import (
    BadSize,
    Conflict,
    ForeignObject,
    NotUploaded,
    TooManyPending,
    UnreadableItem,
    UnsupportedType,
    UploadRevoked,
)
from avatars.references import Avatar, Reference, Stores
from aws.bucket import FetchedObject
from aws.errors import ObjectMissing, ObjectTooLarge
from aws.policies import PresignedPost, pending_metadata, pending_tags, upload_policy
from pictures import images
from pictures.errors import BadImage
from uploads.errors import InvalidToken
from uploads.keys import AVATARS_PREFIX, PENDING_PREFIX, prefix_of
from uploads.lifecycle import expires_by_own_rules
from uploads.stores import Answer
from uploads.tokens import Upload, new_upload, open_token, sign_upload
from uploads.writing import write

events = structlog.stdlib.get_logger(__name__)

PURPOSE = "avatar"
# A promoted object is never written again, so browsers may keep it as long as they like.
CACHE_CONTROL = "public, max-age=31536000, immutable"
WRITE_ATTEMPTS = 3
MIN_RETRY_SECONDS = 60


@dataclass(frozen=True)
class IssuedUpload:
    """What phase 1 gives the browser."""

    upload_id: str
    key: str
    upload_token: str
    post: PresignedPost
    max_bytes: int


class WriteResult(NamedTuple):
    """The reference after an attempt to write it, and whether it is the one of this attempt."""

    reference: Reference
    written: bool


# --- Phase 1 ---


def begin_upload(*, owner_id: str, content_type: str, size: int, stores: Stores) -> IssuedUpload:
    """Issue a presigned POST for one picture of ``size`` bytes; nothing is recorded.

    Raises UnsupportedType, BadSize, TooManyPending and StorageUnavailable.
    """
    max_bytes = settings.AVATAR_MAX_BYTES
    if content_type not in images.FORMATS:
        raise UnsupportedType
    if not 1 <= size <= max_bytes:
        raise BadSize(_size_message(size, max_bytes))
    now = timezone.now()
    _bound_pending(owner_id, now=now, stores=stores)
    upload = new_upload(owner_id, now=now)
    token = sign_upload(upload, purpose=PURPOSE)
    policy = upload_policy(
        key=upload.pending_key,
        owner_id=owner_id,
        upload_token=token,
        content_type=content_type,
        max_bytes=max_bytes,
    )
    post = stores.bucket.presigned_post(policy, seconds=settings.UPLOAD_POLICY_SECONDS, now=now)
    return IssuedUpload(upload.id, upload.pending_key, token, post, max_bytes)


def _bound_pending(owner_id: str, *, now: datetime, stores: Stores) -> None:
    """Refuse an owner who has ``MAX_PENDING_UPLOADS`` objects waiting to be confirmed.

    Only the bucket knows what was issued and used, so this costs one request. What was issued and
    is not there yet is not counted: the rate of phase 1 bounds that.
    """
    most = settings.MAX_PENDING_UPLOADS
    prefix = prefix_of(PENDING_PREFIX, owner_id)
    pending = stores.bucket.list_page(prefix=prefix, limit=most).objects
    if len(pending) < most:
        return
    oldest = min(pending, key=lambda found: found.last_modified)
    due = expires_by_own_rules(oldest)
    # S3 may delete what is due hours later.
    seconds = (due - now).total_seconds() if due else 0
    raise TooManyPending(most, max(MIN_RETRY_SECONDS, math.ceil(seconds)))


# --- Phase 3 ---


def confirm_upload(*, owner_id: str, key: str, upload_token: str, stores: Stores) -> Avatar:
    """Make the pending object at ``key`` the owner's picture.

    Repeated while that is the picture, it answers the same and changes nothing.

    Three requests in a row before the answer (the first read and the GET run side by side),
    five in all; one more where the store does not tell the number of tags. Raises InvalidToken,
    TokenExpired, NotUploaded, ForeignObject, BadImage, Busy, Conflict, UploadRevoked,
    UnreadableItem and StorageUnavailable.
    """
    now = timezone.now()
    upload = open_token(upload_token, purpose=PURPOSE, owner_id=owner_id, now=now)
    if not constant_time_compare(key, upload.pending_key):
        raise InvalidToken
    bind_contextvars(upload_id=upload.id)
    fetching = stores.later(stores.bucket.fetch, key, max_bytes=settings.AVATAR_MAX_BYTES)
    before = stores.references.read(owner_id)
    try:
        if done := _confirmed_already(before, upload):
            return done
        picture = _verified(fetching, upload=upload, upload_token=upload_token, stores=stores)
    except ObjectMissing as error:
        # A duplicate of this request may have finished, and cleared up, since the read.
        if done := _confirmed_already(stores.references.read(owner_id), upload):
            return done
        raise NotUploaded from error
    except (UploadRevoked, ForeignObject, BadImage):
        # Confirming again would end in the same way, and what is pending is counted.
        _discard_later([key], stores=stores)
        raise
    return _promote(picture, upload=upload, before=before, stores=stores)


def adopt_picture(*, owner_id: str, body: bytes, stores: Stores) -> Avatar:
    """Make the bytes in ``body`` the owner's picture, as if uploaded and confirmed.

    Raises BadImage, Busy, Conflict, UploadRevoked, UnreadableItem and StorageUnavailable.
    """
    before = stores.references.read(owner_id)
    upload = new_upload(owner_id, now=timezone.now())
    _confirmed_already(before, upload)
    return _promote(images.normalise(body), upload=upload, before=before, stores=stores)


def _verified(
    fetching: Answer[FetchedObject], *, upload: Upload, upload_token: str, stores: Stores
) -> images.Picture:
    """Return the picture in the pending object, if it is the one that was issued.

    Raises ObjectMissing, ForeignObject, BadImage, Busy and StorageUnavailable.
    """
    try:
        pending = fetching.result()
    except ObjectTooLarge as error:
        raise ForeignObject from error
    _check_pending(pending, upload=upload, upload_token=upload_token, stores=stores)
    return images.normalise(pending.body)


def _check_pending(
    pending: FetchedObject, *, upload: Upload, upload_token: str, stores: Stores
) -> None:
    """Refuse an object that was not uploaded with the form of this upload.

    The metadata must name the owner and the token, and there must be as many tags as the form sets.
    Where the number is another one, or is not told, the tags themselves are asked for. What else
    there is was added by a gateway, or by a scanner that tags what it has seen, and does not
    matter: a pending object is never served, and only its pixels get into the promoted one.

    Raises ForeignObject, BadImage, ObjectMissing and StorageUnavailable.
    """
    metadata, tags = pending_metadata(upload.owner_id, upload_token), pending_tags(upload_token)
    if not metadata.items() <= pending.metadata.items():
        raise ForeignObject
    if pending.tag_count != len(tags):
        found = stores.bucket.tags(upload.pending_key)
        if not tags.items() <= found.items():
            raise ForeignObject
    if pending.content_type not in images.FORMATS:
        raise BadImage


def _confirmed_already(reference: Reference, upload: Upload) -> Avatar | None:
    """Return the avatar that ``upload`` became, None if it has not yet.

    Raises UploadRevoked if it no longer may, and UnreadableItem.
    """
    if reference.unreadable:
        raise UnreadableItem
    found = reference.avatar if reference.live_key else None
    if found and found.upload_id == upload.id:
        return found
    if reference.refuses(upload.issued_at):
        raise UploadRevoked
    return None


def _promote(
    picture: images.Picture, *, upload: Upload, before: Reference, stores: Stores
) -> Avatar:
    """Write ``picture`` at a fresh key and point the reference at it."""
    mine = _avatar(picture, upload)
    stores.bucket.put(
        mine.avatar_key,
        picture.body,
        content_type=picture.content_type,
        cache_control=CACHE_CONTROL,
    )
    result = _replace(before, before.pointing_at(mine, now=timezone.now()), stores=stores)
    if result.written:
        superseded = [before.live_key] if before.live_key else []
        _discard_later([*superseded, upload.pending_key], stores=stores)
        return mine
    if result.reference.named_key != mine.avatar_key:
        _discard_later([mine.avatar_key], stores=stores)
    if done := _confirmed_already(result.reference, upload):
        return done
    raise Conflict


def _avatar(picture: images.Picture, upload: Upload) -> Avatar:
    """Return the facts of ``picture`` with a fresh key, which no other attempt ever uses."""
    name = f"{uuid.uuid4().hex}.{images.EXTENSION}"
    return Avatar(
        avatar_key=prefix_of(AVATARS_PREFIX, upload.owner_id) + name,
        upload_id=upload.id,
        content_type=picture.content_type,
        size=picture.size,
        width=picture.width,
        height=picture.height,
        digest=picture.digest,
    )


# --- No picture ---


def remove_picture(*, owner_id: str, stores: Stores) -> None:
    """Remove the owner's picture, and revoke every upload issued so far.

    Raises Conflict and StorageUnavailable.
    """
    _take_away(owner_id, close=False, stores=stores)
    events.info("picture_removed", owner_id=owner_id)


def close_owner(*, owner_id: str, stores: Stores) -> None:
    """Remove all pictures of an owner whose account is gone, and accept no more.

    Once the reference is closed no confirm can succeed, so all their objects can be deleted.
    Raises Conflict and StorageUnavailable; the next sweep then does the same.
    """
    _take_away(owner_id, close=True, stores=stores)
    for prefix in (prefix_of(AVATARS_PREFIX, owner_id), prefix_of(PENDING_PREFIX, owner_id)):
        delete_prefix(prefix, stores=stores)
    events.info("owner_closed", owner_id=owner_id)


def delete_prefix(prefix: str, *, stores: Stores) -> None:
    """Delete every object under ``prefix``, a page of the listing at a time."""
    page = stores.bucket.list_page(prefix=prefix)
    while page.objects:
        stores.bucket.delete([found.key for found in page.objects])
        if not page.next_after:
            return
        page = stores.bucket.list_page(prefix=prefix, after=page.next_after)


def _take_away(owner_id: str, *, close: bool, stores: Stores) -> None:
    for _attempt in range(WRITE_ATTEMPTS):
        before = stores.references.read(owner_id)
        now = timezone.now()
        after = before.closed(now=now) if close else before.removed(now=now)
        if _replace(before, after, stores=stores).written:
            if before.live_key:
                _discard_later([before.live_key], stores=stores)
            return
    raise Conflict


# --- What the steps above share ---


def _replace(before: Reference, after: Reference, *, stores: Stores) -> WriteResult:
    """Write ``after`` over ``before``; return the reference that is there afterwards.

    Raises StorageUnavailable if the outcome cannot be known: a copy of the request may still
    arrive, so the caller must delete nothing.
    """
    written = write(stores.references, after.owner_id, before, after)
    return WriteResult(written.value, written.mine)


def _discard_later(keys: list[str], *, stores: Stores) -> None:
    """Delete ``keys`` after the answer; what fails is left to the sweep and the lifecycle."""
    stores.later(stores.bucket.discard, keys)


def _size_message(size: int, max_bytes: int) -> str:
    if size < 1:
        return _("The file is empty. Please choose another one.")
    return _("The file has %(size)s; at most %(limit)s are possible.") % {
        "size": filesizeformat(size),
        "limit": filesizeformat(max_bytes),
    }
