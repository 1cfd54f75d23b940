"""Which engines a run of the suite asks, and how their clients are made.

The embedded server is always there. The starter of a run offers others in TEST_ENGINES, as
``radosgw=http://127.0.0.1:7480,dynalite=http://127.0.0.1:4567``.
"""

import os
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.config import Config
from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_s3 import S3Client
from mypy_boto3_sns import SNSClient
from mypy_boto3_sqs import SQSClient

from tests.functional.embedded.builders import ACCESS_KEY, SECRET_KEY, Signer

VARIABLE = "TEST_ENGINES"
REGION: Final = "us-east-1"
EMBEDDED = "embedded"
S3_ENGINES = [EMBEDDED, "radosgw"]
LARGE_ENGINES = [*S3_ENGINES, "ministack"]
"""Those that are asked what large uploads need; ministack's S3 lacks much that forms need."""
EVENT_ENGINES = [EMBEDDED, "ministack"]
"""Those that have queues and topics, and tell them of objects."""
TABLE_ENGINES = [EMBEDDED, "ministack", "dynalite"]
TITLES = {
    EMBEDDED: "embedded (moto behind a front)",
    "radosgw": "Ceph radosgw 16.2",
    "ministack": "ministack 1.5",
    "dynalite": "dynalite 4.0",
}


@dataclass(frozen=True)
class Engine:
    """A server of S3, DynamoDB or SQS, with the one account that all of them know."""

    name: str
    url: str

    def s3(self) -> S3Client:
        """Return a client that makes one attempt per call."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                # Else it sends no Content-Length over HTTPS, which Ceph refuses: aws/wire.py.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                retries={"total_max_attempts": 1},
                max_pool_connections=32,
            ),
            **self._account(),
        )

    def dynamodb(self, *, secret_key: str = SECRET_KEY) -> DynamoDBClient:
        """Return a client that makes one attempt per call."""
        return boto3.client(
            "dynamodb",
            endpoint_url=self.url,
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=32),
            **self._account(secret_key),
        )

    def sqs(self) -> SQSClient:
        """Return a client that makes one attempt per call."""
        return boto3.client(
            "sqs",
            endpoint_url=self.url,
            config=Config(retries={"total_max_attempts": 1}),
            **self._account(),
        )

    def sns(self) -> SNSClient:
        """Return a client that makes one attempt per call."""
        return boto3.client(
            "sns",
            endpoint_url=self.url,
            config=Config(retries={"total_max_attempts": 1}),
            **self._account(),
        )

    def _account(self, secret_key: str = SECRET_KEY) -> Any:
        return {
            "region_name": REGION,
            "aws_access_key_id": ACCESS_KEY,
            "aws_secret_access_key": secret_key,
        }


def signer(**changes: Any) -> Signer:
    """Return a signer for the account, with ``changes`` to what it signs with."""
    return Signer(**{"region": REGION, **changes})


def offered(names: list[str]) -> list[str]:
    """Return those of ``names`` that are available in this run."""
    return [name for name in names if name == EMBEDDED or name in urls()]


def urls() -> dict[str, str]:
    """Return the URLs of the engines that were started for this run."""
    pairs = [pair.partition("=") for pair in os.environ.get(VARIABLE, "").split(",") if pair]
    return {name: url for name, _, url in pairs}
