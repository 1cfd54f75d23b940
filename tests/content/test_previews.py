"""Previews: the whole picture, upright and small, or none if it would cost too much."""

import io
import random
import struct
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from pictures import jpeg
from pictures import preview as previews
from pictures.jpeg import MAX_HEADER, MAX_PADDING, MAX_SCANS, MAX_SEGMENTS
from pictures.png import MAX_CHUNKS, MAX_OTHERS, MAX_PACKED_CHUNKS
from pictures.preview import MAX_PIXELS, SIDE, Preview, preview
from tests.builders import picture_bytes
from tests.content.corpus import (
    CLAIMING,
    KINDS,
    QUARTERS,
    RED,
    animation,
    assert_like,
    avif_claiming,
    encoded,
    full_of_metadata,
    jpeg_segment,
    jpeg_with,
    noise,
    packed_text,
    pixel_of,
    png,
    png_chunk,
    png_pixels,
    quarters,
    rescanned,
    turned,
)


def previewed(body: bytes) -> Preview:
    """Return the preview of a picture."""
    return preview(io.BytesIO(body))


def drawn(body: bytes) -> Image.Image:
    """Return the pixels of a picture's preview."""
    small = previewed(body)
    assert small.problem is None
    assert small.body
    image = Image.open(io.BytesIO(small.body), formats=["WEBP"])
    image.load()
    return image


def assert_too_large(body: bytes, decoded: list[str]) -> None:
    """There is no preview, and none of the pixels were asked for."""
    assert previewed(body).problem == "too_large"
    assert decoded == []


# --- What it costs ---


@pytest.mark.case(30)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(50_000, 50_000), (16_383, 16_383)])
def test_there_is_no_preview_when_the_header_claims_too_many_pixels(
    kind: str, size: tuple[int, int], decoded: list[str]
) -> None:
    if kind in {"WEBP", "AVIF"}:  # a header cannot hold more, or the decoder refuses it
        size = (16_383, 16_383)

    assert_too_large(CLAIMING[kind](*size), decoded)


