"""Finding people."""

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
