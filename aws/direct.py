"""Objects of any size that a browser writes and reads by itself, by presigned PUT and GET."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from aws.answers import check_etag, is_unsigned_404, lower_names, media_type, translated
from aws.clients import browser_client, client, credentials_seconds_left
from aws.deadlines import in_time
from aws.errors import OutcomeUnknown, StorageUnavailable

CHECKSUMS = ("CRC64NVME", "SHA256", "CRC32C", "CRC32", "SHA1")


@dataclass(frozen=True)
class PresignedRequest:
    """A signed request: its method is PUT, its headers must be sent as they are here.

    ``Content-Length`` is signed, too, and not among the headers: clients set it by the body.
    """

    url: str
    headers: dict[str, str]
    expires_at: str


@dataclass(frozen=True)
class ObjectFacts:
    """What HEAD tells of an object: ``size`` in bytes, names of metadata in lower case."""

    size: int
    content_type: str
    etag: str
    metadata: Mapping[str, str]
    last_modified: datetime
    encoding: str = ""  # Content-Encoding, which nothing signs: a client may have added one


@dataclass(frozen=True)
class Checksum:
    """A checksum that S3 keeps: its algorithm, and the value in base64."""

    kind: str
    value: str


@dataclass(frozen=True)
class NewObject:
    """An object as it is to be written, by one PUT or in parts; ``size`` in bytes."""

    key: str
    size: int
    content_type: str
    metadata: Mapping[str, str]


class DirectObjects:
    """The requests for single objects that the product does not read as a whole."""

    name: str

    def presigned_put(
        self, wanted: NewObject, *, tags: Mapping[str, str], seconds: int, now: datetime
    ) -> PresignedRequest:
        """Sign a PUT of exactly ``wanted``, which succeeds only while there is no such object.

        Source: Amazon S3 User Guide, "How to prevent object overwrites with conditional writes".
        """
        params = {
            "ContentType": wanted.content_type,
            "ContentLength": wanted.size,
            "IfNoneMatch": "*",
            "Metadata": dict(wanted.metadata),
            "Tagging": urlencode(tags),
        }
        headers = {
            "Content-Type": wanted.content_type,
            "If-None-Match": "*",
            **{f"x-amz-meta-{name}": value for name, value in wanted.metadata.items()},
            "x-amz-tagging": urlencode(tags),
        }
        return presigned(
            "put_object",
            {"Bucket": self.name, "Key": wanted.key, **params},
            headers=headers,
            seconds=seconds,
            now=now,
        )

    def presigned_download(
        self, key: str, *, disposition: str, content_type: str, seconds: int, now: datetime
    ) -> str:
        """Return the URL of a GET that is good for ``seconds`` and answers with these headers."""
        params = {
            "Bucket": self.name,
            "Key": key,
            "ResponseContentDisposition": disposition,
            "ResponseContentType": content_type,
            "ResponseCacheControl": "private, no-store",
        }
        return presigned("get_object", params, headers={}, seconds=seconds, now=now).url

    @in_time("s3")
    def head(self, key: str) -> ObjectFacts:
        """Return what HEAD says of the object at ``key``; raises ObjectMissing."""
        with translated():
            answer: Any = head_object(self.name, key)
            return ObjectFacts(
                size=answer["ContentLength"],
                content_type=media_type(answer["ContentType"]),
                etag=answer["ETag"].strip('"'),
                metadata=lower_names(answer["Metadata"]),
                last_modified=answer["LastModified"],
                encoding=answer.get("ContentEncoding", ""),
            )

    @in_time("s3")
    def untag(self, key: str) -> None:
        """Remove all tags of the object at ``key``; raises ObjectMissing."""
        with translated(any_404=True):
            client().delete_object_tagging(Bucket=self.name, Key=key)

    @in_time("s3")
    def read(self, key: str, *, start: int, length: int) -> bytes:
        """Return up to ``length`` bytes of the object at ``key`` from the byte ``start`` on.

        Fewer only at its end. Raises ObjectMissing.
        """
        with translated():
            answer = client().get_object(
                Bucket=self.name, Key=key, Range=f"bytes={start}-{start + length - 1}"
            )
            check_etag(answer)
            with answer["Body"] as stream:
                body = stream.read()
            if len(body) != answer["ContentLength"] or len(body) > length:
                raise StorageUnavailable
            return bytes(body)

    @in_time("s3")
    def checksum(self, key: str) -> Checksum | None:
        """Return S3's own checksum of the whole object at ``key``, if it has one.

        That of a multipart upload may be one of its parts' checksums, which no one can compare.
        Source: Amazon S3 User Guide, "Checking object integrity for data uploads".
        """
        with translated():
            answer: Any = client().head_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED")
            check_etag(answer)
            if answer.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
                return None
            known = (kind for kind in CHECKSUMS if answer.get(f"Checksum{kind}"))
            kind = next(known, None)
            return Checksum(kind, answer[f"Checksum{kind}"]) if kind else None

    def copy(self, source: str, wanted: NewObject) -> None:
        """Write ``wanted`` with the bytes of the object at ``source``, of at most 5 GB.

        Raises ObjectMissing, and OutcomeUnknown if S3 may have done so, or may still.
        """
        try:
            self._copy(source, wanted)
        except StorageUnavailable as error:
            if isinstance(error.__cause__, ClientError):
                raise
            raise OutcomeUnknown from error

    @in_time("s3")
    def _copy(self, source: str, wanted: NewObject) -> None:
        with translated():
            answer = client().copy_object(
                Bucket=self.name,
                Key=wanted.key,
                CopySource={"Bucket": self.name, "Key": source},
                MetadataDirective="REPLACE",
                ContentType=wanted.content_type,
                Metadata=dict(wanted.metadata),
            )
            check_etag(answer["CopyObjectResult"])


def presigned(
    operation: str, params: dict[str, Any], *, headers: dict[str, str], seconds: int, now: datetime
) -> PresignedRequest:
    """Sign a request for the endpoint that browsers see, at most as long as the credentials live.

    Raises StorageUnavailable.
    """
    seconds = min(seconds, credentials_seconds_left(now))
    if seconds < 1:
        raise StorageUnavailable
    with translated():
        url = browser_client().generate_presigned_url(operation, Params=params, ExpiresIn=seconds)
    expires_at = (now + timedelta(seconds=seconds)).isoformat(timespec="seconds")
    return PresignedRequest(url, headers, expires_at)


def head_object(bucket: str, key: str) -> Any:
    """Return the answer to a HEAD; raises what the SDK raises.

    A proxy may take the request id from an answer, and a 404 of a HEAD then has nothing of S3
    left. So a GET asks again, whose error has a code in its body.
    """
    try:
        answer: Any = client().head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if not is_unsigned_404(error):
            raise
        answer = client().get_object(Bucket=bucket, Key=key, Range="bytes=0-0")
        answer["Body"].close()
        answer["ContentLength"] = int(answer["ContentRange"].rpartition("/")[2])
    check_etag(answer)
    return answer
