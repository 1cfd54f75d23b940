"""Takes the body of a request from the network, and refuses one that is not what its headers say.

AWS: "PutObject", "Signature calculations for the Authorization header: Transferring payload in
multiple chunks" (the framing ``aws-chunked``, with checksums after the body).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

from embedded_aws.authentication import UNSIGNED_TRAILER, is_sha256
from embedded_aws.contents import CHUNK, Content, Writer
from embedded_aws.digests import CHECKSUM_HEADER, CHECKSUMS, Digests, names_in
from embedded_aws.errors import S3Error, entity_too_large, not_implemented
from embedded_aws.messages import Request

MAX_OBJECT = 5 * 1024**3
"""Bytes of one PUT or part. AWS: "Amazon S3 multipart upload limits"."""
MAX_DOCUMENT = 16 * 1024**2
MAX_LINE = 8 * 1024
"""Bytes of a line between the chunks of a body."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body that has arrived and is what its headers say."""

    content: Content
    digests: Digests
    checksum: tuple[str, str] | None = None
    """What is kept with the object: an algorithm's name, and the checksum in Base64."""

    @property
    def md5(self) -> str:
        return self.digests["md5"].hex()


class Intake:
    """Takes a body piece by piece, at most ``most`` bytes of it."""

    def __init__(self, most: int, digests: set[str]) -> None:
        self._writer = Writer(most)
        self._digests = Digests(digests)

    @property
    def size(self) -> int:
        """The bytes that were written so far."""
        return self._writer.size

    def write(self, chunk: bytes) -> int:
        self._digests.update(chunk)
        return self._writer.write(chunk)

    def body(self, header: Callable[[str], str]) -> Body:
        """Return what was written; raise ``S3Error`` if ``header`` returns another digest."""
        self._digests.check(header)
        checksum = _declared_checksum(header, self._digests)
        return Body(self._writer.content(), self._digests, checksum)


def take_body(request: Request) -> Body:
    """Return the body of a signed request; raise ``S3Error`` if it differs from its headers."""
    declared = request.header("x-amz-content-sha256")
    is_framed = declared == UNSIGNED_TRAILER
    size = _declared_size(request, is_framed=is_framed)
    asked = request.header("x-amz-sdk-checksum-algorithm").lower()
    announced = [request.header("x-amz-trailer").lower(), f"{CHECKSUM_HEADER}{asked}"]
    wanted = names_in([*announced, *(name for name, _ in request.headers)])
    intake = Intake(size, wanted | ({"sha256"} if is_sha256(declared) else set()))
    trailers: dict[str, str] = {}
    for chunk in _framed(request.body, trailers) if is_framed else _plain(request.body):
        if intake.size + len(chunk) > size:
            raise incomplete_body()
        intake.write(chunk)
    if intake.size != size:
        raise incomplete_body()
    if is_framed and list(trailers) != announced[:1]:
        raise S3Error(
            "MalformedTrailerError",
            "The request contained trailing data that was not well-formed or did not conform to"
            " our published schema.",
            400,
        )
    body = intake.body(lambda name: trailers.get(name) or request.header(name))
    if is_sha256(declared):
        body.digests.check_payload_hash(declared)
    return body


def _declared_checksum(header: Callable[[str], str], digests: Digests) -> tuple[str, str] | None:
    """Return the checksum that the client declares, or asks for; one it declares was compared."""
    asked = header("x-amz-sdk-checksum-algorithm").lower()
    for name in (asked, "crc64nvme", "crc32c", *CHECKSUMS):
        value = header(f"{CHECKSUM_HEADER}{name}") if name else ""
        if not value and name == asked and name in CHECKSUMS:
            value = digests.base64(name)
        if value:
            return name, value
    return None


def incomplete_body() -> S3Error:
    return S3Error(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
        400,
    )


def _declared_size(request: Request, *, is_framed: bool) -> int:
    """Return the number of bytes that the body will have, of an object as a whole."""
    if request.header("transfer-encoding") and not is_framed:
        raise not_implemented("Transfer-Encoding")
    length = request.header("x-amz-decoded-content-length" if is_framed else "content-length")
    if not re.fullmatch(r"[0-9]{1,18}", length):
        if is_framed or request.is_upload:
            raise S3Error(
                "MissingContentLength", "You must provide the Content-Length HTTP header.", 411
            )
        return 0
    if request.is_upload and int(length) > MAX_OBJECT:
        raise entity_too_large(int(length), MAX_OBJECT)
    if not request.is_upload and int(length) > MAX_DOCUMENT:
        raise S3Error("MaxMessageLengthExceeded", "Your request was too big.", 400)
    return int(length)


def _plain(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK):
        yield chunk


def _framed(stream: IO[bytes], trailers: dict[str, str]) -> Iterator[bytes]:
    """Yield what the chunks hold: a size in hexadecimal, bytes, a line end; then the trailers."""
    lines = _Lines(stream)
    while left := _chunk_size(lines.line()):
        while left:
            chunk = lines.read(min(left, CHUNK))
            if not chunk:
                raise incomplete_body()
            left -= len(chunk)
            yield chunk
        if lines.line():
            raise incomplete_body()
    while line := lines.line():
        name, _, value = line.decode("latin-1").partition(":")
        trailers[name.strip().lower()] = value.strip()


def _chunk_size(line: bytes) -> int:
    match = re.fullmatch(rb"([0-9a-fA-F]{1,12})(;.*)?", line)
    if not match:
        raise incomplete_body()
    return int(match[1], 16)


class _Lines:
    """A stream that gives lines without their ends, and bytes between them."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._rest = b""

    def read(self, most: int) -> bytes:
        if not self._rest:
            return self._stream.read(most)
        data, self._rest = self._rest[:most], self._rest[most:]
        return data

    def line(self) -> bytes:
        """Return the next line; the last one may have no end."""
        while b"\r\n" not in self._rest[:MAX_LINE]:
            more = self._stream.read(MAX_LINE)
            if not more:
                break
            if len(self._rest) > MAX_LINE:
                raise incomplete_body()
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\r\n")
        return line
