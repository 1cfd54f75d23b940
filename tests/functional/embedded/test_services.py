"""SQS and SNS at the address of S3: who is refused, and that a poll stands in nobody's way.

What queues, topics and events do is asked of every engine, in tests/engines.
"""

import json
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends
from mypy_boto3_sqs import SQSClient

from embedded_aws import services
from embedded_aws.server import EmbeddedAWS
from tests.engines.queues import Queue
from tests.functional.embedded.builders import (
    ACCESS_KEY,
    KEY,
    PNG,
    REGION,
    SECRET_KEY,
    Place,
    Signer,
)

LIST_QUEUES = {"x-amz-target": "AmazonSQS.ListQueues"}
LIST_TOPICS = b"Action=ListTopics&Version=2010-03-31"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="session")
def sqs(endpoint: str) -> Iterator[SQSClient]:
    client: SQSClient = boto3.client(
        "sqs",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    yield client
    client.close()


@pytest.fixture
def queue(sqs: SQSClient) -> Queue:
    return Queue.make(sqs)


def ask_sqs(place: Place, headers: dict[str, str], body: bytes = b"{}") -> tuple[int, str]:
    response = place.request("POST", f"{place.endpoint}/", headers=headers, body=body)
    return response.status, json.loads(response.data).get("__type", "").rpartition("#")[2]


def ask_sns(place: Place, headers: dict[str, str], body: bytes = LIST_TOPICS) -> tuple[int, str]:
    headers = {**headers, "content-type": FORM}
    response = place.request("POST", f"{place.endpoint}/", headers=headers, body=body)
    return response.status, response.data.decode().partition("<Code>")[2].partition("</Code>")[0]


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "access key": ({"access_key": "AKID"}, "UnrecognizedClientException", "InvalidClientTokenId"),
    "secret": ({"secret_key": "x"}, "InvalidSignatureException", "SignatureDoesNotMatch"),
    "region": ({"region": "us-east-1"}, "InvalidSignatureException", "SignatureDoesNotMatch"),
    "clock": (
        {"at": datetime(2020, 1, 1, tzinfo=UTC)},
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
    ),
}


@pytest.mark.parametrize(("changes", "code", "_"), WRONG.values(), ids=WRONG)
def test_sqs_refuses_when_signed_by_or_for_another(
    place: Place, changes: dict[str, Any], code: str, _: str
) -> None:
    signer = Signer(**{"service": "sqs", **changes})
    headers = signer.headers("POST", f"{place.endpoint}/", body=b"{}", headers=LIST_QUEUES)

    assert ask_sqs(place, headers) == (400, code)


@pytest.mark.parametrize(("changes", "_", "code"), WRONG.values(), ids=WRONG)
def test_sns_refuses_when_signed_by_or_for_another(
    place: Place, changes: dict[str, Any], _: str, code: str
) -> None:
    signer = Signer(**{"service": "sns", **changes})
    headers = signer.headers("POST", f"{place.endpoint}/", body=LIST_TOPICS)

    assert ask_sns(place, headers) == (403, code)


@pytest.mark.parametrize("service", ["s3", "dynamodb", "sns"])
def test_sqs_refuses_when_signed_for_another_service(place: Place, service: str) -> None:
    signer = Signer(service=service)
    headers = signer.headers("POST", f"{place.endpoint}/", body=b"{}", headers=LIST_QUEUES)

    assert ask_sqs(place, headers) == (400, "InvalidSignatureException")


def test_sqs_refuses_when_nothing_is_signed(place: Place) -> None:
    assert ask_sqs(place, LIST_QUEUES) == (400, "MissingAuthenticationTokenException")


def test_queue_is_not_made_when_the_body_is_not_the_signed_one(
    place: Place, sqs: SQSClient
) -> None:
    name = uuid.uuid4().hex
    target = {"x-amz-target": "AmazonSQS.CreateQueue"}
    signer = Signer(service="sqs")
    headers = signer.headers("POST", f"{place.endpoint}/", body=b"{}", headers=target)
    del headers["x-amz-content-sha256"]

    refusal = ask_sqs(place, headers, json.dumps({"QueueName": name}).encode())

    assert refusal == (400, "InvalidSignatureException")
    assert sqs.list_queues(QueueNamePrefix=name).get("QueueUrls", []) == []


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b"null"])
def test_sqs_refuses_when_the_body_is_no_object(place: Place, body: bytes) -> None:
    signer = Signer(service="sqs")
    headers = signer.headers("POST", f"{place.endpoint}/", body=body, headers=LIST_QUEUES)

    assert ask_sqs(place, headers, body) == (400, "SerializationException")


