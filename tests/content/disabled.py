"""One file of every format that Pillow can read and this site refuses."""

import struct

from PIL import Image

from pictures.images import FORMATS
from tests.content.corpus import RED, encoded

Image.init()
# Whatever this Pillow registers: a format that an update brings is covered the day it comes.
DISABLED = sorted(set(Image.OPEN) - set(FORMATS.values()))

MODES = {"MSP": "1", "XBM": "1", "SPIDER": "F", "BLP": "P"}
# What Pillow can read but not write: enough of a header for its plugin to take the file.
HAND_MADE: dict[str, bytes] = {
    "BUFR": b"BUFR" + bytes(60),
    "CUR": b"\0\0\2\0\1\0" + bytes([9, 9, 0, 0, 1, 0, 1, 0]) + struct.pack("<II", 40, 22),
    "DCX": struct.pack("<II", 0x3ADE68B1, 12) + bytes(200),
    "FITS": b"SIMPLE  =                    T" + b" " * 2850,
    "FLI": struct.pack("<IHHHHHH", 128, 0xAF11, 1, 9, 9, 8, 3) + bytes(112),
    "FTEX": b"FTEX" + struct.pack("<IIIIII", 0, 9, 9, 1, 1, 1) + bytes(60),
    "GBR": struct.pack(">IIIII", 28, 1, 9, 9, 1) + b"brush\0\0\0" + bytes(81),
    "GRIB": b"GRIB\0\0\0\1" + bytes(60),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(60),
    "IMT": b"*a comment\nwidth 9\nheight 9\npixel n8\n\x0c" + bytes(81),
    "IPTC": b"\x1c\x03\x3c\0\2\1\1\x1c\x03\x14\0\2\0\x09\x1c\x03\x1e\0\2\0\x09\x1c\x08\x0a\0\0",
    "MCIDAS": struct.pack(">IIIIIIIIIIIIII", 0, 4, *[9] * 12) + bytes(300),
    "MPEG": b"\0\0\1\xb3\x00\x90\x09" + bytes(60),
    "PCD": bytes(2048) + b"PCD_" + bytes(96 * 2048),
    "PIXAR": b"\x80\xe8\0\0" + bytes(412) + struct.pack("<HHHHHH", 9, 9, 0, 0, 14, 2) + bytes(900),
    "PSD": b"8BPS\x00\x01" + bytes(6) + struct.pack(">HIIHH", 3, 9, 9, 8, 3) + bytes(300),
    "SUN": struct.pack(">IIIIIIII", 0x59A66A95, 9, 9, 24, 243, 1, 0, 0) + bytes(300),
    "WMF": b"\xd7\xcd\xc6\x9a\0\0" + bytes(60),
    "XPM": b'/* XPM */\nstatic char *x[] = {\n"1 1 1 1",\n"a c #ff0000",\n"a"};\n',
    "XVTHUMB": b"P7 332\n#END_OF_COMMENTS\n9 9 255\n" + bytes(81),
}


def sample(kind: str) -> bytes:
    """Return a file of this format."""
    if kind in HAND_MADE:
        return HAND_MADE[kind]
    return encoded(Image.new("RGB", (64, 64), RED).convert(MODES.get(kind, "RGB")), kind)
