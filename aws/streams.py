"""Objects whose bytes pass through this process: in as they come, out in pieces, none as a whole.

These requests have a client of their own: a part of some MB takes longer than a small request may,
and streams must not take the connections of the pages.
"""

import io
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from django.conf import settings

from aws.answers import check_etag, translated
from aws.clients import new_client
from aws.deadlines import in_time
from aws.direct import NewObject
from aws.errors import AlreadyWritten, ObjectMissing, StorageUnavailable
from aws.multipart import Part

PIECE = 256 * 1024  # bytes of a download
BLOCK = 256 * 1024  # bytes of an upload
READ_SECONDS = 30  # for one operation on a socket
# What a part may take beyond AWS_CALL_SECONDS: 5 MiB at 45 KB a second.
PART_SECONDS = 114
# How often a download goes on by itself after the connection to S3 broke, without any byte between.
REOPENINGS = 3


class Buffer(io.BytesIO):
    """The bytes of a part, given in large blocks.

    http.client asks a body for 16 KiB at a time. Each of them would be a call of the kernel, after
    which the thread has to wait for Python's lock while another one fills the next buffer.
    """

    def read(self, size: int | None = -1) -> bytes:
        """Return at least 256 KiB, where there is so much."""
        return super().read(max(size, BLOCK) if size is not None and size > 0 else size)


class Streams:
    """The requests for objects that stream through."""

    name: str

    @in_time("streams", waits=PART_SECONDS)
    def write(self, wanted: NewObject, body: Buffer) -> None:
        """Write ``wanted`` with the bytes of ``body``, if there is no such object yet.

        Raises AlreadyWritten; after StorageUnavailable it may have been written, or may be still.
        Source: Amazon S3 User Guide, "How to prevent object overwrites with conditional writes".
        """
        with translated():
            try:
                answer = client().put_object(
                    Bucket=self.name,
                    Key=wanted.key,
                    Body=body,
                    ContentType=wanted.content_type,
                    Metadata=dict(wanted.metadata),
                    IfNoneMatch="*",
                )
            except ClientError as error:
                if error.response["Error"]["Code"] == "PreconditionFailed":
                    raise AlreadyWritten from error
                raise
            check_etag(answer)

    @in_time("streams", waits=PART_SECONDS)
    def send_part(self, key: str, *, upload_id: str, number: int, body: Buffer) -> Part:
        """Send the part ``number`` of a multipart upload; return it."""
        size = body.getbuffer().nbytes
        with translated():
            answer = client().upload_part(
                Bucket=self.name, Key=key, UploadId=upload_id, PartNumber=number, Body=body
            )
            return Part(number, size, answer["ETag"])

    @in_time("streams", waits=READ_SECONDS)
    def open_range(self, key: str, *, start: int, length: int, etag: str) -> StreamingBody:
        """Ask for some bytes of the object that has ``etag``; raises ObjectMissing."""
        with translated():
            try:
                answer = client().get_object(
                    Bucket=self.name,
                    Key=key,
                    Range=f"bytes={start}-{start + length - 1}",
                    IfMatch=f'"{etag}"',
                )
            except ClientError as error:
                if error.response["Error"]["Code"] == "PreconditionFailed":
                    raise ObjectMissing from error
                raise
            check_etag(answer)
            if answer["ContentLength"] != length:
                answer["Body"].close()
                raise StorageUnavailable
            body: StreamingBody = answer["Body"]
            return body

    def pieces(self, key: str, *, start: int, length: int, etag: str) -> "Pieces":
        """Return the bytes from ``start`` on in pieces of 256 KiB; S3 is asked for them at once.

        Raises ObjectMissing and StorageUnavailable, also later.
        """
        return Pieces(self, key, start=start, length=length, etag=etag)


class Pieces(Iterator[bytes]):
    """The bytes of an object from one place on.

    If the connection to S3 breaks it goes on at the byte it had come to. It ends only when all have
    been given: what cannot be read raises StorageUnavailable.
    """

    def __init__(self, bucket: Streams, key: str, *, start: int, length: int, etag: str) -> None:
        self._bucket, self._key, self._etag = bucket, key, etag
        self._position, self._end = start, start + length
        self._failures = 0
        self._body: Any = self._opened() if length else None

    def _opened(self) -> StreamingBody:
        return self._bucket.open_range(
            self._key,
            start=self._position,
            length=self._end - self._position,
            etag=self._etag,
        )

    def __next__(self) -> bytes:
        """Return the next piece."""
        while self._position < self._end:
            if piece := self._read():
                self._position += len(piece)
                self._failures = 0
                return piece
            self._failures += 1
            self.close()
            if self._failures > REOPENINGS:
                raise StorageUnavailable
            self._body = self._opened()
        self.close()
        raise StopIteration

    def _read(self) -> bytes:
        """Return some bytes; none if the connection is broken."""
        try:
            with translated():
                return bytes(self._body.read(min(PIECE, self._end - self._position)))
        except StorageUnavailable:
            return b""

    def close(self) -> None:
        """Give the connection back, or end it in the middle of an object."""
        if self._body is not None:
            self._body.close()
            self._body = None


@cache
def client() -> Any:
    """Return the client of streams; raises StorageUnavailable."""
    return new_client(
        Config(read_timeout=READ_SECONDS, max_pool_connections=settings.AWS_POOL_CONNECTIONS)
    )
