"""AVIF files taken apart and put together in ways that no encoder would."""

import struct
from collections.abc import Sequence

FULL = bytes(4)  # version and flags of a box


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return a box."""
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def boxes(body: bytes) -> dict[bytes, bytes]:
    """Return the boxes in ``body``, each with its header."""
    found, place = {}, 0
    while place < len(body):
        (size,) = struct.unpack(">I", body[place : place + 4])
        found[body[place + 4 : place + 8]] = body[place : place + size]
        place += size
    return found


def rebuilt(
    body: bytes,
    payloads: Sequence[Sequence[bytes]] | None = None,
    *,
    idat: bool = False,
    wide: bool = False,
) -> bytes:
    """Return the still picture ``body`` with these items, each in as many pieces as given.

    The pieces lie in the file, or inside the header with ``idat``; ``wide`` uses the wider of
    the layouts that the tables may have.
    """
    outer = boxes(body)
    meta = boxes(outer[b"meta"][12:])
    payloads = payloads or [[payload_of(body)]]
    number = ">I" if wide else ">H"
    infos = [
        box(b"infe", bytes([3 if wide else 2, 0, 0, 0]), struct.pack(number, item), b"\0\0av01\0")
        for item in range(1, len(payloads) + 1)
    ]
    iinf = box(b"iinf", bytes([wide, 0, 0, 0]), struct.pack(number, len(payloads)), *infos)
    data = b"".join(b"".join(pieces) for pieces in payloads)

    def header(start: int) -> bytes:
        kept = [meta[kind] for kind in (b"hdlr", b"pitm")]
        iloc = _iloc(payloads, start, wide=wide, idat=idat)
        inside = [box(b"idat", data)] if idat else []
        return outer[b"ftyp"] + box(b"meta", FULL, *kept, iloc, iinf, meta[b"iprp"], *inside)

    return header(0 if idat else len(header(0)) + 8) + box(b"mdat", data)


def _iloc(payloads: Sequence[Sequence[bytes]], start: int, *, wide: bool, idat: bool) -> bytes:
    version = 2 if wide else 1
    number = ">I" if wide else ">H"
    table = struct.pack(number, len(payloads))
    for item, pieces in enumerate(payloads, 1):
        table += struct.pack(number, item) + struct.pack(">HHH", idat, 0, len(pieces))
        for piece in pieces:
            table += struct.pack(">QQ" if wide else ">II", start, len(piece))
            start += len(piece)
    return box(b"iloc", bytes([version, 0, 0, 0]), b"\x88\0" if wide else b"\x44\0", table)


def payload_of(body: bytes) -> bytes:
    """Return the coded frame of the still picture ``body``."""
    return boxes(body)[b"mdat"][8:]


def units(payload: bytes) -> list[bytes]:
    """Return the units ("OBUs") of a coded frame, each with its header."""
    found, place = [], 0
    while place < len(payload):
        size, head = 0, 1
        while True:
            digit = payload[place + head]
            size |= (digit & 127) << 7 * (head - 1)
            head += 1
            if digit < 128:
                break
        found.append(payload[place : place + head + size])
        place += head + size
    return found


def sequence_header(bits: int, side: int, *, clock: bool = False, delays: bool = False) -> bytes:
    """Return a sequence header that names ``side``, in fields of so many bits (AV1, 5.5.1).

    It is not of the reduced kind, so that a frame after it may be as large as the fields.
    """
    fields = [(0, 3), (1, 1), (0, 1), (clock, 1), (delays, 1), (0, 5), (0, 12), (8, 5), (0, 1)]
    fields += [(1, 1), (9, 4)] if delays else []
    fields += [(bits - 1, 4), (bits - 1, 4), (side - 1, bits), (side - 1, bits), (0, 64)]
    number, length = 0, 0
    for value, width in fields:
        number, length = number << width | value, length + width
    body = (number << -length % 8).to_bytes(-(-length // 8))
    return bytes([1 << 3 | 2, len(body)]) + body
