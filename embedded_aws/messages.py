"""A request as it came over the wire, and the answer to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import quote, unquote, urlsplit

from werkzeug.datastructures import EnvironHeaders

Environ = dict[str, Any]

#: Where `handler.py` leaves the headers as sent: WSGI folds `-` and `_`, which S3 tells apart.
RAW_HEADERS = "triphase.raw_headers"


@dataclass(frozen=True, slots=True)
class Request:
    """Method, path and query still percent-encoded, headers with lower-case names."""

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

    def header(self, name: str) -> str:
        """The header's value, "" when absent, the values joined when it was sent repeatedly."""
        return ",".join(value for key, value in self.headers if key == name)

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters, decoded. A `+` is a plus: SigV4 writes a space as %20."""
        pairs = (pair.partition("=") for pair in self.query_string.split("&") if pair)
        return {unquote(name): unquote(value) for name, _, value in pairs}

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
    """Status, headers and body. The handler adds Date and Content-Length."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""


def path_of(bucket: str, key: str) -> str:
    """The encoded path of an object, `/` kept as it is."""
    return f"/{quote(bucket, safe='')}/{quote(key, safe='/~')}"
