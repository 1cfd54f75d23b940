"""API keys: how they are made, and whose a given one is.

A key is ``tri_``, 32 random characters and 6 of a checksum. The checksum tells a mistyped or
invented key without a request to the database, and lets scanners of leaked secrets be sure of one.
Only the SHA-256 is kept: 190 random bits cannot be guessed from it, so it needs no slow hash.
"""

import secrets
import string
import zlib
from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256

import structlog
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import ApiKey, User

events = structlog.stdlib.get_logger(__name__)

PREFIX = "tri_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM, CHECKED = 32, 6  # characters
# How often the time of a key's last use is written, at most.
LAST_USE = timedelta(minutes=1)


def new_secret() -> str:
    """Return a fresh key."""
    bare = PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM))
    return bare + _checksum(bare)


def is_well_formed(secret: str) -> bool:
    """Return whether ``secret`` looks like a key, its checksum included."""
    bare, checksum = secret[:-CHECKED], secret[-CHECKED:]
    letters = bare.removeprefix(PREFIX)
    return (
        bare == PREFIX + letters
        and len(letters) == RANDOM
        and set(letters) <= set(ALPHABET)
        and checksum == _checksum(bare)
    )


def _checksum(bare: str) -> str:
    """Return the CRC32 of ``bare`` in base62, six digits."""
    number, digits = zlib.crc32(bare.encode()), ""
    for _ in range(CHECKED):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def digest_of(secret: str) -> str:
    """Return the SHA-256 that a key is found by, in hex."""
    return sha256(secret.encode()).hexdigest()


def issue_key(
    *, owner: User, name: str, scopes: Collection[str], expires_at: datetime | None
) -> tuple[ApiKey, str]:
    """Make a key of ``owner``; return it, and its secret, which is not kept."""
    secret = new_secret()
    key = ApiKey.objects.create(
        owner=owner,
        name=name,
        digest=digest_of(secret),
        last_four=secret[-4:],
        scopes=" ".join(scope for scope in ApiKey.SCOPES if scope in scopes),
        expires_at=expires_at,
    )
    events.info("api_key_created", key_id=key.pk, owner_id=str(owner.pk), scopes=key.scopes)
    return key, secret


def working_keys() -> QuerySet[ApiKey]:
    """Return the keys that are neither revoked nor over."""
    unended = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return ApiKey.objects.filter(unended, revoked_at=None)


def key_of(secret: str) -> ApiKey | None:
    """Return the key of ``secret``, if it is valid now and its owner's account is active.

    Notes that it was used.
    """
    if not is_well_formed(secret):
        return None
    found = working_keys().filter(digest=digest_of(secret), owner__is_active=True)
    key = found.select_related("owner").first()
    if key:
        _note_use(key)
    return key


def _note_use(key: ApiKey) -> None:
    """Write the time of use, unless that was done within the last minute."""
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at >= LAST_USE:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


def revoke(key: ApiKey) -> None:
    """Let the key open nothing any more, from the next request on."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        events.info("api_key_revoked", key_id=key.pk, owner_id=str(key.owner_id))
