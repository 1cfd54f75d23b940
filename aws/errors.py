"""What a request to AWS can come to, other than its result."""

from django.utils.translation import gettext_lazy as _

from web.errors import UserFacingError


class ObjectMissing(UserFacingError):
    """There is no object with this key."""

    code = "object_missing"
    retry = "never"
    message = _("There is no such file.")


class ObjectTooLarge(UserFacingError):
    """The object is larger than the reader accepts."""

    code = "too_large"
    retry = "never"
    message = _("The file is too large.")


class UploadMissing(UserFacingError):
    """S3 knows no such multipart upload: it was completed or aborted, or never begun."""

    code = "upload_missing"
    retry = "new"
    message = _("This upload is not there any more. Please start again.")


class AlreadyWritten(Exception):
    """A write was to happen only where there is no object, and there is one."""


class PartsRefused(Exception):
    """S3 does not make an object of these parts."""


class StorageUnavailable(UserFacingError):
    """S3 or DynamoDB did not answer, or answered with an error that is not the user's."""

    code = "unavailable"
    retry = "same"
    message = _("The store does not answer right now. Please try again in a moment.")


class SignaturesRefused(StorageUnavailable):
    """S3 answers, but refuses what this process signs for browsers; ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class QueueMissing(StorageUnavailable):
    """There is no queue of this name, or not yet."""


class TopicMissing(StorageUnavailable):
    """There is no topic of this name."""


class RevisionMoved(Exception):
    """The item no longer has the revision that a conditional update asked for."""


class OutcomeUnknown(Exception):
    """An update may have been carried out, or may still be, or may never be."""


class LimitReached(Exception):
    """An addition would take a number above its bound, or its item is closed."""
