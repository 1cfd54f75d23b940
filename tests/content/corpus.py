"""The corpus: pictures, well-formed and hostile, all built here."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from PIL import Image, ImageDraw

from pictures.images import SIDE, Picture
from tests.builders import picture_bytes

Colour = tuple[int, ...]
Size = tuple[int, int]

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
QUARTERS = [RED, GREEN, BLUE, WHITE]
KINDS = ["JPEG", "PNG", "WEBP", "AVIF", "GIF"]
ORIENTATION = 0x0112
SCRIPT = b"<html><script>alert(1)</script></html>"


# --- Well-formed pictures ---


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Return ``image`` encoded."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def quarters(size: Size = (400, 400)) -> Image.Image:
    """Return an upright picture: red and green above, blue and white below."""
    width, height = size
    image = Image.new("RGB", size, RED)
    draw = ImageDraw.Draw(image)
    draw.rectangle((width // 2, 0, width, height // 2), GREEN)
    draw.rectangle((0, height // 2, width // 2, height), BLUE)
    draw.rectangle((width // 2, height // 2, width, height), WHITE)
    return image


def noise(size: Size = (300, 300)) -> Image.Image:
    """Return a picture that no encoder makes small."""
    return Image.effect_noise(size, 90).convert("RGB")


def animation(frames: int, size: Size = (64, 64), *, kind: str = "WEBP", **options: Any) -> bytes:
    """Return an animation whose first frame is red."""
    images = [Image.new("RGB", size, BLUE if number % 2 else RED) for number in range(frames)]
    return encoded(images[0], kind, save_all=True, append_images=images[1:], duration=50, **options)


def turned(orientation: object) -> Image.Exif:
    """Return EXIF data with this orientation."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


# --- What came out ---


def opened(picture: Picture) -> Image.Image:
    """Return the pixels of a normalised picture."""
    image = Image.open(io.BytesIO(picture.body))
    image.load()
    return image


def colours(picture: Picture) -> list[Colour]:
    """Return the colours in the middle of the four quarters, row by row."""
    image = opened(picture).convert("RGB")
    near, far = SIDE // 4, 3 * SIDE // 4
    return [
        pixel_of(image, place) for place in [(near, near), (far, near), (near, far), (far, far)]
    ]


def pixel_of(image: Image.Image, place: Size) -> Colour:
    """Return the colour at ``place``."""
    pixel = image.getpixel(place)
    assert isinstance(pixel, tuple)
    return pixel


def assert_like(found: Colour, wanted: Colour, tolerance: int = 12) -> None:
    """Two colours are the same but for what a lossy encoder does."""
    assert len(found) == len(wanted)
    assert all(abs(one - other) <= tolerance for one, other in zip(found, wanted, strict=True)), (
        found,
        wanted,
    )


def assert_upright(picture: Picture) -> None:
    """The picture shows the four quarters, each at its place."""
    for found, wanted in zip(colours(picture), QUARTERS, strict=True):
        assert_like(found, wanted)


# --- PNG ---


def png_chunk(kind: bytes, body: bytes = b"") -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    """Return a PNG whose header claims this size, with ``chunks`` after the header."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + png_chunk(b"IEND")


def png_pixels(width: int, height: int) -> bytes:
    """Return the chunk of pixels that makes such a PNG black."""
    return png_chunk(b"IDAT", zlib.compress((b"\0" + bytes(3 * width)) * height))


def packed_text(size: int, kind: bytes = b"zTXt") -> bytes:
    """Return a chunk of text, or a profile, that unpacks to ``size`` bytes."""
    head = b"Comment\0\1\0\0\0" if kind == b"iTXt" else b"Comment\0\0"
    return png_chunk(kind, head + zlib.compress(bytes(size), 9))


# --- JPEG ---


def jpeg_segment(marker: int, body: bytes = b"") -> bytes:
    """Return a segment of a JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg_with(*segments: bytes, size: Size = (16, 16)) -> bytes:
    """Return a JPEG with ``segments`` in front."""
    body = picture_bytes(size=size, kind="JPEG")
    return body[:2] + b"".join(segments) + body[2:]


def rescanned(body: bytes, times: int) -> bytes:
    """Return a progressive JPEG whose last scan is repeated this many times."""
    scan = body.rindex(b"\xff\xda")
    return body[:-2] + body[scan:-2] * times + b"\xff\xd9"


# --- Headers that claim a size ---


def jpeg_claiming(width: int, height: int) -> bytes:
    """Return a JPEG whose header claims this size."""
    body = picture_bytes(size=(16, 16), kind="JPEG")
    start = body.index(b"\xff\xc0") + 5
    return body[:start] + struct.pack(">HH", height, width) + body[start + 4 :]


def gif_claiming(width: int, height: int) -> bytes:
    """Return a GIF whose header and frame claim this size."""
    body = picture_bytes(size=(16, 16), kind="GIF")
    size = struct.pack("<HH", width, height)
    frame = body.index(b"\x2c\x00\x00\x00\x00")
    return body[:6] + size + body[10 : frame + 5] + size + body[frame + 9 :]


def avif_claiming(width: int, height: int, body: bytes = b"") -> bytes:
    """Return an AVIF whose header claims this size; its coded frame keeps its own."""
    body = body or picture_bytes(size=(16, 16), kind="AVIF")
    start = body.index(b"ispe") + 8
    return body[:start] + struct.pack(">II", width, height) + body[start + 8 :]


def riff_chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a WebP."""
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def webp(*chunks: bytes) -> bytes:
    """Return a WebP of these chunks."""
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_claiming(width: int, height: int) -> bytes:
    """Return a WebP (extended) whose canvas claims this size."""
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    pixels = picture_bytes(size=(16, 16), kind="WEBP")[12:]
    return webp(riff_chunk(b"VP8X", b"\x02\x00\x00\x00" + canvas), pixels)


CLAIMING: dict[str, Callable[[int, int], bytes]] = {
    "JPEG": jpeg_claiming,
    "PNG": lambda width, height: png(width, height, png_pixels(1, 1)),
    "WEBP": webp_claiming,
    "AVIF": avif_claiming,
    "GIF": gif_claiming,
}


# --- Two things at once ---


def zip_archive() -> bytes:
    """Return a ZIP archive with an HTML page."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("page.html", SCRIPT)
    return stream.getvalue()


def truncated(body: bytes) -> list[bytes]:
    """Return ``body`` cut at every sixteenth of its length."""
    return [body[: len(body) * part // 16] for part in range(1, 16)]


def full_of_metadata() -> Image.Exif:
    """Return EXIF data with position, comment, camera and orientation."""
    exif = turned(6)
    exif[0x010E] = "A SECRET DESCRIPTION"
    exif[0x010F] = "A SECRET CAMERA"
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0A SECRET COMMENT"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return exif
