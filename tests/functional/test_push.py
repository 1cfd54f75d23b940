"""Events that a store sends to ``POST /events/s3/``."""

import logging
import threading
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from aws.clients import queue_client
from aws.errors import StorageUnavailable
from aws.queue import SqsQueue, live_queue
from tests.arrivals import Arrivals
from tests.events import TEST_EVENT, USELESS, body, of_bucket, record
from tests.functional.steps import Response
from tests.queues import bodies
from tests.waiting import PATIENCE
from uploads import pushing

SECRET = "only-for-tests-of-pushes"
ROUTE = "/events/s3/"
NAME = "triphase-events"
ONE = body(record("files/o/1"))


@pytest.fixture(autouse=True)
def secret(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the secret, and no queue; forget what failed before, and do not make stores wait."""
    monkeypatch.setattr("uploads.views.PAUSE_SECONDS", 0)
    settings.EVENTS_SECRET, settings.EVENTS_QUEUE = SECRET, ""
    made = (live_queue, pushing.slots, pushing._tries)
    for each in made:
        each.cache_clear()
    yield
    for each in made:
        each.cache_clear()


@pytest.fixture
def with_queue(queue: SqsQueue, settings: Settings) -> SqsQueue:
    """Return the queue, which the settings name."""
    settings.EVENTS_QUEUE = NAME
    live_queue.cache_clear()
    return queue


def push(text: str | bytes = ONE, *, authorization: str = f"Bearer {SECRET}") -> Response:
    """Send ``text`` as a store does, to a site that checks CSRF tokens."""
    sender = Client(enforce_csrf_checks=True)
    return sender.post(
        ROUTE, text, content_type="application/json", headers={"Authorization": authorization}
    )


def basic(password: str, user: str = "events") -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


# --- Who may send ---

REFUSED = {
    "nothing": "",
    "another secret": "Bearer only-for-tests-of-pushed",
    "a part of it": f"Bearer {SECRET[:-1]}",
    "more than it": f"Bearer {SECRET}x",
    "no text": "Bearer",
    "an empty text": "Bearer ",
    "as a user": basic("", user=SECRET),
    "another password": basic("another"),
    "no Base64": "Basic %%%",
    "Base64 of no UTF-8": f"Basic {b64encode(bytes([255])).decode()}",
    "Base64 without a password": f"Basic {b64encode(SECRET.encode()).decode()}",
    "letters outside of ASCII": "Bearer größe",
}


@pytest.mark.parametrize("authorization", REFUSED.values(), ids=REFUSED)
def test_events_are_refused_when_the_secret_is(arrivals: Arrivals, authorization: str) -> None:
    with capture_logs() as logs:
        answer = push(authorization=authorization)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthorized"
    assert arrivals.keys == []
    assert authorization.partition(" ")[2] not in str(logs) or not authorization.partition(" ")[2]


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer {SECRET}", f"bearer  {SECRET}", SECRET, basic(SECRET), basic(SECRET, user="")],
)
def test_events_are_taken_when_the_secret_is_right(arrivals: Arrivals, authorization: str) -> None:
    answer = push(authorization=authorization)

    assert (answer.status_code, answer.json()) == (200, {})
    assert arrivals.entries == {"files/o/1"}


def test_there_is_no_route_when_there_is_no_secret(arrivals: Arrivals, settings: Settings) -> None:
    settings.EVENTS_SECRET = ""

    for authorization in ("", "Bearer ", basic(""), f"Bearer {SECRET}"):
        assert push(authorization=authorization).status_code == 404
    assert Client().get(ROUTE).status_code == 404
    assert arrivals.keys == []


def test_secret_is_not_logged_even_where_nothing_is_redacted(
    arrivals: Arrivals, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        for authorization in (f"Bearer {SECRET}", basic(SECRET), f"Bearer {SECRET}x"):
            push(authorization=authorization)

    assert "events_refused" in caplog.text
    assert SECRET not in caplog.text
    assert basic(SECRET).partition(" ")[2] not in caplog.text


@pytest.mark.parametrize("method", ["get", "put", "delete", "head"])
def test_route_takes_nothing_but_post(method: str) -> None:
    sent = getattr(Client(), method)(ROUTE, headers={"Authorization": f"Bearer {SECRET}"})

    assert sent.status_code == 405


# --- Bodies ---


def test_body_is_refused_when_it_is_too_large(arrivals: Arrivals) -> None:
    most = django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    assert push(ONE + " " * (most - len(ONE) + 1)).status_code == 413
    assert arrivals.keys == []
    assert push(ONE + " " * (most - len(ONE))).status_code == 200
    assert arrivals.keys == ["files/o/1"]


def test_body_is_refused_when_its_length_is_not_told(arrivals: Arrivals) -> None:
    answer = Client().generic(
        "POST", ROUTE, headers={"Authorization": f"Bearer {SECRET}", "Transfer-Encoding": "chunked"}
    )

    assert answer.status_code == 411
    assert arrivals.keys == []


@pytest.mark.case(44)
@pytest.mark.parametrize("useless", USELESS.values(), ids=USELESS)
def test_what_is_no_use_is_never_asked_for_again(arrivals: Arrivals, useless: str | bytes) -> None:
    assert push(useless if len(useless) < 60_000 else useless[:60_000]).status_code == 200
    assert arrivals.keys == []


@pytest.mark.case(45)
def test_all_records_are_done_and_bad_ones_left_out(arrivals: Arrivals) -> None:
    text = body(record("files/o/1"), of_bucket("another", "files/o/2"), record("files/o/3"))

    assert push(text).status_code == 200
    assert arrivals.entries == {"files/o/1", "files/o/3"}


# --- Not now ---


def assert_again(answer: Response) -> None:
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["error"]["retry"] == "same"


@pytest.mark.case(42)
def test_events_are_asked_for_again_when_one_fails(arrivals: Arrivals) -> None:
    arrivals.fail("files/o/1", error=ValueError())
    text = body(record("files/o/1"), record("files/o/2"))
    assert_again(push(text))
    assert arrivals.entries == {"files/o/2"}

    arrivals.then = lambda key: None

    assert push(text).status_code == 200
    assert arrivals.entries == {"files/o/1", "files/o/2"}


def test_events_are_asked_for_again_for_as_long_as_an_outage_lasts(arrivals: Arrivals) -> None:
    arrivals.fail("files/o/1", error=StorageUnavailable())

    for _try in range(3 * pushing.TRIES):
        assert_again(push())


@pytest.mark.case(44)
def test_poison_is_given_up_after_five_tries(arrivals: Arrivals) -> None:
    arrivals.fail("files/o/1", error=ValueError())

    for _try in range(pushing.TRIES - 1):
        assert_again(push())
    with capture_logs() as logs:
        assert push().status_code == 200

    assert "event_given_up" in [log["event"] for log in logs]
    assert arrivals.keys == ["files/o/1"] * pushing.TRIES


def test_memory_of_failures_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "REMEMBERED", 3)
    tries = pushing.Tries()

    counts = [tries.count(text) for text in (b"a", b"a", b"b", b"c", b"a", b"d", b"b")]

    assert counts == [1, 2, 1, 1, 3, 1, 1]
    assert len(tries._counts) == 3


def test_no_more_events_are_worked_on_at_once_than_there_are_workers(
    arrivals: Arrivals, settings: Settings
) -> None:
    settings.EVENTS_WORKERS = 2
    at_work, go_on = threading.Barrier(3, timeout=PATIENCE), threading.Event()

    def work(key: str) -> None:
        if not go_on.is_set():
            at_work.wait()
            go_on.wait(PATIENCE)

    arrivals.then = work
    with ThreadPoolExecutor(2) as senders:
        answers = [senders.submit(push, body(record(f"files/o/{n}"))) for n in range(2)]
        at_work.wait()
        assert_again(push(body(record("files/o/9"))))
        go_on.set()
        assert [answer.result().status_code for answer in answers] == [200, 200]

    assert push(body(record("files/o/9"))).status_code == 200
    assert arrivals.entries == {"files/o/0", "files/o/1", "files/o/9"}


# --- On to a queue ---


def test_events_are_put_on_the_queue_where_there_is_one(
    with_queue: SqsQueue, arrivals: Arrivals
) -> None:
    key = "files/o/größe \uffff"

    assert push(body(record(key)).encode()).status_code == 200
    assert push(body(record("files/o/2")).encode("utf-16")).status_code == 200

    assert arrivals.keys == []
    assert bodies(NAME) == [body(record(key)), body(record("files/o/2"))]


@pytest.mark.parametrize("useless", [TEST_EVENT, body(record("avatars/o/1")), "{"])
def test_what_is_no_use_is_not_put_on_the_queue(with_queue: SqsQueue, useless: str) -> None:
    assert push(useless).status_code == 200
    assert bodies(NAME) == []


def test_events_are_asked_for_again_when_the_queue_does_not_take_them(
    with_queue: SqsQueue, arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_client(), "_make_api_call", lambda *_: {})

    assert_again(push())
    assert arrivals.keys == []


def test_slot_is_free_again_whatever_happened(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(body: Any) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("uploads.pushing.handle", broken)
        for _try in range(2 * django_settings.EVENTS_WORKERS):
            with pytest.raises(ZeroDivisionError):
                push()

    assert push().status_code == 200
