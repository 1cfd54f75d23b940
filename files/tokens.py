"""Upload tokens of files: all that the backend has to know of an upload, since it records nothing.

Size and part size are in the token, so that a change of the settings in between cannot cut a file
short.
"""

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from files.items import file_key
from uploads.tokens import issued_since, sign, unsign

PURPOSE = "file"
MIB = 1024 * 1024
SMALLEST_PART = 16 * MIB
# S3 takes 10,000 parts; a few are left for an engine that counts in its own way.
MOST_PARTS = 9500


@dataclass(frozen=True)
class FileUpload:
    """One upload as issued. ``multipart_id`` is S3's, empty for a single PUT; sizes in bytes."""

    owner_id: str
    id: str
    issued_at: datetime
    size: int
    part_size: int
    multipart_id: str = ""

    @property
    def key(self) -> str:
        """The only key that this upload can write."""
        return file_key(self.owner_id, self.id)

    @property
    def part_count(self) -> int:
        """How many parts it has."""
        return -(-self.size // self.part_size)

    @property
    def expires_at(self) -> datetime:
        """When its token expires, and the bucket aborts what was not completed."""
        return self.issued_at + timedelta(days=settings.FILE_UPLOAD_DAYS)

    def size_of_part(self, number: int) -> int:
        """Return the bytes of the part ``number``, from 1: all are alike but the last."""
        return min(self.part_size, self.size - (number - 1) * self.part_size)


def new_upload_id(now: datetime) -> str:
    """Return a fresh id that sorts by time: a UUIDv7. Source: RFC 9562, 5.7."""
    milliseconds = int(now.timestamp() * 1000)
    number = milliseconds << 80 | secrets.randbits(80)
    number = number & ~(0xF << 76) | 7 << 76
    number = number & ~(0x3 << 62) | 2 << 62
    return str(uuid.UUID(int=number))


def is_upload_id(text: str) -> bool:
    """Return whether ``text`` is an id that ``new_upload_id`` may have given."""
    try:
        found = uuid.UUID(text)
    except ValueError:
        return False
    return found.version == 7 and str(found) == text


def part_size_for(size: int) -> int:
    """Return the size of the parts of a file of ``size`` bytes, in whole MiB."""
    return max(SMALLEST_PART, -(-size // MOST_PARTS // MIB) * MIB)


def sign_file_upload(upload: FileUpload) -> str:
    """Return the token of ``upload``."""
    issued = int(upload.issued_at.timestamp() * 1000)
    return sign(
        PURPOSE,
        [upload.owner_id, upload.id, issued, upload.size, upload.part_size, upload.multipart_id],
    )


def open_file_token(token: str, *, owner_id: str, now: datetime) -> FileUpload:
    """Return the upload that ``token`` was issued for.

    Raises InvalidToken, and TokenExpired past ``FILE_UPLOAD_DAYS``.
    """
    upload_id, issued, size, part_size, multipart_id = unsign(
        PURPOSE, token, owner_id=owner_id, count=5
    )
    lifetime = timedelta(days=settings.FILE_UPLOAD_DAYS)
    issued_at = issued_since(issued, now=now, lifetime=lifetime)
    return FileUpload(owner_id, upload_id, issued_at, size, part_size, multipart_id)
