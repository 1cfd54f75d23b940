"""Small previews of large pictures, drawn from a file that is read piece by piece.

Where ``pictures.images`` has a picture of 5 MB in memory, this has up to 100 MB that may be far
away; so it reads each byte once or twice, and as few at a time as the format allows. It is meant
for a process of its own, with limits, since a decoder that runs cannot be stopped.
"""

import io
from dataclasses import dataclass, replace
from typing import BinaryIO

from PIL import Image, ImageFile, JpegImagePlugin

from pictures import jpeg, png
from pictures.avif import coded_pixels
from pictures.errors import BadImage
from pictures.images import FORMATS, shrunk, to_srgb, turn_of

SIDE = 512  # pixels of the longer side
MAX_BYTES = 100 * 1024 * 1024
# The largest picture of each format, in pixels, so that none takes more than some 450 MB, as
# measured by benchmarks/previews.py. A JPEG is scaled down while it is read; libwebp and libavif
# hold several copies of a picture, and the file as well.
MAX_PIXELS = {
    "JPEG": 200_000_000,
    "PNG": 64_000_000,
    "WEBP": 4096 * 4096,
    "AVIF": 24_000_000,
    "GIF": 64_000_000,
}
# A JPEG in several scans is held as coefficients, two bytes each, before it can be scaled down.
MAX_BUFFERED_PIXELS = 40_000_000
MAX_DECODED_PIXELS = 64_000_000


class TooLarge(BadImage):
    """To decode the picture would take too much memory or time."""


@dataclass(frozen=True)
class Preview:
    """What there is to know of a picture: its size in pixels, upright, and a small WebP of it.

    ``problem`` says why there is no ``body``: "bad_image" or "too_large". The size may be known
    all the same.
    """

    width: int | None = None
    height: int | None = None
    body: bytes | None = None
    problem: str | None = None


def preview(file: BinaryIO) -> Preview:
    """Return the preview of the picture in ``file``; of an animation, that of its first frame."""
    seen = Preview()
    try:
        file = _in_memory_if_avif(file)
        with _opened(file) as image:
            seen = Preview(*image.size)
            _check_cost(image, file)
            small, turned = _drawn(image)
        if turned:
            seen = Preview(seen.height, seen.width)
        return replace(seen, body=_encoded(small))
    except (TooLarge, MemoryError, Image.DecompressionBombError):
        return replace(seen, problem="too_large")
    # On hostile bytes Pillow's decoders raise nearly every kind of exception.
    except Exception:  # noqa: BLE001
        return replace(seen, problem="bad_image")


# --- The cost of decoding ---


def _in_memory_if_avif(file: BinaryIO) -> BinaryIO | io.BytesIO:
    """Return ``file``, in memory if it is an AVIF: its decoder takes nothing else."""
    file.seek(4)
    if file.read(4) != b"ftyp":
        return file
    file.seek(0)
    return io.BytesIO(file.read())


def _opened(file: BinaryIO) -> ImageFile.ImageFile:
    """Return the picture in ``file`` as its header describes it."""
    file.seek(0)
    start = file.read(4)
    # Pillow keeps what is before the pixels, so that is looked at first.
    if start.startswith(b"\xff\xd8"):
        next(jpeg.scans(file), None)
    if start == b"\x89PNG":
        png.check(file)
    # libwebp takes the memory of the whole picture when a file is opened. Pillow refuses from
    # twice the number on.
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS["WEBP" if start == b"RIFF" else "JPEG"] // 2
    file.seek(0)
    return Image.open(file, formats=list(FORMATS.values()))


def _check_cost(image: ImageFile.ImageFile, file: BinaryIO) -> None:
    limit = MAX_PIXELS.get(image.format or "", MAX_PIXELS["JPEG"])  # MPO is JPEG, too
    if isinstance(image, JpegImagePlugin.JpegImageFile) and _is_buffered(image, file):
        limit = MAX_BUFFERED_PIXELS
    if image.width * image.height > limit:
        raise TooLarge
    # Two items: the picture and its transparency.
    most = 2 * MAX_PIXELS["AVIF"]
    if (
        image.format == "AVIF"
        and isinstance(file, io.BytesIO)
        and sum(coded_pixels(file.getvalue())) > most
    ):
        raise TooLarge


def _is_buffered(image: JpegImagePlugin.JpegImageFile, file: BinaryIO) -> bool:
    """Return whether a JPEG has several scans; raises BadImage if there are too many."""
    place = file.tell()
    scans = jpeg.scans(file)
    buffered = "progressive" in image.info or next(scans, 0) < image.layers
    if buffered:
        for _ in scans:
            pass
    file.seek(place)
    return buffered


# --- Drawing ---


def _drawn(image: ImageFile.ImageFile) -> tuple[Image.Image, bool]:
    """Return the preview, and whether its width is the picture's height."""
    size = _size_of_preview(image.width, image.height)
    # A JPEG can be scaled down by 2, 4 or 8 while it is read: here to twice the preview or more.
    image.draft("", (2 * size[0], 2 * size[1]))
    if image.width * image.height > MAX_DECODED_PIXELS:
        raise TooLarge
    image.load()  # before turn_of(), which would hide that the file is broken
    turn = turn_of(image)
    profile = image.info.get("icc_profile")
    small = shrunk(image, (0, 0, *image.size), size)
    upright = to_srgb(small.transpose(turn) if turn is not None else small, profile)
    return upright, turn in _ACROSS


_ACROSS = {
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90,
}


def _size_of_preview(width: int, height: int) -> tuple[int, int]:
    longer = max(width, height, SIDE)
    return max(1, round(width * SIDE / longer)), max(1, round(height * SIDE / longer))


def _encoded(image: Image.Image) -> bytes:
    image.info.clear()  # encoders may copy it into the file
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=80, method=4)
    return stream.getvalue()
