"""Share links: made, counted, revoked.

A link opens a file to whoever has its token. It is looked up by the token's SHA-256. What it gives
depends on its owner's rights at each use: the account must be active and the file still there.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.models import User
from accounts.selectors import active_owner
from assets.errors import NoSuchLink, TooManyLinks
from assets.items import (
    UNLIMITED,
    Link,
    Listing,
    State,
    link_key,
    listing_key,
    live_downloads,
    live_links,
    live_listings,
)
from assets.tokens import digest_of, new_token
from aws.errors import LimitReached, OutcomeUnknown, StorageUnavailable
from files.errors import Blocked, NoSuchFile
from files.items import Entry, Name
from files.library import find_file, find_version
from files.stores import FileStores
from uploads.writing import write

events = structlog.stdlib.get_logger(__name__)

MAX_LINKS = 100  # of a file, ended ones among them
MAX_DOWNLOADS = 1_000_000


@dataclass(frozen=True)
class NewLink:
    """A link that was just made, and its token, which nobody can be told again."""

    token: str
    link: Link


@dataclass(frozen=True)
class Opened:
    """What a working link leads to: the newest version of its file, and who shares it."""

    link: Link
    entry: Entry
    owner: User


def create_link(
    *,
    owner_id: str,
    file_id: str,
    minutes: int | None,
    max_downloads: int | None,
    password: str,
    stores: FileStores,
    token: str | None = None,
) -> NewLink:
    """Make a link to the owner's file that lives ``minutes``, by default ``LINK_MINUTES``.

    ``max_downloads`` None is no limit, an empty ``password`` none. Asked again with the
    same ``token`` it is the same link; without one it is made at random. Raises NoSuchFile,
    TooManyLinks and StorageUnavailable.
    """
    found = find_file(owner_id=owner_id, file_id=file_id, stores=stores)
    if len(_listed(found.name)) >= MAX_LINKS:
        raise TooManyLinks
    now = timezone.now()
    token = token or new_token()
    blank = Link(
        digest=digest_of(token),
        owner_id=owner_id,
        file_id=file_id,
        expires_at=now + timedelta(minutes=minutes or settings.LINK_MINUTES),
        max_downloads=max_downloads,
        password=make_password(password) if password else None,
    )
    link = blank.made(now=now)
    listing = Listing(owner_id=owner_id, file_id=file_id, digest=link.digest)
    key = listing_key(owner_id, file_id, link.digest)
    write(live_listings(), key, listing, listing.made(link.ttl, now=now))
    link = write(live_links(), link_key(link.digest), Link(digest=link.digest), link).value
    events.info("link_created", owner_id=owner_id, file_id=file_id, link=link.digest[:12])
    return NewLink(token, link)


def links_of(name: Name) -> list[Link]:
    """Return the links of the file that has this name, the newest first.

    Raises StorageUnavailable.
    """
    found = live_links().read_many([link_key(one.digest) for one in _listed(name)])
    made = [link for link in found.values() if link.revision and not link.unreadable]
    return sorted(made, key=_age, reverse=True)


def _listed(name: Name) -> list[Listing]:
    """Return the listings of a file's links, those among them that were not made in the end."""
    hash_key, prefix = listing_key(name.owner_id, name.file_id or "")
    return live_listings().query(hash_key, prefix=prefix, limit=MAX_LINKS).values


def _age(link: Link) -> datetime:
    return link.created_at or timezone.now()


def revoke_link(*, owner_id: str, file_id: str, link_id: str, stores: FileStores) -> None:
    """Let a link open nothing any more, from the next request on. Repeated it does nothing.

    Raises NoSuchFile, NoSuchLink and StorageUnavailable.
    """
    find_file(owner_id=owner_id, file_id=file_id, stores=stores)
    link = live_links().read(link_key(link_id))
    if not link.revision or (link.owner_id, link.file_id) != (owner_id, file_id):
        raise NoSuchLink
    if link.closed_at:
        return
    try:
        live_downloads().close(link_key(link_id), now=timezone.now(), known_by="expires_at")
    except LimitReached as error:  # removed since it was read
        raise NoSuchLink from error
    except OutcomeUnknown as error:
        raise StorageUnavailable from error
    events.info("link_revoked", owner_id=owner_id, file_id=file_id, link=link_id[:12])


def open_link(token: str, *, stores: FileStores, even_used_up: bool = False) -> Opened:
    """Return what a link leads to. Counts nothing.

    One that is used up leads nowhere, unless a download that was counted goes on.

    Raises NoSuchLink whatever the reason is, and StorageUnavailable.
    """
    link = live_links().read(link_key(digest_of(token)))
    if not link.revision or link.unreadable:
        raise NoSuchLink
    working = {State.LIVE, State.USED_UP} if even_used_up else {State.LIVE}
    if link.state(timezone.now()) not in working:
        raise NoSuchLink
    owner = active_owner(link.owner_id)
    if owner is None:
        raise NoSuchLink
    try:
        entry = find_version(
            owner_id=link.owner_id, file_id=link.file_id, version=None, stores=stores
        )
    except (NoSuchFile, Blocked) as error:
        raise NoSuchLink from error
    return Opened(link, entry, owner)


def is_used_up(link: Link) -> bool:
    """Return whether a working link has no download left."""
    return link.state(timezone.now()) is State.USED_UP


def count_download(link: Link) -> None:
    """Take one of the link's downloads, if it still works and has one.

    It is one update, sent once: at most ``max_downloads`` are ever given. Raises NoSuchLink, and
    StorageUnavailable if it may have been taken.
    """
    most = UNLIMITED if link.max_downloads is None else link.max_downloads
    try:
        live_downloads().add(
            link_key(link.digest),
            {"downloads": 1},
            now=timezone.now(),
            at_most={"downloads": most},
            before="expires_at",
        )
    except LimitReached as error:
        raise NoSuchLink from error
    except OutcomeUnknown as error:
        raise StorageUnavailable from error
    events.info("link_used", owner_id=link.owner_id, file_id=link.file_id, link=link.digest[:12])
