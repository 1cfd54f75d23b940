"""``consume_events`` and ``redrive_events`` on a queue that the bucket tells of new objects."""

import io
import itertools
import random
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from aws.clients import queue_client
from aws.errors import StorageUnavailable
from aws.queue import SqsQueue, live_queue
from tests.arrivals import Arrivals
from tests.events import USELESS, body, enveloped, of_bucket, record
from tests.functional.steps import put_object
from tests.queues import TRIES, bodies, let_time_pass, received

NAME = "triphase-events"
DEAD = f"{NAME}-dead"
TEXTS = {name: text for name, text in USELESS.items() if isinstance(text, str) and text}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for more where the queue is empty: there is one server."""
    for module in ("consuming", "redriving"):
        monkeypatch.setattr(f"uploads.{module}.LAST_LOOK_SECONDS", 0)


def consume() -> tuple[int, str]:
    """Work until the queue is empty; return the exit status and what was printed."""
    return _run("consume_events", "--once")


def redrive(*arguments: str) -> tuple[int, str]:
    return _run("redrive_events", *arguments)


def _run(*command: str) -> tuple[int, str]:
    stdout = io.StringIO()
    status = 0
    try:
        call_command(*command, stdout=stdout)
    except SystemExit as error:
        status = int(error.code or 0)
    return status, stdout.getvalue()


# --- Refusals ---


@pytest.mark.parametrize("run", [consume, redrive])
def test_command_ends_with_2_when_there_is_no_such_queue(
    queue: SqsQueue, arrivals: Arrivals, run: Callable[[], object]
) -> None:
    queue_client().delete_queue(QueueUrl=queue_client().get_queue_url(QueueName=NAME)["QueueUrl"])

    with pytest.raises(CommandError, match=r"There is no queue triphase-events.*provision") as end:
        run()
    assert end.value.returncode == 2


@pytest.mark.parametrize("run", [consume, redrive])
def test_command_ends_with_2_when_no_queue_is_named(
    settings: Settings, run: Callable[[], object]
) -> None:
    settings.EVENTS_QUEUE = ""
    live_queue.cache_clear()

    with pytest.raises(CommandError, match="EVENTS_QUEUE is empty") as end:
        run()
    assert end.value.returncode == 2
    live_queue.cache_clear()


@pytest.mark.parametrize("run", [consume, redrive])
def test_command_ends_with_2_when_the_queue_does_not_answer(
    queue: SqsQueue, monkeypatch: pytest.MonkeyPatch, run: Callable[[], object]
) -> None:
    def down(*_: object, **__: object) -> None:
        raise StorageUnavailable

    monkeypatch.setattr(SqsQueue, "receive", down)

    with pytest.raises(CommandError, match="does not answer") as end:
        run()
    assert end.value.returncode == 2


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1" * 10])
def test_limit_is_refused_when_it_is_no_count(limit: str) -> None:
    with pytest.raises(CommandError, match="not a whole number"):
        redrive(f"--limit={limit}")


# --- From the bucket to the entry ---


def test_nothing_is_done_when_the_queue_is_empty(queue: SqsQueue, arrivals: Arrivals) -> None:
    status, printed = consume()

    assert status == 0
    assert printed.splitlines()[0] == "Working on the queue triphase-events."
    assert "Ended: 0 messages" in printed
    assert arrivals.keys == []


def test_objects_become_entries_and_no_message_is_left(queue: SqsQueue, arrivals: Arrivals) -> None:
    keys = {f"files/owner/{number}" for number in range(25)}
    for key in keys:
        put_object(key)

    status, printed = consume()

    assert status == 0
    assert arrivals.entries == keys
    assert bodies(NAME) == []
    assert "25 records done, 0 left out, 0 failed." in printed


def test_bucket_tells_of_nothing_but_files(queue: SqsQueue, arrivals: Arrivals) -> None:
    put_object("pending/owner/1")
    put_object("avatars/owner/2")

    assert bodies(NAME) == []


@pytest.mark.case(43)
@pytest.mark.parametrize("name", ["a b", "a+b", "a%20b", "100%", "ü/ö", "a&b=c", "%2F"])
def test_key_comes_from_the_bucket_as_it_is(queue: SqsQueue, arrivals: Arrivals, name: str) -> None:
    put_object(f"files/owner/{name}")

    consume()

    assert arrivals.entries == {f"files/owner/{name}"}


@pytest.mark.case(42)
def test_duplicates_in_any_order_change_nothing(queue: SqsQueue, arrivals: Arrivals) -> None:
    keys = [f"files/owner/{number}" for number in range(40)]
    texts = [body(record(key)) for key in keys] * 3 + [enveloped(body(*map(record, keys[:7])))]
    random.Random(9).shuffle(texts)
    for text in texts:
        queue.send(text)

    assert consume()[0] == 0

    assert arrivals.entries == set(keys)
    assert len(arrivals.keys) == 127, "each is told: the function itself knows what it has done"
    assert bodies(NAME) == []


@pytest.mark.case(44)
def test_useless_messages_are_taken_off_and_logged(queue: SqsQueue, arrivals: Arrivals) -> None:
    for text in TEXTS.values():
        queue.send(text)
    queue.send(body(record("files/owner/1")))

    with capture_logs() as logs:
        status, printed = consume()

    assert (status, arrivals.entries) == (0, {"files/owner/1"})
    assert bodies(NAME) == bodies(DEAD) == []
    assert f"1 records done, {len(TEXTS)} left out, 0 failed." in printed
    assert [log["event"] for log in logs].count("event_ignored") == len(TEXTS)


@pytest.mark.case(45)
def test_other_records_are_kept_when_one_is_bad(queue: SqsQueue, arrivals: Arrivals) -> None:
    queue.send(body(record("files/o/1"), of_bucket("another", "files/o/2"), record("files/o/3")))

    assert consume()[0] == 0

    assert arrivals.entries == {"files/o/1", "files/o/3"}
    assert bodies(NAME) == []


# --- Failures ---


@pytest.mark.case(45)
def test_message_stays_when_one_of_its_records_fails(queue: SqsQueue, arrivals: Arrivals) -> None:
    arrivals.fail("files/o/2", error=ValueError())
    queue.send(body(*(record(f"files/o/{number}") for number in range(4))))
    queue.send(body(record("files/o/9")))

    assert consume()[0] == 1

    assert arrivals.entries == {"files/o/0", "files/o/1", "files/o/3", "files/o/9"}
    assert len(bodies(NAME)) == 1
    assert received(queue) == [], "it is hidden for a while"


def test_message_is_done_when_the_failure_is_over(queue: SqsQueue, arrivals: Arrivals) -> None:
    arrivals.fail("files/o/1", error=StorageUnavailable())
    queue.send(body(record("files/o/1")))
    assert consume()[0] == 1

    arrivals.then = lambda key: None
    let_time_pass(NAME)

    assert consume()[0] == 0
    assert arrivals.entries == {"files/o/1"}
    assert bodies(NAME) == []


def kill_by_failing(queue: SqsQueue, arrivals: Arrivals, *keys: str) -> None:
    """Make dead letters of messages about ``keys``."""
    arrivals.fail(*keys, error=ValueError())
    for key in keys:
        queue.send(body(record(key)))
    for _try in range(TRIES):
        assert consume()[0] == 1
        let_time_pass(NAME)
    assert consume()[0] == 0
    assert bodies(NAME) == []


@pytest.mark.case(44)
def test_poison_ends_as_a_dead_letter_after_five_tries(queue: SqsQueue, arrivals: Arrivals) -> None:
    kill_by_failing(queue, arrivals, "files/o/poison")

    assert arrivals.keys == ["files/o/poison"] * TRIES
    assert bodies(DEAD) == [body(record("files/o/poison"))]


# --- Dead letters ---


def test_nothing_is_put_back_when_there_are_no_dead_letters(queue: SqsQueue) -> None:
    queue.send(body(record("files/o/1")))

    assert redrive() == (0, "There are no dead letters.\n")
    assert len(bodies(NAME)) == 1


def test_dead_letters_are_put_back_and_done(queue: SqsQueue, arrivals: Arrivals) -> None:
    keys = [f"files/o/{number}" for number in range(12)]
    kill_by_failing(queue, arrivals, *keys)
    assert len(bodies(DEAD)) == 12

    assert redrive() == (0, "12 put back.\n")

    assert bodies(DEAD) == []
    arrivals.then = lambda key: None
    assert consume()[0] == 0
    assert arrivals.entries == set(keys)


@pytest.mark.parametrize("limit", [1, 10, 11])
def test_no_more_are_put_back_than_the_limit(queue: SqsQueue, limit: int) -> None:
    for number in range(12):
        SqsQueue(DEAD).send(str(number))

    assert redrive(f"--limit={limit}") == (0, f"{limit} put back.\n")
    assert (len(bodies(NAME)), len(bodies(DEAD))) == (limit, 12 - limit)


def test_dead_letter_is_never_lost_when_it_cannot_be_put_back(
    queue: SqsQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is sent before it is deleted."""
    for number in range(5):
        SqsQueue(DEAD).send(str(number))
    send, count = SqsQueue.send, itertools.count()

    def fail_later(queue: SqsQueue, text: str) -> None:
        if next(count) == 3:
            raise StorageUnavailable
        send(queue, text)

    monkeypatch.setattr(SqsQueue, "send", fail_later)

    with pytest.raises(CommandError, match="3 put back before that") as end:
        redrive()
    assert end.value.returncode == 2
    assert len(bodies(NAME)) == 3
    assert len(bodies(DEAD)) == 2
