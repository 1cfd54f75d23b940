"""Tells queues and topics that an object was created, and the queues of a topic what it is told.

moto would tell them too, but twice for an upload in parts, with another name for a form, and before
the object is complete. So its events are held back while an object is made, and sent from here.

AWS: "Event message structure". The key is form-encoded, but for its slashes.
"""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from moto.backends import get_backend
from moto.core.exceptions import ServiceException

from embedded_aws.access import Sender
from embedded_aws.documents import root_of
from embedded_aws.errors import S3Error, not_implemented
from embedded_aws.messages import Request

logger = logging.getLogger(__name__)

S3, SNS = "s3.amazonaws.com", "sns.amazonaws.com"
SEND = {"Queue": "sqs:SendMessage", "Topic": "sns:Publish"}
_last_sequence = 0


@contextmanager
def held_back(bucket: Any) -> Iterator[None]:
    """Have moto send no events of a bucket."""
    configuration = bucket.notification_configuration if bucket else None
    if configuration is None:
        yield
        return
    bucket.notification_configuration = None
    try:
        yield
    finally:
        bucket.notification_configuration = configuration


def announce(bucket: Any, key: Any, way: str, request: Request) -> None:
    """Send ``ObjectCreated:<way>`` to each destination that the bucket's configuration names."""
    configuration = bucket.notification_configuration
    if configuration is None:
        return
    for kind, destinations in (("sqs", configuration.queue), ("sns", configuration.topic)):
        for destination in destinations:
            if destination.matches(f"s3:ObjectCreated:{way}", key.name):
                record = _record(bucket, key, way, request, destination.id)
                _send(kind, bucket.account_id, destination.arn, json.dumps({"Records": [record]}))


def check_destinations(bucket: Any, request: Request, document: bytes) -> None:
    """Raise ``S3Error`` unless each queue and topic exists and lets S3 send.

    AWS: "PutBucketNotificationConfiguration".
    """
    root = root_of(document)
    for other in ("CloudFunctionConfiguration", "EventBridgeConfiguration"):
        if root.find(f"{{*}}{other}") is not None:
            raise not_implemented(other)
    if request.header("x-amz-skip-destination-validation").lower() == "true":
        return
    for name, action in SEND.items():
        for arn in root.iterfind(f"{{*}}{name}Configuration/{{*}}{name}"):
            sender = Sender(S3, action, bucket.arn, bucket.account_id)
            _check_destination(name, (arn.text or "").strip(), sender)


def _check_destination(name: str, arn: str, sender: Sender) -> None:
    target = _find_queue(arn) if name == "Queue" else _find_topic(arn)
    if target is None:
        raise _not_valid(arn, f"The destination {name.lower()} does not exist")
    if not sender.may_send_to(target._policy_json, arn):
        reason = f"Permissions on the destination {name.lower()} do not allow S3 to publish"
        raise _not_valid(arn, f"{reason} notifications from this bucket")


@contextmanager
def dropped_where_not_allowed(backend: Any) -> Iterator[None]:
    """Have moto's SNS send nothing to queues that are gone, or whose policy does not let it."""
    barred = [found for found in backend.subscriptions.values() if not _may_reach(found)]
    for subscription in barred:
        subscription.publish = _drop
    try:
        yield
    finally:
        for subscription in barred:
            del subscription.publish


def _may_reach(subscription: Any) -> bool:
    queue = _find_queue(subscription.endpoint)
    sender = Sender(SNS, SEND["Queue"], subscription.topic_arn, subscription.account_id)
    return queue is not None and sender.may_send_to(queue._policy_json, queue.queue_arn)


def _drop(*_args: object, **_options: object) -> None:
    logger.warning("The embedded SNS dropped a message: the queue is gone, or does not allow it.")


def _find_queue(arn: str) -> Any:
    return _backend("sqs", arn).queues.get(arn.rpartition(":")[2]) if ":sqs:" in arn else None


def _find_topic(arn: str) -> Any:
    return _backend("sns", arn).topics.get(arn) if ":sns:" in arn else None


def _backend(service: str, arn: str) -> Any:
    backends: Any = get_backend(service)  # type: ignore[call-overload]
    _, _, _, region, account, *_ = [*arn.split(":"), "", ""]
    return backends[account][region]


def _record(
    bucket: Any, key: Any, way: str, request: Request, configuration: str
) -> dict[str, Any]:
    described = {
        "key": quote_plus(key.name, safe="/"),
        "size": key.size,
        "eTag": key.etag.strip('"'),
        "sequencer": _sequencer(),
    }
    if bucket.is_versioned:
        described["versionId"] = key.version_id
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": bucket.region_name,
        "eventTime": now.replace("+00:00", "Z"),
        "eventName": f"ObjectCreated:{way}",
        "userIdentity": {"principalId": f"AWS:{bucket.account_id}"},
        "requestParameters": {"sourceIPAddress": request.environ.get("REMOTE_ADDR", "127.0.0.1")},
        "responseElements": {"x-amz-request-id": request.id, "x-amz-id-2": request.id},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration,
            "bucket": {
                "name": bucket.name,
                "ownerIdentity": {"principalId": bucket.account_id},
                "arn": bucket.arn,
            },
            "object": described,
        },
    }


def _sequencer() -> str:
    """Return a hexadecimal text that is greater than each one before."""
    global _last_sequence  # noqa: PLW0603 (moto's state is one for the process, too)
    _last_sequence = max(_last_sequence + 1, time.time_ns())
    return f"{_last_sequence:018X}"


def _send(service: str, account: str, arn: str, message: str) -> None:
    """Send, and do without where the destination has gone, as S3 does."""
    try:
        if service == "sqs":
            _backend(service, arn).send_message(arn.rpartition(":")[2], message)
            return
        backend = _backend(service, arn)
        with dropped_where_not_allowed(backend):
            backend.publish(message, arn, subject="Amazon S3 Notification")
    except ServiceException as error:
        logger.warning("The embedded S3 could not tell %s of an object: %s", arn, error)


def _not_valid(arn: str, reason: str) -> S3Error:
    return S3Error(
        "InvalidArgument",
        "Unable to validate the following destination configurations",
        400,
        {"ArgumentName1": arn, "ArgumentValue1": reason},
    )
