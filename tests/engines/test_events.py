"""Events of objects"""

import json
from typing import Any
from urllib.parse import unquote_plus

import pytest
from botocore.exceptions import ClientError

from tests.engines.engines import EVENT_ENGINES, Engine, signer
from tests.engines.queues import CREATED, Queue, allow_topic, make_topic, notify
from tests.functional.embedded.builders import Place, form, parts_of, post

ASKED = EVENT_ENGINES
KEY = "files/7/film.mp4"
BODY = b"0123456789"


@pytest.fixture
def queue(s3_engine: Engine) -> Queue:
    return Queue.make(s3_engine.sqs())


@pytest.fixture
def told(place: Place, queue: Queue) -> Queue:
    """Return a queue that is told of objects under ``files/``; the test event is gone from it."""
    notify(place, queue)
    queue.forget()
    return queue


def records(queue: Queue) -> list[Any]:
    """Return the records of all messages in the queue."""
    return [record for body in queue.drain() for record in body["Records"]]


def names(queue: Queue) -> list[tuple[str, str]]:
    return [
        (record["eventName"], unquote_plus(record["s3"]["object"]["key"]))
        for record in records(queue)
    ]


def complete(place: Place, key: str = KEY) -> Any:
    """Make an object of two parts; return the answer."""
    upload = place.s3.create_multipart_upload(Bucket=place.name, Key=key)["UploadId"]
    parts: Any = []
    for number, body in enumerate((b"a" * 5 * 1024 * 1024, BODY), 1):
        answer = place.s3.upload_part(
            Bucket=place.name, Key=key, UploadId=upload, PartNumber=number, Body=body
        )
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    return place.s3.complete_multipart_upload(
        Bucket=place.name, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
    )


def test_queue_is_told_how_an_object_came_to_be_when_it_was_put(place: Place, told: Queue) -> None:
    etag = place.s3.put_object(Bucket=place.name, Key=KEY, Body=BODY)["ETag"]

    (record,) = records(told)
    assert record["eventVersion"].startswith("2.")
    assert (record["eventSource"], record["eventName"]) == ("aws:s3", "ObjectCreated:Put")
    assert record["s3"]["bucket"]["name"] == place.name
    assert record["s3"]["configurationId"] == "files"
    found = record["s3"]["object"]
    assert (found["key"], found["size"], found["eTag"]) == (KEY, len(BODY), etag.strip('"'))


def test_queue_is_told_once_when_an_upload_in_parts_is_complete(place: Place, told: Queue) -> None:
    complete(place)

    (record,) = records(told)
    assert record["eventName"] == "ObjectCreated:CompleteMultipartUpload"
    assert record["s3"]["object"]["size"] == 5 * 1024 * 1024 + len(BODY)
    assert record["s3"]["object"]["eTag"] == place.head(KEY)["ETag"].strip('"')


def test_queue_is_told_when_an_object_was_copied(place: Place, told: Queue) -> None:
    place.put("elsewhere/a", BODY)

    place.s3.copy_object(Bucket=place.name, Key=KEY, CopySource=f"{place.name}/elsewhere/a")

    assert names(told) == [("ObjectCreated:Copy", KEY)]


def test_queue_is_told_when_a_form_was_posted(place: Place, told: Queue) -> None:
    fields = {"key": KEY, "Content-Type": "video/mp4"}
    signed = form(place, signed=fields, signer=signer())

    assert post(place, parts_of(signed, BODY)).status == 204

    assert names(told) == [("ObjectCreated:Post", KEY)]


@pytest.mark.parametrize(
    "key", ["files/7/a b", "files/7/a+b", "files/7/a%2Bb", "files/7/é 日本", "files/7/a&b=c"]
)
def test_key_is_form_encoded_when_it_holds(place: Place, told: Queue, key: str) -> None:
    place.put(key, BODY)

    (record,) = records(told)
    encoded = record["s3"]["object"]["key"]
    assert unquote_plus(encoded) == key
    assert encoded.isascii()
    assert " " not in encoded


