"""Colour profiles, made here (ICC.1:2022)."""

import struct


def display_p3() -> bytes:
    """Return a colour profile like Display P3's: its primaries, a gamma of 2.2, D50."""
    gamma = b"curv\0\0\0\0" + struct.pack(">IH", 1, 0x0233) + b"\0\0"
    return _profile(
        {
            b"desc": b"desc\0\0\0\0" + struct.pack(">I", 3) + b"P3\0" + bytes(79) + b"\0\0",
            b"cprt": b"text\0\0\0\0none\0\0\0\0",
            b"wtpt": _xyz(0.9642, 1.0, 0.8249),
            b"rXYZ": _xyz(0.5151, 0.2412, -0.0011),
            b"gXYZ": _xyz(0.2919, 0.6922, 0.0419),
            b"bXYZ": _xyz(0.1572, 0.0666, 0.7841),
            b"rTRC": gamma,
            b"gTRC": gamma,
            b"bTRC": gamma,
        },
        version=b"\x02\x10",
    )


def program(steps: int) -> bytes:
    """Return a profile whose colours go through ``steps`` matrices, all stored as one."""
    matrix = b"matf" + bytes(4) + struct.pack(">HH", 3, 3)
    matrix += struct.pack(">12f", 1, 0, 0, 0, 1, 0, 0, 0, 1.0001, 0, 0, 0)
    head = b"mpet" + bytes(4) + struct.pack(">HHI", 3, 3, steps)
    place = struct.pack(">II", len(head) + 8 * steps, len(matrix))
    name = b"mluc" + bytes(4) + struct.pack(">II", 1, 12) + b"enUS" + struct.pack(">II", 2, 28)
    return _profile(
        {
            b"D2B0": head + place * steps + matrix,
            b"wtpt": _xyz(0.9642, 1.0, 0.8249),
            b"cprt": b"text\0\0\0\0none\0\0\0\0",
            b"desc": name + b"\0x",
        },
        version=b"\x04\x30",
    )


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(*values)


def _profile(tags: dict[bytes, bytes], *, version: bytes) -> bytes:
    table, data = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    head = struct.pack(">I", start + len(data)) + b"lcms" + version + b"\0\0mntrRGB XYZ "
    head += bytes(12) + b"acsp" + bytes(28) + _fixed(0.9642, 1.0, 0.8249)
    return head + bytes(128 - len(head)) + table + data