@pytest.mark.case(30)
@pytest.mark.parametrize("kind", KINDS)
def test_there_is_no_preview_when_the_picture_is_one_row_over_the_limit(
    kind: str, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture of exactly the limit has one; the size is known of both."""
    monkeypatch.setitem(MAX_PIXELS, kind, 64 * 64)
    monkeypatch.setattr(Image, "_decompression_bomb_check", lambda *_args, **_options: None)
    assert drawn(picture_bytes(kind=kind, size=(64, 64)))
    decoded.clear()

    assert_too_large(picture_bytes(kind=kind, size=(64, 65)), decoded)
    assert previewed(picture_bytes(kind=kind, size=(64, 65))).height == 65


@pytest.mark.case(30)
def test_webp_is_refused_before_libwebp_takes_memory_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It does that when a file is opened."""
    monkeypatch.setattr("PIL._webp.WebPAnimDecoder", lambda _body: pytest.fail("opened"))

    assert previewed(CLAIMING["WEBP"](5000, 5000)).problem == "too_large"


@pytest.mark.case(30)
def test_avif_is_refused_when_it_is_larger_than_its_header_says(
    decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MAX_PIXELS, "AVIF", 256 * 256)
    bomb = encoded(Image.new("L", (400, 400)), "AVIF")

    assert_too_large(avif_claiming(16, 16, bomb), decoded)


@pytest.mark.case(30)
@pytest.mark.parametrize("options", [{"progressive": True}, {"alone": True}])
def test_jpeg_has_a_lower_limit_when_it_is_held_as_coefficients(
    options: dict[str, Any], decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = picture_bytes(size=(65, 64), kind="JPEG", progressive="progressive" in options)
    if "alone" in options:  # one colour after the other
        scan = body.index(b"\xff\xda")
        body = body[:scan] + jpeg_segment(0xDA, b"\1\1\0\0\x3f\0") + body[scan + 14 :]
    monkeypatch.setattr(previews, "MAX_BUFFERED_PIXELS", 64 * 64)

    assert_too_large(body, decoded)
    assert drawn(picture_bytes(size=(65, 64), kind="JPEG"))


@pytest.mark.case(30)
def test_jpeg_has_no_preview_when_it_is_too_narrow_to_be_scaled_down(
    decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "MAX_DECODED_PIXELS", 9_000)

    assert_too_large(picture_bytes(size=(2000, 5), kind="JPEG"), decoded)


JPEG_BOMBS: dict[str, bytes] = {
    "scans": rescanned(encoded(quarters(), "JPEG", progressive=True), MAX_SCANS),
    "segments": jpeg_with(*[jpeg_segment(0xE1, b"x")] * MAX_SEGMENTS),
    "padding": jpeg_with(b"\xff" * (MAX_PADDING + 2)),
    "header": jpeg_with(*[jpeg_segment(0xE5, bytes(65_000))] * (MAX_HEADER // 65_000 + 1)),
}
PNG_BOMBS: dict[str, bytes] = {
    "packed": png(8, 8, *[packed_text(1000)] * (MAX_PACKED_CHUNKS + 1), png_pixels(8, 8)),
    "packed after the pixels": png(8, 8, png_pixels(8, 8), *[packed_text(9)] * 51),
    "large": png(8, 8, png_chunk(b"tEXt", b"a\0" + bytes(MAX_OTHERS)), png_pixels(8, 8)),
    "large by its header": png(8, 8, struct.pack(">I", 2**31 - 1) + b"tEXt"),
    "many": png(8, 8, png_chunk(b"teSt") * MAX_CHUNKS, png_pixels(8, 8)),
}


@pytest.mark.case(30)
@pytest.mark.parametrize("body", [*JPEG_BOMBS.values(), *PNG_BOMBS.values()],
                         ids=[*JPEG_BOMBS, *PNG_BOMBS])  # fmt: skip
def test_there_is_no_preview_when_the_structure_is_a_bomb(body: bytes, decoded: list[str]) -> None:
    assert previewed(body).problem == "bad_image"
    assert decoded == []


def test_many_chunks_of_pixels_are_no_bomb() -> None:
    """Encoders write them in pieces of 8 KB or more; these are of a byte."""
    data = png_pixels(64, 64)[8:-4]
    pieces = [png_chunk(b"IDAT", data[place : place + 1]) for place in range(len(data))]

    assert drawn(png(64, 64, *pieces)).size == (64, 64)


@pytest.mark.parametrize("window", [1, 2, 3, 7, 64, 1000])
def test_scans_are_the_same_however_the_file_is_cut(
    window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = encoded(noise((40, 30)), "JPEG", progressive=True, exif=full_of_metadata())
    wanted = list(jpeg.scans(io.BytesIO(body)))
    monkeypatch.setattr(jpeg, "WINDOW", window)

    assert list(jpeg.scans(io.BytesIO(body))) == wanted
    assert len(wanted) == body.count(b"\xff\xda") > 5


def test_jpeg_is_read_once_when_it_has_one_scan() -> None:
    """The first scan's header says so; the rest is only read by the decoder."""
    body = encoded(noise((600, 600)), "JPEG", quality=95)
    file = io.BytesIO(body)

    assert next(jpeg.scans(file)) == 3
    assert file.tell() < jpeg.WINDOW < len(body)


# --- What it looks like ---


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((1200, 800), (512, 341)),
        ((300, 900), (171, 512)),
        ((512, 512), (512, 512)),
        ((60, 40), (60, 40)),
        ((1, 1), (1, 1)),
        ((3000, 2), (512, 1)),
        ((2, 3000), (1, 512)),
    ],
)
def test_preview_has_the_shape_of_the_picture_and_is_never_larger(
    kind: str, size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    body = picture_bytes(size=size, kind=kind)

    assert drawn(body).size == wanted
    assert max(wanted) <= SIDE
    assert replace(previewed(body), body=None) == Preview(*size)


@pytest.mark.parametrize("kind", KINDS)
def test_preview_shows_the_whole_picture(kind: str) -> None:
    image = drawn(encoded(quarters((1600, 800)), kind)).convert("RGB")

    places = [(128, 64), (384, 64), (128, 192), (384, 192)]
    for place, wanted in zip(places, QUARTERS, strict=True):
        assert_like(pixel_of(image, place), wanted, 40)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_preview_is_upright_and_so_is_the_size(kind: str, orientation: int) -> None:
    image = quarters((1200, 800))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = image.transpose(undo[orientation]) if orientation > 1 else image
    body = encoded(stored, kind, exif=turned(orientation))

    small = drawn(body).convert("RGB")

    assert small.size == (512, 341)
    assert (previewed(body).width, previewed(body).height) == (1200, 800)
    places = [(128, 85), (384, 85), (128, 256), (384, 256)]
    for place, wanted in zip(places, QUARTERS, strict=True):
        assert_like(pixel_of(small, place), wanted, 40)


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "GIF"])
def test_preview_is_the_first_frame_of_an_animation(kind: str) -> None:
    image = drawn(animation(6, (200, 100), kind=kind)).convert("RGB")

    assert image.size == (200, 100)
    assert_like(pixel_of(image, (100, 50)), RED)


def test_preview_is_transparent_where_the_picture_is() -> None:
    image = drawn(encoded(Image.new("RGBA", (900, 900), (0, 0, 0, 0)), "PNG"))

    assert pixel_of(image, (9, 9))[3] == 0


@pytest.mark.case(33)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_preview_has_no_metadata(kind: str) -> None:
    body = encoded(quarters(), kind, exif=full_of_metadata(), xmp=b"<x>A SECRET PACKET</x>")
    assert b"SECRET" in body

    small = previewed(body)

    assert small.body
    assert b"SECRET" not in small.body
    image = Image.open(io.BytesIO(small.body))
    assert not image.getexif()
    assert not {"exif", "xmp", "icc_profile"} & image.info.keys()


# --- What is no picture ---


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_picture_has_no_preview_but_maybe_a_size(kind: str) -> None:
    body = encoded(noise((300, 200)), kind)

    small = previewed(body[: len(body) // 2])

    assert small.problem == "bad_image"
    assert (small.width, small.height) in {(300, 200), (None, None)}


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xd8", b"\x89PNG", b"RIFF", b"\0\0\0\x18ftypavif", b"hello" * 99,
     encoded(Image.new("RGB", (9, 9)), "TIFF"), encoded(Image.new("RGB", (9, 9)), "BMP")],
)  # fmt: skip
def test_anything_else_has_no_preview(body: bytes) -> None:
    """The formats are those of pictures/images.py."""
    assert previewed(body) == Preview(problem="bad_image")


@pytest.mark.case(31)
@pytest.mark.parametrize("kind", KINDS)
def test_outcome_is_clean_when_bytes_are_changed(kind: str) -> None:
    chance = random.Random(kind)
    body = encoded(quarters((80, 60)), kind)
    for _ in range(60):
        broken = bytearray(body)
        for _ in range(chance.randint(1, 8)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)

        small = previewed(bytes(broken))

        assert (small.body is None) == (small.problem in {"bad_image", "too_large"})


def test_memory_that_cannot_be_had_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> None:
        raise MemoryError

    monkeypatch.setattr(previews, "shrunk", fail)

    assert previewed(picture_bytes()) == Preview(640, 480, problem="too_large")
