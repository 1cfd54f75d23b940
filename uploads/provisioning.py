"""What the bucket, the tables, and the queue and topic of events must be like.

Idempotent. What infra/triphase.yaml makes is the same, as tests/infra/test_storage.py compares.
"""

from collections.abc import Collection, Iterator
from functools import partial
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from aws.bucket_features import (
    BucketExists,
    Cors,
    Encrypted,
    Lifecycle,
    NoAcls,
    NoMfaDelete,
    NoRetention,
    PublicAccessBlocked,
)
from aws.features import Difference, Feature, ProvisioningFailed, settle
from aws.https_only import PlainHttpRefused
from aws.push_features import StorePushes
from aws.queue_features import QUEUE_FEATURES, BucketTells, OpenToBucket, TopicExists, queue_arn
from aws.table_features import features_of
from uploads.keys import FILES_PREFIX, PENDING_PREFIX, PROBE_OWNER, prefix_of
from uploads.lifecycle import lifecycle_rules


def provision(*, change: bool) -> Iterator[Difference]:
    """Yield each feature that is missing or differs, and make it if ``change``.

    Raises ProvisioningFailed.
    """
    if not settings.SITE_ORIGINS:
        raise ProvisioningFailed(
            "neither SITE_ORIGINS nor ALLOWED_HOSTS names a site whose pages may upload"
        )
    return settle(_features(), change=change)


def _features() -> Iterator[Feature]:
    """Yield all features; to make one may fail, where the credentials cannot be had."""
    yield from bucket_features(settings.AWS_STORAGE_BUCKET_NAME)
    yield from table_features()
    yield from event_features(settings.AWS_STORAGE_BUCKET_NAME)


def bucket_features(bucket: str) -> list[Feature]:
    """Return the features of the bucket called ``bucket``, the bucket itself first."""
    probed = prefix_of(PENDING_PREFIX, PROBE_OWNER)
    return [
        BucketExists(bucket),
        NoAcls(bucket),
        PublicAccessBlocked(bucket),
        Encrypted(bucket),
        Cors(bucket, cors_rules()),
        NoMfaDelete(bucket),
        NoRetention(bucket),
        Lifecycle(bucket, lifecycle_rules()),
        *([PlainHttpRefused(bucket, probed)] if _speaks_https() else []),
    ]


def is_bucket_missing(differences: Collection[Difference]) -> bool:
    """Return whether the bucket itself is among ``differences``."""
    bucket = BucketExists(settings.AWS_STORAGE_BUCKET_NAME)
    return bucket.name in {difference.name for difference in differences}


def table_features() -> list[Feature]:
    """Return the features of each table in ``PROVISIONED_TABLES``."""
    models = [import_string(path) for path in settings.PROVISIONED_TABLES]
    return [feature for model in models for feature in features_of(model)]


def event_features(bucket: str) -> list[Feature]:
    """Return the features of the queue and the topic that the settings name, in this order.

    S3 tries to send to the queue before it takes the notification.
    """
    queue, topic, url = settings.EVENTS_QUEUE, settings.EVENTS_TOPIC, settings.EVENTS_PUSH_URL
    features: list[Feature] = []
    if queue:
        features += [feature(queue) for feature in QUEUE_FEATURES]
    if url:  # then it is the site that sends them on to the queue, if there is one
        features.append(StorePushes(bucket, FILES_PREFIX, url=url, secret=settings.EVENTS_SECRET))
    elif queue:
        features.append(OpenToBucket(queue, bucket))
        arn = partial(queue_arn, queue)
        features.append(BucketTells(bucket, FILES_PREFIX, kind="Queue", arn=arn))
    return [*features, *([TopicExists(topic)] if topic else [])]


def cors_rules() -> list[Any]:
    """Return the rules that let pages of ``SITE_ORIGINS``, and no others, post and show files."""
    return [
        {
            "AllowedOrigins": settings.SITE_ORIGINS,
            "AllowedMethods": ["GET", "HEAD", "POST", "PUT"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 3600,
        }
    ]


def _speaks_https() -> bool:
    """Return whether S3 is asked by HTTPS; a site that asks it by HTTP would lock itself out."""
    return (settings.AWS_S3_ENDPOINT_URL or "https:").startswith("https:")
