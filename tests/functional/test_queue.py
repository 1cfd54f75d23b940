"""The queue and the topic as the product asks them, over HTTP."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.utils import timezone
from pytest_django.fixtures import Settings

from aws import clients
from aws.clients import queue_client, topic_client
from aws.errors import QueueMissing, StorageUnavailable, TopicMissing
from aws.queue import Message, QueueSize, SqsQueue, live_queue
from aws.topic import SnsTopic, live_topic
from tests.queues import TRIES, bodies, let_time_pass, make_queue, received, subscribe

NAME = "triphase-events"
A_MESSAGE = Message(id="1", receipt="x", body="", received=1, sent_at=timezone.now())
REQUESTS: list[Callable[[SqsQueue], object]] = [
    received,
    lambda queue: queue.send("x"),
    lambda queue: queue.delete(A_MESSAGE),
    lambda queue: queue.hide(A_MESSAGE, seconds=1),
    lambda queue: queue.size(),
    lambda queue: queue.dead_letters(),
]
NAMES = ["receive", "send", "delete", "hide", "size", "dead_letters"]


@pytest.mark.parametrize("request_of", REQUESTS, ids=NAMES)
def test_queue_is_said_to_be_missing_when_there_is_none(
    queue: SqsQueue, request_of: Callable[[SqsQueue], object]
) -> None:
    with pytest.raises(QueueMissing):
        request_of(SqsQueue("another"))


@pytest.mark.parametrize("request_of", REQUESTS, ids=NAMES)
def test_queue_is_said_to_be_missing_when_it_was_deleted(
    queue: SqsQueue, request_of: Callable[[SqsQueue], object]
) -> None:
    queue.size()
    queue_client().delete_queue(QueueUrl=queue._url)

    with pytest.raises(QueueMissing):
        request_of(queue)


def test_queue_is_found_when_it_was_made_since(queue: SqsQueue) -> None:
    late = SqsQueue("late")
    with pytest.raises(QueueMissing):
        late.size()

    make_queue("late")

    assert late.size() == QueueSize(waiting=0, hidden=0)


@pytest.mark.parametrize("request_of", REQUESTS, ids=NAMES)
def test_queue_is_unavailable_when_it_answers_otherwise(
    queue: SqsQueue, monkeypatch: pytest.MonkeyPatch, request_of: Callable[[SqsQueue], object]
) -> None:
    def refused(*_: Any, **__: Any) -> Any:
        error: Any = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {}}
        raise ClientError(error, "Any")

    for client in (queue_client(), clients.waiting_queue_client()):
        monkeypatch.setattr(client, "_make_api_call", refused)

    with pytest.raises(StorageUnavailable) as refusal:
        request_of(queue)
    assert not isinstance(refusal.value, QueueMissing)


@pytest.mark.parametrize("request_of", [REQUESTS[1], REQUESTS[5]], ids=["send", "dead_letters"])
def test_queue_is_unavailable_when_the_answer_is_none_of_sqs(
    queue: SqsQueue, monkeypatch: pytest.MonkeyPatch, request_of: Callable[[SqsQueue], object]
) -> None:
    """A proxy on the way may answer 200 by itself."""
    queue.size()
    monkeypatch.setattr(queue_client(), "_make_api_call", lambda *_: {})

    with pytest.raises(StorageUnavailable):
        request_of(queue)
    assert bodies(NAME) == []


def test_message_comes_with_its_age_and_count(queue: SqsQueue) -> None:
    before = timezone.now()
    queue.send("hello")

    [message] = received(queue)

    assert (message.body, message.received) == ("hello", 1)
    assert before - timedelta(seconds=1) <= message.sent_at <= timezone.now()
    assert queue.size() == QueueSize(waiting=0, hidden=1)


def test_message_is_gone_when_it_was_deleted(queue: SqsQueue) -> None:
    queue.send("hello")
    [message] = received(queue)

    queue.delete(message)
    queue.delete(message)

    assert bodies(NAME) == []


def test_message_is_hidden_until_its_time_has_passed(queue: SqsQueue) -> None:
    queue.send("hello")
    received(queue)
    assert received(queue) == []

    let_time_pass(NAME)

    assert [message.received for message in received(queue)] == [2]


def test_message_comes_at_once_when_it_is_given_back(queue: SqsQueue) -> None:
    queue.send("hello")
    [message] = received(queue)

    queue.hide(message, seconds=0)

    assert [message.body for message in received(queue)] == ["hello"]


def test_no_more_messages_come_than_were_asked_for(queue: SqsQueue) -> None:
    for number in range(4):
        queue.send(str(number))

    messages = queue.receive(limit=3, wait=0, hide=60)

    assert len({message.id for message in messages}) == 3
    assert queue.size() == QueueSize(waiting=1, hidden=3)


def test_dead_letters_take_what_came_too_often(queue: SqsQueue) -> None:
    queue.send("poison")
    for _try in range(TRIES):
        assert len(received(queue)) == 1
        let_time_pass(NAME)

    assert received(queue) == []
    assert bodies(NAME) == []
    assert [message.body for message in received(queue.dead_letters())] == ["poison"]


def test_queue_without_dead_letters_says_so(queue: SqsQueue) -> None:
    queue_client().create_queue(QueueName="plain")

    with pytest.raises(QueueMissing):
        SqsQueue("plain").dead_letters()


def test_queue_can_be_named_by_its_url(queue: SqsQueue) -> None:
    url = queue_client().get_queue_url(QueueName=NAME)["QueueUrl"]

    SqsQueue(url).send("hello")

    assert bodies(NAME) == ["hello"]


def test_empty_queue_is_waited_for_longer_than_any_other_call_may_take(
    queue: SqsQueue, settings: Settings
) -> None:
    """The bound of a call does not hold for what the queue waits for on purpose."""
    settings.AWS_CALL_SECONDS = 0.5

    assert queue.receive(limit=1, wait=1, hide=60) == []


def test_clients_wait_longer_than_the_queue_does() -> None:
    config: Any = clients.waiting_queue_client().meta.config

    assert config.read_timeout > clients.LONGEST_WAIT
    assert config.retries["total_max_attempts"] == 1, "the consumer itself asks again"


# --- The topic ---


@pytest.fixture
def subscribed(queue: SqsQueue) -> SqsQueue:
    """Return a queue that is subscribed to the topic ``triphase-files``."""
    topic_client().create_topic(Name="triphase-files")
    return subscribe("subscriber", "triphase-files")


@pytest.mark.parametrize("name", ["another", "arn:aws:sns:us-east-1:123456789012:another"])
def test_topic_is_said_to_be_missing_when_there_is_none(subscribed: SqsQueue, name: str) -> None:
    with pytest.raises(TopicMissing):
        SnsTopic(name).publish("hello", attributes={})

    assert received(subscribed) == []


@pytest.mark.parametrize(
    "name", ["triphase-files", "arn:aws:sns:us-east-1:123456789012:triphase-files"]
)
def test_subscriber_gets_what_is_published(subscribed: SqsQueue, name: str) -> None:
    SnsTopic(name).publish("hello", attributes={"event": "file.ready"})

    [message] = received(subscribed)
    envelope = json.loads(message.body)
    assert envelope["Message"] == "hello"
    assert envelope["MessageAttributes"] == {"event": {"Type": "String", "Value": "file.ready"}}


def test_topic_is_found_among_many(queue: SqsQueue) -> None:
    for number in range(101):
        topic_client().create_topic(Name=f"topic-{number}")

    topic = SnsTopic("topic-100")
    topic.publish("hello", attributes={})

    assert topic._arn.endswith(":topic-100")


def test_topic_is_unavailable_when_the_answer_is_none_of_sns(
    subscribed: SqsQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = SnsTopic("arn:aws:sns:us-east-1:123456789012:triphase-files")
    monkeypatch.setattr(topic_client(), "_make_api_call", lambda *_: {})

    with pytest.raises(StorageUnavailable):
        topic.publish("hello", attributes={})


def test_there_is_no_queue_and_no_topic_when_none_is_named(settings: Settings) -> None:
    for made_once in (live_queue, live_topic):
        made_once.cache_clear()
    settings.EVENTS_QUEUE = settings.EVENTS_TOPIC = ""

    assert live_queue() is None
    assert live_topic() is None
    for made_once in (live_queue, live_topic):
        made_once.cache_clear()
