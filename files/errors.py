"""What can go wrong with a file, each in the user's words."""

from collections.abc import Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from web.errors import UserFacingError


class FileError(UserFacingError):
    """A file that is refused, or a change of one that did not happen."""

    code = "file_error"


class BadName(FileError):
    """The name cannot be a file's."""

    code = "bad_name"
    retry = "never"


class UnsupportedType(FileError):
    """Files of this type are not allowed on this site."""

    code = "unsupported_type"
    retry = "never"
    message = _("Files of this type are not allowed here.")


class DetectorUnavailable(FileError):
    """The type of a file cannot be looked at: no process can be started for it."""

    code = "unavailable"
    retry = "same"
    message = _("The file cannot be checked right now. Please try again in a moment.")


class BadSize(FileError):
    """The announced size is zero, negative or over ``FILE_MAX_BYTES``."""

    code = "bad_size"
    retry = "never"


class BadParts(FileError):
    """Numbers of parts that this upload does not have, or of more than 50 parts."""

    code = "bad_parts"
    retry = "never"
    message = _("This upload has no such parts.")


class QuotaExceeded(FileError):
    """The owner has as many files, or bytes, as there may be."""

    code = "quota_exceeded"
    retry = "never"
    message = _("There is no room for this file. Delete some files, then try again.")


class TooManyVersions(FileError):
    """The name has as many versions as there may be."""

    code = "too_many_versions"
    retry = "never"
    message = _(
        "This name has had as many uploads as it may. Delete the whole file, or use another name."
    )


class TooManyUnfinished(FileError):
    """The owner has begun as many large uploads as may be unfinished at a time."""

    code = "too_many_unfinished"
    retry = "never"
    message = _(
        "You have begun too many large uploads and not finished them. Finish or cancel some first."
    )


class NotUploaded(FileError):
    """The object is not there (yet); confirming may be tried again."""

    code = "not_uploaded"
    retry = "same"
    message = _("The file has not arrived yet. Please try again.")


class Incomplete(FileError):
    """Parts have not arrived; ``missing`` holds up to a thousand of their numbers."""

    code = "incomplete"
    retry = "never"
    message = _("Parts of the file have not arrived yet. Send them, then try again.")

    def __init__(self, missing: Sequence[int]) -> None:
        super().__init__()
        self.details: dict[str, Any] = {"missing": list(missing[:1000])}


class Deleted(FileError):
    """The upload was cancelled, or its file deleted: it stays so."""

    code = "deleted"
    retry = "new"
    message = _("This upload was cancelled or deleted. Please start again.")


class AlreadyAccepted(FileError):
    """The upload that is to be cancelled has become a file meanwhile."""

    code = "already_accepted"
    retry = "never"
    message = _("The file has arrived already. Delete it if you do not want it.")


class Refused(FileError):
    """The object arrived and is not accepted; ``reason`` is a code of ``REASONS``."""

    code = "refused"
    retry = "new"

    def __init__(self, reason: str) -> None:
        super().__init__(REASONS.get(reason, self.message))
        self.details: dict[str, Any] = {"reason": reason}


class NoSuchFile(FileError):
    """There is no such file, or it is another user's."""

    code = "no_such_file"
    retry = "never"
    message = _("There is no such file.")


class Blocked(FileError):
    """Staff made the version unreadable."""

    code = "blocked"
    retry = "never"
    message = _("An administrator has blocked this version.")


class Conflict(FileError):
    """Others changed the file again and again meanwhile."""

    code = "conflict"
    retry = "same"
    message = _("The file was changed at the same time. Please try again.")


class TooLargeToRestore(FileError):
    """S3 copies objects of at most 5 GB in one request."""

    code = "too_large_to_restore"
    retry = "never"
    message = _("A version of more than 5 GB cannot be restored here. Download it, and upload it.")


class UnreadableItem(FileError):
    """The item was not written by this code: an administrator has to look at it."""

    code = "unreadable_item"
    retry = "never"
    message = _("The record of this file cannot be read. Please tell the administrator.")


# Why an object that arrived is not accepted, by the code that its entry keeps.
FOREIGN, ENCODED, WRONG_SIZE, WRONG_NAME, WRONG_TYPE, FALSE_TYPE = (
    *("foreign", "encoded", "wrong_size", "bad_name", "unsupported_type", "false_type"),
)
NO_ROOM, TOO_MANY_VERSIONS, CLOSED = "quota_exceeded", "too_many_versions", "closed"
REASONS: dict[str, str | Promise] = {
    FOREIGN: _("It was not uploaded by a form of this site."),
    ENCODED: _("It was sent with a Content-Encoding, so a download would give other bytes."),
    WRONG_SIZE: _("It has another size than was announced."),
    WRONG_NAME: _("Its name cannot be used."),
    WRONG_TYPE: _("Files of this type are not allowed here."),
    FALSE_TYPE: _("Its content is not what its name and type say."),
    NO_ROOM: _("There was no room for it."),
    TOO_MANY_VERSIONS: _("There are as many versions of this file as there may be."),
    CLOSED: _("The account is closed."),
}
