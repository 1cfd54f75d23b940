"""A consumer killed at each of its requests, before and after AWS carried it out."""

import io
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from avatars.references import Stores
from aws.queue import SqsQueue, live_queue
from tests.faults.nursery import Nursery, nursery
from tests.faults.proxy import Asked, Fault, Proxy
from tests.faults.weather import FAULTS
from tests.functional.steps import put_object
from tests.queues import bodies, let_time_pass, received
from tests.taken import entries
from tests.waiting import PATIENCE, wait_until

NAME = "triphase-events"
EVERYWHERE = frozenset({"s3", "dynamodb", "sqs"})
HELD = [
    fault._replace(services=EVERYWHERE)
    for fault in FAULTS
    if fault.name in {"silent-before", "silent-after"}
]
KEYS = ["files/o/1", "files/o/2"]


@pytest.fixture(scope="module")
def consumers(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Return consumers that reach AWS through the proxy, one message at a time."""
    database = tmp_path_factory.mktemp("consumers") / "db.sqlite3"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("EVENTS_WORKERS", "1")
        with nursery(
            aws_port=proxy.port, database=database, settings="tests.consumer_site"
        ) as running:
            yield running


@pytest.fixture
def queue(aws: Stores, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> SqsQueue:
    """Return the queue, empty; consumers in this process do what those in others do."""
    settings.ARRIVALS = {"files/": "tests.taken.arrived"}
    monkeypatch.setattr("uploads.consuming.LAST_LOOK_SECONDS", 0)
    live_queue.cache_clear()
    made = SqsQueue(NAME)
    empty(made)
    return made


def empty(queue: SqsQueue) -> None:
    let_time_pass(NAME)
    for message in received(queue):
        queue.delete(message)


def requests_of_a_consumer(proxy: Proxy, consumers: Nursery, queue: SqsQueue) -> list[Asked]:
    """Return what a consumer asks that works on both objects and is not disturbed."""
    for key in KEYS:
        put_object(key)
    with proxy.planned() as plan, consumers.consumer():
        wait_until(lambda: plan.asked[-1:] == [Asked("sqs", "GetQueueAttributes")])
    assert bodies(NAME) == []
    return plan.asked


def test_consumer_acknowledges_last(proxy: Proxy, consumers: Nursery, queue: SqsQueue) -> None:
    asked = requests_of_a_consumer(proxy, consumers, queue)

    one_message = [
        Asked("sqs", "ReceiveMessage"),
        Asked("s3", "HEAD"),
        Asked("dynamodb", "GetItem"),
        Asked("dynamodb", "UpdateItem"),
        Asked("sqs", "DeleteMessage"),
    ]
    assert asked == [
        Asked("sqs", "GetQueueUrl"),
        *one_message,
        *one_message,
        Asked("sqs", "ReceiveMessage"),
        Asked("sqs", "GetQueueAttributes"),
    ]


@pytest.mark.case(47)
@pytest.mark.parametrize("fault", HELD, ids=["before", "after"])
def test_nothing_is_lost_and_nothing_twice_when_the_consumer_is_killed(
    proxy: Proxy, consumers: Nursery, queue: SqsQueue, fault: Fault
) -> None:
    asked = requests_of_a_consumer(proxy, consumers, queue)

    for number in range(1, len(asked) + 1):
        keys = [f"files/{number}/{key}" for key in "ab"]
        for key in keys:
            put_object(key)
        with proxy.planned(fault, number) as plan, consumers.consumer() as consumer:
            assert plan.held.wait(PATIENCE)
            consumer.kill()
        assert plan.struck, asked[number - 1]
        before = {key: revision for key, revision in entries().items() if key in keys}

        let_time_pass(NAME)
        call_command("consume_events", "--once", stdout=io.StringIO())

        after = {key: revision for key, revision in entries().items() if key in keys}
        assert after.keys() == set(keys), asked[number - 1]
        assert before.items() <= after.items(), "an entry was written twice"
        assert bodies(NAME) == []