def test_slash_of_a_key_stays_as_it_is(place: Place, told: Queue) -> None:
    place.put(KEY, BODY)

    assert records(told)[0]["s3"]["object"]["key"] == KEY


def test_later_event_has_the_greater_sequencer(place: Place, told: Queue) -> None:
    for size in range(1, 4):
        place.put(KEY, b"x" * size)

    found = [record["s3"]["object"] for record in records(told)]
    in_order = sorted(found, key=lambda described: described["sequencer"].ljust(40, "0"))
    assert [described["size"] for described in in_order] == [1, 2, 3]


def test_nothing_is_told_when_no_object_came_to_be_under_the_prefix(
    place: Place, told: Queue
) -> None:
    place.put("elsewhere/a", BODY)
    place.put("file", BODY)
    upload = place.s3.create_multipart_upload(Bucket=place.name, Key=KEY)["UploadId"]
    place.s3.upload_part(Bucket=place.name, Key=KEY, UploadId=upload, PartNumber=1, Body=BODY)
    place.s3.abort_multipart_upload(Bucket=place.name, Key=KEY, UploadId=upload)

    place.put("files/last", BODY)
    assert names(told) == [("ObjectCreated:Put", "files/last")]


def test_nothing_is_told_when_the_write_was_refused(place: Place, told: Queue) -> None:
    place.put(KEY, BODY)

    with pytest.raises(ClientError, match="PreconditionFailed"):
        place.put(KEY, b"other", IfNoneMatch="*")
    place.s3.delete_object_tagging(Bucket=place.name, Key=KEY)
    place.s3.delete_object(Bucket=place.name, Key=KEY)

    place.put("files/last", BODY)
    assert [key for _, key in names(told)] == [KEY, "files/last"]


def test_queue_gets_a_test_event_when_it_is_named(place: Place, queue: Queue) -> None:
    notify(place, queue)

    (event,) = queue.drain()
    assert (event["Service"], event["Event"]) == ("Amazon S3", "s3:TestEvent")
    assert event["Bucket"] == place.name


def test_notification_is_as_it_was_configured_when_it_is_read(place: Place, told: Queue) -> None:
    read = place.s3.get_bucket_notification_configuration(Bucket=place.name)

    (configuration,) = read["QueueConfigurations"]
    assert (configuration["Id"], configuration["QueueArn"]) == ("files", told.arn)
    assert configuration["Events"] == ["s3:ObjectCreated:*"]
    (rule,) = configuration["Filter"]["Key"]["FilterRules"]
    assert (rule["Name"].lower(), rule["Value"]) == ("prefix", "files/")


@pytest.mark.parametrize("mistake", ["no such queue", "not allowed", "allowed for another bucket"])
def test_notification_is_refused_when_the_queue_is(
    place: Place, queue: Queue, mistake: str
) -> None:
    if mistake == "allowed for another bucket":
        queue.allow("s3.amazonaws.com", "arn:aws:s3:::another")
    arn = f"{queue.arn}-none" if mistake == "no such queue" else queue.arn
    configuration: Any = {"QueueConfigurations": [{"QueueArn": arn, "Events": [CREATED]}]}

    with pytest.raises(ClientError, match="InvalidArgument"):
        place.s3.put_bucket_notification_configuration(
            Bucket=place.name, NotificationConfiguration=configuration
        )

    place.put(KEY, BODY)
    queue.send("last")
    assert queue.bodies() == ["last"]


def test_topic_is_told_when_it_is_named(s3_engine: Engine, place: Place, queue: Queue) -> None:
    sns = s3_engine.sns()
    topic = make_topic(sns, queue)
    allow_topic(sns, topic, f"arn:aws:s3:::{place.name}")
    configuration: Any = {"TopicConfigurations": [{"TopicArn": topic, "Events": [CREATED]}]}
    place.s3.put_bucket_notification_configuration(
        Bucket=place.name, NotificationConfiguration=configuration
    )
    queue.forget()

    place.put(KEY, BODY)

    (envelope,) = queue.drain()
    (record,) = json.loads(envelope["Message"])["Records"]
    assert record["s3"]["object"]["key"] == KEY
