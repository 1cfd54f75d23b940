"""A request as it came over the wire, and the answer to it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import quote, unquote, urlsplit

from werkzeug.datastructures import EnvironHeaders

Environ = dict[str, Any]

#: Where ``handler.py`` keeps the headers as sent: WSGI makes no difference between ``-`` and ``_``,
#: and S3 does.
RAW_HEADERS = "triphase.raw_headers"
REQUEST_ID = "triphase.request_id"


@dataclass(frozen=True, slots=True)
class Request:
    """A request: path and query are percent-encoded, names of headers in lower case."""

    method: str
    path: str
    query_string: str
    headers: tuple[tuple[str, str], ...]
    body: IO[bytes]
    environ: Environ

    @classmethod
    def of(cls, environ: Environ) -> Request:
        target = str(environ.get("RAW_URI") or environ["PATH_INFO"])
        if not target.startswith("/"):
            parts = urlsplit(target)
            target = f"{parts.path or '/'}?{parts.query}"
        path, _, query = target.partition("?")
        raw: Iterable[tuple[str, str]] = environ.get(RAW_HEADERS) or EnvironHeaders(environ)
        headers = tuple((name.lower(), value) for name, value in raw)
        return cls(environ["REQUEST_METHOD"], path, query, headers, environ["wsgi.input"], environ)

    @property
    def id(self) -> str:
        """What S3 calls the request in its answer, and in the event of what it made."""
        return str(self.environ.setdefault(REQUEST_ID, secrets.token_hex(8).upper()))

    def header(self, name: str) -> str:
        """Return the header's value, "" if absent; the values of a repeated one are joined."""
        return ",".join(value for key, value in self.headers if key == name)

    @property
    def query(self) -> dict[str, str]:
        """The decoded parameters of the query. ``+`` is a plus: SigV4 encodes a space as %20."""
        pairs = (pair.partition("=") for pair in self.query_string.split("&") if pair)
        return {unquote(name): unquote(value) for name, _, value in pairs}

    @property
    def subresources(self) -> frozenset[str]:
        """The parameters that say what of a bucket or an object the request is about."""
        others = ("x-amz-", "response-", "x-id")
        return frozenset(name for name in self.query if not name.lower().startswith(others))

    @property
    def is_upload(self) -> bool:
        """Whether the body is that of an object or of a part."""
        is_one = self.subresources in (frozenset(), {"uploadId", "partNumber"})
        return self.method == "PUT" and bool(self.key) and is_one

    @property
    def bucket(self) -> str:
        """The first segment of the path ("path style" addressing)."""
        return unquote(self.path.lstrip("/").partition("/")[0])

    @property
    def key(self) -> str:
        return unquote(self.path.lstrip("/").partition("/")[2])

    @property
    def content_length(self) -> int | None:
        value = self.header("content-length")
        return int(value) if re.fullmatch(r"[0-9]{1,18}", value) else None


@dataclass(slots=True)
class Response:
    """An answer, to which the handler adds Date and Content-Length.

    A ``stream`` is sent in place of the body; then Content-Length is among the headers.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    stream: Iterable[bytes] | None = None

    def set(self, name: str, value: str) -> None:
        """Have one header of this name, with this value."""
        self.headers = [pair for pair in self.headers if pair[0].lower() != name.lower()]
        self.headers.append((name, value))


def path_of(bucket: str, key: str) -> str:
    """Return the encoded path of an object; ``/`` in its key is not encoded."""
    return f"/{quote(bucket, safe='')}/{quote(key, safe='/~')}"
