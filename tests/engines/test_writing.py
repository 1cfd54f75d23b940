"""Writing objects"""

import base64
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws.bucket import S3Bucket
from tests.engines.engines import signer
from tests.engines.test_reading import refusal
from tests.functional.embedded.builders import Place

KEY = "avatars/7/x.webp"
BODY = b"0123456789"


def put(place: Place, body: bytes = BODY, **options: Any) -> Any:
    return place.s3.put_object(Bucket=place.name, Key=KEY, Body=body, **options)


def test_object_is_as_the_gateway_wrote_it(place: Place, gateway: S3Bucket) -> None:
    place.put(KEY, b"old", Metadata={"owner": "7"}, Tagging="Status=Pending")

    gateway.put(KEY, BODY, content_type="image/webp", cache_control="private, immutable")

    head = place.head(KEY)
    assert place.body(KEY) == BODY
    assert (head["ContentType"], head["CacheControl"]) == ("image/webp", "private, immutable")
    assert head["Metadata"] == {}
    assert place.tags(KEY) == {}


def test_object_is_read_as_written_at_once_when_it_is_replaced(place: Place) -> None:
    for number in range(20):
        put(place, str(number).encode())
        assert place.body(KEY) == str(number).encode()


@pytest.mark.parametrize("key", ["a b+c%2F&=?#", "é/ü 😀", "<&>'\"", "a//b", "x" * 1024])
def test_key_comes_back_as_it_was_when_it_holds(place: Place, key: str) -> None:
    place.put(key, BODY)

    assert place.keys() == [key]
    assert place.body(key) == BODY
    place.s3.delete_object(Bucket=place.name, Key=key)
    assert place.keys() == []


# --- Conditions ---


def test_object_is_written_only_when_there_was_none(place: Place) -> None:
    put(place, IfNoneMatch="*")

    assert refusal(lambda: put(place, b"other", IfNoneMatch="*")) == (412, "PreconditionFailed")
    assert place.body(KEY) == BODY
    place.s3.delete_object(Bucket=place.name, Key=KEY)
    put(place, b"other", IfNoneMatch="*")
    assert place.body(KEY) == b"other"


def test_object_is_written_when_it_is_still_the_one_read(place: Place) -> None:
    etag = put(place)["ETag"]

    put(place, b"second", IfMatch=etag)

    assert place.body(KEY) == b"second"


def test_object_stays_as_it_was_when_it_is_no_more_the_one_read(place: Place) -> None:
    etag = put(place)["ETag"]
    put(place, b"second")

    assert refusal(lambda: put(place, b"third", IfMatch=etag)) == (412, "PreconditionFailed")
    assert place.body(KEY) == b"second"


def test_one_write_wins_when_many_write_where_there_was_none(place: Place) -> None:
    def attempt(number: int) -> int:
        try:
            put(place, str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
        return 200

    with ThreadPoolExecutor(16) as threads:
        statuses = list(threads.map(attempt, range(48)))

    assert statuses.count(200) == 1
    assert place.body(KEY) == str(statuses.index(200)).encode()
    # 409 is what AWS documents for a conflict with another write on its way.
    assert set(statuses) <= {200, 409, 412}


def test_presigned_url_is_good_for_one_write_when_it_says_so(place: Place) -> None:
    url = place.s3.generate_presigned_url(
        "put_object", {"Bucket": place.name, "Key": KEY, "IfNoneMatch": "*"}
    )
    once = {"If-None-Match": "*"}

    statuses = [place.request("PUT", url, headers=once, body=BODY).status for _ in range(2)]

    assert statuses == [200, 412]
    assert place.request("PUT", url, body=b"other").status == 403
    assert place.body(KEY) == BODY


# --- Tags ---


def test_tags_are_changed_when_asked(place: Place) -> None:
    place.put(KEY, Tagging="Status=Pending")

    place.s3.put_object_tagging(
        Bucket=place.name, Key=KEY, Tagging={"TagSet": [{"Key": "b", "Value": "2"}]}
    )
    assert place.tags(KEY) == {"b": "2"}
    place.s3.delete_object_tagging(Bucket=place.name, Key=KEY)
    assert place.tags(KEY) == {}


# --- Bodies that are not what was said, and senders who are not who they say ---


def _digest(name: str) -> str:
    return base64.b64encode(hashlib.new(name, b"another body").digest()).decode()


BAD: dict[str, tuple[Callable[[Place], Any], str]] = {
    "MD5": (lambda place: put(place, ContentMD5=_digest("md5")), "BadDigest"),
    "checksum": (lambda place: put(place, ChecksumSHA256=_digest("sha256")), "BadDigest"),
    "signed digest": (
        lambda place: _put_with_signed(place, b"another body"),
        "XAmzContentSHA256Mismatch",
    ),
}


def _put_with_signed(place: Place, signed: bytes) -> None:
    url = place.object_url(KEY)
    answer = place.request("PUT", url, headers=signer().headers("PUT", url, body=signed), body=BODY)
    code = answer.data.decode().partition("<Code>")[2].partition("</Code>")[0]
    raise ClientError({"Error": {"Code": code}}, "PutObject")


@pytest.mark.parametrize(("sent", "code"), BAD.values(), ids=BAD)
def test_nothing_is_stored_when_the_body_is_not_that_of_the(
    place: Place, sent: Callable[[Place], Any], code: str
) -> None:
    with pytest.raises(ClientError) as caught:
        sent(place)

    assert caught.value.response["Error"]["Code"] == code
    assert place.keys() == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret_key": "another"}, "SignatureDoesNotMatch"),
        ({"access_key": "AKIDNOBODY"}, "InvalidAccessKeyId"),
    ],
    ids=["secret wrong", "access key unknown"],
)
def test_nothing_is_stored_when_the_sender_is_unknown(
    place: Place, changes: dict[str, str], code: str
) -> None:
    url = place.object_url(KEY)
    headers = signer(**changes).headers("PUT", url, body=BODY)

    answer = place.request("PUT", url, headers=headers, body=BODY)

    assert answer.status == 403
    assert f"<Code>{code}</Code>" in answer.data.decode()
    assert place.keys() == []
