"""Fixtures: the proxy, a TLS front before it, and the product pointed at either."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from avatars.models import AvatarItem
from avatars.references import Stores, live_stores
from aws import clients as sdk
from aws.bucket import S3Bucket
from embedded_aws.server import EmbeddedAWS
from tests.stores.proxy import Proxy, Store
from tests.tls import TlsFront, make_certificate

Moved = Callable[..., Stores]


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


def _forget_clients() -> None:
    """Make the gateways build new clients from the settings of that moment."""
    for made_once in (sdk.client, sdk.browser_client, sdk.unsigned_client):
        made_once.cache_clear()
