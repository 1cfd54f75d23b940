"""What the bucket and the tables must be like, and how they become so.

Idempotent: each feature is read first and written only where it differs. What infra/triphase.yaml
makes is the same, as tests/infra/test_storage.py compares.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from django.conf import settings
from django.utils.module_loading import import_string
from pynamodb.models import Model

from uploads.bucket import client, unless_absent
from uploads.lifecycle import RuleFilter, lifecycle_rules


@dataclass(frozen=True)
class Feature:
    """One thing to provision: its name, how to read it, what it must be, how to make it so.

    ``optional`` if an engine may lack it: the sweep does a lifecycle's work, and a server without
    CORS rules for each bucket may have its own for all. AWS lacks nothing.
    """

    name: str
    read: Callable[[], Any]
    wanted: Any
    make: Callable[[], Any]
    optional: bool = False

    def is_there(self) -> bool:
        """Return whether it is as it should be."""
        return bool(self.read() == self.wanted)


@dataclass(frozen=True)
class Difference:
    """A feature that is not as it should be; not ``supported`` where the engine lacks it."""

    name: str
    supported: bool = True


class NotSupported(Exception):
    """The engine does not have what the product cannot do without."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is needed, and is not supported here.")


# How engines other than AWS say that they do not have a request.
LACKING = {"NotImplemented", "MethodNotAllowed", "UnknownOperationException", "InvalidAction"}
AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".amazonaws.eu")
# How DynamoDB says that the table is still busy with the request before.
BUSY = {"ResourceInUseException", "ContinuousBackupsUnavailableException"}
BUSY_ATTEMPTS = 30
BUSY_PAUSE = 2  # seconds


def provision(*, change: bool) -> Iterator[Difference]:
    """Yield each feature that is missing or differs, and mend it if ``change``.

    Raises NotSupported.
    """
    for feature in [*bucket_features(settings.AWS_STORAGE_BUCKET_NAME), *table_features()]:
        try:
            if feature.is_there():
                continue
            if change:
                feature.make()
        except (ClientError, KeyError) as error:
            if not _says_lacking(error):
                raise
            if not feature.optional:
                raise NotSupported(feature.name) from error
            yield Difference(feature.name, supported=False)
        else:
            yield Difference(feature.name)


def bucket_features(bucket: str) -> list[Feature]:
    """Return the features of the bucket called ``bucket``, the bucket itself first."""
    s3 = client()
    return [
        Feature(
            f"bucket {bucket}",
            lambda: bool(unless_absent(lambda: s3.head_bucket(Bucket=bucket), "404")),
            True,
            lambda: s3.create_bucket(Bucket=bucket, **_location()),
        ),
        _setting(
            "no ACLs",
            "OwnershipControlsNotFoundError",
            lambda: s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"],
            OWNERSHIP["Rules"],
            lambda: s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=OWNERSHIP),
        ),
        _setting(
            "public access block",
            "NoSuchPublicAccessBlockConfiguration",
            lambda: blocks(s3.get_public_access_block(Bucket=bucket)),
            True,
            lambda: s3.put_public_access_block(
                Bucket=bucket, PublicAccessBlockConfiguration=public_access_block()
            ),
        ),
        _setting(
            "encryption",
            "ServerSideEncryptionConfigurationNotFoundError",
            lambda: _is_encrypted(s3.get_bucket_encryption(Bucket=bucket)),
            True,
            lambda: s3.put_bucket_encryption(
                Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [ENCRYPTION]}
            ),
        ),
        _setting(
            "CORS",
            "NoSuchCORSConfiguration",
            lambda: in_order(s3.get_bucket_cors(Bucket=bucket)["CORSRules"]),
            in_order(cors_rules()),
            lambda: s3.put_bucket_cors(
                Bucket=bucket, CORSConfiguration={"CORSRules": cors_rules()}
            ),
        ),
        _setting(
            "lifecycle",
            "NoSuchLifecycleConfiguration",
            lambda: same_rules(s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]),
            same_rules(lifecycle_rules()),
            lambda: s3.put_bucket_lifecycle_configuration(
                Bucket=bucket, LifecycleConfiguration={"Rules": lifecycle_rules()}
            ),
        ),
        *([_https_alone(bucket)] if _speaks_https() else []),
    ]


def _https_alone(bucket: str) -> Feature:
    """Return the feature of refusing plain HTTP; whatever else the policy says is left alone."""
    s3, wanted = client(), plain_http_refused(bucket)

    def policy() -> dict[str, Any]:
        """Return the policy with its statements in a list, where a single one may stand alone."""
        absent = "NoSuchBucketPolicy", "NoSuchBucket"
        answer = unless_absent(lambda: s3.get_bucket_policy(Bucket=bucket), *absent)
        found = json.loads(answer["Policy"]) if answer else {"Version": "2012-10-17"}
        statements = found.get("Statement", [])
        return {**found, "Statement": statements if isinstance(statements, list) else [statements]}

    def add() -> None:
        found = policy()
        others = [one for one in found["Statement"] if one.get("Sid") != wanted["Sid"]]
        mended = {**found, "Statement": [*others, wanted]}
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(mended))

    return Feature(
        "plain HTTP refused",
        lambda: in_order(wanted) in in_order(policy()["Statement"]),
        True,
        add,
        optional=_elsewhere(settings.AWS_S3_ENDPOINT_URL),
    )


def table_features() -> list[Feature]:
    """Return the features of each table in ``PROVISIONED_TABLES``."""
    models = [import_string(path) for path in settings.PROVISIONED_TABLES]
    return [feature for model in models for feature in _features_of(model)]


