"""Reading objects"""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws.bucket import S3Bucket
from aws.errors import ObjectMissing, ObjectTooLarge, StorageUnavailable
from tests.functional.embedded.builders import Place

KEY = "avatars/7/x.webp"
BODY = b"0123456789"
FACTS: dict[str, Any] = {
    "ContentType": "image/webp",
    "CacheControl": "private, immutable",
    "Metadata": {"owner": "7", "upload-token": "a:b/c+d="},
    "Tagging": "Status=Pending&upload-token=a%3Ab%2Fc%2Bd%3D",
}


@pytest.fixture
def stored(place: Place) -> Place:
    """Return a bucket with one object."""
    place.put(KEY, BODY, **FACTS)
    return place


def get(place: Place, **conditions: Any) -> Any:
    """Return the answer after reading its body: an unread one keeps its connection."""
    answer: Any = place.s3.get_object(Bucket=place.name, Key=KEY, **conditions)
    return answer | {"Body": io.BytesIO(answer["Body"].read())}


def refusal(call: Callable[[], object]) -> tuple[int, str]:
    """Return status and code of the refusal that the call must get."""
    with pytest.raises(ClientError) as caught:
        call()
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


# --- Whole objects ---


def test_gateway_reads_all_there_is_when_it_is_small_enough(
    stored: Place, gateway: S3Bucket
) -> None:
    found = gateway.fetch(KEY, max_bytes=len(BODY))

    assert (found.body, found.content_type) == (BODY, "image/webp")
    assert found.metadata == FACTS["Metadata"]
    assert gateway.details(KEY).tags == {"Status": "Pending", "upload-token": "a:b/c+d="}
    with pytest.raises(ObjectTooLarge):
        gateway.fetch(KEY, max_bytes=len(BODY) - 1)


def test_answer_tells_the_number_of_tags_when_there_are_some(
    stored: Place, gateway: S3Bucket
) -> None:
    gateway.put("plain", BODY, content_type="image/webp", cache_control="private")

    assert gateway.fetch(KEY, max_bytes=100).tag_count == 2
    assert not gateway.fetch("plain", max_bytes=100).tag_count


def test_head_says_what_get_says_when_the_object_is_there(stored: Place) -> None:
    head, found = stored.head(KEY), get(stored)

    for name in ("ContentLength", "ContentType", "CacheControl", "ETag", "Metadata"):
        assert head[name] == found[name], name
    assert head["ContentLength"] == len(BODY)
    assert timedelta(0) <= datetime.now(UTC) - head["LastModified"] < timedelta(minutes=1)


def test_absent_object_is_missing(place: Place, gateway: S3Bucket) -> None:
    assert refusal(lambda: get(place)) == (404, "NoSuchKey")
    assert refusal(lambda: place.head(KEY)) == (404, "404")
    assert not gateway.exists(KEY)
    with pytest.raises(ObjectMissing):
        gateway.fetch(KEY, max_bytes=1)


def test_absent_bucket_is_no_empty_one(place: Place, gateway: S3Bucket) -> None:
    absent = S3Bucket(f"{place.name}-absent")

    assert refusal(lambda: place.s3.list_objects_v2(Bucket=absent.name)) == (404, "NoSuchBucket")
    for call in (absent.check, absent.list_page, lambda: absent.fetch(KEY, max_bytes=1)):
        with pytest.raises(StorageUnavailable):
            call()


# --- Ranges ---

RANGES = {
    "first bytes": ("bytes=0-3", b"0123", "bytes 0-3/10"),
    "middle": ("bytes=4-6", b"456", "bytes 4-6/10"),
    "open": ("bytes=7-", b"789", "bytes 7-9/10"),
    "suffix": ("bytes=-2", b"89", "bytes 8-9/10"),
    "beyond the end": ("bytes=8-99", b"89", "bytes 8-9/10"),
    "suffix beyond the start": ("bytes=-99", BODY, "bytes 0-9/10"),
}


@pytest.mark.parametrize(("asked", "given", "named"), RANGES.values(), ids=RANGES)
def test_range_is_given_when_it_is(stored: Place, asked: str, given: bytes, named: str) -> None:
    answer = get(stored, Range=asked)

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert answer["Body"].read() == given
    assert (answer["ContentRange"], answer["ContentLength"]) == (named, len(given))


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_range_is_refused_when_nothing_is_there(stored: Place, asked: str) -> None:
    assert refusal(lambda: get(stored, Range=asked)) == (416, "InvalidRange")


@pytest.mark.parametrize("asked", ["bytes=3-1", "pages=0-1", "bytes=x-y"])
def test_whole_object_is_given_when_the_range_is_none(stored: Place, asked: str) -> None:
    answer = get(stored, Range=asked)

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["Body"].read() == BODY


def test_ranges_are_announced_when_the_whole_object_is_given(stored: Place) -> None:
    assert get(stored)["AcceptRanges"] == "bytes"


# --- Conditions ---


def test_object_is_not_sent_again_when_the_reader_has_it(stored: Place) -> None:
    etag = stored.head(KEY)["ETag"]

    assert refusal(lambda: get(stored, IfNoneMatch=etag)) == (304, "304")
    assert get(stored, IfNoneMatch='"another"')["Body"].read() == BODY
    stored.put(KEY, b"changed")
    assert get(stored, IfNoneMatch=etag)["Body"].read() == b"changed"


def test_object_is_refused_when_the_reader_wants_another_version(stored: Place) -> None:
    etag = stored.head(KEY)["ETag"]

    assert refusal(lambda: get(stored, IfMatch='"another"')) == (412, "PreconditionFailed")
    assert get(stored, IfMatch=etag)["Body"].read() == BODY


def test_object_is_not_sent_again_when_it_has_not_changed_since(stored: Place) -> None:
    later = stored.head(KEY)["LastModified"] + timedelta(seconds=1)

    assert refusal(lambda: get(stored, IfModifiedSince=later)) == (304, "304")
    assert get(stored, IfModifiedSince=later - timedelta(days=1))["Body"].read() == BODY


def test_head_has_the_same_conditions_as_get(stored: Place) -> None:
    etag = stored.head(KEY)["ETag"]

    def head(**conditions: Any) -> object:
        return stored.s3.head_object(Bucket=stored.name, Key=KEY, **conditions)

    assert refusal(lambda: head(IfNoneMatch=etag)) == (304, "304")
    assert refusal(lambda: head(IfMatch='"another"')) == (412, "412")
