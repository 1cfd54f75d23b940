"""The bucket as the product uses it: one method for each request, and no decisions."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from time import monotonic
from typing import Any

from django.conf import settings

from aws.answers import check_etag, lower_names, media_type, none_if, translated
from aws.clients import browser_client, client, credentials_seconds_left
from aws.deadlines import in_time
from aws.deletion import DELETE_BATCH, Deletion
from aws.direct import DirectObjects, head_object
from aws.errors import ObjectMissing, ObjectTooLarge, StorageUnavailable
from aws.multipart import Multiparts
from aws.policies import Policy, PresignedPost
from aws.readiness import check_answer
from aws.signing import SignedUrl, presigned_get
from aws.streams import Streams

logger = logging.getLogger(__name__)

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
    """A whole object in memory, with what came in the same answer.

    ``content_type`` and the names of ``metadata`` are in lower case, the type without parameters.
    ``tag_count`` is None if the store does not tell it, or has no tag to count.
    """

    body: bytes
    content_type: str
    metadata: dict[str, str]
    tag_count: int | None


class S3Bucket(DirectObjects, Multiparts, Streams):
    """One bucket. Its methods may be called from many threads."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._deletion = Deletion(name)

    @property
    def deletes_one_by_one(self) -> bool:
        """Return whether a deletion has shown that the store does not take DeleteObjects."""
        return self._deletion.one_by_one

    # --- phases 1 and 3 ---

    def presigned_post(self, policy: Policy, *, seconds: int, now: datetime) -> PresignedPost:
        """Sign ``policy`` (SigV4) for ``seconds``, or less if the credentials expire sooner."""
        seconds = min(seconds, credentials_seconds_left(now))
        if seconds < 1:
            raise StorageUnavailable
        with translated():
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
        with translated(any_404=True):
            answer = client().get_object(Bucket=self.name, Key=key)
            with answer["Body"] as stream:
                if answer["ContentLength"] > max_bytes:
                    raise ObjectTooLarge
                body = _read_all(stream, answer["ContentLength"], deadline)
            check_etag(answer)
            return FetchedObject(
                body=body,
                content_type=media_type(answer["ContentType"]),
                metadata=lower_names(answer["Metadata"]),
                tag_count=answer.get("TagCount"),
            )

    @in_time("s3")
    def tags(self, key: str) -> dict[str, str]:
        """Return the tags of the object at ``key``; raises ObjectMissing."""
        with translated(any_404=True):
            return self._tags(key)

    @in_time("s3")
    def put(self, key: str, body: bytes, *, content_type: str, cache_control: str) -> None:
        """Write ``body`` at ``key``, without tags."""
        with translated():
            answer = client().put_object(
                Bucket=self.name,
                Key=key,
                Body=body,
                ContentType=content_type,
                CacheControl=cache_control,
            )
            check_etag(answer)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete ``keys``, a thousand at a time; absent ones are no error."""
        for start in range(0, len(keys), DELETE_BATCH):
            self._delete_batch(keys[start : start + DELETE_BATCH])

    @in_time("s3")
    def discard(self, keys: Sequence[str]) -> None:
        """Delete up to 1,000 ``keys`` if that can be done; a failure is logged, for the sweep."""
        try:
            self._delete(keys)
        except StorageUnavailable:
            logger.warning("Left for the sweep: %s", ", ".join(keys))

    @in_time("s3")
    def _delete_batch(self, keys: Sequence[str]) -> None:
        self._delete(keys)

    def _delete(self, keys: Sequence[str]) -> None:
        self._deletion.delete(keys)

    # --- looking ---

    @in_time("s3")
    def exists(self, key: str) -> bool:
        """Return whether there is an object at ``key``; the sweep empties items by this."""
        try:
            with translated():
                head_object(self.name, key)
        except ObjectMissing:
            return False
        return True

    @in_time("s3")
    def list_page(self, *, prefix: str = "", after: str = "", limit: int = 1000) -> Listing:
        """Return the first ``limit`` (at most 1,000) objects under ``prefix`` after ``after``."""
        with translated():
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
        with translated():
            head = client().head_object(Bucket=self.name, Key=key)
            return ObjectDetails(
                content_type=head["ContentType"],
                metadata=lower_names(head["Metadata"]),
                tags=self._tags(key),
                expires_at=_expiry_date(head.get("Expiration", "")),
            )

    def _tags(self, key: str) -> dict[str, str]:
        answer = none_if(
            lambda: client().get_object_tagging(Bucket=self.name, Key=key),
            "NoSuchTagSet",  # S3 itself gives an empty set
            "NoSuchTagSetError",
        )
        return {row["Key"]: row["Value"] for row in answer["TagSet"]} if answer else {}

    @in_time("s3")
    def lifecycle_rules(self) -> list[Any]:
        """Return the bucket's lifecycle rules, in the shape of the API."""
        with translated():
            answer = none_if(
                lambda: client().get_bucket_lifecycle_configuration(Bucket=self.name),
                "NoSuchLifecycleConfiguration",
            )
            return list(answer["Rules"]) if answer else []

    @in_time("s3")
    def check(self) -> float:
        """Return how many seconds the bucket's clock is ahead, in one request.

        Raises SignaturesRefused if the region or the clock is wrong, else StorageUnavailable.
        """
        try:
            with translated():
                return check_answer(lambda: client().head_bucket(Bucket=self.name))
        except ObjectMissing as error:
            raise StorageUnavailable from error

    # --- URLs for browsers ---

    def presigned_get(self, key: str, *, window: int, now: datetime) -> SignedUrl:
        """Return the URL of ``signing.presigned_get`` for the object at ``key``."""
        return presigned_get(self.name, key, window=window, now=now)


@cache
def live_bucket() -> S3Bucket:
    """Return the bucket that the settings name."""
    return S3Bucket(settings.AWS_STORAGE_BUCKET_NAME)


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
    """Return the date in an ``x-amz-expiration`` header: ``expiry-date="…", rule-id="…"``.

    None if there is no date that can be read: the caller then goes by the rules.
    """
    found = re.search(r'expiry-date\s*=\s*"([^"]+)"', header, re.IGNORECASE)
    try:
        date = parsedate_to_datetime(found[1]) if found else None
    except ValueError:
        return None
    return date.replace(tzinfo=date.tzinfo or UTC) if date else None
