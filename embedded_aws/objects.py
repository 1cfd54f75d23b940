"""Has moto store and serve objects without their bytes, which ``contents.py`` keeps.

moto sees an empty body, does all that a request asks for but to hold bytes, and is given them
afterwards. All of this happens while the store has its lock.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, unquote

from embedded_aws.bodies import MAX_OBJECT, Body
from embedded_aws.contents import Content
from embedded_aws.errors import invalid_argument, invalid_request, no_such_key, precondition_failed
from embedded_aws.messages import Request, Response
from embedded_aws.ranges import range_of

EMPTY_MD5 = Content.of(b"").md5()


@dataclass(frozen=True, slots=True)
class Task:
    """A request to S3 that has been checked, and what it is about.

    ``call`` asks moto the request with other bytes as its body.
    """

    request: Request
    body: Body
    backend: Any
    call: Callable[[bytes], Response]

    @property
    def bucket(self) -> Any:
        """moto's bucket, None if there is none."""
        return self.backend.buckets.get(self.request.bucket)

    def versions(self, bucket: str, key: str) -> list[Any]:
        """Return all versions of an object, the newest last."""
        found = self.backend.buckets.get(bucket)
        return list(found.keys.getlist(key) or []) if found else []

    @property
    def made(self) -> Any:
        """The object that the request has made."""
        return self.bucket.keys[self.request.key]


class Buffer(BytesIO):
    """What a key of moto's reads its bytes from; only what is not served here does so."""

    def __init__(self, content: Content) -> None:
        super().__init__()
        self.content = content

    def read(self, size: int | None = -1, /) -> bytes:
        return self.content.read()

    def close(self) -> None:
        self.content = Content(())
        super().close()


def give(key: Any, content: Content, etag: str) -> None:
    """Have a key or part of moto's consist of ``content``; ``etag`` has no quotes."""
    key._value_buffer.close()
    key._value_buffer = Buffer(content)
    key.contentsize = content.size
    key._etag = etag


def content_of(key: Any) -> Content:
    """Return the bytes of a key or part of moto's."""
    buffer = key._value_buffer
    return buffer.content if isinstance(buffer, Buffer) else Content.of(key.value)


@contextmanager
def hollow(keys: Sequence[Any]) -> Iterator[None]:
    """Have moto read no bytes of these keys."""
    kept = [(key, key._value_buffer) for key in keys if hasattr(key, "_value_buffer")]
    for key, _ in kept:
        key._value_buffer = BytesIO()
    try:
        yield
    finally:
        for key, buffer in kept:
            key._value_buffer = buffer


def put(task: Task) -> Response:
    """Store an object."""
    response = task.call(b"")
    if response.status == 200:
        give(task.made, task.body.content, task.body.md5)
        response.set("ETag", f'"{task.body.md5}"')
    return response


def get(task: Task) -> Response:
    """Serve an object, or the range of it that is asked for."""
    request = task.request
    versions = task.versions(request.bucket, request.key)
    with hollow(versions):
        response = task.call(b"")
    if response.status not in {200, 206}:
        return response
    key = newest(versions, request.query.get("versionId"))
    content = content_of(key)
    asked = range_of(request.header("range"), content.size)
    if asked:
        response.status = 206
        response.set("Content-Range", f"bytes {asked[0]}-{asked[1] - 1}/{content.size}")
        _drop_checksums(response)
        content = content.cut(*asked)
    response.set("Content-Length", str(content.size))
    response.stream = content.chunks()
    return response


def copy(task: Task) -> Response:
    """Store an object that has the bytes of another."""
    source = source_of(task)
    content = content_of(source)
    if content.size > MAX_OBJECT:
        raise invalid_request(
            "The specified copy source is larger than the maximum allowable size for a copy"
            f" source: {MAX_OBJECT}"
        )
    etag = source.etag.strip('"')
    if "-" in etag:
        etag = content.md5()
    # With another checksum moto computes that of the bytes.
    with hollow([] if task.request.header("x-amz-checksum-algorithm") else [source]):
        response = task.call(b"")
    if response.status == 200:
        give(task.made, content, etag)
        tell_etag(response, etag)
    return response


def source_of(task: Task) -> Any:
    """Return the key that a copy is made of, if the condition on it holds."""
    request = task.request
    path, _, query = request.header("x-amz-copy-source").partition("?")
    name, _, key = unquote(path).lstrip("/").partition("/")
    if not key:
        raise invalid_argument("Invalid copy source object key", "x-amz-copy-source", path)
    source = newest(task.versions(name, key), parse_qs(query).get("versionId", [None])[0])
    if source is None:
        raise no_such_key(key)
    wanted = request.header("x-amz-copy-source-if-match")
    if wanted and wanted.strip('"') != source.etag.strip('"'):
        raise precondition_failed("x-amz-copy-source-If-Match")
    return source


def tell_etag(response: Response, etag: str) -> None:
    """Replace the ETag of no bytes, which moto had, in the answer."""
    response.body = response.body.replace(EMPTY_MD5.encode(), etag.encode())
    if any(name.lower() == "etag" for name, _ in response.headers):
        response.set("ETag", f'"{etag}"')


def newest(versions: Sequence[Any], wanted: str | None = None) -> Any:
    """Return the newest version, or the one that is wanted; None if it is not there, or deleted."""
    found = [key for key in versions if wanted is None or str(key.version_id) == wanted]
    return found[-1] if found and hasattr(found[-1], "_value_buffer") else None


def _drop_checksums(response: Response) -> None:
    """Drop the checksums of the whole, which the answer to a range does not have."""
    response.headers = [
        pair for pair in response.headers if not pair[0].lower().startswith("x-amz-checksum-")
    ]
