"""What the items of share links mean, and their keys.

| item | key | what it says |
| --- | --- | --- |
| link | ``S#<SHA-256 of the token>`` / ``S`` | what it leads to, until when, how often |
| listing | ``O#<owner>`` / ``L#<file id>#<SHA-256>`` | that the file has this link |
| grant | ``G#<id>`` / ``G`` | how many bytes a counted download has been given again |

A listing is written before its link, so each link that works is in its owner's list. Only DynamoDB
removes them, some time after their end; every use compares the times itself.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, Self

from assets.models import CountedItem, LinkItem
from aws.table import Table
from aws.tally import Tally
from files.codecs import ItemCodec
from files.items import LINK, OWNER, Item, ItemKey

SHARE, GRANT = "S#", "G#"
# How long an item stays after it has ended, so that its owner still sees it.
KEPT = timedelta(days=30)
UNLIMITED = 2**53


class State(StrEnum):
    """Whether a link works, and if not, why."""

    LIVE = "live"
    REVOKED = "revoked"
    EXPIRED = "expired"
    USED_UP = "used_up"


@dataclass(frozen=True)
class Link(Item):
    """A share link. ``max_downloads`` is None without a limit, ``password`` a hash or None."""

    digest: str = ""  # SHA-256 of its token, hex: also its id
    owner_id: str = ""
    file_id: str = ""
    created_at: datetime | None = None
    expires_at: datetime | None = None
    max_downloads: int | None = None
    downloads: int = 0
    closed_at: datetime | None = None
    password: str | None = None
    ttl: int | None = None

    def state(self, now: datetime) -> State:
        """Return whether it works at ``now``."""
        if self.closed_at:
            return State.REVOKED
        if self.expires_at is None or self.expires_at <= now:
            return State.EXPIRED
        is_used_up = self.max_downloads is not None and self.downloads >= self.max_downloads
        return State.USED_UP if is_used_up else State.LIVE

    def made(self, *, now: datetime) -> Self:
        """Return it with its revision and its end, to be written."""
        ttl = int(((self.expires_at or now) + KEPT).timestamp())
        return replace(self._next(now), created_at=now, ttl=ttl)


@dataclass(frozen=True)
class Listing(Item):
    """The place of a link in the list of its file."""

    owner_id: str = ""
    file_id: str = ""
    digest: str = ""
    ttl: int | None = None

    def made(self, ttl: int | None, *, now: datetime) -> Self:
        """Return it with its revision and its end, to be written."""
        return replace(self._next(now), ttl=ttl)


class LinkCodec(ItemCodec[Link]):
    """Links."""

    model: Any = LinkItem
    kind = Link
    needed = ("revision", "owner_id", "file_id", "expires_at")
    in_key = ("digest",)

    def key(self, link: Link) -> ItemKey:
        """Return the digest of its token."""
        return link_key(link.digest)

    def absent(self, key: ItemKey) -> Link:
        """Return what stands for no link."""
        return Link(digest=key[0].removeprefix(SHARE))

    def read(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Return ``facts`` with whole numbers."""
        numbers = {
            name: int(facts[name])
            for name in ("downloads", "max_downloads", "ttl")
            if name in facts
        }
        return facts | numbers


class ListingCodec(ItemCodec[Listing]):
    """Listings."""

    model: Any = LinkItem
    kind = Listing
    needed = ("revision",)
    in_key = ("owner_id", "file_id", "digest")

    def key(self, listing: Listing) -> ItemKey:
        """Return its owner, its file and its link."""
        return listing_key(listing.owner_id, listing.file_id, listing.digest)

    def absent(self, key: ItemKey) -> Listing:
        """Return the listing of a link that is not there."""
        file_id, _, digest = key[1].removeprefix(LINK).partition("#")
        return Listing(owner_id=key[0].removeprefix(OWNER), file_id=file_id, digest=digest)


def link_key(digest: str) -> ItemKey:
    """Return the key of a link."""
    return f"{SHARE}{digest}", "S"


def listing_key(owner_id: str, file_id: str, digest: str = "") -> ItemKey:
    """Return the key of a link's listing; without ``digest`` what all of a file begin with."""
    return f"{OWNER}{owner_id}", f"{LINK}{file_id}#{digest}"


def grant_key(grant_id: str) -> ItemKey:
    """Return the key of a grant."""
    return f"{GRANT}{grant_id}", "G"


@cache
def live_links() -> Table[Link, ItemKey]:
    """Return the links of the table that the settings name."""
    return Table[Link, ItemKey](LinkCodec())


@cache
def live_listings() -> Table[Listing, ItemKey]:
    """Return the listings of the table that the settings name."""
    return Table[Listing, ItemKey](ListingCodec())


@cache
def live_downloads() -> Tally:
    """Return how often links were used."""
    return Tally(CountedItem, ("downloads",))


@cache
def live_grants() -> Tally:
    """Return how many bytes grants have given."""
    return Tally(CountedItem, ("bytes_sent",))
