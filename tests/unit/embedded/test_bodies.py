"""A body is taken if it is what its headers say."""

import base64
import io
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.bodies import MAX_DOCUMENT, MAX_OBJECT, take_body
from embedded_aws.errors import S3Error
from embedded_aws.messages import RAW_HEADERS, Request

FRAMED = {
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "x-amz-trailer": "x-amz-checksum-crc32",
}


def request(body: bytes, headers: dict[str, str], target: str = "/b/k", method: str = "PUT") -> Any:
    return Request.of(
        {
            "REQUEST_METHOD": method,
            "RAW_URI": target,
            "PATH_INFO": "/",
            RAW_HEADERS: list(headers.items()),
            "wsgi.input": io.BytesIO(body),
        }
    )


def refusal(body: bytes, headers: dict[str, str], **options: str) -> tuple[int, str]:
    with pytest.raises(S3Error) as caught:
        take_body(request(body, headers, **options))
    return caught.value.status, caught.value.code


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def framed(pieces: list[bytes], trailer: str) -> bytes:
    chunks = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces if piece)
    return chunks + f"0\r\n{trailer}\r\n\r\n".encode()


def headers_for(size: int) -> dict[str, str]:
    return {**FRAMED, "x-amz-decoded-content-length": str(size)}


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_framed_body_is_what_its_chunks_hold(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    sent = framed(pieces, f"x-amz-checksum-crc32:{crc32(data)}")

    body = take_body(request(sent, headers_for(len(data))))

    assert body.content.read() == data
    assert body.checksum == ("crc32", crc32(data))


GOOD = framed([b"0123456789"], f"x-amz-checksum-crc32:{crc32(b'0123456789')}")
BAD_FRAMES = {
    "cut off in a chunk": (GOOD[:8], "IncompleteBody"),
    "cut off before a chunk": (b"", "IncompleteBody"),
    "without the last chunk": (b"a\r\n0123456789\r\n", "IncompleteBody"),
    "with a size that is none": (b"-a\r\n0123456789\r\n0\r\n\r\n", "IncompleteBody"),
    "with a longer chunk": (GOOD.replace(b"a\r\n", b"9\r\n", 1), "IncompleteBody"),
    "with a line without end": (b"x" * 100_000, "IncompleteBody"),
    "without its trailer": (b"a\r\n0123456789\r\n0\r\n\r\n", "MalformedTrailerError"),
    "with another trailer": (
        framed([b"0123456789"], "x-amz-checksum-sha256:AAAA"),
        "MalformedTrailerError",
    ),
    "with a wrong checksum": (
        framed([b"0123456789"], "x-amz-checksum-crc32:AAAAAA=="),
        "BadDigest",
    ),
}


@pytest.mark.parametrize(("body", "code"), BAD_FRAMES.values(), ids=BAD_FRAMES)
def test_framed_body_is_refused_when_it_is(body: bytes, code: str) -> None:
    assert refusal(body, headers_for(10)) == (400, code)


@pytest.mark.parametrize("size", [9, 11])
def test_framed_body_is_refused_when_its_size_is_another(size: int) -> None:
    assert refusal(GOOD, headers_for(size)) == (400, "IncompleteBody")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, (411, "MissingContentLength")),
        (FRAMED, (411, "MissingContentLength")),
        ({"transfer-encoding": "chunked"}, (501, "NotImplemented")),
        ({"content-length": str(MAX_OBJECT + 1)}, (400, "EntityTooLarge")),
        ({"content-length": "4"}, (400, "IncompleteBody")),
        ({"content-length": "2"}, (400, "IncompleteBody")),
        ({"content-length": "3", "content-md5": "x"}, (400, "InvalidDigest")),
    ],
    ids=["no length", "framed without length", "chunked", "too large", "longer", "shorter", "MD5"],
)
def test_object_is_refused_when_its_headers_say(
    headers: dict[str, str], expected: tuple[int, str]
) -> None:
    assert refusal(b"abc", headers) == expected


def test_document_is_refused_when_it_is_too_large() -> None:
    length = {"content-length": str(MAX_DOCUMENT + 1)}

    assert refusal(b"", length, target="/b?cors") == (400, "MaxMessageLengthExceeded")


def test_checksum_is_computed_when_the_client_asks_for_one() -> None:
    headers = {"content-length": "3", "x-amz-sdk-checksum-algorithm": "CRC32"}

    assert take_body(request(b"abc", headers)).checksum == ("crc32", crc32(b"abc"))


def test_checksum_is_kept_unseen_when_it_is_not_of_the_standard_library() -> None:
    headers = {"content-length": "3", "x-amz-checksum-crc64nvme": "AAAA"}

    assert take_body(request(b"abc", headers)).checksum == ("crc64nvme", "AAAA")
