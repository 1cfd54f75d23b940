"""Decodes pictures within bounds, turns them upright, cuts them square, encodes them again.

The result is made from pixels alone, so nothing else that a user sent is in it. A decoder that runs
cannot be stopped, so its cost is estimated first, from headers and raw bytes.
"""

import hashlib
import io
import warnings
from dataclasses import dataclass
from threading import BoundedSemaphore

from django.conf import settings
from PIL import ExifTags, Image, ImageCms, ImageFile, JpegImagePlugin

from pictures import jpeg
from pictures.avif import coded_pixels
from pictures.errors import BadImage, Busy
from pictures.png import MAX_PACKED_CHUNKS, PACKED_CHUNKS

# The accepted content types, each with Pillow's name of the only decoder that may be used.
FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
    "image/gif": "GIF",
}
Size = tuple[int, int]
Box = tuple[int, int, int, int]  # left, top, right, bottom
SIDE = 512  # pixels
CONTENT_TYPE = "image/webp"
EXTENSION = "webp"
# The largest picture of each format, in pixels, so that none takes more than some 300 MB, as
# measured by benchmarks/pictures.py. A JPEG is scaled down while it is read, so the 50 megapixels
# of a phone are accepted; libwebp and libavif hold several copies of a picture.
MAX_PIXELS = {
    "JPEG": 64_000_000,
    "PNG": 25_000_000,
    "WEBP": 4096 * 4096,
    "AVIF": 4096 * 4096,
    "GIF": 25_000_000,
}
# A JPEG in several scans is held as coefficients, two bytes each, before it can be scaled down.
MAX_BUFFERED_PIXELS = 25_000_000
MAX_DECODED_PIXELS = 25_000_000
MAX_ANIMATION_PIXELS = 25_000_000  # all frames together, though only the first is ever decoded
# Each decoder takes up to 300 MB and a second, so their number bounds a process's memory.
DECODERS = BoundedSemaphore(settings.AVATAR_DECODERS)
# Long enough for several of the worst pictures. A browser that is asked to come again later holds
# no thread meanwhile, and S3 and DynamoDB may need most of the time that a user waits.
DECODER_WAIT = 5  # seconds
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
# How to turn a picture that has this orientation upright (EXIF 2.32, 4.6.4).
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def ignore_warnings_of_pillow() -> None:
    """Keep Pillow's warnings about broken files out of the log: one upload can cause 65,000."""
    warnings.filterwarnings("ignore", module=r"PIL\.")


ignore_warnings_of_pillow()


@dataclass(frozen=True)
class Picture:
    """An encoded picture, its size in pixels, and its SHA-256 in hexadecimal."""

    body: bytes
    width: int
    height: int
    digest: str
    content_type: str = CONTENT_TYPE

    @property
    def size(self) -> int:
        """The length in bytes."""
        return len(self.body)


def normalise(body: bytes) -> Picture:
    """Return the picture in ``body`` as a WebP of 512 by 512 pixels; raises BadImage.

    Of an animation the first frame is used. Raises Busy if no decoder gets free in time.
    """
    if not DECODERS.acquire(timeout=DECODER_WAIT):
        raise Busy
    try:
        square = _square(body)
        encoded = io.BytesIO()
        square.save(encoded, "WEBP", quality=85, method=4)
    except BadImage:
        raise
    # On hostile bytes Pillow's decoders raise nearly every kind of exception.
    except Exception as error:
        raise BadImage from error
    finally:
        DECODERS.release()
    data = encoded.getvalue()
    return Picture(data, *square.size, digest=hashlib.sha256(data).hexdigest())


