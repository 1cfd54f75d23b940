"""Every check runs on every engine that is offered; what an engine lacks is an expected failure."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError
from mypy_boto3_dynamodb import DynamoDBClient
from pytest_django.fixtures import Settings

from avatars.models import AvatarItem
from avatars.references import AvatarCodec, AvatarTable
from aws import clients as sdk
from aws.bucket import S3Bucket
from aws.errors import StorageUnavailable
from aws.features import LeftAlone
from embedded_aws.server import EmbeddedAWS
from tests.engines.elsewhere import is_elsewhere
from tests.engines.engines import EMBEDDED, REGION, S3_ENGINES, TABLE_ENGINES, Engine, offered, urls
from tests.engines.known import reason_for
from tests.functional.embedded.builders import ACCESS_KEY, SECRET_KEY, Place

HERE = Path(__file__).parent
ENGINE_FIXTURES = ("s3_engine", "table_engine")
ORIGIN = "https://site.test"
ASKED_EVERY_TIME = {"test_post.py", "test_put.py", "test_queues.py", "test_events.py"}
collect_ignore = [] if is_elsewhere() else ["test_vanishing.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name check and engine in each report, and expect what is known to fail.

    What the embedded server is asked here, ``make test`` asks it in tests/functional, except for
    the files of ``ASKED_EVERY_TIME``.
    """
    for item in items:
        if HERE in item.path.parents and isinstance(item, pytest.Function):
            engine = _engine_of(item)
            if engine:
                _describe(item, engine, check_of(item, engine))
                if item.path.name not in ASKED_EVERY_TIME:
                    item.add_marker(pytest.mark.thorough)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask the S3 engines that a module names, or else those that are asked everything."""
    if "s3_engine" in metafunc.fixturenames:
        engines = offered(getattr(metafunc.module, "ASKED", S3_ENGINES))
        metafunc.parametrize("s3_engine", engines, indirect=True, scope="session")


def check_of(item: pytest.Function, engine: str) -> str:
    """Return the check's name: the test's, with its parameters but for the engine."""
    ids = item.callspec.id.split("-")
    ids.remove(engine)
    name = item.originalname.removeprefix("test_")
    return f"{name}[{'-'.join(ids)}]" if ids else name


def _engine_of(item: pytest.Function) -> str:
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return next((str(params[name]) for name in ENGINE_FIXTURES if name in params), "")


def _describe(item: pytest.Function, engine: str, check: str) -> None:
    item.user_properties += [("engine", engine), ("check", check)]
    reason = reason_for(engine, check)
    if reason:
        # What an engine answers, or leaves out of it; one that is gone is no known difference.
        expected = (
            *(AssertionError, KeyError, ClientError, StorageUnavailable, LeftAlone),
            pytest.fail.Exception,  # nothing was raised that should have been
        )
        item.add_marker(pytest.mark.xfail(reason=reason, strict=True, raises=expected))


@pytest.fixture(scope="session")
def embedded_engine() -> Iterator[Engine]:
    """Return the embedded server, on a port of its own."""
    with EmbeddedAWS(access_key=ACCESS_KEY, secret_key=SECRET_KEY, region=REGION) as aws:
        yield Engine(EMBEDDED, aws.endpoint_url)


def _engine(request: pytest.FixtureRequest) -> Engine:
    if request.param != EMBEDDED:
        return Engine(request.param, urls()[request.param])
    embedded: Engine = request.getfixturevalue("embedded_engine")
    return embedded


@pytest.fixture(scope="session")
def s3_engine(request: pytest.FixtureRequest) -> Engine:
    """Return each S3 engine in turn."""
    return _engine(request)


@pytest.fixture(scope="session", params=offered(TABLE_ENGINES))
def table_engine(request: pytest.FixtureRequest) -> Engine:
    """Return each DynamoDB engine in turn."""
    return _engine(request)


@pytest.fixture(scope="session")
def http() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager(timeout=60) as manager:
        yield manager


@pytest.fixture(scope="session")
def clients(s3_engine: Engine) -> Iterator[Place]:
    """Return the clients of an engine, as a place without a bucket."""
    with urllib3.PoolManager(timeout=60) as http:
        yield Place("", s3_engine.url, s3_engine.s3(), s3_engine.dynamodb(), http)


@pytest.fixture
def place(clients: Place) -> Iterator[Place]:
    """Return a fresh bucket with its clients. It is not emptied: the engine ends with the run."""
    name = f"engines-{uuid.uuid4().hex}"
    clients.s3.create_bucket(Bucket=name)
    yield Place(name, clients.endpoint, clients.s3, clients.dynamodb, clients.http)
    # Whoever lets the lifecycle run next expects rules on no other bucket.
    clients.s3.delete_bucket_lifecycle(Bucket=name)


@pytest.fixture
def gateway(place: Place, settings: Settings) -> Iterator[S3Bucket]:
    """Return the product's gateway to the bucket of ``place``."""
    settings.AWS_STORAGE_BUCKET_NAME = place.name
    settings.AWS_REGION = REGION
    settings.AWS_S3_ENDPOINT_URL = settings.AWS_S3_PUBLIC_ENDPOINT_URL = place.endpoint
    settings.AWS_S3_ADDRESSING_STYLE = "path"
    settings.AWS_ACCESS_KEY_ID = ACCESS_KEY
    settings.AWS_SECRET_ACCESS_KEY = SECRET_KEY
    settings.SITE_ORIGINS = [ORIGIN]
    _forget_clients()
    yield S3Bucket(place.name)
    _forget_clients()


def _forget_clients() -> None:
    """Make the gateways build new clients from the settings of that moment."""
    for made_once in (
        sdk._session,
        sdk.client,
        sdk.browser_client,
        sdk.unsigned_client,
        sdk.queue_client,
        sdk.waiting_queue_client,
        sdk.topic_client,
        sdk.store_topic_client,
    ):
        made_once.cache_clear()


@dataclass(frozen=True)
class Table:
    """A table of one test, with a client that goes past the gateway."""

    name: str
    client: DynamoDBClient
    engine: Engine

    def put(self, item: Any, **options: Any) -> None:
        self.client.put_item(TableName=self.name, Item=item, **options)

    def owners(self) -> list[str]:
        page = self.client.scan(TableName=self.name, ConsistentRead=True)
        return [row["owner_id"]["S"] for row in page["Items"]]

    def stranger(self) -> DynamoDBClient:
        """Return a client that knows the account's key id but not its secret."""
        return self.engine.dynamodb(secret_key="another")


@pytest.fixture
def references(table: Table) -> AvatarTable:
    """Return the product's gateway to the table of ``table``."""
    return AvatarTable(AvatarCodec())


@pytest.fixture(scope="session")
def dynamodb(table_engine: Engine) -> DynamoDBClient:
    return table_engine.dynamodb()


@pytest.fixture
def table(table_engine: Engine, dynamodb: DynamoDBClient, monkeypatch: pytest.MonkeyPatch) -> Table:
    """Return a fresh table, made by the product's own model."""
    name = f"engines-{uuid.uuid4().hex}"
    meta = {
        "table_name": name,
        "host": table_engine.url,
        "region": REGION,
        "aws_access_key_id": ACCESS_KEY,
        "aws_secret_access_key": SECRET_KEY,
    }
    for attribute, value in meta.items():
        monkeypatch.setattr(AvatarItem.Meta, attribute, value)
    # A connection is made for a name once; the one that stands is put back afterwards.
    monkeypatch.setattr(AvatarItem, "_connection", None)
    AvatarItem.create_table(wait=True, billing_mode="PAY_PER_REQUEST")
    return Table(name, dynamodb, table_engine)
