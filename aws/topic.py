"""A topic of SNS as the product uses it: one method for each request, and no decisions."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

from botocore.exceptions import ClientError
from django.conf import settings

from aws.answers import translated
from aws.clients import topic_client
from aws.deadlines import in_time
from aws.errors import TopicMissing
from aws.names import is_arn, name_of_arn

MISSING = {"NotFound", "NotFoundException"}


class SnsTopic:
    """One topic, by its name or its ARN. Its methods may be called from many threads."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._arn = name if is_arn(name) else ""

    @in_time("sns")
    def publish(self, body: str, *, attributes: Mapping[str, str]) -> None:
        """Send ``body`` to all that subscribed to the topic; raises TopicMissing.

        Subscribers may choose by the texts in ``attributes``.
        """
        with _translated():
            answer = topic_client().publish(
                TopicArn=self._found(),
                Message=body,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in attributes.items()
                },
            )
            answer["MessageId"]  # an answer without is none of SNS

    def _found(self) -> str:
        self._arn = self._arn or find_topic(self.name)
        if not self._arn:
            raise TopicMissing
        return self._arn


def find_topic(name: str) -> str:
    """Return the ARN of the topic called ``name``, empty if there is none.

    SNS lists 100 topics a request and has no other way to ask.
    """
    for page in topic_client().get_paginator("list_topics").paginate():
        for topic in page.get("Topics", []):
            if name_of_arn(topic["TopicArn"]) == name:
                return topic["TopicArn"]
    return ""


@cache
def live_topic() -> SnsTopic | None:
    """Return the topic that the settings name, or None where they name none."""
    return SnsTopic(settings.EVENTS_TOPIC) if settings.EVENTS_TOPIC else None


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the SDK's errors into TopicMissing or StorageUnavailable."""
    with translated():
        try:
            yield
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING:
                raise TopicMissing from error
            raise
