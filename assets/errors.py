"""What can go wrong with an asset or a stream, each in the user's words."""

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aws.errors import StorageUnavailable
from files.statuses import STATUSES as FILE_STATUSES
from web.api import STATUSES as API_STATUSES
from web.errors import UserFacingError


class AssetError(UserFacingError):
    """An asset that is not stored, or not given."""

    code = "asset_error"


class ShortBody(AssetError):
    """The body ended before the length that was announced, or in the middle of a chunk or form."""

    code = "short_body"
    retry = "same"
    message = gettext_lazy("The file arrived incomplete, so it was not stored. Send it again.")


class LengthRequired(AssetError):
    """A body of unknown length, where that must be told."""

    code = "length_required"
    retry = "never"
    message = gettext_lazy("The length must be told, as Content-Length.")


class TooLarge(AssetError):
    """The file has more bytes than may pass through the site."""

    code = "too_large"
    retry = "never"

    def __init__(self, limit: int) -> None:
        """Say that at most ``limit`` bytes are possible."""
        message = _("Files of at most %s can be sent this way. Upload larger ones in parts.")
        super().__init__(message % filesizeformat(limit))


class Busy(AssetError):
    """As many files are under way as a process takes at one time."""

    code = "busy"
    retry = "same"
    retry_after = 5
    message = gettext_lazy("Too many files are under way. Please try again in a moment.")


class InFlight(AssetError):
    """A request with the same Idempotency-Key is under way."""

    code = "in_flight"
    retry = "same"
    retry_after = 5
    message = gettext_lazy("The same request is under way. Please try again in a moment.")


class KeyReused(AssetError):
    """The Idempotency-Key came with another request before."""

    code = "key_reused"
    retry = "never"
    message = gettext_lazy("This Idempotency-Key was used for another request.")


class NoSuchLink(AssetError):
    """The link is unknown, revoked, expired or used up, or leads nowhere any more."""

    code = "no_such_link"
    retry = "never"
    message = gettext_lazy("This link does not work, or not any more.")


class TooManyLinks(AssetError):
    """The file has as many links as there may be."""

    code = "too_many_links"
    retry = "never"
    message = gettext_lazy("This file has had too many links. Ended ones go after a month.")


class WrongPassword(AssetError):
    """The link has a password, and it was not this one."""

    code = "wrong_password"
    retry = "never"
    message = gettext_lazy("This link has a password, and that is not it.")


class BadRange(AssetError):
    """The range that is asked for has no byte of the file."""

    code = "bad_range"
    retry = "never"
    message = gettext_lazy("The file is shorter than that.")


class CsrfFailed(AssetError):
    """The request of a browser came without a CSRF token in its header."""

    code = "csrf"
    retry = "never"
    message = gettext_lazy("Send the CSRF token as X-CSRFToken, or use an API key.")


STATUSES: dict[type[UserFacingError], int] = {
    **API_STATUSES,
    **FILE_STATUSES,
    ShortBody: 400,
    WrongPassword: 401,
    CsrfFailed: 403,
    NoSuchLink: 404,
    TooManyLinks: 409,
    InFlight: 409,
    KeyReused: 422,
    LengthRequired: 411,
    TooLarge: 413,
    Busy: 503,
    StorageUnavailable: 503,
}
