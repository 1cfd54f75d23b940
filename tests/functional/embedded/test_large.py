"""Large bodies go through the embedded server piece by piece, and are kept once.

What is asked of uploads in parts is in tests/engines/test_multipart.py.
"""

import base64
import hashlib
import os
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from embedded_aws.contents import ARENA, Content
from embedded_aws.multipart import MIN_PART
from tests.functional.embedded.builders import KEY, Place, Signer, error_of

MANY = MIN_PART + 1


@pytest.fixture
def never_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if the server reads a body of an object as a whole."""
    read = Content.read

    def guarded(content: Content) -> bytes:
        assert content.size < MIN_PART, "it was read as a whole"
        return read(content)

    monkeypatch.setattr(Content, "read", guarded)


def put(place: Place, body: bytes, **part: Any) -> str:
    """Put an object or a part by a presigned URL; return its ETag."""
    operation = "upload_part" if part else "put_object"
    params = {"Bucket": place.name, "Key": KEY, "ContentLength": len(body), **part}
    url = place.s3.generate_presigned_url(operation, params)
    answer = place.request("PUT", url, body=body)
    assert answer.status == 200
    return str(answer.headers["ETag"])


def put_in_parts(place: Place, *bodies: bytes, **options: Any) -> None:
    upload = place.s3.create_multipart_upload(Bucket=place.name, Key=KEY, **options)["UploadId"]
    parts: Any = [
        {"PartNumber": number, "ETag": put(place, body, UploadId=upload, PartNumber=number)}
        for number, body in enumerate(bodies, 1)
    ]
    place.s3.complete_multipart_upload(
        Bucket=place.name, Key=KEY, UploadId=upload, MultipartUpload={"Parts": parts}
    )


def get(place: Place, key: str = KEY, **headers: str) -> Any:
    url = place.s3.generate_presigned_url("get_object", {"Bucket": place.name, "Key": key})
    return place.request("GET", url, headers=headers)


@pytest.mark.usefixtures("never_whole")
def test_object_is_never_read_as_a_whole(place: Place) -> None:
    first, last = os.urandom(MANY), os.urandom(100)

    put(place, first)
    assert get(place).data == first
    put_in_parts(place, first, last)
    assert get(place).data == first + last
    assert get(place, Range=f"bytes={MANY - 2}-{MANY + 1}").data == (first + last)[MANY - 2 :][:4]
    place.s3.copy_object(Bucket=place.name, Key="copy", CopySource=f"{place.name}/{KEY}")
    assert get(place, "copy").data == first + last


def test_upload_is_unknown_when_it_is_complete(place: Place) -> None:
    """AWS takes a repeated completion for some hours; others do not, and so neither does this."""
    upload = place.s3.create_multipart_upload(Bucket=place.name, Key=KEY)["UploadId"]
    parts: Any = [{"PartNumber": 1, "ETag": put(place, b"x", UploadId=upload, PartNumber=1)}]
    asked: Any = {"Bucket": place.name, "Key": KEY, "UploadId": upload}
    place.s3.complete_multipart_upload(**asked, MultipartUpload={"Parts": parts})

    requests: list[Callable[[], Any]] = [
        lambda: place.s3.complete_multipart_upload(**asked, MultipartUpload={"Parts": parts}),
        lambda: place.s3.abort_multipart_upload(**asked),
        lambda: place.s3.list_parts(**asked),
        lambda: place.s3.upload_part(**asked, PartNumber=1, Body=b"x"),
    ]
    for again in requests:
        with pytest.raises(place.s3.exceptions.NoSuchUpload):
            again()
    assert place.body(KEY) == b"x"


def test_disk_is_free_again_when_nothing_is_left(place: Place) -> None:
    before = ARENA.used
    put_in_parts(place, os.urandom(MANY), os.urandom(MANY))
    place.s3.copy_object(Bucket=place.name, Key="copy", CopySource=f"{place.name}/{KEY}")
    assert ARENA.used == before + 2 * MANY

    place.s3.delete_object(Bucket=place.name, Key=KEY)
    assert ARENA.used == before + 2 * MANY
    place.s3.delete_object(Bucket=place.name, Key="copy")
    assert ARENA.used == before


def test_disk_is_free_again_when_the_upload_is_aborted_or_replaced(place: Place) -> None:
    before = ARENA.used
    upload = place.s3.create_multipart_upload(Bucket=place.name, Key=KEY)["UploadId"]
    for _ in range(2):
        put(place, os.urandom(MANY), UploadId=upload, PartNumber=1)

    place.s3.abort_multipart_upload(Bucket=place.name, Key=KEY, UploadId=upload)

    assert ARENA.used == before


def test_download_goes_on_when_the_object_is_deleted(place: Place) -> None:
    """The first bytes are read before the object is gone, the others after that."""
    body = os.urandom(8 * MANY)  # more than what connection and server hold back
    put(place, body)
    params = {"Bucket": place.name, "Key": KEY}
    url = place.s3.generate_presigned_url("get_object", params)
    answer = place.http.request("GET", url, preload_content=False)
    start = answer.read(10)

    place.s3.delete_object(Bucket=place.name, Key=KEY)

    assert start + answer.read() == body
    assert place.keys() == []


def test_server_goes_on_when_a_client_leaves_a_download(place: Place) -> None:
    put(place, os.urandom(MANY))
    path = Signer().presign("GET", place.object_url(KEY))[len(place.endpoint) :]
    host = urlsplit(place.endpoint)
    with socket.create_connection((str(host.hostname), int(host.port or 0))) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host.netloc}\r\n\r\n".encode())
        assert connection.recv(12) == b"HTTP/1.1 200"

    assert len(get(place).data) == MANY


def test_checksum_of_parts_is_told_when_it_was_asked_for(place: Place) -> None:
    put_in_parts(place, b"a" * MIN_PART, b"b", ChecksumAlgorithm="SHA256")

    head = place.s3.get_object(Bucket=place.name, Key=KEY, ChecksumMode="ENABLED")
    head["Body"].close()

    each = hashlib.sha256(b"a" * MIN_PART).digest() + hashlib.sha256(b"b").digest()
    expected = base64.b64encode(hashlib.sha256(each).digest()).decode()
    assert head["ChecksumSHA256"] == f"{expected}-2"
    assert head["ChecksumType"] == "COMPOSITE"


@pytest.mark.parametrize("version", ["none", "null"])
def test_version_is_served_when_it_is_asked_for(place: Place, version: str) -> None:
    put(place, b"old")
    url = place.s3.generate_presigned_url(
        "get_object", {"Bucket": place.name, "Key": KEY, "VersionId": version}
    )

    answer = place.request("GET", url)

    assert (answer.status, answer.data[:3]) in {(200, b"old"), (404, b"<?x")}
    assert (answer.status == 200) is (version == "null")


def test_each_version_is_served_when_there_are_several(place: Place) -> None:
    place.s3.put_bucket_versioning(Bucket=place.name, VersioningConfiguration={"Status": "Enabled"})
    versions = [
        place.s3.put_object(Bucket=place.name, Key=KEY, Body=body)["VersionId"]
        for body in (b"first", b"second")
    ]

    bodies = [
        place.s3.get_object(Bucket=place.name, Key=KEY, VersionId=version)["Body"].read()
        for version in versions
    ]

    assert bodies == [b"first", b"second"]
    assert place.body(KEY) == b"second"
    place.s3.delete_object(Bucket=place.name, Key=KEY)
    assert error_of(get(place))[:2] == (404, "NoSuchKey")