def _square(body: bytes) -> Image.Image:
    if sum(body.count(kind) for kind in PACKED_CHUNKS) > MAX_PACKED_CHUNKS:
        raise BadImage
    scans = list(jpeg.scans(io.BytesIO(body))) if body.startswith(b"\xff\xd8") else []
    with Image.open(io.BytesIO(body), formats=list(FORMATS.values())) as image:
        _check_pixels(image, scans)
        # Two items: the picture and its transparency.
        if image.format == "AVIF" and sum(coded_pixels(body)) > 2 * MAX_PIXELS["AVIF"]:
            raise BadImage
        # A JPEG can be scaled down by 2, 4 or 8 while it is read: here to twice ``SIDE`` or more.
        image.draft("", (2 * SIDE, 2 * SIDE))
        if image.width * image.height > MAX_DECODED_PIXELS:
            raise BadImage
        image.load()  # before turn_of(), which would hide that the file is broken
        turn = turn_of(image)
        profile = image.info.get("icc_profile")
        small = _fit(image)
    square = to_srgb(small.transpose(turn) if turn is not None else small, profile)
    square.info.clear()  # encoders may copy it into the file
    return square


# --- The cost of decoding ---


def _check_pixels(image: ImageFile.ImageFile, scans: list[int]) -> None:
    """Raise BadImage if, by its header alone, the picture would take too much memory or time."""
    pixels = image.width * image.height
    if isinstance(
        image, JpegImagePlugin.JpegImageFile
    ):  # MPO, too: several in one file, as phones write it
        buffered = "progressive" in image.info or scans[0] < image.layers
        limit, frames = MAX_BUFFERED_PIXELS if buffered else MAX_PIXELS["JPEG"], 1
    else:
        limit = MAX_PIXELS[image.format or ""]
        # A GIF does not declare how many frames it has, and to count them is to decode them.
        frames = 1 if image.format == "GIF" else getattr(image, "n_frames", 1)
    if pixels > limit or (frames > 1 and pixels * frames > MAX_ANIMATION_PIXELS):
        raise BadImage


# --- Drawing ---


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """Return how to turn ``image`` upright; None if it is so already, or its EXIF is broken."""
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 (broken EXIF raises exceptions of many kinds)
        return None


def _fit(image: Image.Image) -> Image.Image:
    """Return the middle of ``image`` as a square."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return shrunk(image, (left, top, left + side, top + side), (SIDE, SIDE))


def shrunk(image: Image.Image, box: Box, size: Size) -> Image.Image:
    """Return what ``box`` holds of ``image``, resized and in eight bits a colour.

    It is converted and averaged strip by strip, to three times ``size`` or more, and then resized.
    The result looks the same as with LANCZOS alone; without strips it would take the memory of
    the picture twice.
    """
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    factor = max(1, min(width // (3 * size[0]), height // (3 * size[1])))
    rows = 64 * factor
    strips = []
    for start in range(top, bottom, rows):
        strip = image.crop((left, start, right, min(start + rows, bottom)))
        strips.append(_eight_bit(strip).reduce(factor))
    reduced = Image.new(strips[0].mode, (strips[0].width, sum(strip.height for strip in strips)))
    for number, strip in enumerate(strips):
        reduced.paste(strip, (0, number * 64))
    box_of_all = (0, 0, width / factor, height / factor)
    return reduced.resize(size, Image.Resampling.LANCZOS, box=box_of_all)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Return ``image`` in a mode that can be resized smoothly; transparency is kept."""
    if image.mode.startswith("I"):  # 16 bits a pixel; convert() alone would clip
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    return image if image.mode in {"L", "RGB", "CMYK"} else image.convert("RGB")


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return ``image`` in sRGB, which needs no colour profile to be shown in the right colours."""
    # A profile can hold a program ("mpet") that is run for every colour: one of 0.8 MB takes 100 s.
    if profile and b"mpet" not in profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            mode = "RGBA" if image.mode == "RGBA" else "RGB"
            converted = ImageCms.profileToProfile(image, source, SRGB, outputMode=mode)
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken profile is ignored
        else:
            return converted or image
    return image if image.mode == "RGBA" else image.convert("RGB")
