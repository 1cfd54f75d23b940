"""Uploads in parts"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.engines.test_reading import refusal
from tests.functional.embedded.builders import Place

KEY = "files/7/film.mp4"
LEAST = 5 * 1024 * 1024  # bytes of each part but the last
FIRST, LAST = b"a" * LEAST, b"b" * 10


def begin(place: Place) -> str:
    upload = place.s3.create_multipart_upload(
        Bucket=place.name, Key=KEY, ContentType="video/mp4", Metadata={"owner": "7"}
    )
    return upload["UploadId"]


def part_url(place: Place, upload: str, number: int) -> str:
    return place.s3.generate_presigned_url(
        "upload_part",
        {"Bucket": place.name, "Key": KEY, "UploadId": upload, "PartNumber": number},
    )


def send(place: Place, upload: str, *bodies: bytes) -> list[Any]:
    """Put parts by presigned URLs, as a browser does; return the list for completion."""
    answers = [
        place.request("PUT", part_url(place, upload, number), body=body)
        for number, body in enumerate(bodies, 1)
    ]
    assert {answer.status for answer in answers} == {200}
    return [
        {"PartNumber": number, "ETag": answer.headers["ETag"]}
        for number, answer in enumerate(answers, 1)
    ]


def complete(place: Place, upload: str, parts: list[Any], **options: Any) -> Any:
    return place.s3.complete_multipart_upload(
        Bucket=place.name,
        Key=KEY,
        UploadId=upload,
        MultipartUpload={"Parts": parts},
        **options,
    )


def test_object_is_all_its_parts_when_they_are_put_by_presigned_urls(place: Place) -> None:
    upload = begin(place)

    answer = complete(place, upload, send(place, upload, FIRST, LAST))

    head = place.head(KEY)
    assert place.body(KEY) == FIRST + LAST
    assert (head["ContentType"], head["Metadata"]) == ("video/mp4", {"owner": "7"})
    assert head["ETag"].endswith('-2"')
    assert answer["Key"] == KEY


def test_completion_tells_the_etag(place: Place) -> None:
    upload = begin(place)

    assert complete(place, upload, send(place, upload, LAST))["ETag"] == place.head(KEY)["ETag"]


def test_object_is_tagged_when_its_upload_began_so(place: Place) -> None:
    upload = place.s3.create_multipart_upload(Bucket=place.name, Key=KEY, Tagging="Status=Pending")[
        "UploadId"
    ]

    complete(place, upload, send(place, upload, LAST))

    assert place.tags(KEY) == {"Status": "Pending"}


def test_nothing_is_there_until_the_upload_is_complete(place: Place) -> None:
    upload = begin(place)
    parts = send(place, upload, FIRST, LAST)

    assert place.keys() == []
    found = place.s3.list_parts(Bucket=place.name, Key=KEY, UploadId=upload)["Parts"]
    assert [(part["PartNumber"], part["Size"], part["ETag"]) for part in found] == [
        (part["PartNumber"], size, part["ETag"])
        for part, size in zip(parts, (LEAST, 10), strict=True)
    ]
    uploads = place.s3.list_multipart_uploads(Bucket=place.name)["Uploads"]
    assert [(one["Key"], one["UploadId"]) for one in uploads] == [(KEY, upload)]


def test_part_is_replaced_when_it_is_put_again(place: Place) -> None:
    upload = begin(place)
    send(place, upload, b"first attempt")

    complete(place, upload, send(place, upload, LAST))

    assert place.body(KEY) == LAST


def test_nothing_is_left_when_the_upload_is_aborted(place: Place) -> None:
    upload = begin(place)
    parts = send(place, upload, LAST)

    place.s3.abort_multipart_upload(Bucket=place.name, Key=KEY, UploadId=upload)

    assert place.s3.list_multipart_uploads(Bucket=place.name).get("Uploads", []) == []
    with pytest.raises(ClientError):
        complete(place, upload, parts)
    assert place.request("PUT", part_url(place, upload, 1), body=LAST).status == 404
    assert place.keys() == []


BAD = {
    "small": (400, "EntityTooSmall"),
    "unknown": (400, "InvalidPart"),
    "out of order": (400, "InvalidPartOrder"),
    "of an unknown upload": (404, "NoSuchUpload"),
    "of an aborted upload": (404, "NoSuchUpload"),
}


def complete_wrongly(place: Place, mistake: str) -> None:
    upload = begin(place)
    parts = send(place, upload, LAST if mistake == "small" else FIRST, LAST)
    if mistake == "unknown":
        parts[1]["ETag"] = '"00000000000000000000000000000000"'
    if mistake == "out of order":
        parts.reverse()
    if mistake == "of an aborted upload":
        place.s3.abort_multipart_upload(Bucket=place.name, Key=KEY, UploadId=upload)
    complete(place, "unknown" if mistake == "of an unknown upload" else upload, parts)


@pytest.mark.parametrize("mistake", BAD)
def test_completion_is_refused_when_parts_are(place: Place, mistake: str) -> None:
    with pytest.raises(ClientError):
        complete_wrongly(place, mistake)

    assert place.keys() == []


@pytest.mark.parametrize("mistake", BAD)
def test_completion_is_refused_by_name_when_parts_are(place: Place, mistake: str) -> None:
    assert refusal(lambda: complete_wrongly(place, mistake)) == BAD[mistake]


@pytest.mark.parametrize(
    ("signed", "altered"),
    [("partNumber=1", "partNumber=2"), ("X-Amz-Expires=3600", "X-Amz-Expires=9999")],
    ids=["number", "life"],
)
def test_part_is_refused_when_its_url_was_altered_in(
    place: Place, signed: str, altered: str
) -> None:
    upload = begin(place)
    url = part_url(place, upload, 1)
    assert signed in url

    assert place.request("PUT", url.replace(signed, altered), body=LAST).status == 403
    listed = place.s3.list_parts(Bucket=place.name, Key=KEY, UploadId=upload)
    assert listed.get("Parts", []) == []


def test_completion_is_refused_when_the_object_is_there_and_must_not_be(place: Place) -> None:
    place.put(KEY, b"first")
    upload = begin(place)
    parts = send(place, upload, LAST)

    assert refusal(lambda: complete(place, upload, parts, IfNoneMatch="*"))[0] == 412
    assert place.body(KEY) == b"first"
