"""The bucket: the one way to S3, and the only file that imports boto3.

A gateway holds no decisions. Every failure that is not an answer leaves as StorageUnavailable,
and after a bounded time, so no caller meets an exception of the SDK or waits for long.
"""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar, cast

import boto3
from botocore import UNSIGNED
from botocore.auth import SIGV4_TIMESTAMP, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from django.conf import settings
from urllib3.exceptions import HTTPError as TransportError

from uploads.deadlines import in_time
from uploads.errors import ObjectMissing, ObjectTooLarge, StorageUnavailable
from uploads.policies import Policy, PresignedPost

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

DELETE_BATCH = 1000  # what one DeleteObjects takes
DETAIL_THREADS = 16
CHUNK = 64 * 1024  # bytes


@dataclass(frozen=True)
class ListedObject:
    """One row of a listing; ``size`` in bytes."""

    key: str
    size: int
    last_modified: datetime


@dataclass(frozen=True)
class Listing:
    """One page of a listing in key order; ``next_after`` is empty on the last one."""

    objects: list[ListedObject]
    next_after: str


@dataclass(frozen=True)
class ObjectDetails:
    """What HEAD and the tags say; ``expires_at`` only where the engine tells it."""

    content_type: str
    metadata: dict[str, str]
    tags: dict[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None


@dataclass(frozen=True)
class FetchedObject:
    """A whole object in memory, with what came in the same answer."""

    body: bytes
    content_type: str
    metadata: dict[str, str]
    tag_count: int


@dataclass(frozen=True)
class SignedUrl:
    """A presigned URL and how many seconds it is still good for."""

    url: str
    seconds_left: int


class S3Bucket:
    """One bucket. Its methods may be called from many threads."""

    def __init__(self, name: str) -> None:
        self.name = name

    # --- phases 1 and 3 ---

    def presigned_post(self, policy: Policy, *, seconds: int, now: datetime) -> PresignedPost:
        """Sign ``policy`` (SigV4) for ``seconds``, or less if the credentials expire sooner."""
        seconds = min(seconds, _credentials_seconds_left(now))
        if seconds < 1:
            raise StorageUnavailable
        with _translated():
            signed = browser_client().generate_presigned_post(
                Bucket=self.name,
                Key=policy.key,
                Fields=dict(policy.fields),
                Conditions=policy.conditions,
                ExpiresIn=seconds,
            )
        return PresignedPost(
            url=signed["url"],
            fields=signed["fields"],
            expires_at=(now + timedelta(seconds=seconds)).isoformat(timespec="seconds"),
        )

    @in_time("s3")
    def fetch(self, key: str, *, max_bytes: int) -> FetchedObject:
        """Return the object at ``key``, read in one request and never past ``max_bytes``.

        Raises ObjectMissing and ObjectTooLarge.
        """
        deadline = monotonic() + settings.AWS_CALL_SECONDS
        with _translated():
            answer = client().get_object(Bucket=self.name, Key=key)
            with answer["Body"] as stream:
                if answer["ContentLength"] > max_bytes:
                    raise ObjectTooLarge
                body = _read_all(stream, answer["ContentLength"], deadline)
            _check_etag(answer)
            return FetchedObject(
                body=body,
                content_type=answer["ContentType"],
                metadata=answer["Metadata"],
                tag_count=answer.get("TagCount", 0),
            )

    @in_time("s3")
    def put(self, key: str, body: bytes, *, content_type: str, cache_control: str) -> None:
        """Write ``body`` at ``key``, without tags."""
        with _translated():
            answer = client().put_object(
                Bucket=self.name,
                Key=key,
                Body=body,
                ContentType=content_type,
                CacheControl=cache_control,
            )
            _check_etag(answer)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete ``keys``, at most 1,000 a request; absent ones are no error."""
        for start in range(0, len(keys), DELETE_BATCH):
            self._delete_batch(keys[start : start + DELETE_BATCH])

    @in_time("s3")
    def _delete_batch(self, keys: Sequence[str]) -> None:
        with _translated():
            answer = client().delete_objects(
                Bucket=self.name,
                Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True},
            )
        if answer.get("Errors"):
            raise StorageUnavailable

    # --- looking ---

    @in_time("s3")
    def exists(self, key: str) -> bool:
        """Return whether there is an object at ``key``."""
        try:
            with _translated():
                _check_etag(client().head_object(Bucket=self.name, Key=key))
        except ObjectMissing:
            return False
        return True

    @in_time("s3")
    def list_page(self, *, prefix: str = "", after: str = "", limit: int = 1000) -> Listing:
        """Return the first ``limit`` (at most 1,000) objects under ``prefix`` behind ``after``."""
        with _translated():
            answer = client().list_objects_v2(
                Bucket=self.name, Prefix=prefix, StartAfter=after, MaxKeys=limit
            )
            objects = [
                ListedObject(key=row["Key"], size=row["Size"], last_modified=row["LastModified"])
                for row in answer.get("Contents", [])
            ]
            return Listing(objects, objects[-1].key if answer["IsTruncated"] and objects else "")

    @in_time("s3")
    def details(self, key: str) -> ObjectDetails:
        """Return type, metadata and tags of the object at ``key``; raises ObjectMissing."""
        with _translated():
            head = client().head_object(Bucket=self.name, Key=key)
            tags = client().get_object_tagging(Bucket=self.name, Key=key)["TagSet"]
            return ObjectDetails(
                content_type=head["ContentType"],
                metadata=head["Metadata"],
                tags={tag["Key"]: tag["Value"] for tag in tags},
                expires_at=_expiry_date(head.get("Expiration", "")),
            )

    @in_time("s3")
    def lifecycle_rules(self) -> list[Any]:
        """Return the bucket's lifecycle rules, in the shape of the API."""
        with _translated():
            answer = unless_absent(
                lambda: client().get_bucket_lifecycle_configuration(Bucket=self.name),
                "NoSuchLifecycleConfiguration",
            )
            return list(answer["Rules"]) if answer else []

    @in_time("s3")
    def check(self) -> None:
        """Return if the bucket answers; else raise StorageUnavailable."""
        try:
            with _translated():
                client().head_bucket(Bucket=self.name)
        except ObjectMissing as error:
            raise StorageUnavailable from error

    # --- URLs for browsers ---

    def presigned_get(self, key: str, *, window: int, now: datetime) -> SignedUrl:
        """Return a GET URL that stays the same within a window of ``window`` seconds.

        It is signed as of the window's start and good for two windows, so whoever gets it can
        use it for at least one, in every process the same.
        """
        start = window_start(now, window=window)
        with _translated():
            plain = unsigned_client().generate_presigned_url(
                "get_object", Params={"Bucket": self.name, "Key": key}
            )
            credentials = _credentials().get_frozen_credentials()
            request = AWSRequest(method="GET", url=plain)
            _SignedAsOf(start, credentials, "s3", settings.AWS_REGION, 2 * window).add_auth(request)
        left = int((start - now).total_seconds()) + 2 * window
        return SignedUrl(str(request.url), min(left, _credentials_seconds_left(now)))


def window_start(now: datetime, *, window: int) -> datetime:
    """Return when the window of ``window`` seconds began that ``now`` is in, for every process."""
    return datetime.fromtimestamp(now.timestamp() // window * window, UTC)


class _SignedAsOf(S3SigV4QueryAuth):  # its base has no types for what it lets override
    """Query-string SigV4 with a given time of signing instead of now."""

    def __init__(self, moment: datetime, *args: Any) -> None:
        super().__init__(*args)
        self.moment = moment

    def add_auth(self, request: AWSRequest) -> None:
        request.context["timestamp"] = self.moment.strftime(SIGV4_TIMESTAMP)
        self._modify_request_before_signing(request)  # type: ignore[attr-defined]
        text = self.string_to_sign(request, self.canonical_request(request))
        signature = self.signature(text, request)
        self._inject_signature_to_request(request, signature)  # type: ignore[attr-defined]


@cache
def live_bucket() -> S3Bucket:
    """Return the bucket that the settings name."""
    return S3Bucket(settings.AWS_STORAGE_BUCKET_NAME)


# --- Clients: thread-safe, dear to make, so one of each for the process. ---


@cache
def client() -> "S3Client":
    """Return the client for the backend's own requests."""
    return _session().client("s3", endpoint_url=settings.AWS_S3_ENDPOINT_URL, config=_config())


@cache
def browser_client() -> "S3Client":
    """Return the client that signs for the endpoint browsers see."""
    return _session().client(
        "s3", endpoint_url=settings.AWS_S3_PUBLIC_ENDPOINT_URL, config=_config()
    )


@cache
def unsigned_client() -> "S3Client":
    """Return the client that knows the plain URLs of objects."""
    return _session().client(
        "s3",
        endpoint_url=settings.AWS_S3_PUBLIC_ENDPOINT_URL,
        config=_config().merge(Config(signature_version=UNSIGNED)),
    )


@cache
def _session() -> boto3.Session:
    return boto3.Session(
        aws_access_key_id=settings.AWS_ACCESS_KEY_ID,
        aws_secret_access_key=settings.AWS_SECRET_ACCESS_KEY,
        aws_session_token=settings.AWS_SESSION_TOKEN,
        region_name=settings.AWS_REGION,
    )


def _config() -> Config:
    return Config(
        # boto3 signs POSTs with SigV2 in some regions unless told otherwise.
        signature_version="s3v4",
        s3={"addressing_style": cast(Any, settings.AWS_S3_ADDRESSING_STYLE)},
        connect_timeout=settings.AWS_CONNECT_SECONDS,
        read_timeout=settings.AWS_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": settings.AWS_ATTEMPTS},
        max_pool_connections=settings.AWS_POOL_CONNECTIONS,
    )


def _credentials() -> Any:
    credentials = _session().get_credentials()
    if credentials is None:
        raise StorageUnavailable
    return credentials


def _credentials_seconds_left(now: datetime) -> int:
    """Return how long the credentials live: a signature is dead once they are."""
    # botocore tells of an expiry only through this attribute, and only a role's have one.
    expiry = getattr(_credentials(), "_expiry_time", None)
    return int((expiry - now).total_seconds()) if expiry else 7 * 24 * 3600


# --- Answers ---


def unless_absent(call: Callable[[], Answer], *codes: str) -> Answer | None:
    """Return what ``call`` returns, or None if S3 answers with one of the error ``codes``."""
    try:
        return call()
    except ClientError as error:
        if error.response["Error"]["Code"] in codes:
            return None
        raise


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the SDK's errors into ours: absent objects by their code, all others as one."""
    try:
        yield
    except ClientError as error:
        if _says_missing(error.response):
            raise ObjectMissing from error
        raise StorageUnavailable from error
    except (BotoCoreError, TransportError) as error:
        raise StorageUnavailable from error
    except (ResponseParserError, AttributeError, KeyError, TypeError, ValueError) as error:
        # Somebody else has answered, or an engine that leaves out what S3 never does.
        logger.exception("S3 gave an answer that cannot be read.")
        raise StorageUnavailable from error


def _says_missing(response: Any) -> bool:
    """Return whether S3 itself, not a box on the way, says that there is no such object.

    The answer to a HEAD has no body with a code in it, but S3 numbers all its answers.
    """
    code, number = response["Error"]["Code"], response["ResponseMetadata"].get("RequestId")
    return code == "NoSuchKey" or (code == "404" and bool(number))


def _check_etag(answer: Any) -> None:
    """Raise KeyError if ``answer`` is not about an object: S3 gives its ETag in every one.

    A 200 of a box on the way is no proof that an object is there, or was written.
    """
    answer["ETag"]


def _read_all(stream: Any, size: int, deadline: float) -> bytes:
    """Return all ``size`` bytes of a body; the SDK would take a shorter one for the whole.

    ``read1`` returns what one look at the socket gives, and the time-out for reading holds for
    each look, so a body that drips must be given up here.
    """
    body = bytearray()
    while len(body) < size and (chunk := stream.read1(CHUNK)):
        body += chunk
        if monotonic() > deadline:
            break
    if len(body) != size:
        raise StorageUnavailable
    return bytes(body)


def _expiry_date(header: str) -> datetime | None:
    """Return the date in an ``x-amz-expiration`` header: ``expiry-date="…", rule-id="…"``."""
    found = re.search(r'expiry-date="([^"]+)"', header)
    return parsedate_to_datetime(found[1]) if found else None
