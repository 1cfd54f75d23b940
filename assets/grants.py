"""Grants: a download that was counted may be resumed, or fetched in ranges, without counting again.

A grant is signed, bound to its link and version, and good for a day. Its item counts the bytes
that were given by it, so that one counted download cannot become any number of them. Whether the
link still works is asked at each request all the same.
"""

import secrets
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from assets.items import Link, grant_key, live_grants
from assets.sending import etag_of
from aws.errors import LimitReached, OutcomeUnknown, StorageUnavailable
from files.items import Entry

NAME = "grant"  # of the cookie, and of the parameter
SALT = "assets.grant"
LIFETIME = timedelta(days=1)
# How often the whole of a file may be given by one grant.
TIMES = 3


def new_grant(link: Link, entry: Entry) -> str:
    """Return a grant for a download that was just counted."""
    return signing.dumps([link.digest, etag_of(entry), secrets.token_urlsafe(12)], salt=SALT)


def grant_of(request: HttpRequest, link: Link, entry: Entry) -> str:
    """Return the id of the grant that comes with a request; empty without a valid one."""
    for given in (request.GET.get(NAME, ""), request.COOKIES.get(NAME, "")):
        try:
            digest, etag, grant_id = signing.loads(given, salt=SALT, max_age=LIFETIME)
        except (signing.BadSignature, ValueError, TypeError):
            continue
        if (digest, etag) == (link.digest, etag_of(entry)):
            return str(grant_id)
    return ""


def take_bytes(grant_id: str, count: int, entry: Entry) -> bool:
    """Return whether ``count`` more bytes may be given by a grant, and count them.

    Raises StorageUnavailable.
    """
    now = timezone.now()
    try:
        live_grants().add(
            grant_key(grant_id),
            {"bytes_sent": count},
            now=now,
            at_most={"bytes_sent": TIMES * (entry.size or 0)},
            facts={"ttl": int((now + 2 * LIFETIME).timestamp())},
        )
    except LimitReached:
        return False
    except OutcomeUnknown as error:
        raise StorageUnavailable from error
    return True


def keep(response: HttpResponseBase, grant: str, *, path: str) -> None:
    """Have the browser bring the grant along when it resumes the download at ``path``."""
    response.set_cookie(
        NAME,
        grant,
        max_age=LIFETIME,
        path=path,
        secure=not settings.DEBUG,
        httponly=True,
        samesite="Lax",
    )
