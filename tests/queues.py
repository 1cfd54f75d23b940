"""Queues for tests: made, filled, looked into, and moved in time."""

import json
from collections.abc import Collection
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sqs.models import sqs_backends

from aws.clients import queue_client, topic_client
from aws.queue import Message, SqsQueue
from aws.topic import find_topic

TRIES = 5


def make_queue(name: str) -> str:
    """Make a queue that moves a message to ``<name>-dead`` after five tries; return its URL."""
    sqs = queue_client()
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    told = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    policy = {"deadLetterTargetArn": told["Attributes"]["QueueArn"], "maxReceiveCount": TRIES}
    url: str = sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": json.dumps(policy)})[
        "QueueUrl"
    ]
    return url


def let_time_pass(name: str) -> None:
    """Make every message of the queue called ``name`` visible, as it becomes in time.

    The receipts of before stay good, as at SQS.
    """
    for message in _messages(name):
        message.visible_at = 0


def bodies(name: str) -> list[str]:
    """Return the bodies of all messages of the queue called ``name``, hidden ones, too."""
    return [message.body for message in _messages(name)]


def _messages(name: str) -> list[Any]:
    backend: Any = sqs_backends[DEFAULT_ACCOUNT_ID]["us-east-1"]
    return list(backend.queues[name]._messages)


def received(queue: SqsQueue) -> list[Message]:
    """Return up to ten messages, hidden for a minute."""
    return queue.receive(limit=10, wait=0, hide=60)


def subscribe(name: str, topic: str, *, events: Collection[str] = ()) -> SqsQueue:
    """Make a queue that is told what is published on ``topic``, of these ``events`` alone."""
    arn = find_topic(topic)
    url = queue_client().create_queue(QueueName=name)["QueueUrl"]
    told = queue_client().get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    queue_arn = told["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": arn}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    queue_client().set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    chosen = {"FilterPolicy": json.dumps({"event": list(events)})} if events else {}
    topic_client().subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn, Attributes=chosen)
    return SqsQueue(name)
