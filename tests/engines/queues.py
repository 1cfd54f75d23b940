"""Queues and topics of one test, and what arrives in them."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from mypy_boto3_sns import SNSClient
from mypy_boto3_sqs import SQSClient

from tests.functional.embedded.builders import Place

CREATED = "s3:ObjectCreated:*"


@dataclass(frozen=True)
class Queue:
    """A queue of one test."""

    url: str
    arn: str
    client: SQSClient

    @classmethod
    def make(cls, client: SQSClient, **attributes: str) -> "Queue":
        named: Any = attributes
        made = client.create_queue(QueueName=f"q-{uuid.uuid4().hex}", Attributes=named)
        url = made["QueueUrl"]
        found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return cls(url, found["Attributes"]["QueueArn"], client)

    def send(self, body: str) -> None:
        self.client.send_message(QueueUrl=self.url, MessageBody=body)

    def receive(self, **options: Any) -> list[Any]:
        """Return up to ten messages; they stay invisible for a minute unless told otherwise."""
        options = {"VisibilityTimeout": 60, "MaxNumberOfMessages": 10, **options}
        answer: Any = self.client.receive_message(QueueUrl=self.url, **options)
        return list(answer.get("Messages", []))

    def bodies(self, **options: Any) -> list[str]:
        return [message["Body"] for message in self.receive(**options)]

    def drain(self) -> list[Any]:
        """Return what all messages hold, as JSON, and delete them; wait for the first."""
        found = []
        wait = 5
        while messages := self.receive(WaitTimeSeconds=wait):
            wait = 0
            for message in messages:
                found.append(json.loads(message["Body"]))
                self.delete(message)
        return found

    def forget(self) -> None:
        self.client.purge_queue(QueueUrl=self.url)

    def delete(self, message: Any) -> None:
        self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def release(self, message: Any) -> None:
        """Have the message be visible again."""
        self.client.change_message_visibility(
            QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )

    def allow(self, service: str, source_arn: str) -> None:
        """Let a service send to this queue on behalf of one resource."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sqs:SendMessage",
            "Resource": self.arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": source_arn}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.client.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy})


def make_topic(client: SNSClient, queue: Queue, **attributes: str) -> str:
    """Return the ARN of a topic that tells ``queue``."""
    topic = client.create_topic(Name=f"t-{uuid.uuid4().hex}")["TopicArn"]
    queue.allow("sns.amazonaws.com", topic)
    client.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes=attributes)
    return topic


def allow_topic(client: SNSClient, topic: str, source_arn: str) -> None:
    """Let S3 publish to a topic on behalf of one bucket."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {"ArnEquals": {"aws:SourceArn": source_arn}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)


def notify(place: Place, queue: Queue, *, prefix: str = "files/", events: Any = (CREATED,)) -> None:
    """Have the bucket tell the queue of objects whose keys begin with ``prefix``."""
    queue.allow("s3.amazonaws.com", f"arn:aws:s3:::{place.name}")
    rules: Any = [{"Name": "prefix", "Value": prefix}]
    place.s3.put_bucket_notification_configuration(
        Bucket=place.name,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "Id": "files",
                    "QueueArn": queue.arn,
                    "Events": list(events),
                    "Filter": {"Key": {"FilterRules": rules}},
                }
            ]
        },
    )
