"""Objects that are sent in parts: begun and completed by the backend, the parts by a browser.

Source: Amazon S3 User Guide, "Uploading and copying objects using multipart upload".
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from aws.answers import translated
from aws.clients import client
from aws.deadlines import in_time
from aws.direct import NewObject, PresignedRequest, presigned
from aws.errors import AlreadyWritten, PartsRefused, UploadMissing

MAX_PARTS = 10_000
PARTS_PAGE = 1000
REFUSED = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "InvalidRequest"}


@dataclass(frozen=True)
class Part:
    """A part that has arrived; ``size`` in bytes."""

    number: int
    size: int
    etag: str


@dataclass(frozen=True)
class PartsPage:
    """A page of the parts that have arrived, and whether there are more."""

    parts: list[Part]
    more: bool


@dataclass(frozen=True)
class OpenMultipart:
    """A multipart upload that was begun and neither completed nor aborted."""

    key: str
    upload_id: str
    begun_at: datetime


@dataclass(frozen=True)
class OpenPage:
    """A page of open multipart uploads; ``next_after`` is None on the last one."""

    uploads: list[OpenMultipart]
    next_after: tuple[str, str] | None


class Multiparts:
    """The requests for multipart uploads."""

    name: str

    @in_time("s3")
    def begin_multipart(self, wanted: NewObject) -> str:
        """Begin to write ``wanted`` in parts; return the id that S3 gives the upload.

        Type and metadata are fixed now. There is no tag: S3 dates the object from this moment, so
        a lifecycle rule for tags could take it as soon as it is complete.
        """
        with translated():
            answer = client().create_multipart_upload(
                Bucket=self.name,
                Key=wanted.key,
                ContentType=wanted.content_type,
                Metadata=dict(wanted.metadata),
            )
            return answer["UploadId"]

    def presigned_part(
        self, key: str, *, upload_id: str, number: int, size: int, seconds: int, now: datetime
    ) -> PresignedRequest:
        """Sign a PUT of the part ``number`` of exactly ``size`` bytes."""
        params = {
            "Bucket": self.name,
            "Key": key,
            "UploadId": upload_id,
            "PartNumber": number,
            "ContentLength": size,
        }
        return presigned("upload_part", params, headers={}, seconds=seconds, now=now)

    def parts(self, key: str, *, upload_id: str) -> list[Part]:
        """Return the parts that have arrived, in order; raises UploadMissing.

        A thousand a request.
        """
        found: list[Part] = []
        more = True
        while more:
            after = found[-1].number if found else 0
            page = self.parts_page(key, upload_id=upload_id, after=after)
            found += page.parts
            more = page.more
        return found

    @in_time("s3")
    def complete(self, key: str, *, upload_id: str, parts: Sequence[Part], size: int) -> None:
        """Make the object of ``parts``, if it has ``size`` bytes and there is no such object yet.

        Raises UploadMissing, AlreadyWritten and PartsRefused. S3 may take minutes: it is then
        StorageUnavailable, and asked again it goes on, or has finished.
        """
        listed = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        with translated(), _named():
            client().complete_multipart_upload(
                Bucket=self.name,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": listed},  # type: ignore[typeddict-item]
                IfNoneMatch="*",
                MpuObjectSize=size,
            )

    @in_time("s3")
    def abort_multipart(self, key: str, *, upload_id: str) -> None:
        """Delete the parts that have arrived; one that is gone already is no error."""
        try:
            with translated(), _named():
                client().abort_multipart_upload(Bucket=self.name, Key=key, UploadId=upload_id)
        except UploadMissing:
            return

    @in_time("s3")
    def open_multiparts(
        self, *, prefix: str, after: tuple[str, str] | None = None, limit: int = 1000
    ) -> OpenPage:
        """Return up to ``limit`` (at most 1,000) open uploads under ``prefix``, by key."""
        markers: dict[str, Any] = (
            {"KeyMarker": after[0], "UploadIdMarker": after[1]} if after else {}
        )
        with translated():
            answer: Any = client().list_multipart_uploads(
                Bucket=self.name, Prefix=prefix, MaxUploads=limit, **markers
            )
            rows = answer.get("Uploads", [])
            found = [OpenMultipart(row["Key"], row["UploadId"], row["Initiated"]) for row in rows]
            more = answer["IsTruncated"] and bool(found)
            return OpenPage(found, (found[-1].key, found[-1].upload_id) if more else None)

    @in_time("s3")
    def parts_page(self, key: str, *, upload_id: str, after: int = 0) -> PartsPage:
        """Return up to a thousand parts past the number ``after``; raises UploadMissing."""
        with translated(), _named():
            answer: Any = client().list_parts(
                Bucket=self.name,
                Key=key,
                UploadId=upload_id,
                PartNumberMarker=after,
                MaxParts=PARTS_PAGE,
            )
            rows = answer.get("Parts", [])
            page = [Part(row["PartNumber"], row["Size"], row["ETag"]) for row in rows]
            return PartsPage(page, bool(answer["IsTruncated"] and page))


@contextmanager
def _named() -> Iterator[None]:
    """Turn the errors of multipart uploads into classes of their own."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "NoSuchUpload":
            raise UploadMissing from error
        if code == "PreconditionFailed":
            raise AlreadyWritten from error
        if code in REFUSED:
            raise PartsRefused from error
        raise
