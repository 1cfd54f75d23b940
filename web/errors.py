"""Errors that a user can be told: each has a code for programs and a message for people."""

from datetime import timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.timesince import timeuntil
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext


def readable_duration(seconds: int) -> str:
    """Return a length of time as people write it, such as "3 minutes"."""
    if seconds < 120:
        return ngettext("%d second", "%d seconds", seconds) % seconds
    now = timezone.now()
    return timeuntil(now + timedelta(seconds=seconds), now)


class UserFacingError(Exception):
    """A request that is refused, or that failed.

    ``code`` names the error to programs, ``message`` tells the user what to do next. If trying
    again makes no sense for a while, ``retry_after`` says how many seconds.
    """

    code: str = "failed"
    message: str | Promise = _("That did not work. Please try again.")
    retry_after: int | None = None

    def __init__(self, message: str | Promise | None = None) -> None:
        if message is not None:
            self.message = message
        super().__init__(self.code)


class SignedOut(UserFacingError):
    """The request has no signed-in user."""

    code = "signed_out"
    message = _("Please sign in first.")


class BadRequest(UserFacingError):
    """The body is not what the route takes."""

    code = "bad_request"


class BodyTooLarge(BadRequest):
    """The body is larger than ``DATA_UPLOAD_MAX_MEMORY_SIZE``; it was not read."""

    message = _("The request is too large.")


class TooManyRequests(UserFacingError):
    """The user, or the address, asks more often than the rates allow."""

    code = "too_many_requests"

    def __init__(self, retry_after: int) -> None:
        wait = readable_duration(retry_after)
        super().__init__(_("That was too often. Please try again in %(time)s.") % {"time": wait})
        self.retry_after = retry_after
