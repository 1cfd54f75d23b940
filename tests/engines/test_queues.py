"""Queues and topics"""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_sns import SNSClient
from mypy_boto3_sqs import SQSClient

from tests.engines.engines import EVENT_ENGINES, Engine
from tests.engines.queues import Queue, make_topic

ASKED = EVENT_ENGINES


@pytest.fixture
def sqs(s3_engine: Engine) -> SQSClient:
    return s3_engine.sqs()


@pytest.fixture
def sns(s3_engine: Engine) -> SNSClient:
    return s3_engine.sns()


@pytest.fixture
def queue(sqs: SQSClient) -> Queue:
    return Queue.make(sqs)


def counts(queue: Queue) -> tuple[str, str]:
    """Return how many messages there are to receive, and how many were received."""
    found = queue.client.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["All"])
    attributes: Any = found["Attributes"]
    received = "ApproximateNumberOfMessagesNotVisible"
    return attributes["ApproximateNumberOfMessages"], attributes[received]


def test_message_is_gone_when_it_was_deleted(queue: Queue) -> None:
    queue.send("one")

    (message,) = queue.receive()
    assert message["Body"] == "one"
    assert queue.receive() == []  # it is invisible
    queue.delete(message)
    assert counts(queue) == ("0", "0")


def test_message_comes_again_when_it_was_released(queue: Queue) -> None:
    queue.send("one")
    (first,) = queue.receive()

    queue.release(first)

    (again,) = queue.receive(WaitTimeSeconds=5, AttributeNames=["ApproximateReceiveCount"])
    assert again["MessageId"] == first["MessageId"]
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    assert counts(queue) == ("0", "1")


@pytest.mark.parametrize("seconds", [-1, 43201])
def test_visibility_is_refused_when_it_is(queue: Queue, seconds: int) -> None:
    queue.send("one")
    (message,) = queue.receive()

    with pytest.raises(ClientError):
        queue.client.change_message_visibility(
            QueueUrl=queue.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds
        )
    assert queue.receive() == []


def test_message_is_among_the_dead_when_it_was_received_too_often(sqs: SQSClient) -> None:
    dead = Queue.make(sqs)
    policy = {"deadLetterTargetArn": dead.arn, "maxReceiveCount": "2"}
    queue = Queue.make(sqs, RedrivePolicy=json.dumps(policy))
    queue.send("poison")

    for _ in range(2):
        (message,) = queue.receive(WaitTimeSeconds=5)
        queue.release(message)

    assert queue.receive() == []
    assert dead.bodies() == ["poison"]


def test_messages_are_sent_and_deleted_ten_at_a_time(queue: Queue) -> None:
    entries: Any = [{"Id": str(number), "MessageBody": f"m{number}"} for number in range(10)]
    queue.client.send_message_batch(QueueUrl=queue.url, Entries=entries)

    messages = []
    while found := queue.receive():
        messages += found
    queue.client.delete_message_batch(
        QueueUrl=queue.url,
        Entries=[
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
            for number, message in enumerate(messages)
        ],
    )

    assert sorted(message["Body"] for message in messages) == [f"m{n}" for n in range(10)]
    assert counts(queue) == ("0", "0")


def test_batch_is_refused_when_it_holds_more_than_ten(queue: Queue) -> None:
    entries: Any = [{"Id": str(number), "MessageBody": "x"} for number in range(11)]

    with pytest.raises(ClientError, match="TooManyEntriesInBatchRequest"):
        queue.client.send_message_batch(QueueUrl=queue.url, Entries=entries)
    assert queue.receive() == []


def test_poll_ends_with_the_message_when_one_is_sent(queue: Queue) -> None:
    with ThreadPoolExecutor(1) as pool:
        polled = pool.submit(queue.bodies, WaitTimeSeconds=20)
        queue.send("late")

        assert polled.result() == ["late"]


def test_queue_is_named_when_there_is_none(queue: Queue) -> None:
    with pytest.raises(queue.client.exceptions.QueueDoesNotExist):
        queue.client.send_message(QueueUrl=f"{queue.url}-none", MessageBody="x")


def test_topic_tells_its_queue_in_an_envelope(sns: SNSClient, queue: Queue) -> None:
    topic = make_topic(sns, queue)

    sent = sns.publish(TopicArn=topic, Message="héllo", Subject="news")

    (envelope,) = queue.drain()
    assert (envelope["Type"], envelope["TopicArn"]) == ("Notification", topic)
    assert (envelope["Message"], envelope["Subject"]) == ("héllo", "news")
    assert envelope["MessageId"] == sent["MessageId"]


def test_topic_tells_its_queue_the_message_alone_when_asked_to(
    sns: SNSClient, queue: Queue
) -> None:
    topic = make_topic(sns, queue, RawMessageDelivery="true")

    sns.publish(TopicArn=topic, Message="raw")

    assert queue.bodies(WaitTimeSeconds=5) == ["raw"]


def test_queue_is_not_told_when_it_does_not_allow_the_topic(sns: SNSClient, queue: Queue) -> None:
    topic = make_topic(sns, queue)
    queue.allow("sns.amazonaws.com", f"{topic}-another")

    sns.publish(TopicArn=topic, Message="x")

    queue.send("last")
    assert queue.bodies() == ["last"]
