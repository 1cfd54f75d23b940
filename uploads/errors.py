"""What can go wrong on the way to the bucket, each in the user's words."""

from datetime import timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.timesince import timeuntil
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext


def in_words(seconds: int) -> str:
    """Return a length of time as a user reads it."""
    if seconds < 120:
        return ngettext("%d second", "%d seconds", seconds) % seconds
    now = timezone.now()
    return timeuntil(now + timedelta(seconds=seconds), now)


class UploadError(Exception):
    """An upload, or a request about one, that is refused or failed.

    ``code`` names the error to programs, ``message`` tells the user what to do next. If trying
    again makes no sense for a while, ``retry_after`` says how many seconds.
    """

    code: str = "upload_error"
    message: str | Promise = _("The upload did not work. Please try again.")
    retry_after: int | None = None

    def __init__(self, message: str | Promise | None = None) -> None:
        if message is not None:
            self.message = message
        super().__init__(self.code)


class SignedOut(UploadError):
    """Nobody is signed in."""

    code = "signed_out"
    message = _("Please sign in first.")


class BadRequest(UploadError):
    """The body is not what the route takes."""

    code = "bad_request"


class BodyTooLarge(BadRequest):
    """The body is larger than ``DATA_UPLOAD_MAX_MEMORY_SIZE``; it was not read."""

    message = _("The request is too large.")


class TooManyRequests(UploadError):
    """Somebody asks more often than the rates allow."""

    code = "too_many_requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            _("That was too often. Please try again in %(time)s.") % {"time": in_words(retry_after)}
        )
        self.retry_after = retry_after


class InvalidToken(UploadError):
    """The upload token is forged, altered, another user's or of another purpose."""

    code = "invalid_token"
    message = _("This upload was not issued to you. Please start again.")


class TokenExpired(UploadError):
    """The upload token was genuine once but is too old."""

    code = "token_expired"
    message = _("This upload took too long. Please choose the picture again.")


class ObjectMissing(UploadError):
    """There is no object with this key."""

    code = "object_missing"
    message = _("There is no such file.")


class ObjectTooLarge(UploadError):
    """The object is larger than the reader accepts."""

    code = "too_large"
    message = _("The file is too large.")


class StorageUnavailable(UploadError):
    """S3 or DynamoDB did not answer, or answered with an error that is not the user's."""

    code = "unavailable"
    message = _("The picture store does not answer right now. Please try again in a moment.")
