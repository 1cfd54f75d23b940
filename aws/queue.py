"""A queue of SQS as the product uses it: one method for each request, and no decisions."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.exceptions import ClientError
from django.conf import settings

from aws.answers import translated
from aws.clients import LONGEST_WAIT, queue_client, waiting_queue_client
from aws.deadlines import in_time
from aws.errors import QueueMissing
from aws.names import dead_letters_of, is_url

BATCH = 10  # messages that one request may ask for
# How SQS says that there is no such queue: by its protocols of JSON and of queries.
MISSING = {"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"}


@dataclass(frozen=True)
class Message:
    """One delivery of a message: ``received`` counts the deliveries, this one included."""

    id: str
    receipt: str
    body: str
    received: int
    sent_at: datetime


@dataclass(frozen=True)
class QueueSize:
    """About how many messages are in a queue; the ones ``hidden`` are worked on, or wait."""

    waiting: int
    hidden: int


class SqsQueue:
    """One queue, by its name or its URL. Its methods may be called from many threads."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._url = name if is_url(name) else ""

    @in_time("sqs", waits=LONGEST_WAIT)
    def receive(self, *, limit: int, wait: int, hide: int) -> list[Message]:
        """Return up to ``limit`` (at most 10) messages, hidden from others for ``hide`` seconds.

        If there is none it waits for up to ``wait`` seconds (at most LONGEST_WAIT).
        """
        with _translated():
            answer = waiting_queue_client().receive_message(
                QueueUrl=self._found(),
                MaxNumberOfMessages=limit,
                WaitTimeSeconds=wait,
                VisibilityTimeout=hide,
                MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
            )
            return [_message(each) for each in answer.get("Messages", [])]

    @in_time("sqs")
    def delete(self, message: Message) -> None:
        """Take ``message`` off the queue for good."""
        with _translated():
            queue_client().delete_message(QueueUrl=self._found(), ReceiptHandle=message.receipt)

    @in_time("sqs")
    def hide(self, message: Message, *, seconds: int) -> None:
        """Hide ``message`` for ``seconds`` from now on; at 0 others can have it at once.

        SQS refuses more than 12 hours in total.
        """
        with _translated():
            queue_client().change_message_visibility(
                QueueUrl=self._found(), ReceiptHandle=message.receipt, VisibilityTimeout=seconds
            )

    @in_time("sqs")
    def send(self, body: str) -> None:
        """Put a message on the queue."""
        with _translated():
            answer = queue_client().send_message(QueueUrl=self._found(), MessageBody=body)
            answer["MessageId"]  # an answer without is none of SQS

    @in_time("sqs")
    def size(self) -> QueueSize:
        """Return about how many messages there are."""
        with _translated():
            told = self._attributes(
                "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
            )
            return QueueSize(*(int(number) for number in told.values()))

    @in_time("sqs")
    def dead_letters(self) -> "SqsQueue":
        """Return the queue that takes what was received too often; raises QueueMissing."""
        with _translated():
            name = dead_letters_of(self._attributes("RedrivePolicy")["RedrivePolicy"])
        if not name:
            raise QueueMissing
        return SqsQueue(name)

    def _attributes(self, *names: Any) -> dict[str, str]:
        """Return the attributes ``names``, in this order, empty where one was never set."""
        told: Any = queue_client().get_queue_attributes(
            QueueUrl=self._found(), AttributeNames=list(names)
        )
        found = told.get("Attributes", {})
        return {name: found.get(name, "") for name in names}

    def _found(self) -> str:
        """Return the queue's URL, which stays the same even if it is made anew."""
        if not self._url:
            self._url = queue_client().get_queue_url(QueueName=self.name)["QueueUrl"]
        return self._url


@cache
def live_queue() -> SqsQueue | None:
    """Return the queue that the settings name, or None where they name none."""
    return SqsQueue(settings.EVENTS_QUEUE) if settings.EVENTS_QUEUE else None


def _message(raw: Any) -> Message:
    facts = raw["Attributes"]
    return Message(
        id=raw["MessageId"],
        receipt=raw["ReceiptHandle"],
        body=raw["Body"],
        received=int(facts["ApproximateReceiveCount"]),
        sent_at=datetime.fromtimestamp(int(facts["SentTimestamp"]) / 1000, UTC),
    )


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the SDK's errors into QueueMissing or StorageUnavailable."""
    with translated():
        try:
            yield
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING:
                raise QueueMissing from error
            raise
