"""Walks the chunks of a PNG, so that what they cost is known before they are read.

Source: W3C, Portable Network Graphics, section 5.3.
"""

from typing import BinaryIO

from pictures.errors import BadImage

# Pillow reads each chunk as a whole, but for those of pixels.
PIXELS = (b"IDAT", b"fdAT")
MAX_OTHERS = 16 * 1024 * 1024  # bytes of all chunks that are no pixels
# 100 MB in chunks of a kilobyte; encoders write 8 KB or more.
MAX_CHUNKS = 100_000
# Each such chunk unpacks to at most 1 MB, in 4 ms; but a file can have thousands.
PACKED_CHUNKS = (b"iCCP", b"iTXt", b"zTXt")
MAX_PACKED_CHUNKS = 50


def check(file: BinaryIO) -> None:
    """Raise BadImage if the chunks of a PNG would take too much memory or time."""
    place, others, packed = 8, 0, 0
    for _ in range(MAX_CHUNKS):
        file.seek(place)
        size, kind = int.from_bytes(file.read(4)), file.read(4)
        if len(kind) < 4 or kind == b"IEND":
            return
        others += 0 if kind in PIXELS else size
        packed += kind in PACKED_CHUNKS
        if others > MAX_OTHERS or packed > MAX_PACKED_CHUNKS:
            raise BadImage
        place += 12 + size
    raise BadImage
