"""Reads the segments and scans of a JPEG as libjpeg does, without decoding any.

Source: ITU-T T.81, annex B.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from pictures.errors import BadImage

# A scan of a hundred bytes makes the decoder visit all pixels again. Encoders write up to twenty.
MAX_SCANS = 50
# Pillow copies all EXIF read so far for each further segment. 5 MB are eighty full segments.
MAX_SEGMENTS = 1000
MAX_HEADER = 16 * 1024 * 1024  # bytes before the first scan, all of which Pillow keeps
MAX_PADDING = 1000  # bytes between two segments, which Pillow reads one by one
WINDOW = 16 * 1024  # bytes that are searched at a time
# Any marker that has a length: not stuffing, padding, TEM and restarts (T.81, B.1.1).
_MARKER = re.compile(rb"\xff([\x02-\xcf\xd8-\xfe])")
_END, _SCAN = 0xD9, 0xDA


def scans(file: BinaryIO) -> Iterator[int]:
    """Yield how many components each scan of a JPEG's first picture has; raises BadImage.

    The first is there once the header was read; only those after it need the rest of the file.
    """
    place, segments, found = 2, 0, 0
    while marker := _next_marker(file, place):
        start, kind = marker
        segments += 1
        if kind == _END:
            return
        if not found and (start - place > MAX_PADDING or start > MAX_HEADER):
            raise BadImage
        file.seek(start + 2)
        head = file.read(3)
        if kind == _SCAN:
            found += 1
            yield int.from_bytes(head[2:])
        if segments > MAX_SEGMENTS or found > MAX_SCANS:
            raise BadImage
        place = start + 2 + int.from_bytes(head[:2])


def _next_marker(file: BinaryIO, place: int) -> tuple[int, int] | None:
    """Return place and kind of the next marker from ``place`` on."""
    file.seek(place)
    before = b""
    while piece := file.read(WINDOW):
        window = before + piece
        if found := _MARKER.search(window):
            return place + found.start(), found[1][0]
        place += len(window) - 1
        before = window[-1:]  # the first half of a marker, maybe
    return None
