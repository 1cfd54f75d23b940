"""The feature by which a store other than AWS's sends its events over HTTP, as Ceph does.

Ceph has the API of SNS at the endpoint of its S3. A topic there is an address to send to; if the
receiver does not answer 200, Ceph keeps the event and sends it again.

Source: Ceph documentation, "Bucket Notifications".
"""

import json
from typing import Any
from urllib.parse import urlsplit

from aws.clients import store_topic_client
from aws.features import Feature
from aws.names import name_of_arn
from aws.queue_features import BucketTells

TOPIC = "triphase-events"
USER = "events"  # in the URL, before the secret; the receiver looks at the secret alone


class StorePushes(Feature):
    """The bucket's store sends the events of ``prefix`` to a URL, with a secret."""

    name = "events over HTTP"
    optional = True

    def __init__(self, bucket: str, prefix: str, *, url: str, secret: str) -> None:
        address = urlsplit(url)
        self.wanted = {
            "EndpointAddress": f"{address.scheme}://{USER}:{secret}@{address.netloc}{address.path}",
            "Persistent": "true",
        }
        self.told = BucketTells(bucket, prefix, kind="Topic", arn=topic_arn)

    def read(self) -> Any:
        arn = topic_arn()
        if not arn or not self.told.read():
            return None
        answer = store_topic_client().get_topic_attributes(TopicArn=arn)
        told = json.loads(answer["Attributes"]["EndPoint"])
        return {name: told.get(name) for name in self.wanted}

    def make(self) -> None:
        """Make topic and notification: the latter holds a copy of the former's address."""
        store_topic_client().create_topic(
            Name=TOPIC,
            Attributes={
                "push-endpoint": self.wanted["EndpointAddress"],
                "persistent": self.wanted["Persistent"],
            },
        )
        self.told.make()


def topic_arn() -> str:
    """Return the ARN of the store's topic, empty if there is none."""
    for page in store_topic_client().get_paginator("list_topics").paginate():
        for topic in page.get("Topics", []):
            if name_of_arn(topic["TopicArn"]) == TOPIC:
                return topic["TopicArn"]
    return ""
