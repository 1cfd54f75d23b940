"""Colours look the same after conversion: in every mode, with transparency, with a profile."""

from typing import Any

import pytest
from PIL import Image, ImageCms

from pictures.images import normalise
from tests.content.corpus import (
    BLUE,
    RED,
    WHITE,
    Colour,
    assert_like,
    colours,
    encoded,
    opened,
    pixel_of,
)
from tests.content.profiles import display_p3, program

MODES_AND_COLOURS: list[tuple[str, str, Any, Colour]] = [
    ("PNG", "L", 128, (128, 128, 128)),
    ("PNG", "1", 1, WHITE),
    ("PNG", "LA", (128, 255), (128, 128, 128)),
    ("PNG", "RGBA", (255, 0, 0, 255), RED),
    ("PNG", "I;16", 0x8000, (128, 128, 128)),
    ("PNG", "P", 0, (0, 0, 0)),
    ("JPEG", "L", 128, (128, 128, 128)),
    ("JPEG", "CMYK", (0, 255, 255, 0), RED),
    ("WEBP", "RGBA", (0, 0, 255, 255), BLUE),
    ("AVIF", "RGBA", (0, 0, 255, 255), BLUE),
    ("GIF", "L", 128, (128, 128, 128)),
]


@pytest.mark.parametrize(("kind", "mode", "colour", "wanted"), MODES_AND_COLOURS)
def test_colour_stays_in_every_mode(kind: str, mode: str, colour: Any, wanted: Colour) -> None:
    body = encoded(Image.new(mode, (100, 100), colour), kind)

    for found in colours(normalise(body)):
        assert_like(found, wanted)


def test_shades_stay_when_a_png_has_16_bits() -> None:
    """``convert()`` alone would turn every value above 255 white."""
    image = Image.new("I;16", (512, 512))
    image.putdata([x * 128 for _y in range(512) for x in range(512)])

    found = opened(normalise(encoded(image))).convert("L")

    assert [found.getpixel((x, 256)) for x in (64, 256, 448)] == [
        pytest.approx(x / 2, abs=4) for x in (64, 256, 448)
    ]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
def test_transparency_stays_when_a_picture_has_some(kind: str) -> None:
    image = Image.new("RGBA", (200, 200), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (100, 0, 200, 200))

    found = opened(normalise(encoded(image, kind)))

    assert found.mode == "RGBA"
    assert_like(pixel_of(found, (128, 256)), (255, 0, 0, 255))
    assert pixel_of(found, (384, 256))[3] == 0


def test_transparency_stays_when_it_is_an_entry_of_the_palette() -> None:
    image = Image.new("P", (200, 200), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(1, (100, 0, 200, 200))

    for kind in ("PNG", "GIF"):
        found = opened(normalise(encoded(image, kind, transparency=1)))

        assert found.mode == "RGBA", kind
        assert pixel_of(found, (128, 256))[3] == 255
        assert pixel_of(found, (384, 256))[3] == 0


def test_transparency_stays_when_a_picture_is_gray() -> None:
    image = Image.new("LA", (200, 200), (200, 255))
    image.paste((0, 0), (100, 0, 200, 200))

    found = opened(normalise(encoded(image)))

    assert pixel_of(found, (384, 256))[3] == 0
    assert_like(pixel_of(found, (128, 256)), (200, 200, 200, 255))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_colour_is_the_same_to_the_eye_when_a_picture_is_in_display_p3(kind: str) -> None:
    """P3's (200, 100, 100) is (212, 95, 97) in sRGB; without its profile it would be paler."""
    body = encoded(Image.new("RGB", (100, 100), (200, 100, 100)), kind, icc_profile=display_p3())

    assert_like(colours(normalise(body))[0], (213, 95, 97), tolerance=6)


def test_colour_stays_when_the_profile_is_broken() -> None:
    for profile in (b"no profile at all", display_p3()[:200], display_p3()[:128] + b"\xff" * 300):
        body = encoded(Image.new("RGB", (100, 100), (200, 100, 100)), icc_profile=profile)

        assert_like(colours(normalise(body))[0], (200, 100, 100))


def test_gray_stays_gray_when_its_profile_is_for_colours() -> None:
    body = encoded(Image.new("L", (100, 100), 128), icc_profile=display_p3())

    assert_like(colours(normalise(body))[0], (128, 128, 128))


@pytest.mark.parametrize(("mode", "colour"), [("L", 200), ("RGB", (255, 0, 0))])
def test_transparency_stays_when_it_is_one_colour_of_a_png(mode: str, colour: Any) -> None:
    image = Image.new(mode, (200, 200), 0)
    image.paste(colour, (100, 0, 200, 200))

    found = opened(normalise(encoded(image, transparency=colour)))

    assert found.mode == "RGBA"
    assert pixel_of(found, (128, 256))[3] == 255
    assert pixel_of(found, (384, 256))[3] == 0


@pytest.mark.case(30)
def test_profile_is_left_alone_when_it_holds_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program would run for every colour: 0.8 MB of it take minutes."""
    applied: list[object] = []
    convert = ImageCms.profileToProfile

    def spy(*args: Any, **options: Any) -> Image.Image | None:
        applied.append(args)
        return convert(*args, **options)

    monkeypatch.setattr(ImageCms, "profileToProfile", spy)
    image = Image.new("RGB", (100, 100), (200, 100, 100))

    picture = normalise(encoded(image, "JPEG", icc_profile=program(10)))

    assert applied == []
    assert_like(colours(picture)[0], (200, 100, 100))
    normalise(encoded(image, "JPEG", icc_profile=display_p3()))
    assert len(applied) == 1
