"""Refuses files in forms: they are posted to the bucket."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler


class NoFiles(FileUploadHandler):
    """Refuses a large multipart body before it is read, and drops the files of a small one.

    Django bounds the size of a form's fields, but reads files of any size from any client.
    https://docs.djangoproject.com/en/5.2/ref/files/uploads/#custom-upload-handlers
    """

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: Mapping[str, Any],  # noqa: N803 (Django's name)
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        """Raise RequestDataTooBig for a body larger than any form of this site."""
        if content_length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig("A form of this site is never that large.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Drop a chunk of a file."""

    def file_complete(self, file_size: int) -> None:
        """Add nothing to request.FILES."""
