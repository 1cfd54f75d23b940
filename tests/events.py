"""Builders of what stores send about new objects."""

import json
from typing import Any
from urllib.parse import quote_plus

BUCKET = "triphase"


def record(key: str, **changes: Any) -> dict[str, Any]:
    """Return a record of S3 about ``key``, as of version 2.3; a change of None leaves out."""
    facts = {
        "eventVersion": "2.3",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-11-25T10:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:EXAMPLE"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "triphase-events",
            "bucket": {"name": BUCKET, "arn": f"arn:aws:s3:::{BUCKET}"},
            "object": {
                "key": quote_plus(key, safe="/"),
                "size": 7,
                "eTag": "0a1b2c",
                "sequencer": "0055AED6DCD90281E5",
            },
        },
        **changes,
    }
    return {name: value for name, value in facts.items() if value is not None}


def of_bucket(name: str, key: str) -> dict[str, Any]:
    """Return a record about the object ``key``, unchanged, of a bucket called ``name``."""
    return record("x", s3={"bucket": {"name": name}, "object": {"key": key}})


def body(*records: Any, **more: Any) -> str:
    """Return a message of S3 with ``records``."""
    return json.dumps({"Records": list(records), **more})


def enveloped(text: str) -> str:
    """Return a message as SNS sends it to a queue without raw delivery."""
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": "arn:aws:sns:us-east-1:123456789012:uploads",
            "Message": text,
            "Timestamp": "2026-11-25T10:00:00.000Z",
        }
    )


TEST_EVENT = json.dumps(
    {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": "2026-11-25T10:00:00.000Z",
        "Bucket": BUCKET,
        "RequestId": "5582815E1AEA5ADF",
        "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR",
    }
)
# What is no use, however often it comes.
USELESS = {
    "nothing": "",
    "no JSON": "{",
    "no UTF-8": b"\xff\xfe\xff",
    "nested too deeply": "[" * 100_000,
    "a number of 5,000 digits": "1" * 5_000,
    "a list": "[]",
    "a text": '"Records"',
    "no records": "{}",
    "an empty list of records": body(),
    "records that are no list": '{"Records": {}}',
    "the test event": TEST_EVENT,
    "the test event in an envelope": enveloped(TEST_EVENT),
    "an envelope in an envelope": enveloped(enveloped(body(record("files/a/b")))),
    "an envelope without a message": '{"Type": "Notification"}',
    "a record that is no object": body("files/a/b"),
    "a record of nothing": body({}),
    "version 1": body(record("files/a/b", eventVersion="1.0")),
    "version 3": body(record("files/a/b", eventVersion="3.0")),
    "version 2": body(record("files/a/b", eventVersion="2")),
    "a version that is a number": body(record("files/a/b", eventVersion=2.1)),
    "a removed object": body(record("files/a/b", eventName="ObjectRemoved:Delete")),
    "another bucket": body(of_bucket("another", "files/a/b")),
    "a bucket with a longer name": body(of_bucket(f"{BUCKET}x", "files/a/b")),
    "no bucket": body(record("files/a/b", s3={"object": {"key": "files/a/b"}})),
    "no key": body(record("files/a/b", s3={"bucket": {"name": BUCKET}, "object": {}})),
    "an empty key": body(of_bucket(BUCKET, "")),
    "a key with NUL": body(of_bucket(BUCKET, "files/%00")),
    "a key that is no UTF-8": body(of_bucket(BUCKET, "files/%FF")),
    "a key with half a character": body(of_bucket(BUCKET, "files/\ud800")),
    "a key of 1,025 bytes": body(of_bucket(BUCKET, "k" * 1025)),
}
