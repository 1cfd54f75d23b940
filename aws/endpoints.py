"""Where the SDK finds a bucket or a table: always asked of the SDK, never composed here.

The SDK knows the regions of China and Europe, FIPS, dual-stack, acceleration, names with dots and
what a profile says. No function here reads the settings, since the settings are made with them, and
none sends a request or asks for credentials.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import urlsplit

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.session import get_session
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


Service = Literal["s3", "dynamodb", "sqs", "sns"]
AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".amazonaws.eu")


class NoEndpoint(ImproperlyConfigured):
    """The SDK finds no endpoint for these settings."""


def unsigned_s3_client(
    session: boto3.Session, *, endpoint_url: str | None, style: str
) -> "S3Client":
    """Return a client that knows the plain URLs of objects."""
    config = Config(signature_version=UNSIGNED, s3={"addressing_style": cast(Any, style)})
    return session.client("s3", endpoint_url=endpoint_url, config=config)


def bucket_url(client: "S3Client", bucket: str) -> str:
    """Return the URL that those of all objects in ``bucket`` begin with; its end is a slash."""
    return client.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "x"}
    ).removesuffix("x")


def form_url(client: "S3Client", bucket: str) -> str:
    """Return the URL that presigned POSTs to ``bucket`` go to."""
    return str(client.generate_presigned_post(Bucket=bucket, Key="x")["url"])


def static_url(bucket: str, *, region: str, endpoint_url: str | None, style: str) -> str:
    """Return the URL of the static files in ``bucket``. Raises NoEndpoint."""
    with endpoint_expected("AWS_STATIC_BUCKET_NAME"):
        session = boto3.Session(region_name=region)
        client = unsigned_s3_client(session, endpoint_url=endpoint_url, style=style)
        return bucket_url(client, bucket)


def is_aws(endpoint: str | None) -> bool:
    """Return whether an endpoint is one of AWS: None, or a name for FIPS, dual stack or a VPC."""
    host = urlsplit(endpoint or "").hostname or AWS_HOSTS[0]
    return host.endswith(AWS_HOSTS)


def endpoint_of_profile(service: Service, *, region: str) -> str | None:
    """Return the endpoint that the profile of the SDK names for ``service``, or None.

    Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints".
    """
    with endpoint_expected("AWS_PROFILE"):
        session = get_session()
        if not {"endpoint_url", "services"} & session.get_scoped_config().keys():
            return None  # at once: a client takes 0.1 s to make
        named, usual = (
            session.create_client(
                service,
                region_name=region,
                config=Config(signature_version=UNSIGNED, **options),
            ).meta.endpoint_url
            for options in cast(Any, [{}, {"ignore_configured_endpoint_urls": True}])
        )
        return None if named == usual else named


@contextmanager
def endpoint_expected(variable: str) -> Iterator[None]:
    """Turn the SDK's errors into NoEndpoint, with the name of the variable to look at."""
    try:
        yield
    except (BotoCoreError, ValueError) as error:
        raise NoEndpoint(
            f"The SDK finds no URL with these settings, {variable} among them: {error}"
        ) from error
