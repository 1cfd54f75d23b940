"""What the bucket and the tables must be like, and how they become so.

Idempotent: each feature is read first and written only where it differs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from pynamodb.models import Model

from uploads.bucket import client, unless_absent
from uploads.lifecycle import lifecycle_rules


@dataclass(frozen=True)
class Feature:
    """One thing to provision: its name, whether it is as it should be, and how to make it so."""

    name: str
    is_there: Callable[[], bool]
    make: Callable[[], Any]


def provision(*, change: bool) -> Iterator[str]:
    """Yield the name of each feature that is missing or differs, and mend it if ``change``."""
    for feature in [*bucket_features(settings.AWS_STORAGE_BUCKET_NAME), *table_features()]:
        if not feature.is_there():
            if change:
                feature.make()
            yield feature.name


def bucket_features(bucket: str) -> list[Feature]:
    """Return the features of the bucket called ``bucket``, the bucket itself first."""
    s3 = client()

    def configured(read: Callable[[], Any], wanted: object, *absent: str) -> Callable[[], bool]:
        return lambda: unless_absent(read, *absent, "NoSuchBucket") == wanted

    return [
        Feature(
            f"bucket {bucket}",
            lambda: unless_absent(lambda: s3.head_bucket(Bucket=bucket), "404") is not None,
            lambda: s3.create_bucket(Bucket=bucket, **_location()),
        ),
        Feature(
            "public access block",
            configured(
                lambda: s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"],
                PUBLIC_ACCESS_BLOCK,
                "NoSuchPublicAccessBlockConfiguration",
            ),
            lambda: s3.put_public_access_block(
                Bucket=bucket, PublicAccessBlockConfiguration=PUBLIC_ACCESS_BLOCK
            ),
        ),
        Feature(
            "encryption",
            configured(
                lambda: _algorithms(s3.get_bucket_encryption(Bucket=bucket)),
                [ENCRYPTION],
                "ServerSideEncryptionConfigurationNotFoundError",
            ),
            lambda: s3.put_bucket_encryption(
                Bucket=bucket,
                ServerSideEncryptionConfiguration={
                    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": ENCRYPTION}}]
                },
            ),
        ),
        Feature(
            "CORS",
            configured(
                lambda: _sorted(s3.get_bucket_cors(Bucket=bucket)["CORSRules"]),
                _sorted(cors_rules()),
                "NoSuchCORSConfiguration",
            ),
            lambda: s3.put_bucket_cors(
                Bucket=bucket, CORSConfiguration={"CORSRules": cors_rules()}
            ),
        ),
        Feature(
            "lifecycle",
            configured(
                lambda: _sorted(s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]),
                _sorted(lifecycle_rules()),
                "NoSuchLifecycleConfiguration",
            ),
            lambda: s3.put_bucket_lifecycle_configuration(
                Bucket=bucket, LifecycleConfiguration={"Rules": lifecycle_rules()}
            ),
        ),
    ]


def table_features() -> list[Feature]:
    """Return a feature for each table in ``PROVISIONED_TABLES``."""

    def feature(model: type[Model]) -> Feature:
        return Feature(
            f"table {model.Meta.table_name}",
            model.exists,
            lambda: model.create_table(wait=True, billing_mode="PAY_PER_REQUEST"),
        )

    return [feature(import_string(path)) for path in settings.PROVISIONED_TABLES]


# --- What is wanted, in the shapes of the API ---

ENCRYPTION: Any = "AES256"
PUBLIC_ACCESS_BLOCK: Any = dict.fromkeys(
    ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True
)


def cors_rules() -> list[Any]:
    """Return the rules that let the site's pages, and nobody else's, post and show files."""
    return [
        {
            "AllowedOrigins": settings.SITE_ORIGINS,
            "AllowedMethods": ["GET", "HEAD", "POST", "PUT"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 3600,
        }
    ]


def _location() -> Any:
    """Return where to create the bucket; the oldest region must not be named."""
    if settings.AWS_REGION == "us-east-1":
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": settings.AWS_REGION}}


def _algorithms(answer: Any) -> list[str]:
    rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
    return [rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] for rule in rules]


def _sorted(value: Any) -> Any:
    """Return ``value`` with every list in one order: S3 keeps sets, whatever order was sent."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return sorted((_sorted(item) for item in value), key=repr)
    return value
