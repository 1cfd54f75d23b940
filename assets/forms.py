"""The form of ``POST /asset``: its one file goes on as it comes, its fields are kept.

Django's parser does the work. It takes a body that was cut for a whole one, so the length is
compared and the end of the form must have been seen.
"""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.translation import gettext as _

from assets.bodies import Body
from assets.errors import ShortBody
from assets.receiving import Receiver
from web.errors import BadRequest, BodyTooLarge

FIELD = "file"
TAIL = 2048  # bytes in which a form must have begun, and ended
Open = Callable[[str, str, QueryDict], Receiver]


def read_form(request: HttpRequest, body: Body, open_receiver: Open) -> QueryDict:
    """Read a form to its end; return its fields.

    ``open_receiver`` gets the file's name, type and the fields that came before it, and returns who
    takes its bytes. Raises BadRequest, BodyTooLarge and ShortBody, and what the receiver raises.
    """
    handler = OneFile(open_receiver)
    counted = Ends(body)
    try:
        parser = MultiPartParser(request.META, counted, [handler], request.encoding)  # type: ignore[arg-type]
        handler.parser = parser
        fields, _files = parser.parse()
    except RequestDataTooBig as error:
        raise BodyTooLarge from error
    except (MultiPartParserError, SuspiciousOperation, UnicodeError) as error:
        raise BadRequest(_("The form cannot be read.")) from error
    boundary = _boundary(parser)
    if not counted.began(boundary):
        raise BadRequest(_("The form cannot be read."))
    if not handler.seen:
        raise BadRequest(_("The form must have one file, in its field “file”."))
    if not counted.ended(boundary):
        raise ShortBody
    return fields


class OneFile(FileUploadHandler):
    """Passes the bytes of the form's only file on."""

    parser: Any = None
    chunk_size = 256 * 1024

    def __init__(self, open_receiver: Open) -> None:
        super().__init__()
        self._open = open_receiver
        self._receiver: Receiver | None = None
        self.seen = False

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin the file; raises BadRequest for a second one, or one of another name."""
        super().new_file(*args, **kwargs)
        if self.field_name != FIELD or self.seen:
            raise BadRequest(_("The form must have one file, in its field “file”."))
        self.seen = True
        self._receiver = self._open(
            self.file_name or "", self.content_type or "", self.parser._post.copy()
        )

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Pass some bytes on."""
        if self._receiver:
            self._receiver.write(raw_data)

    def file_complete(self, file_size: int) -> None:
        """Add nothing to the form's files."""


class Ends:
    """A body of which the first and the last bytes are remembered."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._head = self._tail = b""

    def read(self, size: int = 64 * 1024) -> bytes:
        """Return the next bytes."""
        piece = self._body.read(size)
        self._head = self._head or piece[:TAIL]
        self._tail = (self._tail + piece[-TAIL:])[-TAIL:]
        return piece

    def began(self, boundary: bytes) -> bool:
        """Return whether it has this boundary: without, Django takes a form for one part."""
        return b"--" + boundary in self._head

    def ended(self, boundary: bytes) -> bool:
        """Return whether the form's own end was the last of it. Source: RFC 2046, 5.1.1."""
        return b"--" + boundary + b"--" in self._tail


def _boundary(parser: Any) -> bytes:
    found = parser._boundary
    return found if isinstance(found, bytes) else str(found).encode("ascii")
