"""Who may see what: members the users, staff the inspection; in the demo everybody all of it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

View = Callable[..., HttpResponse]


def members_only(view: View) -> View:
    """Let signed-in users see a view; in the demo everybody."""
    guarded = login_required(view)

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return (view if settings.DEMO else guarded)(request, *args, **kwargs)

    return wrapped


def staff_only(view: View) -> View:
    """Let staff see a view; other users get 403, and visitors the login page."""

    @login_required
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_staff:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return (view if settings.DEMO else guarded)(request, *args, **kwargs)

    return wrapped
