"""Errors on the way to the bucket, each with a message for the user."""

from django.utils.translation import gettext_lazy as _

from web.errors import UserFacingError


class UploadError(UserFacingError):
    """An upload that is refused, or that failed."""

    code = "upload_error"
    message = _("The upload did not work. Please try again.")


class InvalidToken(UploadError):
    """The upload token is forged, altered, another user's or of another purpose."""

    code = "invalid_token"
    retry = "new"
    message = _("This upload was not issued to you. Please start again.")


class TokenExpired(UploadError):
    """The upload token was genuine once but is too old."""

    code = "token_expired"
    retry = "new"
    message = _("This upload took too long. Please start again.")


class WrongPlace(UploadError):
    """Most items or objects look wrong: bucket, table and database may not belong together."""

    code = "wrong_place"
    retry = "never"
    message = _("Most items look wrong. Are these the right bucket and database? See --force.")
