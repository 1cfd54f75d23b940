"""Pictures: decoded within bounds, turned upright, cut square, and encoded anew.

Nothing a user sent survives: what comes out is made of pixels alone.
"""

import hashlib
import io
from dataclasses import dataclass
from threading import BoundedSemaphore

from PIL import Image, ImageCms, ImageOps

from avatars.errors import BadImage, Busy

# The allow-list: content type to Pillow's name of the only decoder it may reach.
FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
    "image/gif": "GIF",
}
SIDE = 512  # pixels
CONTENT_TYPE = "image/webp"
EXTENSION = "webp"
# The largest picture that is decoded, width times height over all frames. JPEG decodes at a
# reduced scale, so the pictures of a phone's 50 megapixel camera are within reach.
MAX_PIXELS = 25_000_000
MAX_JPEG_PIXELS = 64_000_000
# What Pillow calls a JPEG file; MPO is one with further pictures in it, as many phones write.
JPEGS = {"JPEG", "MPO"}
# A progressive JPEG may pass over all its pixels again for every hundred bytes.
MAX_JPEG_SCANS = 100
# A picture at the limits takes some 450 MB and a second while it is decoded; so many at a time.
DECODERS = BoundedSemaphore(2)
DECODER_WAIT = 20  # seconds
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@dataclass(frozen=True)
class Picture:
    """An encoded picture and its facts: bytes, pixels, SHA-256 in hexadecimal."""

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

    Of an animation the first frame is used. Raises Busy if others are being decoded for long.
    """
    if not DECODERS.acquire(timeout=DECODER_WAIT):
        raise Busy
    try:
        square = _square(body)
        encoded = io.BytesIO()
        square.save(encoded, "WEBP", quality=85, method=4)
    except BadImage:
        raise
    # Pillow's decoders meet hostile bytes with nearly every exception there is.
    except Exception as error:
        raise BadImage from error
    finally:
        DECODERS.release()
    data = encoded.getvalue()
    return Picture(data, *square.size, digest=hashlib.sha256(data).hexdigest())


def _square(body: bytes) -> Image.Image:
    with Image.open(io.BytesIO(body), formats=list(FORMATS.values())) as image:
        _check_bounds(image, body)
        if image.format in JPEGS:
            # The decoder may scale down by 2, 4 or 8 while it reads, to no less than twice ours.
            image.draft("", (2 * SIDE, 2 * SIDE))
        upright = ImageOps.exif_transpose(image)
        profile = image.info.get("icc_profile")
        small = ImageOps.fit(_eight_bit(upright), (SIDE, SIDE), Image.Resampling.LANCZOS)
    return _plain(_to_srgb(small, profile))


def _check_bounds(image: Image.Image, body: bytes) -> None:
    """Refuse, from the header alone, what would take too much memory or time."""
    limit = MAX_JPEG_PIXELS if image.format in JPEGS else MAX_PIXELS
    # A GIF does not tell its number of frames. Of it and of a JPEG file only the first picture
    # is ever decoded.
    frames = 1 if image.format in {"GIF", *JPEGS} else getattr(image, "n_frames", 1)
    if image.width * image.height * frames > limit:
        raise BadImage
    # Inside a JPEG's data every FF is escaped, so this counts its starts of scan.
    if image.format in JPEGS and body.count(b"\xff\xda") > MAX_JPEG_SCANS:
        raise BadImage


def _eight_bit(image: Image.Image) -> Image.Image:
    """Return ``image`` in a mode that can be resized smoothly, alpha kept."""
    if image.mode in {"L", "RGB", "RGBA", "CMYK"}:
        return image
    if image.mode.startswith("I"):  # 16 bits a pixel; convert() alone would clip
        return image.convert("I").point(lambda value: value / 256).convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return ``image`` in sRGB: without its colour profile other colours would be shown."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            mode = "RGBA" if image.mode == "RGBA" else "RGB"
            converted = ImageCms.profileToProfile(image, source, SRGB, outputMode=mode)
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken profile is as good as none
        else:
            return converted or image
    return image if image.mode == "RGBA" else image.convert("RGB")


def _plain(image: Image.Image) -> Image.Image:
    """Return the pixels of ``image`` and nothing else: encoders copy what they find in info."""
    plain = Image.new(image.mode, image.size)
    plain.paste(image)
    return plain
