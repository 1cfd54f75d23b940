"""Finding people."""

from collections.abc import Collection, Mapping

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.models import User


def users_named(words: str) -> QuerySet[User]:
    """Return the active users in whose names each of ``words`` occurs, the oldest first."""
    found = User.objects.filter(is_active=True).order_by("date_joined", "pk")
    for word in words.split():
        found = found.filter(
            Q(username__icontains=word)
            | Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
        )
    return found


def active_user(**lookup: object) -> User:
    """Return the active user with this ``username`` or ``pk``, or answer 404."""
    if "\x00" in str(lookup.get("username", "")):  # PostgreSQL would not even look for it
        raise Http404
    return get_object_or_404(User, is_active=True, **lookup)


def active_owner(owner_id: str) -> User | None:
    """Return the account of an owner, if it is active."""
    if not _is_user_id(owner_id):
        return None
    return User.objects.filter(pk=owner_id, is_active=True).first()


def existing_owners(owner_ids: Collection[str]) -> set[str]:
    """Return those of ``owner_ids`` that have an account."""
    return set(usernames(owner_ids))


def usernames(owner_ids: Collection[str]) -> Mapping[str, str]:
    """Return the usernames of those of ``owner_ids`` that have an account."""
    ids = [owner_id for owner_id in set(owner_ids) if _is_user_id(owner_id)]
    rows = User.objects.filter(pk__in=ids).values_list("pk", "username")
    return {str(pk): username for pk, username in rows}


def _is_user_id(owner_id: str) -> bool:
    """Return whether ``owner_id`` has the form of one: keys and items may hold anything."""
    try:
        return str(User._meta.pk.to_python(owner_id)) == owner_id
    except ValidationError:
        return False
