"""Why a picture is not decoded."""

from django.utils.translation import gettext_lazy as _

from web.errors import UserFacingError


class BadImage(UserFacingError):
    """The bytes are not a picture that can be read within the limits."""

    code = "bad_image"
    retry = "never"
    message = _("This file cannot be read as a picture. Please choose another one.")


class Busy(UserFacingError):
    """Too many pictures are being decoded."""

    code = "unavailable"
    retry = "same"
    message = _("Many pictures are being saved right now. Please try again in a moment.")
