"""Pictures that are taken, and how they are drawn: upright, square, of one size."""

from collections.abc import Callable

import pytest
from PIL import Image, ImageChops, ImageStat

from pictures import images
from pictures.images import SIDE, normalise
from tests.builders import picture_bytes
from tests.content.corpus import (
    KINDS,
    RED,
    animation,
    assert_like,
    assert_upright,
    colours,
    encoded,
    opened,
    png_chunk,
    quarters,
    turned,
)

# What has to be done to an upright picture to store it with each orientation.
TURNED: dict[int, Callable[[Image.Image], Image.Image]] = {
    1: lambda image: image,
    2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}


@pytest.mark.case(33)
@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_picture_stands_upright_when_it_was_stored_turned(orientation: int, kind: str) -> None:
    stored = TURNED[orientation](quarters((600, 400)))

    picture = normalise(encoded(stored, kind, exif=turned(orientation)))

    assert_upright(picture)


@pytest.mark.case(33)
@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_picture_stays_as_stored_when_its_orientation_is_nonsense(orientation: int) -> None:
    picture = normalise(encoded(quarters(), "JPEG", exif=turned(orientation)))

    assert_upright(picture)


@pytest.mark.case(33)
def test_orientation_is_found_when_it_stands_behind_the_pixels() -> None:
    """A PNG may hold its EXIF chunk after the pixels."""
    exif = turned(3).tobytes().removeprefix(b"Exif\0\0")
    body = encoded(TURNED[3](quarters()))

    assert_upright(normalise(body[:-12] + png_chunk(b"eXIf", exif) + body[-12:]))


@pytest.mark.case(31, 33)
@pytest.mark.parametrize("exif", [b"", b"II", b"no EXIF at all", b"MM\0*\xff\xff\xff\xff"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_picture_is_taken_as_stored_when_its_exif_is_broken(kind: str, exif: bytes) -> None:
    """The pixels are whole, so the picture is taken; its orientation is ignored."""
    assert_upright(normalise(encoded(quarters(), kind, exif=b"Exif\0\0" + exif)))


# --- Drawn right ---


@pytest.mark.parametrize("kind", KINDS)
def test_picture_is_a_square_webp_whatever_it_was(kind: str) -> None:
    picture = normalise(encoded(quarters((700, 500)), kind))

    image = opened(picture)
    assert (image.format, image.size) == ("WEBP", (SIDE, SIDE))
    assert (picture.width, picture.height) == (SIDE, SIDE)
    assert picture.content_type == "image/webp"
    assert_upright(picture)


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (3, 2), (4000, 3000)])
def test_picture_is_a_square_however_long_or_small_it_was(size: tuple[int, int]) -> None:
    assert opened(normalise(picture_bytes(size=size))).size == (SIDE, SIDE)


def test_picture_of_a_large_camera_is_taken_when_it_is_a_jpeg() -> None:
    body = encoded(Image.new("RGB", (8000, 6000), RED), "JPEG", quality=10)

    assert_like(colours(normalise(body))[0], RED)


def test_picture_of_a_phone_is_taken_when_its_jpeg_holds_a_second_one() -> None:
    """Ultra HDR and stereo pictures, which Pillow calls MPO."""
    body = encoded(
        quarters((4080, 3072)), "MPO", save_all=True, append_images=[Image.new("L", (1020, 768))]
    )

    assert_upright(normalise(body))


def test_first_frame_is_used_when_the_picture_moves() -> None:
    for kind in ("GIF", "WEBP", "PNG"):
        picture = normalise(animation(5, kind=kind))

        image = opened(picture)
        assert getattr(image, "n_frames", 1) == 1
        assert_like(colours(picture)[0], RED)


def test_digest_and_bytes_are_the_same_when_the_picture_is() -> None:
    body = picture_bytes()

    assert normalise(body) == normalise(body)
    assert normalise(body).digest != normalise(picture_bytes(colour="#ff0000")).digest


@pytest.mark.parametrize("side", [SIDE, 1536, 3080, 3333])
def test_picture_is_the_same_to_the_eye_when_it_is_scaled_down_in_two_steps(side: int) -> None:
    """Scaling down strip by strip saves memory, and must show no seams, shifts or blur."""
    image = Image.effect_mandelbrot((side, side), (-2.1, -1.5, 0.9, 1.5), 100).convert("RGB")
    image.paste(RED, (side // 3, side // 3, side // 2, side))

    found = images._fit(image)

    at_once = image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    assert max(ImageStat.Stat(ImageChops.difference(found, at_once)).rms) < 0.3