def test_subscription_is_refused_when_it_is_not_for_a_queue(endpoint: str) -> None:
    """moto would post to it while all other requests wait."""
    sns = boto3.client(
        "sns",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex}")["TopicArn"]

    with pytest.raises(ClientError, match="delivers to SQS alone"):
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:1/")

    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    sns.close()


def test_url_of_a_queue_is_at_the_address_that_was_asked(place: Place, queue: Queue) -> None:
    assert queue.url.startswith(f"{place.endpoint}/")


@pytest.fixture
def polling(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Return an event that is set once a long poll waits."""
    waits = threading.Event()
    is_gone = services._is_gone

    def observed(connection: Any) -> bool:
        waits.set()
        return is_gone(connection)

    monkeypatch.setattr(services, "_is_gone", observed)
    return waits


def test_others_are_answered_when_a_poll_waits(
    place: Place, queue: Queue, polling: threading.Event
) -> None:
    with ThreadPoolExecutor(1) as pool:
        polled = pool.submit(queue.bodies, WaitTimeSeconds=20)
        assert polling.wait(20)

        place.put(KEY)
        assert place.body(KEY) == PNG
        assert not polled.done()
        queue.send("end")
        assert polled.result() == ["end"]


def test_message_is_not_lost_when_who_polled_has_gone(
    place: Place, queue: Queue, polling: threading.Event
) -> None:
    body = json.dumps({"QueueUrl": queue.url, "WaitTimeSeconds": 20}).encode()
    signer = Signer(service="sqs")
    target = {"x-amz-target": "AmazonSQS.ReceiveMessage"}
    headers = signer.headers("POST", f"{place.endpoint}/", body=body, headers=target)
    connection = urllib3.connection.HTTPConnection(
        str(urlsplit(place.endpoint).hostname), urlsplit(place.endpoint).port
    )
    connection.request("POST", "/", body=body, headers=headers)
    assert polling.wait(20)

    connection.close()
    queue.send("kept")

    assert queue.bodies() == ["kept"]


def test_poll_ends_when_the_server_stops(polling: threading.Event) -> None:
    aws = EmbeddedAWS(access_key=ACCESS_KEY, secret_key=SECRET_KEY, region=REGION)
    aws.start()
    client: SQSClient = boto3.client(
        "sqs",
        endpoint_url=aws.endpoint_url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    queue = Queue.make(client)
    with ThreadPoolExecutor(1) as pool:
        polled = pool.submit(queue.bodies, WaitTimeSeconds=20)
        assert polling.wait(20)

        aws.stop()

        assert polled.exception() is not None
    client.close()


def test_moto_alone_sends_two_events_for_one_upload_in_parts() -> None:
    """The front sends one, and its tests are in tests/engines/test_events.py."""
    account, name = "111111111111", f"raw-{uuid.uuid4().hex}"
    s3, sqs = s3_backends[account]["aws"], sqs_backends[account]["us-east-1"]
    queue = sqs.create_queue(name)
    s3.create_bucket(name, "us-east-1")
    s3.put_bucket_notification_configuration(
        name,
        {"QueueConfiguration": [{"Queue": queue.queue_arn, "Event": ["s3:ObjectCreated:*"]}]},
    )
    queue._messages.clear()  # the test event
    upload: Any = s3.create_multipart_upload(name, KEY, {}, "STANDARD", {}, None, "", "")  # type: ignore[arg-type]
    part = s3.upload_part(name, upload.id, 1, PNG)

    key = s3.complete_multipart_upload(name, upload.id, iter([(1, part.etag)]))

    bodies = [json.loads(message.body) for message in queue.messages]
    assert [body["Records"][0]["eventName"] for body in bodies] == [
        "ObjectCreated:Put",
        "ObjectCreated:CompleteMultipartUpload",
    ]
    assert key is not None
    key.dispose()
    s3.delete_object(name, KEY)
    s3.delete_bucket(name)
    sqs.delete_queue(name)
