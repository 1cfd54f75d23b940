"""The features by which a bucket tells of new objects: queues, topics, and the notification."""

import json
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from django.conf import settings

from aws.answers import none_if
from aws.clients import client, queue_client, topic_client
from aws.endpoints import is_aws
from aws.features import Feature, LeftAlone, canonical
from aws.names import account_of_arn, dead_letters_of, is_arn, name_of_arn, name_of_url
from aws.queue import MISSING
from aws.topic import MISSING as TOPIC_MISSING
from aws.topic import find_topic

CREATED = "s3:ObjectCreated:*"
TRIES = 5
# SQS counts from when a message was sent first. So dead letters are kept for longer than others, 4.
DEAD_DAYS = 14
SETTLING_ATTEMPTS = 10
SETTLING_PAUSE = 3  # seconds
KINDS = ("Queue", "Topic", "LambdaFunction")


class QueueFeature(Feature):
    """A feature of the queue of events, which the settings call by its name or its URL."""

    title: str

    def __init__(self, queue: str) -> None:
        self.queue = name_of_url(queue)
        self.name = f"{self.title} {self.queue}"
        self.optional = not is_aws(settings.AWS_SQS_ENDPOINT_URL)

    def attribute(self, name: Any, *, of: str = "") -> str:
        """Return an attribute of the queue called ``of``, empty if it is not there."""
        url = queue_url(of or self.queue)
        if not url:
            return ""
        told: Any = queue_client().get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        return str(told.get("Attributes", {}).get(name, ""))

    def change(self, name: Any, value: str, *, of: str = "") -> None:
        """Set an attribute."""
        queue_client().set_queue_attributes(
            QueueUrl=queue_url(of or self.queue), Attributes={name: value}
        )

    @property
    def dead_letters(self) -> str:
        """The name of the queue for dead letters: that in use, else ``<queue>-dead``."""
        return dead_letters_of(self.attribute("RedrivePolicy")) or f"{self.queue}-dead"


class DeadLetterQueueExists(QueueFeature):
    """The queue that takes what failed too often."""

    title = "dead-letter queue of"

    def read(self) -> bool:
        return bool(queue_url(self.dead_letters))

    def make(self) -> None:
        queue_client().create_queue(
            QueueName=self.dead_letters,
            Attributes={"MessageRetentionPeriod": str(DEAD_DAYS * 24 * 3600)},
        )


class DeadLettersKept(QueueFeature):
    """Dead letters are kept for as long as SQS keeps anything."""

    title = "retention of dead letters of"
    wanted = str(DEAD_DAYS * 24 * 3600)

    def read(self) -> str:
        return self.attribute("MessageRetentionPeriod", of=self.dead_letters)

    def make(self) -> None:
        self.change("MessageRetentionPeriod", self.wanted, of=self.dead_letters)


class QueueExists(QueueFeature):
    """The queue itself."""

    title = "queue"

    def read(self) -> bool:
        return bool(queue_url(self.queue))

    def make(self) -> None:
        queue_client().create_queue(QueueName=self.queue)


class Redriven(QueueFeature):
    """A message that was received five times goes to the dead letters."""

    title = "tries of"
    wanted = TRIES

    def read(self) -> int:
        policy = self.attribute("RedrivePolicy")
        return int(json.loads(policy)["maxReceiveCount"]) if policy else 0

    def make(self) -> None:
        arn = self.attribute("QueueArn", of=self.dead_letters)
        policy = {"deadLetterTargetArn": arn, "maxReceiveCount": TRIES}
        self.change("RedrivePolicy", json.dumps(policy))


class OpenToBucket(QueueFeature):
    """S3 may send messages for exactly this bucket; other statements are left alone."""

    title = "policy of"

    def __init__(self, queue: str, bucket: str) -> None:
        super().__init__(queue)
        self.bucket = bucket

    def read(self) -> bool:
        arn = self.attribute("QueueArn")
        return bool(arn) and canonical(self._statement(arn)) in canonical(self._statements())

    def make(self) -> None:
        statement = self._statement(self.attribute("QueueArn"))
        others = [one for one in self._statements() if one.get("Sid") != statement["Sid"]]
        policy = {**self._policy(), "Statement": [*others, statement]}
        self.change("Policy", json.dumps(policy))

    def _statement(self, arn: str) -> dict[str, Any]:
        bucket = f"arn:{client().meta.partition}:s3:::{self.bucket}"
        return bucket_may_send(queue_arn=arn, bucket_arn=bucket, account=account_of_arn(arn))

    def _policy(self) -> dict[str, Any]:
        policy: dict[str, Any] = json.loads(self.attribute("Policy") or "{}")
        return policy or {"Version": "2012-10-17"}

    def _statements(self) -> list[Any]:
        """Return the policy's statements, where a single one may stand alone."""
        found = self._policy().get("Statement", [])
        return found if isinstance(found, list) else [found]


