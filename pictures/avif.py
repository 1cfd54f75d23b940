"""Reads the sizes of the pictures inside an AVIF file from their own headers.

Pillow's decoder uses those, and not the size that the file declares.
Sources: ISO 14496-12 (boxes), AV1 Bitstream and Decoding Process Specification, section 5.5.
"""

from collections.abc import Iterator

from pictures.errors import BadImage

Data = bytes | memoryview
MAX_EXTENTS = 16
MAX_UNITS = 100  # "OBUs" of one item
MAX_FRAMES = 4  # of one item: its layers


class Bits:
    """Reads numbers of any count of bits; raises BadImage after the end."""

    def __init__(self, data: Data) -> None:
        self.data, self.place = data, 0

    def take(self, count: int) -> int:
        """Return the next ``count`` bits as a number."""
        first, self.place = self.place, self.place + count
        if self.place > 8 * len(self.data):
            raise BadImage
        chunk = int.from_bytes(self.data[first // 8 : -(-self.place // 8)])
        return chunk >> (-self.place % 8) & ((1 << count) - 1)


def coded_pixels(body: bytes) -> Iterator[int]:
    """Yield the pixels of each coded item of an AVIF (ISO 14496-12, 8.11).

    libavif decodes an item at its own size, which need not be the file's, and scales it after
    that: a file of a kilobyte that declares 16 by 16 pixels may take a gigabyte of memory.
    """
    view = memoryview(body)  # whose slices are no copies
    outer = dict(boxes(view, last=b"meta"))
    if b"avis" in bytes(outer[b"ftyp"]):  # an animation, whose frames are listed elsewhere
        raise BadImage
    meta = dict(boxes(outer[b"meta"][4:]))
    coded = set(_coded_items(meta[b"iinf"]))
    for item, extents in locations(meta[b"iloc"]):
        if item in coded:
            if len(extents) != 1:  # in several pieces or in another file, as no encoder writes it
                raise BadImage
            yield _av1_pixels(view[extents[0]])


def boxes(body: Data, *, last: bytes = b"") -> Iterator[tuple[bytes, Data]]:
    """Yield kind and content of the boxes in ``body``, up to the first of the kind ``last``."""
    place, kind = 0, b"none"
    while place < len(body) and kind != last:
        bits, head = Bits(body[place : place + 16]), 8
        size, kind = bits.take(32), bits.take(32).to_bytes(4)
        if size == 1:
            size, head = bits.take(64), 16
        size = size or len(body) - place
        if size < head:
            raise BadImage
        yield kind, body[place + head : place + size]
        place += size


def _coded_items(iinf: Data) -> Iterator[int]:
    """Yield the numbers of the items that are AV1 pictures."""
    for _kind, info in boxes(iinf[8 if iinf[0] else 6 :]):
        bits = Bits(info)
        version = bits.take(32) >> 24
        item = bits.take(16 if version < 3 else 32)
        bits.take(16)
        if bits.take(32).to_bytes(4) == b"av01":
            yield item


def locations(iloc: Data) -> Iterator[tuple[int, list[slice]]]:
    """Yield each item's number and its places in the file: none if it is in another place."""
    bits = Bits(iloc)
    version = bits.take(32) >> 24
    offset, length, base, index = (8 * bits.take(4) for _ in range(4))
    for _ in range(bits.take(16 if version < 2 else 32)):
        item = bits.take(16 if version < 2 else 32)
        inside = not (version and bits.take(16) & 15)
        bits.take(16)
        start, extents = bits.take(base), bits.take(16)
        places = []
        for _extent in range(extents):
            bits.take(index if version else 0)
            first = start + bits.take(offset)
            places.append(slice(first, first + bits.take(length)))
            if len(places) > MAX_EXTENTS:
                raise BadImage
        yield item, places if inside else []


def _av1_pixels(item: Data) -> int:
    """Return how many pixels a frame of the item may have (AV1, 5.5.1)."""
    pixels: list[int] = []
    place = units = frames = 0
    while place < len(item):
        bits = Bits(item[place : place + 10])
        kind, extended, sized = bits.take(5), bits.take(1), bits.take(1)
        bits.take(9 if extended else 1)
        size = _leb128(bits) if sized else len(item) - place - bits.place // 8
        place += bits.place // 8
        if kind == 1:
            pixels.append(_sequence_pixels(Bits(item[place : place + size])))
        frames += kind in {3, 6}
        units += 1
        if units > MAX_UNITS or frames > MAX_FRAMES:
            raise BadImage
        place += size
    if not pixels:
        raise BadImage
    return max(pixels)


def _leb128(bits: Bits) -> int:
    size, more = 0, 1
    for digit in range(8):
        more, low = bits.take(1), bits.take(7)
        size |= low << 7 * digit
        if not more:
            break
    return size


def _sequence_pixels(bits: Bits) -> int:
    """Return the pixels of the largest frame that may follow a sequence header."""
    bits.take(4)
    if reduced := bits.take(1):
        bits.take(5)
    else:
        if bits.take(1):  # timing information, which no still picture needs
            raise BadImage
        delayed = bits.take(1)
        for _ in range(bits.take(5) + 1):
            bits.take(12)
            bits.take(1 if bits.take(5) > 7 else 0)
            bits.take(4 if delayed and bits.take(1) else 0)
    wide, high = bits.take(4) + 1, bits.take(4) + 1
    width, height = bits.take(wide) + 1, bits.take(high) + 1
    # Unless the header is a reduced one, a frame may declare a size of its own.
    return width * height if reduced else 1 << wide + high
