"""Uploads in parts"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.engines.engines import LARGE_ENGINES
from tests.engines.test_reading import refusal
from tests.functional.embedded.builders import Place

ASKED = LARGE_ENGINES
KEY = "files/7/film.mp4"
LEAST = 5 * 1024 * 1024  # bytes of each part but the last
FIRST, LAST = b"a" * LEAST, b"b" * 10


def begin(place: Place) -> str:
    upload = place.s3.create_multipart_upload(
        Bucket=place.name, Key=KEY, ContentType="video/mp4", Metadata={"owner": "7"}
    )
    return upload["UploadId"]


def part_url(place: Place, upload: str, number: int, **signed: Any) -> str:
    return place.s3.generate_presigned_url(
        "upload_part",
        {"Bucket": place.name, "Key": KEY, "UploadId": upload, "PartNumber": number, **signed},
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
    asked: dict[str, Any] = {"Bucket": place.name, "Key": KEY, "UploadId": upload, **options}
    return place.s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **asked)


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


@pytest.mark.case(54)
@pytest.mark.parametrize("body", [LAST[:-1], LAST + b"x"], ids=["shorter", "longer"])
def test_part_is_refused_when_it_is_not_as_long_as_signed(place: Place, body: bytes) -> None:
    upload = begin(place)
    url = part_url(place, upload, 1, ContentLength=len(LAST))

    assert place.request("PUT", url, body=body).status in {400, 403}
    assert numbers(place, upload) == []
    assert place.request("PUT", url, body=LAST).status == 200


def test_another_object_is_not_copied_when_its_key_is_added_to_a_part(place: Place) -> None:
    place.put("files/8/secret", b"not yours!")
    upload = begin(place)
    url = part_url(place, upload, 1, ContentLength=len(LAST))
    source = {"x-amz-copy-source": f"{place.name}/files/8/secret"}

    assert place.request("PUT", url, headers=source, body=LAST).status in {400, 403}
    assert numbers(place, upload) == []


@pytest.mark.case(52)
@pytest.mark.parametrize("number", [0, 10_001])
def test_part_is_refused_when_its_number_is(place: Place, number: int) -> None:
    upload = begin(place)

    assert place.request("PUT", part_url(place, upload, number), body=LAST).status == 400
    assert numbers(place, upload) == []


def test_part_may_have_the_highest_number(place: Place) -> None:
    upload = begin(place)
    answer = place.request("PUT", part_url(place, upload, 10_000), body=LAST)

    complete(place, upload, [{"PartNumber": 10_000, "ETag": answer.headers["ETag"]}])

    assert place.body(KEY) == LAST


# --- Lists ---


def numbers(place: Place, upload: str, **page: Any) -> list[int]:
    """Return the numbers of the parts that are there, or of one page of them."""
    listed = place.s3.list_parts(Bucket=place.name, Key=KEY, UploadId=upload, **page)
    return [part["PartNumber"] for part in listed.get("Parts", [])]


def test_parts_are_listed_page_by_page_when_some_are_missing(place: Place) -> None:
    upload = begin(place)
    for number in (2, 3, 5, 8, 9):
        assert place.request("PUT", part_url(place, upload, number), body=LAST).status == 200

    pages = place.s3.get_paginator("list_parts").paginate(
        Bucket=place.name, Key=KEY, UploadId=upload, PaginationConfig={"PageSize": 2}
    )

    found = [[part["PartNumber"] for part in page["Parts"]] for page in pages]
    assert found == [[2, 3], [5, 8], [9]]
    assert numbers(place, upload, PartNumberMarker=4, MaxParts=1) == [5]
    assert numbers(place, upload, PartNumberMarker=9) == []


def test_page_holds_a_thousand_parts_when_there_are_more(place: Place) -> None:
    upload = begin(place)
    for number in range(1, 1003):
        place.s3.upload_part(
            Bucket=place.name, Key=KEY, UploadId=upload, PartNumber=number, Body=b"x"
        )

    page = place.s3.list_parts(Bucket=place.name, Key=KEY, UploadId=upload)

    assert (len(page["Parts"]), page["IsTruncated"]) == (1000, True)
    assert page["NextPartNumberMarker"] == 1000
    assert numbers(place, upload, PartNumberMarker=1000) == [1001, 1002]


def test_uploads_are_listed_by_prefix_with_the_time_they_began(place: Place) -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    begun = {}
    for key in ("files/7/a", "files/7/b", "files/71/c", "other/d"):
        answer = place.s3.create_multipart_upload(Bucket=place.name, Key=key)
        begun[key] = answer["UploadId"]

    uploads = place.s3.list_multipart_uploads(Bucket=place.name, Prefix="files/7/")["Uploads"]

    found = {upload["Key"]: upload["UploadId"] for upload in uploads}
    assert found == {key: begun[key] for key in ("files/7/a", "files/7/b")}
    assert all(upload["Initiated"] > before for upload in uploads)


def test_uploads_are_listed_page_by_page_when_several_are_of_one_key(place: Place) -> None:
    begun = []
    for key in ("files/7/a", "files/7/b", "files/7/b", "files/7/b", "files/7/c"):
        answer = place.s3.create_multipart_upload(Bucket=place.name, Key=key)
        begun.append((key, answer["UploadId"]))

    pages = place.s3.get_paginator("list_multipart_uploads").paginate(
        Bucket=place.name, Prefix="files/", PaginationConfig={"PageSize": 2}
    )

    found = [[(one["Key"], one["UploadId"]) for one in page["Uploads"]] for page in pages]
    assert [len(page) for page in found] == [2, 2, 1]
    assert sorted(chain.from_iterable(found)) == sorted(begun)


# --- Completion ---


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
    "missing": (400, "InvalidPart"),
    "out of order": (400, "InvalidPartOrder"),
    "named twice": (400, "InvalidPartOrder"),
    "none": (400, "MalformedXML"),
    "of another upload": (400, "InvalidPart"),
    "of an upload for another key": (404, "NoSuchUpload"),
    "too short together": (400, "InvalidRequest"),
    "of an unknown upload": (404, "NoSuchUpload"),
    "of an aborted upload": (404, "NoSuchUpload"),
}


def complete_wrongly(place: Place, mistake: str) -> None:
    upload = begin(place)
    parts = send(place, upload, LAST if mistake == "small" else FIRST, LAST)
    options: dict[str, Any] = {}
    match mistake:
        case "unknown":
            parts[1]["ETag"] = '"00000000000000000000000000000000"'
        case "missing":
            parts.append({"PartNumber": 3, "ETag": parts[1]["ETag"]})
        case "out of order":
            parts.reverse()
        case "named twice":
            parts.append(parts[1])
        case "none":
            parts = []
        case "of another upload":
            upload = begin(place)
            send(place, upload, FIRST)
        case "of an aborted upload":
            place.s3.abort_multipart_upload(Bucket=place.name, Key=KEY, UploadId=upload)
        case "of an unknown upload":
            upload = "unknown"
        case "of an upload for another key":
            options["Key"] = f"{KEY}-another"
        case "too short together":
            options["MpuObjectSize"] = LEAST + len(LAST) + 1
    complete(place, upload, parts, **options)


@pytest.mark.case(52)
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


def test_parts_stay_when_a_completion_was_refused(place: Place) -> None:
    upload = begin(place)
    parts = send(place, upload, FIRST, LAST)

    with pytest.raises(ClientError):
        complete(place, upload, [parts[0], {**parts[1], "PartNumber": 3}])

    complete(place, upload, parts, MpuObjectSize=LEAST + len(LAST), IfNoneMatch="*")
    assert place.head(KEY)["ContentLength"] == LEAST + len(LAST)


def test_object_has_the_parts_that_are_named_alone(place: Place) -> None:
    upload = begin(place)
    parts = send(place, upload, FIRST, LAST, b"left out")

    complete(place, upload, parts[:2])

    assert place.body(KEY) == FIRST + LAST


@pytest.mark.case(53)
def test_object_stays_when_its_upload_is_completed_or_aborted_again(place: Place) -> None:
    """AWS answers both with success for a while, and documents `NoSuchUpload`."""
    upload = begin(place)
    parts = send(place, upload, LAST)
    complete(place, upload, parts)
    etag = place.head(KEY)["ETag"]
    asked: Any = {"Bucket": place.name, "Key": KEY, "UploadId": upload}

    with suppress(place.s3.exceptions.NoSuchUpload):
        complete(place, upload, parts)
    with suppress(place.s3.exceptions.NoSuchUpload):
        place.s3.abort_multipart_upload(**asked)
    with pytest.raises(ClientError):
        place.s3.list_parts(**asked)

    assert place.request("PUT", part_url(place, upload, 2), body=LAST).status == 404
    assert place.body(KEY) == LAST
    assert place.head(KEY)["ETag"] == etag
    assert place.s3.list_multipart_uploads(Bucket=place.name).get("Uploads", []) == []


# --- What was made of parts ---


@pytest.mark.parametrize(
    ("first", "last"),
    [(LEAST - 3, LEAST + 2), (0, 4), (LEAST, LEAST), (LEAST + 9, LEAST + 9)],
    ids=["over two parts", "in the first", "at the start of the second", "the last byte"],
)
def test_range_is_given_when_it_lies(place: Place, first: int, last: int) -> None:
    upload = begin(place)
    complete(place, upload, send(place, upload, FIRST, LAST))

    answer = place.s3.get_object(Bucket=place.name, Key=KEY, Range=f"bytes={first}-{last}")

    assert answer["Body"].read() == (FIRST + LAST)[first : last + 1]
    assert answer["ContentRange"] == f"bytes {first}-{last}/{LEAST + 10}"


def test_copy_stays_when_its_source_is_gone(place: Place) -> None:
    upload = begin(place)
    complete(place, upload, send(place, upload, FIRST, LAST))

    place.s3.copy_object(Bucket=place.name, Key="copy", CopySource=f"{place.name}/{KEY}")
    place.s3.delete_object(Bucket=place.name, Key=KEY)

    assert place.keys() == ["copy"]
    assert place.body("copy") == FIRST + LAST
    assert place.head("copy")["Metadata"] == {"owner": "7"}


def test_object_is_made_of_ranges_of_another(place: Place) -> None:
    place.put("source", FIRST + LAST)
    upload = begin(place)
    parts = []
    for number, asked in enumerate((f"bytes=0-{LEAST - 1}", f"bytes={LEAST}-{LEAST + 9}"), 1):
        answer = place.s3.upload_part_copy(
            Bucket=place.name,
            Key=KEY,
            UploadId=upload,
            PartNumber=number,
            CopySource=f"{place.name}/source",
            CopySourceRange=asked,
        )
        parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})

    complete(place, upload, parts)

    assert place.body(KEY) == FIRST + LAST


def test_range_to_copy_is_refused_when_it_is_past_the_end(place: Place) -> None:
    place.put("source", LAST)
    upload = begin(place)

    with pytest.raises(ClientError):
        place.s3.upload_part_copy(
            Bucket=place.name,
            Key=KEY,
            UploadId=upload,
            PartNumber=1,
            CopySource=f"{place.name}/source",
            CopySourceRange="bytes=5-10",
        )
    assert numbers(place, upload) == []
