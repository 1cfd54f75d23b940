"""What became of a file, as subscribers of the topic hear of it."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.conf import settings as django_settings
from structlog.testing import capture_logs

from aws.clients import topic_client
from aws.errors import StorageUnavailable
from aws.queue import SqsQueue
from aws.topic import SnsTopic, find_topic, live_topic
from tests.queues import received, subscribe
from uploads.notifying import Event, message, publish

UPLOAD = "0199a9b0-0000-7000-8000-000000000001"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
FILE = {"id": "f1", "name": "größe.txt", "version": 0, "size": 7, "sha256": None}


def ready(**changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "owner_id": "o1",
        "upload_id": UPLOAD,
        "occurred_at": NOON,
        "file": FILE,
    }
    return message(Event.READY, **{**facts, **changes})


@pytest.fixture
def subscriber(queue: SqsQueue) -> SqsQueue:
    """Return a queue that is subscribed to the topic that the settings name."""
    return subscribe("subscriber", django_settings.EVENTS_TOPIC)


def told(subscriber: SqsQueue) -> list[Any]:
    """Return what the subscriber hears, once."""
    messages = received(subscriber)
    for each in messages:
        subscriber.delete(each)
    return [json.loads(each.body) for each in messages]


def test_nothing_is_sent_where_no_topic_is_named(
    queue: SqsQueue, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EVENTS_TOPIC = ""
    live_topic.cache_clear()
    monkeypatch.setattr(SnsTopic, "publish", None)

    publish(ready())

    live_topic.cache_clear()


def test_missing_topic_is_logged_and_no_failure(queue: SqsQueue) -> None:
    topic_client().delete_topic(TopicArn=find_topic("triphase-files"))

    with capture_logs() as logs:
        publish(ready())

    assert [(log["event"], log["topic"]) for log in logs] == [("topic_missing", "triphase-files")]


def test_failure_is_told_when_the_topic_does_not_answer(
    subscriber: SqsQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(ready())
    monkeypatch.setattr(topic_client(), "_make_api_call", lambda *_: {"no": "answer of SNS"})

    with pytest.raises(StorageUnavailable):
        publish(ready())
    assert len(told(subscriber)) == 1


def test_subscriber_hears_the_whole_message(subscriber: SqsQueue) -> None:
    publish(ready())

    [envelope] = told(subscriber)
    assert json.loads(envelope["Message"]) == {
        "version": 1,
        "id": f"file.ready:{UPLOAD}",
        "event": "file.ready",
        "occurred_at": "2026-11-25T12:00:00.000+00:00",
        "owner_id": "o1",
        "upload_id": UPLOAD,
        "file": FILE,
    }


def test_subscriber_hears_only_what_its_filter_asks_for(queue: SqsQueue) -> None:
    picky = subscribe("picky", django_settings.EVENTS_TOPIC, events=["file.refused"])

    publish(ready())
    publish(
        message(Event.REFUSED, owner_id="o", upload_id="u", occurred_at=NOON, file={"reason": "x"})
    )

    assert [json.loads(each["Message"])["id"] for each in told(picky)] == ["file.refused:u"]


def test_id_is_the_same_each_time_and_no_other_message_has_it(subscriber: SqsQueue) -> None:
    refused = message(Event.REFUSED, owner_id="o1", upload_id=UPLOAD, occurred_at=NOON, file=FILE)
    publish(ready())
    publish(ready(occurred_at=NOON + timedelta(hours=1)))
    publish(ready(upload_id=UPLOAD[:-1] + "2"))
    publish(refused)

    ids = [json.loads(each["Message"])["id"] for each in told(subscriber)]

    assert sorted(ids) == sorted(
        [
            f"file.ready:{UPLOAD}",
            f"file.ready:{UPLOAD}",
            f"file.ready:{UPLOAD[:-1]}2",
            f"file.refused:{UPLOAD}",
        ]
    )


def test_moment_is_told_in_utc() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=2)))

    assert ready(occurred_at=there) == ready()


def test_queue_of_events_is_not_told(subscriber: SqsQueue, queue: SqsQueue) -> None:
    publish(ready())

    assert received(queue) == []
    assert len(told(subscriber)) == 1
