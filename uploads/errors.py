"""What can go wrong on the way to the bucket, each in the user's words."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class UploadError(Exception):
    """An upload, or a request about one, that is refused or failed.

    ``code`` names the error to programs, ``message`` tells the user what to do next.
    """

    code: str = "upload_error"
    message: str | Promise = _("The upload did not work. Please try again.")

    def __init__(self, message: str | Promise | None = None) -> None:
        if message is not None:
            self.message = message
        super().__init__(self.code)


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
