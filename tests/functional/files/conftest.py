"""Fixtures of the tests of files."""

import pytest

from avatars.references import Stores
from files import stores
from tests.builders import at_once, make_user
from tests.functional.files.steps import Uploader


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
