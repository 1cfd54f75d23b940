"""Health checks as load balancers and uptime monitors request them."""

from unittest.mock import Mock

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError
from django.test import Client
from pytest_django.fixtures import Settings

from avatars.references import Stores
from aws.bucket import live_bucket
from aws.errors import StorageUnavailable
from inspection import health
from tests.builders import make_user
from tests.functional.steps import record_requests, signed_in

pytestmark = pytest.mark.django_db

HOSTS = ["10.1.2.3:8000", "[fd00::7]:8000", "some.where.example", "not_a_host!", ""]


@pytest.fixture
def as_in_production(settings: Settings) -> None:
    """Allow one host, and redirect HTTP to HTTPS."""
    settings.ALLOWED_HOSTS = ["triphase.example"]
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 60


@pytest.mark.parametrize("path", ["/", "/pingg", "/ping/", "/readyz/x"])
def test_page_is_refused_when_the_host_is_not_ours(as_in_production: None, path: str) -> None:
    """So the tests below can fail."""
    assert Client().get(path, secure=True, headers={"host": HOSTS[0]}).status_code == 400


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", ["/ping", "/readyz"])
def test_health_is_told_when_asked_by_any_name_over_plain_http(
    aws: Stores, as_in_production: None, path: str, host: str
) -> None:
    answer = Client().get(path, headers={"host": host})

    assert answer.status_code == 200
    assert "Location" not in answer


@pytest.mark.parametrize("path", ["/ping", "/readyz"])
def test_health_sets_no_cookie_and_is_not_cached_when_somebody_is_signed_in(
    aws: Stores, path: str
) -> None:
    answer = signed_in(make_user()).get(path)

    assert not answer.cookies
    assert "no-store" in answer["Cache-Control"]
    assert "Cookie" not in answer.get("Vary", "")


def test_process_is_alive_when_nothing_else_is(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Mock
) -> None:
    asked = record_requests(monkeypatch)

    with django_assert_num_queries(0):
        assert Client().get("/ping").content == b"pong\n"

    assert asked == []


@pytest.mark.case(27)
@pytest.mark.parametrize("error", [OperationalError, InterfaceError, DatabaseError])
def test_site_is_not_ready_when_the_database_does_not_answer(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """``/ping`` answers 200 meanwhile."""
    monkeypatch.setattr(health, "connection", Mock(cursor=Mock(side_effect=error)))

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"database": "unavailable", "bucket": "ok", "table": "ok"}
    assert Client().get("/ping").status_code == 200


# --- Asked often ---


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time by which answers grow old, in seconds, as a list to be changed."""
    now = [0.0]
    monkeypatch.setattr(health, "GOOD_FOR_SECONDS", 1)
    monkeypatch.setattr(health, "monotonic", lambda: now[0])
    monkeypatch.setattr(health, "_latest", health.Latest())
    return now


def test_aws_is_asked_once_a_second_however_often_the_site_is(
    aws: Stores,
    monkeypatch: pytest.MonkeyPatch,
    moments: list[float],
    django_assert_num_queries: Mock,
) -> None:
    asked = record_requests(monkeypatch)

    with django_assert_num_queries(1):
        assert {Client().get("/readyz").status_code for _ in range(95)} == {200}
    assert [one.operation for one in asked] == ["HEAD", "GetItem", "GetItem"]

    moments[0] = 1.0
    assert Client().get("/readyz").status_code == 200
    assert [one.operation for one in asked] == ["HEAD", "GetItem", "GetItem"] * 2


def test_answer_is_the_one_before_while_another_thread_checks(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, moments: list[float]
) -> None:
    """A store that hangs takes one thread of the server, not all."""
    assert Client().get("/readyz").status_code == 200
    moments[0] = 2.0
    inside: list[int] = []

    def ask_meanwhile() -> float:
        inside.append(Client().get("/readyz").status_code)
        raise StorageUnavailable

    monkeypatch.setattr(live_bucket(), "check", ask_meanwhile)

    assert Client().get("/readyz").status_code == 503
    assert inside == [200]
    assert Client().get("/readyz").status_code == 503, "the new answer"
