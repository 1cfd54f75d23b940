"""Fixtures: the proxy, and the SDK's clients that go through it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.test import override_settings

from avatars.models import AvatarItem
from aws import clients as sdk
from embedded_aws.server import EmbeddedAWS
from pictures import images
from tests.faults.proxy import Fault, Plan, Proxy, Reach, asked_by
from tests.faults.steps import PICTURE, RED
from web import rates

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from pynamodb.connection import TableConnection

# The product's figures, scaled. Only what a slow fault is about to strike is waited for so shortly:
# on a busy machine anything else may take its time.
FIGURES = {
    "AWS_CONNECT_SECONDS": 5,
    "AWS_READ_SECONDS": 20,
    "AWS_ATTEMPTS": 2,
    "AWS_POOL_CONNECTIONS": 10,
}
STRUCK_READ_SECONDS = 0.03


@dataclass
class Clients:
    """Clients that go through the proxy, made by the product's own code from ``figures``."""

    s3: S3Client
    table: TableConnection

    @classmethod
    def made_from(cls, proxy: Proxy, figures: dict[str, Any]) -> Clients:
        """Return new clients: the time-outs of existing ones cannot be changed."""
        meta = {
            "host": proxy.url,
            "connect_timeout_seconds": figures["AWS_CONNECT_SECONDS"],
            "read_timeout_seconds": figures["AWS_READ_SECONDS"],
            "max_retry_attempts": figures["AWS_ATTEMPTS"] - 1,
            "max_pool_connections": figures["AWS_POOL_CONNECTIONS"],
        }
        with (
            override_settings(AWS_S3_ENDPOINT_URL=proxy.url, **figures),
            pytest.MonkeyPatch.context() as patched,
        ):
            for name, value in meta.items():
                patched.setattr(AvatarItem.Meta, name, value)
            patched.setattr(AvatarItem, "_connection", None)
            return cls(sdk.client.__wrapped__(), AvatarItem._get_connection())

    @contextmanager
    def used(self) -> Iterator[None]:
        """Make the product use these clients; the SDK repeats without a pause."""
        with pytest.MonkeyPatch.context() as patched:
            for module in ("aws.bucket", "aws.deletion"):
                patched.setattr(f"{module}.client", lambda: self.s3)
            patched.setattr(AvatarItem, "_connection", self.table)
            patched.setattr("time.sleep", lambda seconds: None)
            patched.setattr("botocore.retries.quota.RetryQuota.acquire", lambda *_: True)
            yield


@dataclass
class Road:
    """The way from the product to AWS, on which a test can plan a fault."""

    proxy: Proxy
    clients: Clients

    def __post_init__(self) -> None:
        """Shorten the wait for answers that never come."""
        for each in (self.clients.s3, self.clients.table.connection.client):
            each.meta.events.register("before-send", self._hurry)

    @contextmanager
    def planned(
        self, fault: Fault | None = None, number: int = 0, reach: Reach = Reach.ALL
    ) -> Iterator[Plan]:
        """Send the product's requests through the proxy, which strikes as planned."""
        rates.forget_all()
        with self.proxy.planned(fault, number, reach) as plan, self.clients.used():
            yield plan

    def _hurry(self, request: Any, **_: object) -> None:
        headers = {name: _text(value) for name, value in request.headers.items()}
        asked = asked_by(request.method, headers)
        fault = self.proxy.plan.foresee(headers["amz-sdk-invocation-id"], asked)
        if fault and fault.slow:
            request.context["read_timeout"] = STRUCK_READ_SECONDS


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()


@pytest.fixture(scope="session")
def proxy(embedded_aws: EmbeddedAWS) -> Iterator[Proxy]:
    """Return the running proxy of this process."""
    port = int(embedded_aws.endpoint_url.rpartition(":")[2])
    running = Proxy(port)
    yield running
    running.close()


@pytest.fixture(scope="session")
def road(proxy: Proxy) -> Road:
    """Return the way to AWS, without a fault yet."""
    return Road(proxy, Clients.made_from(proxy, FIGURES))


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Write no log: a traceback for each fault takes longer than the fault."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def decoded_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the decoder by one that takes the whole test picture and refuses all else."""

    def normalise(body: bytes) -> images.Picture:
        assert body == RED
        return PICTURE

    monkeypatch.setattr(images, "normalise", normalise)
