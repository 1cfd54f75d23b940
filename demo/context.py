"""Adds to every template what it needs for the demo."""

from django.conf import settings
from django.http import HttpRequest

from accounts.selectors import users_named

SHOWN = 3  # on the login page


def demo(request: HttpRequest) -> dict[str, object]:
    """Return ``demo``, whether one click signs in as any user, and ``demo_users``."""
    if not settings.DEMO:
        return {"demo": False}
    return {"demo": True, "demo_users": lambda: users_named("")[:SHOWN]}
