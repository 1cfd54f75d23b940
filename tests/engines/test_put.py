"""Uploads by one presigned PUT"""

import http.client
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from tests.engines.engines import LARGE_ENGINES
from tests.functional.embedded.builders import Place

ASKED = LARGE_ENGINES
KEY = "files/7/film.mp4"
BODY = b"0123456789"
TYPE = "video/mp4"
SIGNED: dict[str, Any] = {
    "ContentLength": len(BODY),
    "ContentType": TYPE,
    "IfNoneMatch": "*",
    "Metadata": {"owner": "7", "name": "ZmlsbS5tcDQ", "size": str(len(BODY))},
    "Tagging": "Status=Pending",
}
HEADERS = {
    "Content-Type": TYPE,
    "If-None-Match": "*",
    "x-amz-meta-owner": "7",
    "x-amz-meta-name": "ZmlsbS5tcDQ",
    "x-amz-meta-size": str(len(BODY)),
    "x-amz-tagging": "Status=Pending",
}


def url(place: Place, **changes: Any) -> str:
    params = {"Bucket": place.name, "Key": KEY, **SIGNED, **changes}
    return place.s3.generate_presigned_url("put_object", params)


def put(place: Place, body: bytes = BODY, changes: dict[str, str | None] | None = None) -> int:
    """Put the object as its URL says, but for ``changes`` to the headers; return the status."""
    sent: dict[str, str | None] = {**HEADERS, **(changes or {})}
    headers = {name: value for name, value in sent.items() if value is not None}
    return place.request("PUT", url(place), headers=headers, body=body).status


def test_object_is_as_its_url_says(place: Place) -> None:
    assert put(place) == 200

    head = place.head(KEY)
    assert place.body(KEY) == BODY
    assert (head["ContentLength"], head["ContentType"]) == (len(BODY), TYPE)
    assert head["Metadata"] == SIGNED["Metadata"]
    assert place.tags(KEY) == {"Status": "Pending"}


def test_length_is_signed(place: Place) -> None:
    signed = urlsplit(url(place)).query

    assert "content-length" in signed.partition("X-Amz-SignedHeaders=")[2].partition("&")[0]


def test_object_is_written_once_when_its_url_is_used_again(place: Place) -> None:
    assert [put(place), put(place), put(place, b"9876543210")] == [200, 412, 412]
    assert place.body(KEY) == BODY


@pytest.mark.case(54)
@pytest.mark.parametrize("body", [BODY[:-1], BODY + b"x", b""], ids=["shorter", "longer", "empty"])
def test_nothing_is_stored_when_the_body_is(place: Place, body: bytes) -> None:
    assert put(place, body) in {400, 403}
    assert place.keys() == []


CHANGED: dict[str, dict[str, str | None]] = {
    "another type": {"Content-Type": "text/html"},
    "no type": {"Content-Type": None},
    "no condition": {"If-None-Match": None},
    "another condition": {"If-None-Match": '"d41d8cd98f00b204e9800998ecf8427e"'},
    "another owner": {"x-amz-meta-owner": "8"},
    "no size": {"x-amz-meta-size": None},
    "another tag": {"x-amz-tagging": "Status=Live"},
    "no tag": {"x-amz-tagging": None},
    "more metadata": {"x-amz-meta-more": "1"},
    "an ACL": {"x-amz-acl": "private"},
}


@pytest.mark.parametrize("changes", CHANGED.values(), ids=CHANGED)
def test_nothing_is_stored_when_the_request_has(
    place: Place, changes: dict[str, str | None]
) -> None:
    assert put(place, changes=changes) in {400, 403}
    assert place.keys() == []


def test_another_object_is_not_copied_when_its_key_is_added_to_the_request(place: Place) -> None:
    place.put("files/8/secret", b"not yours!")

    status = put(
        place,
        changes={
            "x-amz-copy-source": f"{place.name}/files/8/secret",
            "x-amz-metadata-directive": "REPLACE",
        },
    )

    assert status in {400, 403}
    assert place.keys() == ["files/8/secret"]


