"""One embedded AWS for each test process, a fresh bucket for each test."""

import uuid
from collections.abc import Iterator

import boto3
import pytest
import urllib3
from botocore.config import Config
from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_s3 import S3Client

from embedded_aws.server import EmbeddedAWS
from tests.functional.embedded.builders import ACCESS_KEY, REGION, SECRET_KEY, Place


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    with EmbeddedAWS(access_key=ACCESS_KEY, secret_key=SECRET_KEY, region=REGION) as aws:
        yield aws.endpoint_url


@pytest.fixture(scope="session")
def s3(endpoint: str) -> Iterator[S3Client]:
    client: S3Client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(signature_version="s3v4", retries={"total_max_attempts": 1}),
    )
    yield client
    client.close()


@pytest.fixture(scope="session")
def dynamodb(endpoint: str) -> Iterator[DynamoDBClient]:
    client: DynamoDBClient = boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(retries={"total_max_attempts": 1}),
    )
    yield client
    client.close()


@pytest.fixture(scope="session")
def http() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager(timeout=60) as manager:
        yield manager


@pytest.fixture
def place(
    endpoint: str, s3: S3Client, dynamodb: DynamoDBClient, http: urllib3.PoolManager
) -> Place:
    name = f"bucket-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return Place(name, endpoint, s3, dynamodb, http)
