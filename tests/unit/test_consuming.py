"""The consumer on a queue that is scripted: what it asks, when, and what it does about failures."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from aws.errors import QueueMissing, StorageUnavailable
from aws.queue import BATCH, Message, QueueSize
from uploads import consuming
from uploads.consuming import Consumer
from uploads.handling import Handled
from uploads.pacing import (
    LONGEST_PAUSE_SECONDS,
    LONGEST_RETRY_SECONDS,
    Outage,
    retry_seconds,
)

PATIENCE = 60  # seconds that a busy machine may take
DONE = Handled(done=1)
OUTAGE = Handled(failed=1, outage=True)
Step = list[Message] | Exception


def message(name: str, *, received: int = 1, age: float = 0) -> Message:
    """Return a message whose id, receipt and body are ``name``."""
    sent_at = timezone.now() - timedelta(seconds=age)
    return Message(id=name, receipt=name, body=name, received=received, sent_at=sent_at)


@dataclass
class Scripted:
    """A queue that answers as the script says, and then that it is empty."""

    script: list[Step]
    name: str = "scripted"
    limits: list[int] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    hidden: list[tuple[str, int]] = field(default_factory=list)
    when_empty: Callable[[], object] = lambda: None
    refuses: set[str] = field(default_factory=set)  # names of methods

    def receive(self, *, limit: int, wait: int, hide: int) -> list[Message]:
        self.limits.append(limit)
        if not self.script:
            self.when_empty()
            return []
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        assert len(step) <= limit, "more than was asked for"
        return step

    def delete(self, message: Message) -> None:
        self._refuse("delete")
        self.deleted.append(message.id)

    def hide(self, message: Message, *, seconds: int) -> None:
        self.hidden.append((message.id, seconds))
        self._refuse("hide")

    def size(self) -> QueueSize:
        self._refuse("size")
        return QueueSize(waiting=7, hidden=1)

    def _refuse(self, name: str) -> None:
        if name in self.refuses:
            raise StorageUnavailable


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the pauses made, by the number of failures before; none takes any time."""
    made: list[int] = []

    def seconds(outage: Outage) -> float:
        made.append(outage._failures)
        return 0

    monkeypatch.setattr(Outage, "seconds", seconds)
    return made