@pytest.mark.case(54)
def test_nothing_is_stored_when_the_client_goes_away_in_the_middle(place: Place) -> None:
    signed = urlsplit(url(place))
    connection = http.client.HTTPConnection(signed.netloc)
    connection.putrequest("PUT", f"{signed.path}?{signed.query}")
    for name, value in {**HEADERS, "Content-Length": str(len(BODY))}.items():
        connection.putheader(name, value)
    connection.endheaders(BODY[:-1])
    connection.close()

    place.put("another", BODY)
    assert place.keys() == ["another"]


def test_tag_is_gone_when_it_was_taken_off(place: Place) -> None:
    put(place)

    for _ in range(2):
        place.s3.delete_object_tagging(Bucket=place.name, Key=KEY)

    assert place.tags(KEY) == {}
    head = place.head(KEY)
    assert (head["Metadata"], head["ContentType"]) == (SIGNED["Metadata"], TYPE)
    assert put(place) == 412
    assert place.tags(KEY) == {}


def test_absence_is_named_when_a_tag_is_taken_off_nothing(place: Place) -> None:
    with pytest.raises(ClientError, match="NoSuchKey"):
        place.s3.delete_object_tagging(Bucket=place.name, Key=KEY)


def test_copy_has_bytes_type_and_metadata_when_nothing_else_is_said(place: Place) -> None:
    put(place)
    place.s3.delete_object_tagging(Bucket=place.name, Key=KEY)

    etag = place.head(KEY)["ETag"]
    place.s3.copy_object(
        Bucket=place.name, Key="copy", CopySource=f"{place.name}/{KEY}", CopySourceIfMatch=etag
    )

    head = place.head("copy")
    assert place.body("copy") == BODY
    assert (head["Metadata"], head["ContentType"]) == (SIGNED["Metadata"], TYPE)
    assert (head["ETag"], place.tags("copy")) == (etag, {})


def test_copy_keeps_the_tags_when_there_are_some(place: Place) -> None:
    put(place)

    place.s3.copy_object(Bucket=place.name, Key="copy", CopySource=f"{place.name}/{KEY}")

    assert place.tags("copy") == {"Status": "Pending"}


def test_nothing_is_copied_when_the_source_is_another_by_now(place: Place) -> None:
    place.put(KEY, BODY)
    etag = place.head(KEY)["ETag"]
    place.put(KEY, b"other")

    with pytest.raises(ClientError, match="PreconditionFailed"):
        place.s3.copy_object(
            Bucket=place.name, Key="copy", CopySource=f"{place.name}/{KEY}", CopySourceIfMatch=etag
        )
    assert place.keys() == [KEY]


def test_nothing_is_copied_when_the_target_is_there_and_must_not_be(place: Place) -> None:
    place.put(KEY, BODY)
    place.put("copy", b"first")

    with pytest.raises(ClientError, match="PreconditionFailed"):
        place.s3.copy_object(
            Bucket=place.name, Key="copy", CopySource=f"{place.name}/{KEY}", IfNoneMatch="*"
        )
    assert place.body("copy") == b"first"


def test_metadata_is_refused_when_it_takes_more_than_2_kb(place: Place) -> None:
    place.put("most", BODY, Metadata={"name": "x" * 2044})

    with pytest.raises(ClientError, match="MetadataTooLarge"):
        place.put("more", BODY, Metadata={"name": "x" * 2045})
    assert place.keys() == ["most"]


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("bytes=0-0", b"0"),
        ("bytes=5-", b"56789"),
        ("bytes=-3", b"789"),
        ("bytes=8-100", b"89"),
    ],
)
def test_part_of_an_object_is_downloaded_when_its_url_is_presigned(
    place: Place, asked: str, given: bytes
) -> None:
    place.put(KEY, BODY)
    disposition = "attachment; filename*=UTF-8''film%20%C3%BC.mp4"
    signed = place.s3.generate_presigned_url(
        "get_object",
        {
            "Bucket": place.name,
            "Key": KEY,
            "ResponseContentDisposition": disposition,
            "ResponseContentType": TYPE,
        },
    )

    answer = place.request("GET", signed, headers={"Range": asked})

    assert (answer.status, answer.data) == (206, given)
    assert answer.headers["Content-Length"] == str(len(given))
    assert answer.headers["Content-Range"].endswith(f"/{len(BODY)}")
    assert answer.headers["Content-Disposition"] == disposition
    assert answer.headers["Content-Type"] == TYPE
