"""What the application relies on in moto's S3, through the embedded server."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from tests.functional.embedded.builders import KEY, PNG, Place, Signer, error_of


def test_one_writer_wins_when_several_write_on_the_condition_of_none(place: Place) -> None:
    url = Signer().presign("PUT", place.object_url(KEY), headers={"if-none-match": "*"})
    bodies = [f"writer {number}".encode() for number in range(16)]

    def write(body: bytes) -> int:
        return place.request("PUT", url, body=body, headers={"If-None-Match": "*"}).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(write, bodies))

    assert sorted(statuses) == [200] + [412] * 15
    assert place.body(KEY) == bodies[statuses.index(200)]


def test_object_comes_with_metadata_type_and_count_of_tags(place: Place) -> None:
    place.put(KEY, ContentType="image/png", Metadata={"upload_token": "x"}, Tagging="a=1&b=2")

    answer = place.s3.get_object(Bucket=place.name, Key=KEY)
    answer["Body"].close()

    assert answer["Metadata"] == {"upload_token": "x"}
    assert answer["ContentType"] == "image/png"
    assert answer["TagCount"] == 2
    assert answer["ETag"] == place.head(KEY)["ETag"]


@pytest.mark.parametrize(
    ("asked", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, PNG[:4], f"bytes 0-3/{len(PNG)}"),
        ("bytes=4-", 206, PNG[4:], f"bytes 4-{len(PNG) - 1}/{len(PNG)}"),
        ("bytes=-3", 206, PNG[-3:], f"bytes {len(PNG) - 3}-{len(PNG) - 1}/{len(PNG)}"),
    ],
)
def test_part_of_an_object_is_served_when_a_range_is_asked_for(
    place: Place, asked: str, status: int, body: bytes, content_range: str
) -> None:
    place.put(KEY)
    url = Signer().presign("GET", place.object_url(KEY))

    response = place.request("GET", url, headers={"Range": asked})

    assert (response.status, response.data) == (status, body)
    assert response.headers["Content-Range"] == content_range


def test_range_is_refused_when_past_the_end(place: Place) -> None:
    place.put(KEY)
    url = Signer().presign("GET", place.object_url(KEY))

    response = place.request("GET", url, headers={"Range": "bytes=1000-"})

    assert error_of(response)[:2] == (416, "InvalidRange")


def test_several_objects_are_deleted_in_one_request(place: Place) -> None:
    for key in ("a", "b & <c>", "kept"):
        place.put(key)

    answer = place.s3.delete_objects(
        Bucket=place.name, Delete={"Objects": [{"Key": "a"}, {"Key": "b & <c>"}, {"Key": "none"}]}
    )

    assert "Errors" not in answer
    assert place.keys() == ["kept"]


def test_listing_goes_on_where_it_was_left(place: Place) -> None:
    for number in range(7):
        place.put(f"avatars/{number}")
    place.put("pending/0")

    pages = place.s3.get_paginator("list_objects_v2").paginate(
        Bucket=place.name, Prefix="avatars/", PaginationConfig={"PageSize": 3}
    )
    later = place.s3.list_objects_v2(Bucket=place.name, StartAfter="avatars/4")

    keys = [[item["Key"][-1] for item in page["Contents"]] for page in pages]
    assert keys == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
    assert [item["Key"] for item in later["Contents"]] == ["avatars/5", "avatars/6", "pending/0"]


def test_objects_are_written_in_parts(place: Place) -> None:
    upload = place.s3.create_multipart_upload(Bucket=place.name, Key=KEY, Tagging="Status=Pending")
    part = place.s3.upload_part(
        Bucket=place.name, Key=KEY, UploadId=upload["UploadId"], PartNumber=1, Body=PNG
    )
    place.s3.complete_multipart_upload(
        Bucket=place.name,
        Key=KEY,
        UploadId=upload["UploadId"],
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )

    assert place.body(KEY) == PNG
    assert place.tags(KEY) == {"Status": "Pending"}


def test_errors_of_moto_come_through_when_the_request_is_good(place: Place) -> None:
    with pytest.raises(ClientError) as caught:
        place.s3.get_object(Bucket=place.name, Key="none")

    assert caught.value.response["Error"]["Code"] == "NoSuchKey"
