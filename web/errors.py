"""Errors that a user can be told: each has a code for programs and a message for people."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.timesince import timeuntil
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

# Whether and how a program goes on after an error:
#
#   same    send the same request again, after ``Retry-After`` if there is one
#   new     give this upload up and begin a new one at phase 1
#   never   stop: the file, the request or the session has to change first
Retry = Literal["same", "new", "never"]


def readable_duration(seconds: int) -> str:
    """Return a length of time as people write it, such as "3 minutes"."""
    if seconds < 120:
        return ngettext("%d second", "%d seconds", seconds) % seconds
    now = timezone.now()
    return timeuntil(now + timedelta(seconds=seconds), now)


class UserFacingError(Exception):
    """A request that is refused, or that failed.

    ``code`` names the error to programs, ``retry`` tells them how to go on, ``message`` tells the
    user what to do next. If trying again makes no sense for a while, ``retry_after`` says how many
    seconds. ``details`` are further facts for programs.
    """

    code: str = "failed"
    retry: Retry = "same"
    message: str | Promise = _("That did not work. Please try again.")
    retry_after: int | None = None
    details: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, message: str | Promise | None = None) -> None:
        if message is not None:
            self.message = message
        super().__init__(self.code)


class SignedOut(UserFacingError):
    """The request has no signed-in user."""

    code = "signed_out"
    retry = "never"
    message = _("Please sign in first.")


class InvalidKey(UserFacingError):
    """The API key is unknown, expired or revoked, or its owner's account is not active."""

    code = "invalid_key"
    retry = "never"
    message = _("This API key is not valid. Make a new one on the page of your keys.")


class ScopeMissing(UserFacingError):
    """The API key may do other things, but not this one."""

    code = "scope_missing"
    retry = "never"
    message = _("This API key may not do that.")

    def __init__(self, scope: str = "") -> None:
        super().__init__()
        self.details: Mapping[str, Any] = {"scope": scope}


class KeyNotAllowed(UserFacingError):
    """The route is not one that API keys can be used for."""

    code = "key_not_allowed"
    retry = "never"
    message = _("An API key cannot be used here. Sign in with a browser.")


class BadRequest(UserFacingError):
    """The body is not what the route takes."""

    code = "bad_request"
    retry = "never"


class BodyTooLarge(BadRequest):
    """The body is larger than ``DATA_UPLOAD_MAX_MEMORY_SIZE``; it was not read."""

    message = _("The request is too large.")


class TooManyRequests(UserFacingError):
    """The user, or the address, asks more often than the rates allow."""

    code = "too_many_requests"
    retry = "same"

    def __init__(self, retry_after: int) -> None:
        wait = readable_duration(retry_after)
        super().__init__(_("That was too often. Please try again in %(time)s.") % {"time": wait})
        self.retry_after = retry_after
