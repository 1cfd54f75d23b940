"""Bodies of requests, read as they come and never past the length that was announced."""

import re
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from assets.errors import LengthRequired, ShortBody
from assets.watching import Watched
from web.errors import BadRequest

PIECE = 256 * 1024  # bytes


def announced_length(request: HttpRequest) -> int | None:
    """Return the Content-Length; None where the body comes in chunks. Raises BadRequest."""
    if is_chunked(request):
        return None
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not re.fullmatch(r"[0-9]{1,18}", length):
        raise BadRequest(_("The Content-Length is not a number."))
    return int(length)


def is_chunked(request: HttpRequest) -> bool:
    """Return whether the body ends by itself (``Transfer-Encoding: chunked``)."""
    return "HTTP_TRANSFER_ENCODING" in request.META


class Body:
    """The body of a request. Django's own reading is left out: it takes an unknown length for 0.

    ``read`` never returns less than was announced without raising ShortBody: a client that went
    away looks like one that has finished.
    """

    def __init__(self, request: HttpRequest, watched: Watched) -> None:
        self._stream: Any = request.META["wsgi.input"]
        self._watched = watched
        self.left = announced_length(request)
        if self.left is None and not request.META.get("wsgi.input_terminated"):
            raise LengthRequired  # this server would read on for ever

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes; none at the end. Raises ShortBody."""
        wanted = size if self.left is None else min(size, self.left)
        if not wanted:
            return b""
        self._watched.wait()
        try:
            piece: bytes = self._stream.read(wanted)
        # A server raises what it likes for a connection that broke or a chunk that is none:
        # gunicorn has classes of its own, of OSError and of Exception.
        except Exception as error:
            raise ShortBody from error
        finally:
            self._watched.go_on()
        if self.left is not None:
            self.left -= len(piece)
            if not piece:
                raise ShortBody
        return piece

    def pieces(self) -> Iterator[bytes]:
        """Yield all of it."""
        while piece := self.read(PIECE):
            yield piece