def _features_of(model: type[Model]) -> list[Feature]:
    name = model.Meta.table_name
    dynamodb: Any = model._get_connection().connection.client

    def described() -> Any:
        absent = "ResourceNotFoundException"
        answer = unless_absent(lambda: dynamodb.describe_table(TableName=name), absent)
        return answer["Table"] if answer else {}

    def backups() -> Any:
        answer = dynamodb.describe_continuous_backups(TableName=name)
        status = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        return status["PointInTimeRecoveryStatus"]

    def update(**changes: Any) -> Callable[[], Any]:
        return _patiently(lambda: dynamodb.update_table(TableName=name, **changes))

    recovery = {"PointInTimeRecoveryEnabled": True}
    elsewhere = _elsewhere(settings.AWS_DYNAMODB_ENDPOINT_URL)

    return [
        Feature(
            f"table {name}",
            lambda: bool(described()),
            True,
            lambda: model.create_table(wait=True, billing_mode=BILLING),
        ),
        Feature(
            f"billing of {name}",
            lambda: described().get("BillingModeSummary", {}).get("BillingMode"),
            BILLING,
            update(BillingMode=BILLING),
            optional=elsewhere,
        ),
        Feature(
            f"deletion protection of {name}",
            lambda: (table := described()) and table["DeletionProtectionEnabled"],
            True,
            update(DeletionProtectionEnabled=True),
            optional=elsewhere,
        ),
        Feature(
            f"point-in-time recovery of {name}",
            lambda: unless_absent(backups, "TableNotFoundException"),
            "ENABLED",
            _patiently(
                lambda: dynamodb.update_continuous_backups(
                    TableName=name, PointInTimeRecoverySpecification=recovery
                )
            ),
            optional=elsewhere,
        ),
    ]


# --- What is wanted, in the shapes of the API ---

ENCRYPTION: Any = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
OWNERSHIP: Any = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
PUBLIC_ACCESS_BLOCK: Any = dict.fromkeys(
    ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True
)
BILLING = "PAY_PER_REQUEST"


def public_access_block() -> Any:
    """Return what to block.

    Ceph takes every PUT for one with a public ACL and would refuse the site's own, so elsewhere
    than on AWS ACLs are ignored but not refused, which makes them as harmless.
    """
    if _elsewhere(settings.AWS_S3_ENDPOINT_URL):
        return {**PUBLIC_ACCESS_BLOCK, "BlockPublicAcls": False}
    return dict(PUBLIC_ACCESS_BLOCK)


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


def plain_http_refused(bucket: str) -> dict[str, Any]:
    """Return the policy's statement by which S3 answers HTTPS alone.

    Source: AWS Security Hub, "S3 general purpose buckets should require requests to use SSL".
    """
    arn = f"arn:{client().meta.partition}:s3:::{bucket}"
    return {
        "Sid": "RefusePlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


# --- How it is read and compared ---


def same_rules(rules: list[Any]) -> Any:
    """Return lifecycle rules in one shape, whoever wrote them."""
    return in_order([_same_rule(rule) for rule in rules])


def _same_rule(rule: Any) -> dict[str, Any]:
    facts = {name: value for name, value in rule.items() if name not in {"Prefix", "Filter"}}
    return {**facts, "Filter": RuleFilter.of(rule)}


def in_order(value: Any) -> Any:
    """Return ``value`` with every list in one order: S3 keeps sets, whatever order was sent."""
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return sorted((in_order(item) for item in value), key=repr)
    return value


def blocks(answer: Any) -> bool:
    """Return whether a bucket blocks all that it must, or more."""
    config = answer["PublicAccessBlockConfiguration"]
    return all(config.get(name) for name, wanted in public_access_block().items() if wanted)


def _setting(
    name: str,
    absent: str,
    read: Callable[[], Any],
    wanted: object,
    make: Callable[[], Any],
) -> Feature:
    """Return a feature of the bucket whose absence S3 tells by the code ``absent``."""

    def found() -> Any:
        return unless_absent(read, absent, "NoSuchBucket")

    return Feature(name, found, wanted, make, optional=_elsewhere(settings.AWS_S3_ENDPOINT_URL))


def _elsewhere(endpoint: str | None) -> bool:
    """Return whether an endpoint is that of another service than AWS's.

    AWS's own have a name, too: for FIPS, dual stack, or from within a VPC.
    """
    host = urlsplit(endpoint or "").hostname or AWS_HOSTS[0]
    return not host.endswith(AWS_HOSTS)


def _says_lacking(error: ClientError | KeyError) -> bool:
    """Return whether a request is unknown to the engine: refused, or taken for another one."""
    return isinstance(error, KeyError) or _code(error) in LACKING


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]


def _patiently(call: Callable[[], Any]) -> Callable[[], Any]:
    """Return ``call``, repeated while the table is busy: it takes one change at a time."""

    def patient() -> Any:
        for _attempt in range(BUSY_ATTEMPTS):
            try:
                return call()
            except ClientError as error:
                if _code(error) not in BUSY:
                    raise
            time.sleep(BUSY_PAUSE)
        return call()

    return patient


def _speaks_https() -> bool:
    """Return whether S3 is asked by HTTPS; a site that asks it by HTTP would lock itself out."""
    return (settings.AWS_S3_ENDPOINT_URL or "https:").startswith("https:")


def _location() -> Any:
    """Return where to create the bucket; the oldest region must not be named."""
    if settings.AWS_REGION == "us-east-1":
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": settings.AWS_REGION}}


def _is_encrypted(answer: Any) -> bool:
    """Return whether new objects are encrypted, be it with keys of the operator's own."""
    rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
    found = {rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] for rule in rules}
    return bool(found) and found <= {"AES256", "aws:kms", "aws:kms:dsse"}
