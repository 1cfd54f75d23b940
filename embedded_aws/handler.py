"""HTTP/1.1 for the front: connections stay open, and bodies are read to their end.

werkzeug's handler closes each connection and waits after each answer; browsers and boto3 expect to
reuse theirs. To reuse one, the part of a body that the application did not read is read and dropped
before the answer is sent, up to a bound. So a browser sees why it was refused, and not a connection
reset.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from typing import IO

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import DechunkedInput

from embedded_aws.messages import RAW_HEADERS, Environ

logger = logging.getLogger(__name__)

CHUNK = 64 * 1024
MAX_DRAIN = 1024**3
"""Bytes of an unwanted body that are read before the connection is given up."""


class RequestBody:
    """The body of one request: reads end where it ends, and fail if the client has gone."""

    def __init__(self, stream: IO[bytes] | DechunkedInput, length: int | None) -> None:
        self._stream = stream
        self._left = length
        self.is_exhausted = length == 0

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes, all of them if negative, b"" at the end."""
        if self.is_exhausted:
            return b""
        wanted = size if self._left is None or 0 <= size < self._left else self._left
        try:
            data = self._stream.read(wanted)
        except TimeoutError:
            raise
        except OSError as error:
            raise ConnectionAbortedError("The body is not properly chunked.") from error
        if self._left is not None:
            self._left -= len(data)
            if not data or (size < 0 and self._left):
                raise ConnectionAbortedError("The client went away in the middle of the body.")
        self.is_exhausted = not data if self._left is None else not self._left
        return data

    def drain(self, most: int) -> bool:
        """Read and drop the rest; return False if there is more than ``most`` bytes of it."""
        while most > 0 and not self.is_exhausted:
            most -= len(self.read(CHUNK))
        return self.is_exhausted


class Handler(MotoRequestHandler):
    """Runs the WSGI application for each request of a connection."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        self.environ = environ = self.make_environ()
        environ[RAW_HEADERS] = [
            (name, value.replace("\r\n", "")) for name, value in self.headers.items()
        ]
        body = self._body(environ)
        if body is None:
            self.send_error(400, "Bad Content-Length")
            self.close_connection = True
            return
        environ["wsgi.input"] = body
        answer: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _exc_info: object = None
        ) -> None:
            answer.append((status, headers))

        chunks = self.server.app(environ, start_response)  # type: ignore[arg-type]
        if not body.drain(MAX_DRAIN):
            self.close_connection = True
        self._send(*answer[-1], chunks)

    def _body(self, environ: Environ) -> RequestBody | None:
        """Return the body, as long as declared, or None if the declared length is not a number."""
        if isinstance(environ["wsgi.input"], DechunkedInput):
            # Proxies may disagree on the end of a chunked message that declares a length, too.
            self.close_connection = True
            return RequestBody(environ["wsgi.input"], None)
        length = environ.get("CONTENT_LENGTH") or "0"
        if not re.fullmatch(r"[0-9]{1,18}", length):
            return None
        return RequestBody(environ["wsgi.input"], int(length))

    def _send(self, status: str, headers: list[tuple[str, str]], chunks: Iterable[bytes]) -> None:
        """Send the answer; if it names its length, piece by piece."""
        code, _, phrase = status.partition(" ")
        if not any(name.lower() == "content-length" for name, _ in headers):
            chunks = [b"".join(chunks)]
            if code not in {"204", "304"}:
                headers = [*headers, ("Content-Length", str(len(chunks[0])))]
        self.send_response_only(int(code), phrase)
        self.send_header("Date", self.date_time_string())
        for name, value in headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(chunk)

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's name
        logger.debug(message, *args)
