"""Credentials that cannot be had when a client is made, for a while or for good."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import CredentialRetrievalError
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from avatars.models import AvatarItem
from avatars.references import Stores
from aws import clients as sdk
from aws.errors import StorageUnavailable
from tests.builders import make_user
from tests.functional.steps import confirm, error_code, permission_for, signed_in

pytestmark = pytest.mark.django_db


MADE_ONCE: list[Any] = [sdk._session, sdk.client, sdk.browser_client]


def forget_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the product make its clients anew."""
    for made in MADE_ONCE:
        made.cache_clear()
    monkeypatch.setattr(AvatarItem, "_connection", None)


@pytest.fixture
def new_clients(aws: Stores, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the clients made anew in the test, and once more for the tests after it."""
    forget_clients(monkeypatch)
    yield
    monkeypatch.undo()
    for made in MADE_ONCE:
        made.cache_clear()
        made()


def fail_to_retrieve(*_: object) -> None:
    raise CredentialRetrievalError(provider="a process", error_msg="it failed")


@pytest.mark.case(27)
@pytest.mark.usefixtures("new_clients")
def test_everything_is_unavailable_when_credentials_cannot_be_retrieved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    browser = signed_in(make_user())
    permission = permission_for(browser)
    forget_clients(monkeypatch)
    monkeypatch.setattr("botocore.session.Session.get_credentials", fail_to_retrieve)

    pages = [Client().get(reverse(name)) for name in ("users", "inspection-table")]
    confirmed = confirm(browser, permission)

    assert [page.status_code for page in pages] == [200, 200]
    assert all(page.context["problem"] for page in pages)
    assert (confirmed.status_code, error_code(confirmed)) == (503, "unavailable")
    with pytest.raises(CommandError, match="it failed"):
        call_command("provision", "--check")


@pytest.mark.usefixtures("new_clients")
def test_bucket_is_found_again_when_credentials_come_late(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The metadata service of the machine was not up when the process started."""
    with monkeypatch.context() as patched:
        patched.setattr("botocore.session.Session.get_credentials", lambda _: None)
        with pytest.raises(StorageUnavailable):
            aws.bucket.exists("any")

    assert not aws.bucket.exists("any")
    assert isinstance(sdk.credentials(), Credentials)