class TopicExists(Feature):
    """The topic that is told what became of files."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.name = f"topic {name_of_arn(topic)}"
        self.optional = not is_aws(settings.AWS_SNS_ENDPOINT_URL)

    def read(self) -> bool:
        if not is_arn(self.topic):
            return bool(find_topic(self.topic))
        ask = topic_client().get_topic_attributes
        return none_if(lambda: ask(TopicArn=self.topic), *TOPIC_MISSING) is not None

    def make(self) -> None:
        topic_client().create_topic(Name=name_of_arn(self.topic))


class BucketTells(Feature):
    """The bucket tells a destination of each new object under ``prefix``; and others as before.

    ``kind`` is "Queue" or "Topic", as the API calls destinations; ``arn`` returns the destination's
    ARN, empty while there is none.
    """

    def __init__(self, bucket: str, prefix: str, *, kind: str, arn: Callable[[], str]) -> None:
        self.bucket, self.prefix, self.kind, self.arn = bucket, prefix, kind, arn
        self.name = f"events of {prefix}"
        self.optional = not is_aws(settings.AWS_S3_ENDPOINT_URL)

    def read(self) -> bool:
        found = self._configuration()
        listed = found.get(f"{self.kind}Configurations", [])
        if any(self._is_as_wanted(one) for one in listed):
            return True
        if any(self._is_in_the_way(one) for kind in KINDS for one in _of_kind(found, kind)):
            self.advice = (
                f"the bucket tells another destination of new objects under {self.prefix}, and S3"
                " takes one only: let that be a topic of SNS, and subscribe the queue to it"
            )
        return False

    def make(self) -> None:
        found = self._configuration()
        name = f"{self.kind}Configurations"
        others = [one for one in found.get(name, []) if one.get("Id") != self._id]
        self._put({**found, name: [*others, self._wanted()]})

    @property
    def _id(self) -> str:
        return f"triphase-{self.prefix.strip('/')}"

    def _wanted(self) -> dict[str, Any]:
        chosen = {"Name": "prefix", "Value": self.prefix}
        return {
            "Id": self._id,
            f"{self.kind}Arn": self.arn(),
            "Events": [CREATED],
            "Filter": {"Key": {"FilterRules": [chosen]}},
        }

    def _is_as_wanted(self, found: dict[str, Any]) -> bool:
        """Return whether a configuration is the one wanted, whatever its name."""
        wanted = self._wanted()
        same = found.get(f"{self.kind}Arn") == wanted[f"{self.kind}Arn"]
        chosen = filter_of(found) == {"prefix": self.prefix}
        return same and chosen and CREATED in found.get("Events", [])

    def _is_in_the_way(self, found: dict[str, Any]) -> bool:
        """Return whether S3 would refuse another configuration beside this one.

        Source: Amazon S3 User Guide, "Configuring event notifications using object key name
        filtering": rules for one kind of event must not overlap.
        """
        prefix = filter_of(found).get("prefix", "")
        overlaps = prefix.startswith(self.prefix) or self.prefix.startswith(prefix)
        created = any(event.startswith("s3:ObjectCreated:") for event in found.get("Events", []))
        return overlaps and created and found.get("Id") != self._id

    def _configuration(self) -> dict[str, Any]:
        """Return all notifications of the bucket, none if there is no bucket."""
        answer: Any = none_if(
            lambda: client().get_bucket_notification_configuration(Bucket=self.bucket),
            "NoSuchBucket",
        )
        return {name: value for name, value in (answer or {}).items() if name != "ResponseMetadata"}

    def _put(self, configuration: Any) -> None:
        """Put the configuration; S3 tries the destination, whose policy may be too new for it."""
        for attempt in range(SETTLING_ATTEMPTS):
            try:
                client().put_bucket_notification_configuration(
                    Bucket=self.bucket, NotificationConfiguration=configuration
                )
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if self.optional and code in {"InvalidArgument", "MalformedXML"}:
                    raise LeftAlone(
                        f"the store tells no {self.kind.lower()} of new objects"
                    ) from error
                if code != "InvalidArgument" or attempt == SETTLING_ATTEMPTS - 1:
                    raise
                time.sleep(SETTLING_PAUSE)
            else:
                return


def bucket_may_send(*, queue_arn: str, bucket_arn: str, account: str) -> dict[str, Any]:
    """Return the statement of a queue's policy by which one bucket may send, and no other.

    Source: Amazon S3 User Guide, "Granting permissions to publish event notification messages to a
    destination".
    """
    return {
        "Sid": "LetTheBucketSend",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {
            "ArnEquals": {"aws:SourceArn": bucket_arn},
            "StringEquals": {"aws:SourceAccount": account},
        },
    }


def filter_of(configuration: dict[str, Any]) -> dict[str, str]:
    """Return what keys a configuration chooses, by ``prefix`` and ``suffix``, where not empty."""
    rules = configuration.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return {rule["Name"].lower(): rule["Value"] for rule in rules if rule["Value"]}


def queue_url(name: str) -> str:
    """Return the URL of the queue called ``name``, empty if there is none."""
    answer = none_if(lambda: queue_client().get_queue_url(QueueName=name), *MISSING)
    return answer["QueueUrl"] if answer else ""


def queue_arn(name: str) -> str:
    """Return the ARN of the queue of that name or URL, empty if there is none."""
    return QueueExists(name).attribute("QueueArn")


def _of_kind(configuration: dict[str, Any], kind: str) -> list[Any]:
    return list(configuration.get(f"{kind}Configurations", []))


QUEUE_FEATURES = (DeadLetterQueueExists, DeadLettersKept, QueueExists, Redriven)
