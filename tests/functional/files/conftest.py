"""Fixtures of the tests of files."""

from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from avatars.references import Stores
from files import stores
from tests.builders import at_once, make_user
from tests.functional.files.outside import Visitor
from tests.functional.files.steps import MIB, Uploader


@pytest.fixture
def file_stores(aws: Stores, monkeypatch: pytest.MonkeyPatch) -> stores.FileStores:
    """Return stores of files on an empty bucket and table; background work runs at once."""
    monkeypatch.setattr(stores.live_stores(), "later", at_once)
    return stores.live_stores()


@pytest.fixture
def anna(file_stores: stores.FileStores, db: None) -> Uploader:
    """Return a user who uploads."""
    return Uploader(make_user("anna"))


@pytest.fixture
def berta(file_stores: stores.FileStores, db: None) -> Uploader:
    """Return another one."""
    return Uploader(make_user("berta"))


@pytest.fixture
def site(live_server: LiveServer, settings: Any, file_stores: stores.FileStores) -> str:
    """Return the URL of a site that runs, for clients of its own processes."""
    # The real ones take a second for each login, on purpose.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return live_server.url


@pytest.fixture
def ada(site: str, settings: Any) -> Visitor:
    """Return a client of the running site, signed in; files of 6 MB are sent in parts."""
    settings.FILE_MULTIPART_BYTES = 6 * MIB
    return visitor(site, "ada")


@pytest.fixture
def ben(site: str) -> Visitor:
    """Return another user's client."""
    return visitor(site, "ben")


def visitor(site: str, username: str) -> Visitor:
    """Return a client, signed in as a new user."""
    make_user(username, password="only-for-tests")
    client = Visitor(site)
    client.sign_in(username, "only-for-tests")
    return client
