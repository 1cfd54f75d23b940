"""Bodies of messages as S3, SNS, Ceph and MinIO send them, and anything else."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events import BUCKET, USELESS, body, enveloped, of_bucket, record
from uploads.events import Created, Reading, read

KEY = "files/0199a9b0-owner/0199a9b0-upload"
keys = st.text(min_size=1, max_size=200).filter(
    lambda key: "\x00" not in key and not any("\ud800" <= char <= "\udfff" for char in key)
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def keys_in(text: str | bytes) -> list[str]:
    """Return the keys of new objects that ``text`` tells of."""
    return [created.key for created in read(text, bucket=BUCKET).created]


@pytest.mark.case(44)
@pytest.mark.parametrize("useless", USELESS.values(), ids=USELESS)
def test_nothing_is_read_and_the_reason_is_told_when_it_is(useless: str | bytes) -> None:
    reading = read(useless, bucket=BUCKET)

    assert reading.created == []
    assert len(reading.ignored) == 1
    assert "files/" not in reading.ignored[0], "a key stands for a user"


@pytest.mark.case(45)
@pytest.mark.parametrize("bad", [None, "x", {}, of_bucket("another", KEY), record(KEY, s3=[])])
def test_other_records_are_read_when_one_is_bad(bad: Any) -> None:
    reading = read(body(record("files/a/1"), bad, record("files/a/2")), bucket=BUCKET)

    assert [created.key for created in reading.created] == ["files/a/1", "files/a/2"]
    assert len(reading.ignored) == 1


def test_all_facts_of_a_record_are_read() -> None:
    [created] = read(body(record(KEY)), bucket=BUCKET).created

    assert created == Created(
        key=KEY,
        event="ObjectCreated:Put",
        size=7,
        sequencer="0055AED6DCD90281E5",
        at=datetime(2026, 11, 25, 10, tzinfo=UTC),
    )


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.6", "2.17"])
@pytest.mark.parametrize("event", ["Put", "Post", "Copy", "CompleteMultipartUpload"])
def test_record_is_read_when_its_version_is_any_2_and_the_object_is_new(
    version: str, event: str
) -> None:
    found = record(KEY, eventVersion=version, eventName=f"ObjectCreated:{event}")

    assert keys_in(body(found)) == [KEY]


@pytest.mark.parametrize(
    ("facts", "changes"),
    [
        ({"size": None, "sequencer": ""}, {"size": True, "sequencer": None}),
        ({"size": None, "sequencer": ""}, {"size": -1, "sequencer": 7}),
        ({"size": None, "sequencer": ""}, {"size": "7", "sequencer": []}),
    ],
)
def test_fact_is_left_out_when_it_is_none_of_s3(
    facts: dict[str, Any], changes: dict[str, Any]
) -> None:
    strange = {"key": KEY, **changes}
    [created] = read(
        body(record(KEY, eventTime="noon", s3={"bucket": {"name": BUCKET}, "object": strange})),
        bucket=BUCKET,
    ).created

    assert {"size": created.size, "sequencer": created.sequencer} == facts
    assert created.at is None


def test_record_is_read_when_it_comes_in_an_envelope_of_sns() -> None:
    assert keys_in(enveloped(body(record(KEY), record("files/a/2")))) == [KEY, "files/a/2"]


def test_record_is_read_when_ceph_sends_it() -> None:
    """As radosgw 16.2 sends it over HTTP: its own fields, and keys that are not encoded."""
    found = record(
        KEY,
        eventSource="ceph:s3",
        awsRegion="",
        eventVersion="2.2",
        s3={
            "bucket": {"name": BUCKET, "id": "5e3f.1"},
            "object": {"key": KEY, "size": 7, "etag": "x", "metadata": [], "tags": []},
        },
        eventId="1448006605.558933.0a1b2c",
        opaqueData="",
    )

    assert keys_in(body(found)) == [KEY]


def test_record_is_read_when_minio_sends_it() -> None:
    """Its names of events begin with ``s3:``, and the slashes of its keys are encoded."""
    found = record(
        KEY,
        eventSource="minio:s3",
        eventVersion="2.0",
        eventName="s3:ObjectCreated:Put",
        s3={"bucket": {"name": BUCKET}, "object": {"key": quote(KEY, safe="")}},
        source={"host": "127.0.0.1", "port": "", "userAgent": "MinIO"},
    )

    text = body(found, EventName="s3:ObjectCreated:Put", Key=f"{BUCKET}/{KEY}")

    assert keys_in(text) == keys_in(text.encode()) == [KEY]


@pytest.mark.case(43)
@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("files/a+b", "files/a b"),
        ("files/a%20b", "files/a b"),
        ("files/a%2Bb", "files/a+b"),
        ("files/a%252Bb", "files/a%2Bb"),
        ("files/100%25", "files/100%"),
        ("files%2Fa", "files/a"),
        ("files/%C3%BC", "files/ü"),
        ("files/ü", "files/ü"),
        ("files/%", "files/%"),
    ],
)
def test_key_is_decoded_once(encoded: str, key: str) -> None:
    assert keys_in(body(of_bucket(BUCKET, encoded))) == [key]


@pytest.mark.case(43)
@given(keys, st.sampled_from(["/", ""]))
def test_any_key_comes_through(key: str, safe: str) -> None:
    fits = len(key.encode()) <= 1024

    for encoded in (quote_plus(key, safe=safe), quote(key, safe=safe)):
        assert keys_in(body(of_bucket(BUCKET, encoded))) == [key] * fits


@pytest.mark.case(44)
@given(anything)
def test_reading_never_fails_whatever_json_comes(content: Any) -> None:
    for text in (json.dumps(content), body(content), enveloped(json.dumps(content))):
        assert isinstance(read(text, bucket=BUCKET), Reading)


@pytest.mark.case(44)
@given(st.binary() | st.text())
def test_reading_never_fails_whatever_bytes_come(text: str | bytes) -> None:
    assert read(text, bucket=BUCKET).created == []


@pytest.mark.case(44)
@given(st.data())
def test_nothing_but_the_record_that_was_spoiled_is_left_out(data: st.DataObject) -> None:
    spoiled = record(KEY)
    path = data.draw(
        st.sampled_from(
            [
                ["eventVersion"],
                ["eventName"],
                ["s3"],
                ["s3", "bucket"],
                ["s3", "bucket", "name"],
                ["s3", "object"],
                ["s3", "object", "key"],
            ]
        )
    )
    place: Any = spoiled
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = data.draw(st.none() | st.integers() | st.lists(st.integers(), max_size=2))

    reading = read(body(spoiled, record("files/a/kept")), bucket=BUCKET)

    assert [created.key for created in reading.created] == ["files/a/kept"]
    assert len(reading.ignored) == 1