@pytest.fixture(autouse=True)
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests have none to close connections to."""
    monkeypatch.setattr(consuming, "close_old_connections", lambda: None)


def run(
    script: list[Step],
    handle: Callable[[str], Handled] = lambda body: DONE,
    *,
    workers: int = 4,
    once: bool = False,
    **changes: Any,
) -> tuple[Scripted, Consumer]:
    """Run a consumer until its queue is empty; return both."""
    queue = Scripted(script, **changes)
    consumer = Consumer(queue, handle, workers=workers, once=once)
    queue.when_empty = queue.when_empty if once else consumer.stop
    consumer.run()
    return queue, consumer


def names(count: int, *, prefix: str = "m") -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


# --- What is received ---


@pytest.mark.parametrize(("workers", "limit"), [(1, 1), (4, 4), (64, BATCH)])
def test_no_more_is_received_than_can_be_worked_on(workers: int, limit: int) -> None:
    queue, _ = run([], workers=workers)

    assert queue.limits == [limit]


def test_no_more_is_received_while_all_are_at_work() -> None:
    """Each receive asks for as many as are free at that moment, and none is made without room."""
    release, most = threading.Semaphore(0), []
    lock, at_work = threading.Lock(), [0]

    def work(body: str) -> Handled:
        with lock:
            at_work[0] += 1
            most.append(at_work[0])
        release.acquire(timeout=PATIENCE)
        with lock:
            at_work[0] -= 1
        return DONE

    class Releasing(Scripted):
        def receive(self, *, limit: int, wait: int, hide: int) -> list[Message]:
            release.release(2)
            return super().receive(limit=limit, wait=wait, hide=hide)

    queue = Releasing([[message(name)] for name in names(30)])
    consumer = Consumer(queue, work, workers=3)

    def end() -> None:
        release.release(30)
        consumer.stop()

    queue.when_empty = end
    consumer.run()

    assert sorted(queue.deleted) == sorted(names(30))
    assert max(most) <= 3
    assert all(1 <= limit <= 3 for limit in queue.limits)


def test_several_messages_are_worked_on_at_once() -> None:
    together = threading.Barrier(4, timeout=PATIENCE)

    def work(body: str) -> Handled:
        together.wait()
        return DONE

    queue, _ = run([[message(name) for name in names(4)]], work, workers=4)

    assert sorted(queue.deleted) == names(4)


# --- What becomes of a message ---


def test_message_is_deleted_when_all_of_it_is_done_and_only_then() -> None:
    queue = Scripted([])

    def work(body: str) -> Handled:
        assert body not in queue.deleted
        return Handled(failed=1) if body == "bad" else Handled(ignored=body == "none", done=1)

    queue.script = [[message("good"), message("bad"), message("none")]]
    consumer = Consumer(queue, work, workers=4)
    queue.when_empty = consumer.stop
    consumer.run()

    assert sorted(queue.deleted) == ["good", "none"]
    assert [name for name, _ in queue.hidden] == ["bad"]
    assert consumer.total.left == 1


@pytest.mark.parametrize("received", [1, 2, 3, 4, 5, 900])
def test_message_that_failed_is_hidden_for_longer_each_time(received: int) -> None:
    queue, _ = run([[message("m", received=received)]], lambda body: Handled(failed=1))

    [(_, seconds)] = queue.hidden
    assert 0.7 * 30 * 4 ** min(received - 1, 3) <= seconds <= LONGEST_RETRY_SECONDS
    assert queue.deleted == []


def test_message_is_left_when_the_work_raises() -> None:
    def work(body: str) -> Handled:
        raise ZeroDivisionError

    queue, consumer = run([[message("m")]], work)

    assert queue.deleted == []
    assert [name for name, _ in queue.hidden] == ["m"]
    assert consumer.total.failed == consumer.total.left == 1


@pytest.mark.parametrize(("refused", "handled"), [("delete", DONE), ("hide", Handled(failed=1))])
def test_next_message_is_worked_on_when_the_queue_refuses(refused: str, handled: Handled) -> None:
    queue, consumer = run([[message("a")], [message("b")]], lambda body: handled, refuses={refused})

    assert consumer.total.messages == consumer.total.left == 2
    assert queue.deleted == []


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_hidden_time_grows_and_is_bounded(first: int, second: int) -> None:
    fewer, more = sorted((first, second))

    assert 0 < retry_seconds(fewer) <= retry_seconds(more) / 0.74 + 1
    assert retry_seconds(more) <= LONGEST_RETRY_SECONDS


# --- When a service does not answer ---


def test_one_message_is_tried_at_a_time_after_a_pause_while_a_service_fails(
    pauses: list[int],
) -> None:
    """Each delivery is one try of five, so an outage must not use up those of all messages."""
    answers = iter([OUTAGE, OUTAGE, DONE])
    queue = Scripted([[message(name)] for name in names(3)])
    consumer = Consumer(queue, lambda body: next(answers), workers=4)
    consumer._no_service.count(failed=True)
    queue.when_empty = consumer.stop

    consumer.run()

    assert queue.limits == [1, 1, 1, 4]
    assert pauses == [1, 2, 3]
    assert queue.deleted == ["m2"]


def test_pause_is_made_when_the_queue_does_not_answer(pauses: list[int]) -> None:
    down = StorageUnavailable()

    with capture_logs() as logs:
        queue, _ = run([down, down, [message("m")], down])

    assert queue.deleted == ["m"]
    assert pauses == [1, 2, 1]
    assert [log["event"] for log in logs].count("queue_unavailable") == 3


def test_failure_of_the_message_itself_makes_no_pause(pauses: list[int]) -> None:
    run([[message("a")], [message("b")]], lambda body: Handled(failed=1))

    assert pauses == []


def test_message_without_work_does_not_end_an_outage(pauses: list[int]) -> None:
    answers = iter([OUTAGE, Handled(ignored=1), OUTAGE, DONE])

    run([[message(name)] for name in names(4)], lambda body: next(answers), workers=1)

    assert pauses == [1, 1, 2]


@given(st.integers(1, 10**6))
def test_pause_is_bounded(failures: int) -> None:
    outage = Outage()
    outage._failures = failures

    assert 0 < outage.seconds() <= LONGEST_PAUSE_SECONDS
    outage.count(failed=False)
    assert not outage.lasts


# --- Without a queue ---


def test_missing_queue_is_waited_for_and_told_once(pauses: list[int]) -> None:
    with capture_logs() as logs:
        queue, _ = run([QueueMissing(), QueueMissing(), QueueMissing(), [message("m")]])

    assert queue.deleted == ["m"]
    assert pauses == [1, 2, 3]
    told = [log["event"] for log in logs]
    assert told.index("queue_missing") < told.index("queue_found")
    assert told.count("queue_missing") == 1


@pytest.mark.parametrize("error", [QueueMissing(), StorageUnavailable()])
def test_missing_queue_ends_a_single_run(error: Exception, pauses: list[int]) -> None:
    with pytest.raises(type(error)):
        run([error], once=True)
    assert pauses == []


# --- A single run ---


def test_single_run_ends_when_the_queue_is_empty() -> None:
    queue, consumer = run([[message("a"), message("b")], [message("c")]], once=True)

    assert sorted(queue.deleted) == ["a", "b", "c"]
    assert consumer.total.done == 3


def test_single_run_waits_for_what_is_in_hand_and_looks_again() -> None:
    """Another message may come meanwhile."""
    looked, queue = threading.Event(), Scripted([[message("slow")]], when_empty=lambda: None)

    def work(body: str) -> Handled:
        looked.wait(PATIENCE)
        return DONE

    def look() -> None:
        looked.set()

    queue.when_empty = look
    consumer = Consumer(queue, work, workers=2, once=True)
    consumer.run()

    assert queue.deleted == ["slow"]
    assert len(queue.limits) >= 3


def test_single_run_ends_when_a_service_does_not_answer(pauses: list[int]) -> None:
    """Going on would use up a try of every message."""
    queue, consumer = run(
        [[message("a")], [message("b")]], lambda body: OUTAGE, workers=1, once=True
    )

    assert [name for name, _ in queue.hidden] == ["a"]
    assert consumer.total.left == 1


# --- The end ---


def test_what_is_in_hand_is_finished_when_the_end_is_asked_for() -> None:
    begun, ending = threading.Event(), threading.Event()

    def work(body: str) -> Handled:
        begun.set()
        ending.wait(PATIENCE)
        return DONE

    queue = Scripted([[message("m")]])
    consumer = Consumer(queue, work, workers=2)

    def end() -> None:
        begun.wait(PATIENCE)
        consumer.stop()
        ending.set()

    queue.when_empty = end
    consumer.run()

    assert queue.deleted == ["m"]


def test_what_arrives_after_the_end_was_asked_for_is_given_back() -> None:
    class Late(Scripted):
        def receive(self, *, limit: int, wait: int, hide: int) -> list[Message]:
            consumer.stop()
            return super().receive(limit=limit, wait=wait, hide=hide)

    queue = Late([[message("a"), message("b")]])
    consumer = Consumer(queue, lambda body: DONE, workers=4)
    consumer.run()

    assert queue.hidden == [("a", 0), ("b", 0)]
    assert queue.deleted == []
    assert consumer.total.messages == 0


def test_pause_ends_when_the_end_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test would take an hour otherwise."""
    monkeypatch.setattr(Outage, "seconds", lambda outage: 3600)
    queue = Scripted([[message("m")]])
    consumer = Consumer(queue, lambda body: DONE, workers=1)
    consumer._no_service.count(failed=True)
    threading.Timer(0.1, consumer.stop).start()

    consumer.run()

    assert queue.limits == []


