"""Upload tokens: what phase 1 hands out and phase 3 demands back.

The backend keeps no record of what it issued; the signature is the record. A token is bound to
one purpose, one owner, one upload and one moment, so a forged, expired or foreign one is refused
before any request to AWS.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.utils.crypto import constant_time_compare

from uploads.errors import InvalidToken, TokenExpired
from uploads.keys import PENDING_PREFIX, prefix_of


@dataclass(frozen=True)
class Upload:
    """One upload as issued: its owner, its random id and the time of issue."""

    owner_id: str
    id: str
    issued_at: datetime

    @property
    def pending_key(self) -> str:
        """The only key that the policy of this upload allows."""
        return f"{prefix_of(PENDING_PREFIX, self.owner_id)}{self.id}"


def new_upload(owner_id: str, *, now: datetime) -> Upload:
    """Return a fresh upload of ``owner_id`` with an id of 128 random bits."""
    return Upload(owner_id=owner_id, id=secrets.token_hex(16), issued_at=now)


def sign_upload(upload: Upload, *, purpose: str) -> str:
    """Return the token of ``upload``: under 256 characters, all of them legal in an S3 tag."""
    issued = int(upload.issued_at.timestamp() * 1000)
    return sign(purpose, [upload.owner_id, upload.id, issued])


def open_token(token: str, *, purpose: str, owner_id: str, now: datetime) -> Upload:
    """Return the upload that ``token`` was issued for.

    Raises InvalidToken if it is not genuine, not for ``purpose`` or not ``owner_id``'s, and
    TokenExpired past ``UPLOAD_TOKEN_SECONDS``. Compares in constant time.
    """
    lifetime = timedelta(seconds=settings.UPLOAD_TOKEN_SECONDS)
    upload_id, issued = unsign(purpose, token, owner_id=owner_id, count=2)
    issued_at = issued_since(issued, now=now, lifetime=lifetime)
    return Upload(owner_id=owner_id, id=upload_id, issued_at=issued_at)


def sign(purpose: str, facts: list[Any]) -> str:
    """Return a token that holds ``facts``, of which the first is the owner's id."""
    return _signer(purpose).sign_object(facts)


def unsign(purpose: str, token: str, *, owner_id: str, count: int) -> list[Any]:
    """Return the ``count`` facts after the owner's id; raises InvalidToken."""
    try:
        token_owner, *facts = _signer(purpose).unsign_object(token)
    except (signing.BadSignature, ValueError) as error:
        raise InvalidToken from error
    if not constant_time_compare(token_owner, owner_id) or len(facts) != count:
        raise InvalidToken
    return list(facts)


def issued_since(milliseconds: int, *, now: datetime, lifetime: timedelta) -> datetime:
    """Return a time of issue, in milliseconds since 1970; raises TokenExpired past ``lifetime``."""
    issued_at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    if now - issued_at > lifetime:
        raise TokenExpired
    return issued_at


def _signer(purpose: str) -> signing.Signer:
    return signing.Signer(salt=f"uploads.token.{purpose}", sep=".")
