"""What pages want to know of pictures, in as few requests as there can be."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import cast

from django.core.files.storage import storages
from django.urls import reverse
from django.utils.functional import Promise

from accounts.models import User
from avatars.references import Reference, live_references
from aws.errors import StorageUnavailable
from aws.signing import SignedUrl
from aws.storage import PresignedStorage


@dataclass(frozen=True)
class Card:
    """A user and the URL of their picture, or of a drawn placeholder."""

    user_id: str
    username: str
    name: str
    picture_url: str
    has_picture: bool
    is_me: bool


def cards_or_problem(users: Collection[User], *, me: object) -> tuple[list[Card], str | Promise]:
    """Return a card for each of ``users`` with one batch read, and a message if that failed.

    Without the table every card has its placeholder.
    """
    try:
        references = live_references().read_many({str(user.pk) for user in users})
        return [card(user, references[str(user.pk)], me=me) for user in users], ""
    except StorageUnavailable as error:
        return [card(user, None, me=me) for user in users], error.message


def card(user: User, reference: Reference | None, *, me: object) -> Card:
    """Return the card of ``user``; ``reference`` is None where it could not be read."""
    key = reference.live_key if reference else None
    return Card(
        user_id=str(user.pk),
        username=user.username,
        name=user.display_name,
        picture_url=picture_url(key).url if key else reverse("picture", args=[user.pk]),
        has_picture=bool(key),
        is_me=user == me,
    )


def picture_url(key: str) -> SignedUrl:
    """Return the URL of the promoted picture at ``key``, and how long it can be used."""
    return _pictures().signed_url(key)


@cache
def _pictures() -> PresignedStorage:
    return cast(PresignedStorage, storages["avatars"])
