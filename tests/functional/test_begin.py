"""Phase 1: which requests get a permission."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from botocore.credentials import RefreshableCredentials
from django.conf import settings
from django.test import Client
from django.urls import reverse
from hypothesis import example, given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from avatars.references import Stores
from pictures.images import FORMATS
from tests.builders import make_user
from tests.functional.steps import (
    begin,
    bucket_keys,
    confirm,
    error_code,
    permission_for,
    post_file,
    post_json,
    record_requests,
    refusal,
    signed_in,
)

pytestmark = pytest.mark.django_db

ROUTES = ["begin-upload", "confirm-upload"]
GOOD = {"content_type": "image/png", "size": 1000}


@pytest.mark.case(10)
@pytest.mark.parametrize("route", ROUTES)
def test_nothing_is_signed_for_somebody_signed_out(
    aws: Stores, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = record_requests(monkeypatch)

    answer = post_json(Client(), route, GOOD)

    assert (answer.status_code, error_code(answer)) == (401, "signed_out")
    assert "policy" not in answer.content.decode()
    assert asked == []


@pytest.mark.case(10)
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("token", ["", "x" * 64])
def test_nothing_is_signed_without_the_csrf_token(aws: Stores, route: str, token: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_user(), backend="django.contrib.auth.backends.ModelBackend")
    browser.get(reverse("users"))

    answer = post_json(browser, route, GOOD, headers={"x-csrftoken": token})

    assert (answer.status_code, error_code(answer)) == (403, "csrf")
    assert "policy" not in answer.content.decode()


def test_permission_is_given_with_the_csrf_token_of_the_page(aws: Stores) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_user(), backend="django.contrib.auth.backends.ModelBackend")
    browser.get(reverse("users"))
    token = browser.cookies["csrftoken"].value

    answer = post_json(browser, "begin-upload", GOOD, headers={"x-csrftoken": token})

    assert answer.status_code == 201


@pytest.mark.parametrize("route", ROUTES)
def test_route_is_refused_when_fetched(aws: Stores, route: str) -> None:
    assert signed_in(make_user()).get(reverse(route)).status_code == 405


@pytest.mark.case(4)
@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/html",
        "image/svg+xml",
        "image/png, text/html",
        "text/html;image/png",
        "image/png; charset=utf-8",
        "IMAGE/PNG",
        " image/png",
        "image/*",
        "image/tiff",
    ],
)
def test_permission_is_refused_when_the_type_is_not_allowed(aws: Stores, content_type: str) -> None:
    answer = begin(signed_in(make_user()), content_type=content_type)

    assert (answer.status_code, error_code(answer)) == (400, "unsupported_type")


@pytest.mark.case(1)
@pytest.mark.parametrize("size", [0, -1, 5 * 1024 * 1024 + 1, 2**63 - 1])
def test_permission_is_refused_when_the_size_is_out_of_bounds(aws: Stores, size: int) -> None:
    answer = begin(signed_in(make_user()), size=size)

    assert (answer.status_code, error_code(answer)) == (400, "bad_size")
    assert "Retry-After" not in answer
    assert ("is empty" in answer.json()["error"]["message"]) is (size < 1)


@pytest.mark.parametrize("size", [1, 5 * 1024 * 1024])
def test_permission_is_given_when_the_size_is_at_a_bound(aws: Stores, size: int) -> None:
    assert begin(signed_in(make_user()), size=size).status_code == 201


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["content_type", "size", "key", "upload_token", "x"]), inner
        )
    ),
    max_leaves=8,
)


@pytest.mark.case(22)
def test_request_never_ends_in_a_traceback_whatever_is_sent(
    aws: Stores, settings: Settings
) -> None:
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, "10000/minute")
    settings.RATE_LIMITS_PER_ADDRESS = settings.RATE_LIMITS
    browser = signed_in(make_user())

    @given(body=JSON_VALUES | st.binary(max_size=60), route=st.sampled_from(ROUTES))
    def send(body: object, route: str) -> None:
        answer = post_json(browser, route, body)
        assert answer.status_code == 400
        assert error_code(answer)

    send()


@pytest.mark.case(22)
def test_confirm_never_ends_in_a_traceback_whatever_key_and_token_are(
    aws: Stores, settings: Settings
) -> None:
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, "10000/minute")
    settings.RATE_LIMITS_PER_ADDRESS = settings.RATE_LIMITS
    browser = signed_in(make_user())
    good = permission_for(browser)
    text = st.text(st.characters(codec=None), max_size=30)

    @given(key=text | st.just(good.key), upload_token=text | st.just(good.upload_token))
    @example(key="\ud800", upload_token=good.upload_token)
    @example(key=good.key, upload_token="\ud800")
    def send(key: str, upload_token: str) -> None:
        answer = post_json(browser, "confirm-upload", {"key": key, "upload_token": upload_token})
        assert answer.status_code in {400, 403, 409}
        assert error_code(answer)

    send()
    assert bucket_keys() == []


@pytest.mark.parametrize("content_type", FORMATS)
def test_permission_allows_one_upload_at_one_key(aws: Stores, content_type: str) -> None:
    user = make_user()

    permission = permission_for(signed_in(user), content_type=content_type)

    assert permission.key.startswith(f"pending/{user.pk}/")
    assert permission.fields["key"] == permission.key
    assert permission.fields["Content-Type"] == content_type
    assert permission.fields["x-amz-meta-owner"] == str(user.pk)
    assert permission.max_bytes == settings.AVATAR_MAX_BYTES
    assert bucket_keys() == [], "phase 1 records nothing"


def test_keys_and_tokens_differ_each_time(aws: Stores) -> None:
    browser = signed_in(make_user())

    permissions = [permission_for(browser) for _ in range(5)]

    assert len({permission.key for permission in permissions}) == 5
    assert len({permission.upload_token for permission in permissions}) == 5


def role_credentials(*, seconds: float) -> RefreshableCredentials:
    """Return credentials of a role that expire in ``seconds`` and cannot be renewed."""
    return RefreshableCredentials(
        access_key="embedded",
        secret_key="only-for-the-embedded-aws",
        token="",
        expiry_time=datetime.now(UTC) + timedelta(seconds=seconds),
        refresh_using=dict,
        method="test",
        advisory_timeout=0,
        mandatory_timeout=0,
    )


@pytest.mark.case(7)
def test_policy_ends_with_the_credentials_when_they_expire_sooner(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = role_credentials(seconds=60)
    monkeypatch.setattr("aws.clients.credentials", lambda: credentials)
    browser = signed_in(make_user())

    permission = permission_for(browser)

    told = datetime.fromisoformat(permission.expires_at) - datetime.now(UTC)
    assert timedelta(0) < told <= timedelta(seconds=60)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=61)):
        assert refusal(post_file(permission)) == (403, "AccessDenied")
        assert confirm(browser, permission).status_code == 409
    assert bucket_keys() == []


@pytest.mark.case(7)
def test_policy_lasts_as_set_when_the_credentials_last_longer(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = role_credentials(seconds=3600)
    monkeypatch.setattr("aws.clients.credentials", lambda: credentials)

    with time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC), tick=False):
        credentials = role_credentials(seconds=3600)
        permission = permission_for(signed_in(make_user()))

    told = datetime.fromisoformat(permission.expires_at) - datetime(2030, 1, 1, tzinfo=UTC)
    assert told == timedelta(seconds=settings.UPLOAD_POLICY_SECONDS)


@pytest.mark.case(7)
def test_begin_is_unavailable_when_the_credentials_have_expired(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = role_credentials(seconds=-1)
    monkeypatch.setattr("aws.clients.credentials", lambda: credentials)

    answer = begin(signed_in(make_user()))

    assert (answer.status_code, error_code(answer)) == (503, "unavailable")
    assert "policy" not in json.loads(answer.content)
