"""Reads the form of a browser's upload, part by part as it arrives.

AWS: "Creating an HTML Form (Using AWS Signature Version 4)" and "POST Object". The file is the part
named ``file``. It comes last: what follows it is ignored, and what precedes it may take 20 KB. All
fields are known before the first byte of the file is read, so a bad form costs no disk.
"""

import re
from collections.abc import Iterator
from typing import IO, Protocol

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from embedded_aws.errors import S3Error, invalid_argument, invalid_request, malformed_form
from embedded_aws.messages import Request

MAX_BEFORE_FILE = 20480
"""Bytes of fields and boundaries before the file."""
CHUNK = 64 * 1024
MAX_BUFFER = 4 * CHUNK
"""Bytes that the decoder may keep while it looks for a boundary or the end of a part's headers."""
TAIL = 256
"""Bytes that a delimiter may take: a boundary has at most 70 characters."""
JOINED_WHEN_REPEATED = ("x-amz-meta-", "x-amz-security-token")


def boundary_of(request: Request) -> bytes:
    """Return the multipart boundary; raise ``S3Error`` 412, as S3 does, if the body is no form."""
    mimetype, options = parse_options_header(request.header("content-type"))
    if mimetype.lower() != "multipart/form-data":
        raise S3Error(
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
            412,
            {"Condition": "Bucket POST must be of the enclosure-type multipart/form-data"},
        )
    boundary = options.get("boundary", "")
    if not boundary or not boundary.isascii() or len(boundary) > 70:
        raise malformed_form()
    return boundary.encode()


class Target(Protocol):
    """What the file is written to."""

    def write(self, data: bytes, /) -> object: ...


class Form:
    """A form that is being read: ``fields`` first, then the file by ``save_file``.

    The names in ``fields`` are in lower case, and ``${filename}`` is replaced in their values.
    """

    def __init__(self, body: IO[bytes], boundary: bytes) -> None:
        self._body = body
        self._decoder = MultipartDecoder(boundary, max_form_memory_size=MAX_BUFFER)
        self._open_delimiter = re.compile(rb"--%s(?:-|[ \t]+)\Z" % re.escape(boundary))
        self._received = 0
        self._events = self._decode()
        raw, filename = self._read_fields()
        self.fields = {
            name: expand_filename(value, filename) for name, value in _merged(raw).items()
        }

    def save_file(self, target: Target, most: int) -> int:
        """Write at most ``most`` bytes of the file to ``target``, and return its full size.

        Reads to the end of the form, so that the client receives the answer.
        """
        size = 0
        for event in self._events:
            if isinstance(event, Data):
                target.write(event.data[: max(0, most - size)])
                size += len(event.data)
                if not event.more_data:
                    break
        self._skip_rest()
        return size

    def _skip_rest(self) -> None:
        for event in self._events:
            if isinstance(event, Field | File) and _name(event) == "file":
                raise one_file_expected(2)

    def _read_fields(self) -> tuple[list[tuple[str, str]], str | None]:
        """Return all fields up to the file, and the file's name, None if its part has none."""
        fields: list[tuple[str, str]] = []
        for event in self._events:
            if isinstance(event, Field | File):
                if _name(event) == "file":
                    self._check_length_before_file()
                    return fields, event.filename if isinstance(event, File) else None
                fields.append((_name(event), self._read_value()))
        raise one_file_expected(0)

    def _read_value(self) -> str:
        value = bytearray()
        for event in self._events:
            if isinstance(event, Data):
                value += event.data
                self._check_length_before_file()
                if not event.more_data:
                    break
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise malformed_form() from None

    def _check_length_before_file(self) -> None:
        if self._received - len(self._decoder.buffer) > MAX_BEFORE_FILE:
            raise _too_much_before_file()

    def _decode(self) -> Iterator[Event]:
        """Yield the events of the form; raise ``S3Error`` where the decoder fails."""
        while True:
            try:
                event = self._decoder.next_event()
                if isinstance(event, NeedData):
                    self._decoder.receive_data(self._read_chunk() or None)
                    continue
            except (ValueError, RequestEntityTooLarge):
                raise malformed_form() from None
            yield event
            if isinstance(event, Epilogue):
                return

    def _read_chunk(self) -> bytes:
        """Return the next bytes of the body; they never end between a delimiter's last two dashes.

        The decoder of werkzeug 3.1 takes the ``\\r`` for content when it is given
        ``\\r\\n--boundary-`` alone: the file would be a byte too long.
        """
        chunk = self._body.read(CHUNK)
        while self._open_delimiter.search((self._decoder.buffer[-TAIL:] + chunk)[-TAIL:]):
            byte = self._body.read(1)
            if not byte:
                break
            chunk += byte
        self._received += len(chunk)
        return chunk


def expand_filename(value: str, filename: str | None) -> str:
    """Return ``value`` with the file's name, without its path, in place of ``${filename}``.

    "If the browser or client provides a full or partial path to the file, only the text following
    the last slash (/) or backslash (\\) will be used." If the part has no
    such parameter, the variable stays (as recorded; the page says it becomes empty, as it does for
    ``filename=""``).
    """
    if filename is None:
        return value
    return value.replace("${filename}", filename.replace("\\", "/").rpartition("/")[2])


def one_file_expected(count: int) -> S3Error:
    return invalid_argument(
        "POST requires exactly one file upload per request.", "file", str(count)
    )


def _name(event: Field | File) -> str:
    if not isinstance(event.name, str) or not event.name:
        raise malformed_form()
    return event.name.lower()


def _merged(raw: list[tuple[str, str]]) -> dict[str, str]:
    """Return each field once; raise ``S3Error`` for a repeated one.

    The values of repeated metadata are joined with commas, as documented.
    """
    fields: dict[str, str] = {}
    for name, value in raw:
        if name not in fields:
            fields[name] = value
        elif name.startswith(JOINED_WHEN_REPEATED):
            fields[name] += f",{value}"
        else:
            raise invalid_request(
                f"Conflicting values provided in POST form fields: {name} is repeated."
            )
    return fields


def _too_much_before_file() -> S3Error:
    return S3Error(
        "MaxPostPreDataLengthExceeded",
        "Your POST request fields preceeding the upload file was too large.",
        400,
        {"MaxPostPreDataLengthBytes": str(MAX_BEFORE_FILE)},
    )
