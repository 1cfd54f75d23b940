"""S3 and DynamoDB are down: the embedded AWS is stopped, and started again afterwards."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from avatars.references import Stores
from embedded_aws.server import EmbeddedAWS
from tests.builders import make_user
from tests.functional.steps import (
    assert_in_order,
    begin,
    bucket_keys,
    confirm,
    error_code,
    live_key,
    outage,
    picture_path,
    signed_in,
    upload_picture,
    uploaded,
)

pytestmark = pytest.mark.django_db

SORRY = "The store does not answer right now."


@pytest.mark.case(27)
@pytest.mark.parametrize("route", ["users", "inspection-bucket", "inspection-table"])
def test_page_says_what_is_wrong_when_aws_is_down(
    aws: Stores, embedded_aws: EmbeddedAWS, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    user = make_user(username="pat")
    browser = signed_in(user)
    upload_picture(browser)

    with outage(embedded_aws, monkeypatch):
        answer = browser.get(reverse(route))

    page = answer.content.decode()
    assert answer.status_code == 200
    assert SORRY in page
    assert 'role="alert"' in page
    assert "bucket is empty" not in page, "nobody knows"
    assert "table is empty" not in page
    if route == "users":
        assert "pat" in page
        assert picture_path(user) in page, "the placeholder"
    assert SORRY not in browser.get(reverse(route)).content.decode(), "and it is back"


@pytest.mark.case(27)
def test_liveness_holds_and_readiness_fails_when_aws_is_down(
    aws: Stores, embedded_aws: EmbeddedAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    with outage(embedded_aws, monkeypatch):
        alive, ready = Client().get("/ping"), Client().get("/readyz")

    assert (alive.status_code, alive.content) == (200, b"pong\n")
    assert ready.status_code == 503
    assert ready.json() == {"database": "ok", "bucket": "unavailable", "table": "unavailable"}


def test_site_is_ready_when_everything_answers(aws: Stores) -> None:
    answer = Client().get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"database": "ok", "bucket": "ok", "table": "ok"}
    assert "no-store" in answer["Cache-Control"]


def test_site_is_not_ready_when_the_bucket_is_missing(
    aws: Stores, embedded_aws: EmbeddedAWS
) -> None:
    embedded_aws.reset()

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"database": "ok", "bucket": "unavailable", "table": "unavailable"}


@pytest.mark.parametrize("path", ["/ping", "/readyz"])
def test_health_is_told_to_get_only(aws: Stores, path: str) -> None:
    assert Client().post(path).status_code == 405


@pytest.mark.case(24, 27)
def test_confirm_can_be_repeated_when_aws_was_down(
    aws: Stores, embedded_aws: EmbeddedAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user()
    browser = signed_in(user)
    upload_picture(browser)
    before = live_key(user)
    permission = uploaded(browser)

    with outage(embedded_aws, monkeypatch):
        assert begin(browser).status_code == 503, "nobody knows how many are pending"
        answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (503, "unavailable")
    assert live_key(user) == before
    assert confirm(browser, permission).status_code == 200
    assert live_key(user) != before
    assert_in_order(user)


@pytest.mark.case(27, 38)
def test_sweep_stops_and_deletes_nothing_when_aws_is_down(
    aws: Stores, embedded_aws: EmbeddedAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user()
    upload_picture(signed_in(user))
    keys = bucket_keys()

    with (
        outage(embedded_aws, monkeypatch),
        pytest.raises(CommandError, match="Nothing more was deleted") as failure,
    ):
        call_command("sweep", "--delete", stdout=io.StringIO())

    assert failure.value.returncode == 2
    assert bucket_keys() == keys


def test_provisioning_says_where_when_aws_is_down(
    aws: Stores, embedded_aws: EmbeddedAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        outage(embedded_aws, monkeypatch),
        pytest.raises(CommandError, match=embedded_aws.endpoint_url) as failure,
    ):
        call_command("provision", stdout=io.StringIO())

    assert failure.value.returncode == 2


def test_seeding_says_what_to_do_when_aws_is_down(
    aws: Stores, embedded_aws: EmbeddedAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        outage(embedded_aws, monkeypatch),
        pytest.raises(CommandError, match="Is it running and provisioned"),
    ):
        call_command("seed_demo", stdout=io.StringIO())
