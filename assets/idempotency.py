"""Idempotency-Key: a request that is sent again stores nothing again, and gets the same answer.

The first attempt writes an item with a lease and the id of its upload; each later one of the same
key uses that id. So however attempts overlap or die, they can only ever make one object, and one
version. A token is not stored, but made from a stored random text and the site's secret key.
Source: IETF draft, "The Idempotency-Key HTTP Header Field".
"""

import json
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Self

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from assets.errors import InFlight, KeyReused
from assets.models import RequestItem
from assets.tokens import derived_token
from aws.errors import StorageUnavailable
from aws.table import Table
from files.codecs import ItemCodec
from files.items import Item, ItemKey
from files.tokens import new_upload_id
from uploads.writing import write
from web.errors import BadRequest

HEADER = "Idempotency-Key"
LIFETIME = timedelta(hours=24)
# How long an attempt that says nothing is taken for one that is under way.
LEASE = timedelta(minutes=5)


@dataclass(frozen=True)
class KnownRequest(Item):
    """A request under way, or its answer."""

    key: ItemKey = ("", "")
    fingerprint: str | None = None
    upload_id: str | None = None
    nonce: str | None = None
    answer: str | None = None
    lease_until: datetime | None = None
    ttl: int | None = None

    def begun(self, fingerprint: str, *, now: datetime) -> Self:
        """Return it as a new request."""
        blank = type(self)(
            key=self.key,
            fingerprint=fingerprint,
            upload_id=new_upload_id(now),
            nonce=token_urlsafe(32),
            ttl=int((now + LIFETIME).timestamp()),
        )
        return replace(blank._next(now), lease_until=now + LEASE)

    def leased(self, until: datetime, *, now: datetime) -> Self:
        """Return it with another end of its lease."""
        return self._next(now, lease_until=until)

    def answered(self, answer: str, *, now: datetime) -> Self:
        """Return it with its answer."""
        return self._next(now, answer=answer, lease_until=None)


class RequestCodec(ItemCodec[KnownRequest]):
    """Requests."""

    model: Any = RequestItem
    kind = KnownRequest
    needed = ("revision", "fingerprint", "upload_id", "nonce", "ttl")
    in_key = ("key",)

    def key(self, known: KnownRequest) -> ItemKey:
        """Return its owner, and the digest of its key."""
        return known.key

    def absent(self, key: ItemKey) -> KnownRequest:
        """Return a request that never came."""
        return KnownRequest(key=key)


@cache
def live_requests() -> Table[KnownRequest, ItemKey]:
    """Return the requests in the table that the settings name."""
    return Table[KnownRequest, ItemKey](RequestCodec())


class Claim:
    """The right to carry a request out, or the answer that it has got already.

    Used as a context it gives the right back where it ends with an error, so that the request may
    be sent again at once.
    """

    def __init__(self, known: KnownRequest) -> None:
        self._known = known

    @property
    def answer(self) -> dict[str, Any] | None:
        """The envelope that the request has got, if it was carried out."""
        if self._known.answer is None:
            return None
        answer: dict[str, Any] = json.loads(self._known.answer)
        if answer["token"]:
            answer["token"]["token"] = self.token
        return answer

    @property
    def upload_id(self) -> str:
        """The upload that each attempt is."""
        return self._known.upload_id or ""

    @property
    def token(self) -> str:
        """The token of the link that the request makes, if it makes one."""
        return derived_token(self._known.nonce or "")

    def go_on(self) -> None:
        """Say that the attempt is under way; raises InFlight if another one has taken it over."""
        now = timezone.now()
        until = self._known.lease_until
        if until is not None and until - now < LEASE * 0.8:
            self._write(self._known.leased(now + LEASE, now=now))

    def finish(self, envelope: dict[str, Any]) -> None:
        """Keep the answer, without its token."""
        kept = {**envelope, "token": envelope["token"] and {**envelope["token"], "token": ""}}
        self._write(self._known.answered(json.dumps(kept), now=timezone.now()))

    def _write(self, after: KnownRequest) -> None:
        written = write(live_requests(), self._known.key, self._known, after)
        if not written.mine:
            raise InFlight
        self._known = after

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error and not isinstance(error, InFlight):
            now = timezone.now()
            with suppress(StorageUnavailable):  # the lease ends by itself
                released = self._known.leased(now, now=now)
                write(live_requests(), self._known.key, self._known, released)


def claim(request: HttpRequest, owner_id: str) -> Claim | None:
    """Return the claim of a request with an Idempotency-Key; None without one.

    Raises BadRequest, InFlight, KeyReused and StorageUnavailable.
    """
    given = request.headers.get(HEADER)
    if given is None:
        return None
    if not re.fullmatch(r"[\x20-\x7e]{1,255}", given):
        raise BadRequest(_("The Idempotency-Key must have 1 to 255 characters of ASCII."))
    key = (f"I#{owner_id}#{sha256(given.encode()).hexdigest()}", "I")
    known, now = live_requests().read(key), timezone.now()
    fingerprint = _fingerprint(request)
    if known.revision is None or known.unreadable or (known.ttl or 0) <= now.timestamp():
        after = known.begun(fingerprint, now=now)
    elif known.fingerprint != fingerprint:
        raise KeyReused
    elif known.answer is not None:
        return Claim(known)
    elif known.lease_until is not None and known.lease_until > now:
        raise InFlight
    else:
        after = known.leased(now + LEASE, now=now)
    written = write(live_requests(), key, known, after)
    if not written.mine:
        raise InFlight
    return Claim(after)


def _fingerprint(request: HttpRequest) -> str:
    """Return what tells requests apart without their bodies: a form's boundary may differ."""
    parts = [
        request.method or "",
        request.get_full_path(),
        (request.content_type or "").lower(),
        request.META.get("CONTENT_LENGTH") or "",
    ]
    return sha256("\n".join(parts).encode()).hexdigest()
