"""Fixtures: the proxy, a TLS front before it, and the product pointed at either."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings as of_django
from pytest_django.fixtures import Settings

from avatars.models import AvatarItem
from avatars.references import Stores, live_stores
from aws import clients as sdk
from aws.bucket import S3Bucket
from embedded_aws.server import EmbeddedAWS
from tests.stores.proxy import Proxy, Store
from tests.tls import TlsFront, make_certificate
from uploads.provisioning import bucket_features

Moved = Callable[..., Stores]
Pointed = Callable[[str], None]
ACCOUNT = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"]


@pytest.fixture(scope="session")
def proxy(embedded_aws: EmbeddedAWS) -> Iterator[Proxy]:
    """Return the running proxy of this process."""
    running = Proxy(int(embedded_aws.endpoint_url.rpartition(":")[2]))
    yield running
    running.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of the certificate that the front has and clients must trust."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def front(proxy: Proxy, certificate: Path) -> Iterator[TlsFront]:
    """Return the TLS front before the proxy."""
    with TlsFront(proxy.port, certificate) as running:
        yield running


@pytest.fixture
def moved(
    aws: Stores,
    proxy: Proxy,
    front: TlsFront,
    certificate: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Moved]:
    """Return a function that points the whole product at a store, by ``http`` or ``https``."""

    def move(store: Store, scheme: str = "http") -> Stores:
        proxy.store = store
        url = front.url if scheme == "https" else proxy.url
        settings.AWS_S3_ENDPOINT_URL = settings.AWS_S3_PUBLIC_ENDPOINT_URL = url
        # botocore reads the one, and OpenSSL, for the posted form, the other.
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        monkeypatch.setattr(AvatarItem.Meta, "host", proxy.url)
        monkeypatch.setattr(AvatarItem, "_connection", None)
        # A new bucket has not learned anything about the store yet.
        monkeypatch.setattr(live_stores(), "bucket", S3Bucket(settings.AWS_STORAGE_BUCKET_NAME))
        _forget_clients()
        return replace(live_stores())

    yield move
    proxy.store = Store()
    _forget_clients()


@pytest.fixture
def pointed(aws: Stores, settings: Settings) -> Iterator[Pointed]:
    """Return a function that points at another server for the bucket alone."""

    def point(url: str) -> None:
        settings.AWS_S3_ENDPOINT_URL = settings.AWS_S3_PUBLIC_ENDPOINT_URL = url
        _forget_clients()

    yield point
    _forget_clients()


@pytest.fixture
def in_europe(pointed: Pointed) -> Iterator[None]:
    """Have the bucket in a region that is not the settings'."""
    keys = [str(getattr(of_django, name)) for name in ACCOUNT[:2]]
    with EmbeddedAWS(access_key=keys[0], secret_key=keys[1], region="eu-west-1") as server:
        pointed(server.endpoint_url)
        yield


@pytest.fixture(scope="session")
def own_clock() -> Iterator[str]:
    """Return the URL of an embedded AWS in a process, so with a clock, of its own."""
    keys = {name: str(getattr(of_django, name)) for name in ACCOUNT}
    with subprocess.Popen(
        [sys.executable, "-m", "embedded_aws", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **keys},
    ) as process:
        assert process.stdout
        yield process.stdout.readline().split()[-1]
        process.terminate()


@pytest.fixture
def on_time(own_clock: str, pointed: Pointed) -> None:
    """Have the bucket on a server whose clock no test can move."""
    pointed(own_clock)
    for feature in bucket_features(of_django.AWS_STORAGE_BUCKET_NAME):
        feature.make()


def _forget_clients() -> None:
    """Make the gateways build new clients from the settings of that moment."""
    for made_once in (sdk.client, sdk.browser_client, sdk.unsigned_client):
        made_once.cache_clear()
