"""What can go wrong with a picture, each in the user's words."""

from django.utils.translation import gettext_lazy as _

from web.errors import UserFacingError, readable_duration


class AvatarError(UserFacingError):
    """A picture that is refused, or a change of one that did not happen."""

    code = "avatar_error"


class UnsupportedType(AvatarError):
    """The content type is not on the allow-list."""

    code = "unsupported_type"
    retry = "never"
    message = _("This kind of file cannot be used. Choose a JPEG, PNG, WebP, AVIF or GIF picture.")


class BadSize(AvatarError):
    """The announced size is zero, negative or over ``AVATAR_MAX_BYTES``."""

    code = "bad_size"
    retry = "never"


class TooManyPending(AvatarError):
    """The owner has as many pending objects as there may be; the oldest expires at last."""

    code = "too_many_pending"
    retry = "same"

    def __init__(self, count: int, retry_after: int) -> None:
        super().__init__(
            _(
                "%(count)s of your earlier uploads have not been cleared away yet. That happens by"
                " itself; please try again in %(time)s."
            )
            % {"count": count, "time": readable_duration(retry_after)}
        )
        self.retry_after = retry_after


class NotUploaded(AvatarError):
    """The pending object is not there (yet); confirming may be tried again."""

    code = "not_uploaded"
    retry = "same"
    message = _("The picture has not arrived yet. Please try again.")


class ForeignObject(AvatarError):
    """The pending object does not carry the metadata and tags its policy demanded."""

    code = "foreign_object"
    retry = "new"
    message = _("The uploaded file is not the one that was announced. Please start again.")


class Conflict(AvatarError):
    """Another change of the same picture came first; confirming again decides anew."""

    code = "conflict"
    retry = "same"
    message = _("Your picture was being changed elsewhere at the same time. Please try again.")


class UploadRevoked(AvatarError):
    """The picture was removed, or the account deleted, after this upload began."""

    code = "removed"
    retry = "new"
    message = _("The picture was removed while this upload was under way. Please start again.")


class UnreadableItem(AvatarError):
    """The owner's item was not written by this code, or was damaged; an administrator can help."""

    code = "unreadable_item"
    retry = "never"
    message = _("The record of your picture cannot be read. Please ask an administrator.")
