"""The SDK's clients: thread-safe and slow to make, so the process has one of each."""

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, NoCredentialsError
from django.conf import settings

from aws.endpoints import unsigned_s3_client
from aws.errors import StorageUnavailable
from aws.readiness import refuse_other_regions
from aws.wire import adapt, wire_config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

# For how long a queue may keep a request that finds no message. A process that is told to end
# waits for that answer, so it is not the 20 seconds that SQS allows; asking again every 5 seconds
# costs $0.21 a month.
LONGEST_WAIT = 5


@cache
def client() -> "S3Client":
    """Return the client for the backend's own requests; raises StorageUnavailable."""
    return new_client()


def new_client(differing: Config | None = None) -> "S3Client":
    """Return another client for requests of the backend; raises StorageUnavailable."""
    credentials()  # a client that is made without any never looks for them again
    config = _config().merge(differing or Config())
    made = _session().client("s3", endpoint_url=settings.AWS_S3_ENDPOINT_URL, config=config)
    refuse_other_regions(made)
    adapt(made)
    return made


@cache
def browser_client() -> "S3Client":
    """Return the client that signs for the endpoint browsers see; raises StorageUnavailable."""
    credentials()
    return _session().client(
        "s3", endpoint_url=settings.AWS_S3_PUBLIC_ENDPOINT_URL, config=_config()
    )


@cache
def unsigned_client() -> "S3Client":
    """Return the client that knows the plain URLs of objects."""
    return unsigned_s3_client(
        _session(),
        endpoint_url=settings.AWS_S3_PUBLIC_ENDPOINT_URL,
        style=settings.AWS_S3_ADDRESSING_STYLE,
    )


@cache
def queue_client() -> "SQSClient":
    """Return the client of the queue; raises StorageUnavailable."""
    credentials()
    return _session().client("sqs", endpoint_url=settings.AWS_SQS_ENDPOINT_URL, config=_patience())


@cache
def waiting_queue_client() -> "SQSClient":
    """Return the client for requests that the queue keeps until it has a message.

    It asks once: the caller comes back all the same. Raises StorageUnavailable.
    """
    patient = Config(
        read_timeout=settings.AWS_READ_SECONDS + LONGEST_WAIT, retries={"total_max_attempts": 1}
    )
    credentials()
    return _session().client(
        "sqs", endpoint_url=settings.AWS_SQS_ENDPOINT_URL, config=_patience().merge(patient)
    )


@cache
def topic_client() -> "SNSClient":
    """Return the client of the topic; raises StorageUnavailable."""
    credentials()
    return _session().client("sns", endpoint_url=settings.AWS_SNS_ENDPOINT_URL, config=_patience())


@cache
def store_topic_client() -> "SNSClient":
    """Return the client of the topics that a store other than AWS's has at its S3 endpoint.

    Ceph takes the password in a topic's address over HTTPS alone, or where it trusts a proxy that
    says so. Whether the way to the store is safe is decided where its endpoint is set.
    """
    credentials()
    made = _session().client("sns", endpoint_url=settings.AWS_S3_ENDPOINT_URL, config=_patience())
    made.meta.events.register("before-send.sns", _say_that_it_is_safe)
    return made


def _say_that_it_is_safe(request: AWSPreparedRequest, **_: object) -> None:
    request.headers["X-Forwarded-Proto"] = "https"


@cache
def _session() -> boto3.Session:
    return boto3.Session(
        aws_access_key_id=settings.AWS_ACCESS_KEY_ID,
        aws_secret_access_key=settings.AWS_SECRET_ACCESS_KEY,
        aws_session_token=settings.AWS_SESSION_TOKEN,
        region_name=settings.AWS_REGION,
    )


def _config() -> Config:
    return wire_config().merge(_patience())


def _patience() -> Config:
    return Config(
        connect_timeout=settings.AWS_CONNECT_SECONDS,
        read_timeout=settings.AWS_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": settings.AWS_ATTEMPTS},
        max_pool_connections=settings.AWS_POOL_CONNECTIONS,
    )


def credentials() -> Any:
    """Return the credentials that requests are signed with; raises StorageUnavailable."""
    try:
        found = _session().get_credentials()
    except BotoCoreError as error:
        raise StorageUnavailable from error
    if found is None:
        raise StorageUnavailable from NoCredentialsError()
    return found


def credentials_seconds_left(now: datetime) -> int:
    """Return how many seconds the credentials still live; a signature ends with them."""
    # botocore tells of an expiry only through this attribute, and only a role's have one.
    expiry = getattr(credentials(), "_expiry_time", None)
    return int((expiry - now).total_seconds()) if expiry else 7 * 24 * 3600
