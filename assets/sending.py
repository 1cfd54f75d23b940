"""Answers that are a file: whole or a range of it, in pieces, never as something to be run.

Source: RFC 9110, 13 (conditional requests) and 14 (ranges).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import parse_etags

from assets.bounds import Slot, download_slot
from assets.errors import BadRange
from assets.watching import Watched
from aws.bucket import live_bucket
from aws.streams import Pieces
from files.items import Entry
from files.names import disposition

_RANGE = re.compile(r"bytes=\s*(?:(?P<first>[0-9]+)-(?P<last>[0-9]*)|-(?P<suffix>[0-9]+))\s*")


@dataclass(frozen=True)
class Span:
    """The bytes that an answer has: ``length`` from ``start`` on, of ``size``."""

    start: int
    length: int
    size: int

    @property
    def is_whole(self) -> bool:
        """Whether these are all there are."""
        return self.length == self.size


def etag_of(entry: Entry) -> str:
    """Return the ETag of a version: its file and its number, which never come again."""
    return f'"{entry.file_id}-{entry.version}"'


def status_of(request: HttpRequest, entry: Entry) -> int:
    """Return 304 or 412 where the conditions of the request say so, else 200."""
    etag = etag_of(entry)
    if (wanted := request.headers.get("If-Match")) and not _matches(wanted, etag, weak=False):
        return 412
    known = request.headers.get("If-None-Match")
    return 304 if known and _matches(known, etag, weak=True) else 200


def _matches(header: str, etag: str, *, weak: bool) -> bool:
    tags = [tag.removeprefix("W/") if weak else tag for tag in parse_etags(header)]
    return "*" in tags or etag in tags


def span_of(request: HttpRequest, entry: Entry) -> Span:
    """Return what the request asks for; raises BadRange if the file has none of it.

    Several ranges, other units and what makes no sense give the whole, as do the range of another
    version (If-Range) and the range of a HEAD.
    """
    size = entry.size or 0
    whole = Span(0, size, size)
    header = request.headers.get("Range", "")
    condition = request.headers.get("If-Range")
    if request.method != "GET" or (condition and condition.strip() != etag_of(entry)):
        return whole
    found = _RANGE.fullmatch(header)
    if not found or any(len(number) > 18 for number in found.groups() if number):
        return whole
    if found["suffix"]:
        length = min(int(found["suffix"]), size)
        if not length:
            raise BadRange
        return Span(size - length, length, size)
    first, last = int(found["first"]), int(found["last"] or size - 1)
    if found["last"] and last < first:
        return whole
    if first >= size:
        raise BadRange
    return Span(first, min(last, size - 1) - first + 1, size)


def bytes_wanted(request: HttpRequest, entry: Entry) -> int:
    """Return how many bytes of the file an answer would have: none for HEAD, 304, 412 and 416."""
    if request.method == "HEAD" or status_of(request, entry) != 200:
        return 0
    try:
        return span_of(request, entry).length
    except BadRange:
        return 0


def send(request: HttpRequest, entry: Entry, *, is_link: bool = False) -> HttpResponseBase:
    """Answer a GET or HEAD with a version, in pieces of 256 KiB as its reader takes them.

    Raises Busy, ObjectMissing and StorageUnavailable.
    """
    status = status_of(request, entry)
    if status != 200:
        return _headed(HttpResponse(status=status), entry, is_link=is_link)
    try:
        span = span_of(request, entry)
    except BadRange:
        response = HttpResponse(status=416, headers={"Content-Range": f"bytes */{entry.size}"})
        return _headed(response, entry, is_link=is_link)
    answer: HttpResponseBase
    if request.method == "HEAD":
        answer = HttpResponse()
    else:
        answer = StreamingHttpResponse(Sending(request, entry, span))
    answer["Content-Length"] = str(span.length)
    answer["Content-Type"] = entry.content_type or "application/octet-stream"
    if not span.is_whole:
        answer.status_code = 206
        last = span.start + span.length - 1
        answer["Content-Range"] = f"bytes {span.start}-{last}/{span.size}"
    return _headed(answer, entry, is_link=is_link)


def _headed(response: HttpResponseBase, entry: Entry, *, is_link: bool) -> HttpResponseBase:
    """Set what keeps a file of anybody's from doing harm, and from staying in caches."""
    response["ETag"] = etag_of(entry)
    response["Accept-Ranges"] = "bytes"
    response["Content-Disposition"] = disposition(entry.name or "")
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Referrer-Policy"] = "no-referrer"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, no-store" if is_link else "private, no-cache"
    return response


class Sending(Iterator[bytes]):
    """The pieces of an answer under way: it has a slot, and its connection is watched.

    An error in the middle ends the connection, so that a short answer is seen to be one.
    """

    def __init__(self, request: HttpRequest, entry: Entry, span: Span) -> None:
        self._slot: Slot = download_slot()
        self._watched = Watched(request)
        try:
            self._pieces: Pieces = live_bucket().pieces(
                entry.key, start=span.start, length=span.length, etag=entry.etag or ""
            )
        except BaseException:
            self._slot.release()
            raise
        self._watched.begin()

    def __next__(self) -> bytes:
        """Return the next piece, when the one before was taken."""
        self._watched.go_on()
        piece = next(self._pieces)
        self._watched.wait()
        return piece

    def close(self) -> None:
        """End it, wherever it is: Django and its server call this in any case."""
        self._watched.end()
        self._pieces.close()
        self._slot.release()