# --- Signs of life ---


@pytest.fixture
def lively(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consuming, "SIGN_OF_LIFE_SECONDS", 0.001)


@pytest.mark.parametrize("refuses", [set(), {"hide"}], ids=["taken", "refused"])
def test_message_stays_hidden_while_it_is_worked_on(lively: None, refuses: set[str]) -> None:
    queue = Scripted([[message("long")]], refuses=refuses)
    enough = threading.Event()

    def hide(message: Message, *, seconds: int) -> None:
        queue.hidden.append((message.id, seconds))
        if len(queue.hidden) >= 3:
            enough.set()
        queue._refuse("hide")

    def work(body: str) -> Handled:
        assert enough.wait(PATIENCE)
        return DONE

    queue.hide = hide  # type: ignore[method-assign]
    consumer = Consumer(queue, work, workers=1)
    queue.when_empty = consumer.stop
    consumer.run()

    assert set(queue.hidden) == {("long", consuming.HIDDEN_SECONDS)}
    assert queue.deleted == ["long"]


def test_sign_is_given_well_before_a_message_becomes_visible() -> None:
    assert consuming.SIGN_OF_LIFE_SECONDS * 3 <= consuming.HIDDEN_SECONDS


# --- What it tells ---


def reports(logs: Any) -> list[Any]:
    return [log for log in logs if log["event"] == "events_consumed"]


def test_one_line_at_the_end_tells_what_was_done() -> None:
    answers = {"a": Handled(done=2, ignored=1), "b": Handled(done=1, failed=3), "c": DONE}

    with capture_logs() as logs:
        run([[message("a", age=90), message("b", age=5), message("c")]], lambda b: answers[b])

    [report] = reports(logs)
    assert 90 <= report.pop("lag_seconds") < 90 + PATIENCE
    assert report.pop("seconds") >= 0
    assert report == {
        "event": "events_consumed",
        "log_level": "info",
        "messages": 3,
        "done": 4,
        "ignored": 1,
        "failed": 3,
        "left": 1,
        "waiting": 7,
        "hidden": 1,
    }


def test_line_tells_of_the_time_since_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consuming, "REPORT_SECONDS", 0)

    with capture_logs() as logs:
        _, consumer = run([[message(name)] for name in names(5)])

    told = [report["messages"] for report in reports(logs)]
    assert len(told) >= 5
    assert sum(told) == consumer.total.messages == 5


def test_line_is_told_without_numbers_when_the_queue_does_not_tell_them() -> None:
    with capture_logs() as logs:
        run([[message("m")]], refuses={"size"})

    [report] = reports(logs)
    assert report["messages"] == 1
    assert "waiting" not in report


def test_memory_does_not_grow_with_the_number_of_messages() -> None:
    _, consumer = run([[message(name)] for name in names(500)])

    assert consumer._hand.now() == []
    assert consumer.total.messages == 500
