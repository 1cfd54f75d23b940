"""What would take too much memory or time is refused before anything is decoded."""

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from pictures import images
from pictures.errors import BadImage
from pictures.images import MAX_PIXELS, normalise
from pictures.jpeg import MAX_PADDING, MAX_SCANS, MAX_SEGMENTS
from pictures.png import MAX_PACKED_CHUNKS, PACKED_CHUNKS
from tests.builders import picture_bytes
from tests.content.corpus import (
    CLAIMING,
    KINDS,
    RED,
    animation,
    assert_like,
    colours,
    encoded,
    jpeg_segment,
    jpeg_with,
    packed_text,
    png,
    png_chunk,
    png_pixels,
    quarters,
    rescanned,
    riff_chunk,
    webp,
)


def assert_refused_unread(body: bytes, decoded: list[str]) -> None:
    """The picture is refused, and none of its pixels were asked for."""
    with pytest.raises(BadImage):
        normalise(body)

    assert decoded == []


# --- Pixels ---


@pytest.mark.case(30)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(50_000, 50_000), (16_000, 16_000), (16_000, 5000)])
def test_picture_is_refused_when_it_claims_more_pixels_than_its_format_may_have(
    kind: str, size: tuple[int, int], decoded: list[str]
) -> None:
    """A WebP's header cannot hold 50,000 pixels a side, and a GIF's no more than 65,535."""
    if kind == "WEBP":
        size = (min(size[0], 16_383), min(size[1], 16_383))

    assert_refused_unread(CLAIMING[kind](*size), decoded)


@pytest.mark.case(30)
@pytest.mark.parametrize("kind", KINDS)
def test_picture_is_refused_when_it_is_one_row_over_the_limit(
    kind: str, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture of exactly the limit is taken."""
    monkeypatch.setitem(MAX_PIXELS, kind, 64 * 64)
    assert normalise(picture_bytes(kind=kind, size=(64, 64)))
    decoded.clear()

    assert_refused_unread(picture_bytes(kind=kind, size=(64, 65)), decoded)


@pytest.mark.case(30)
def test_png_is_refused_when_it_is_two_billion_pixels_long(decoded: list[str]) -> None:
    assert_refused_unread(png(2**31 - 1, 1), decoded)


@pytest.mark.case(30)
def test_gif_is_refused_when_its_frame_is_larger_than_its_screen(decoded: list[str]) -> None:
    """Pillow enlarges the screen to the size of the frame."""
    body = CLAIMING["GIF"](60_000, 60_000)

    assert_refused_unread(body[:6] + struct.pack("<HH", 16, 16) + body[10:], decoded)


@pytest.mark.case(30)
@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_animation_is_refused_when_its_frames_are_too_many_pixels(
    kind: str, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit holds for the pixels of all frames together, though each frame is below it."""
    monkeypatch.setattr(images, "MAX_ANIMATION_PIXELS", 4 * 64 * 64)
    assert normalise(animation(4, kind=kind))
    decoded.clear()

    assert_refused_unread(animation(5, kind=kind), decoded)


@pytest.mark.case(30)
def test_animation_is_refused_when_its_header_claims_many_frames(decoded: list[str]) -> None:
    frames = png_chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))

    assert_refused_unread(png(512, 512, frames, png_pixels(512, 512)), decoded)


# --- GIF: counting the frames would be all that they cost ---


@pytest.fixture
def tiles(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that receives the codec of each piece of a picture that is decoded."""
    found: list[str] = []
    getdecoder = Image._getdecoder

    def spy(mode: str, name: str, args: Any, extra: Any = ()) -> Any:
        found.append(name)
        return getdecoder(mode, name, args, extra)

    monkeypatch.setattr(Image, "_getdecoder", spy)
    return found


@pytest.mark.case(30)
def test_gif_costs_one_frame_when_it_has_a_hundred_thousand(tiles: list[str]) -> None:
    """Nothing after the first frame is read."""
    body = encoded(Image.new("RGB", (64, 64), RED), "GIF")
    frame = body[body.index(b"\x2c\x00\x00\x00\x00") : -1]

    picture = normalise(body[:-1] + frame * 100_000 + b";")

    assert tiles == ["gif"]
    assert_like(colours(picture)[0], RED)


@pytest.mark.case(30)
def test_gif_costs_one_frame_when_a_later_one_is_huge(tiles: list[str]) -> None:
    huge = CLAIMING["GIF"](65_535, 65_535)
    body = encoded(Image.new("RGB", (64, 64), RED), "GIF")

    picture = normalise(body[:-1] + huge[huge.index(b"\x2c\x00\x00\x00\x00") :])

    assert tiles == ["gif"]
    assert_like(colours(picture)[0], RED)


# --- JPEG: scans, coefficients, segments ---


@pytest.mark.case(30)
def test_jpeg_is_refused_when_it_passes_over_its_pixels_too_often(decoded: list[str]) -> None:
    """Each scan adds a hundred bytes to the file and makes the decoder visit all pixels again."""
    body = encoded(quarters(), "JPEG", progressive=True)
    more = MAX_SCANS - body.count(b"\xff\xda")
    assert normalise(rescanned(body, more))
    decoded.clear()

    assert_refused_unread(rescanned(body, more + 1), decoded)


def test_jpeg_is_taken_when_a_film_behind_it_looks_like_scans() -> None:
    """Phones append a film to a picture; only the picture's own scans are counted."""
    assert normalise(encoded(quarters(), "JPEG") + bytes(2) + jpeg_segment(0xDA) * 1000)


@pytest.mark.case(30)
def test_jpeg_is_refused_when_it_is_progressive_and_large(
    decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decoder holds all coefficients in memory before it can scale the picture down."""
    monkeypatch.setattr(images, "MAX_BUFFERED_PIXELS", 64 * 64)
    assert normalise(picture_bytes(size=(65, 64), kind="JPEG"))
    assert normalise(picture_bytes(size=(64, 64), kind="JPEG", progressive=True))
    decoded.clear()

    assert_refused_unread(picture_bytes(size=(65, 64), kind="JPEG", progressive=True), decoded)


@pytest.mark.case(30)
def test_jpeg_is_refused_when_its_colours_come_one_after_the_other_and_it_is_large(
    decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """libjpeg holds all coefficients of such a picture in memory, as of a progressive one."""
    body = picture_bytes(size=(65, 64), kind="JPEG")
    scan = body.index(b"\xff\xda")
    alone = body[:scan] + jpeg_segment(0xDA, b"\1\1\0\0\x3f\0") + body[scan + 14 :]
    monkeypatch.setattr(images, "MAX_BUFFERED_PIXELS", 64 * 64)

    assert_refused_unread(alone, decoded)


@pytest.mark.case(30)
def test_jpeg_is_refused_when_it_is_too_narrow_to_be_scaled_down(
    decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """65,500 by 900 pixels would be decoded at full size."""
    monkeypatch.setattr(images, "MAX_DECODED_PIXELS", 1_500_000)
    assert normalise(picture_bytes(size=(2100, 2100), kind="JPEG"))  # halved, it fits
    decoded.clear()

    assert_refused_unread(picture_bytes(size=(2100, 900), kind="JPEG"), decoded)


@pytest.mark.case(30)
@pytest.mark.parametrize("segment", [jpeg_segment(0xE1, b"Exif\0\0x"), jpeg_segment(0xFE)])
def test_jpeg_is_refused_when_it_has_thousands_of_segments(
    segment: bytes, decoded: list[str]
) -> None:
    """Pillow copies the EXIF data read so far for each further segment: 5 MB would take 15 s."""
    assert normalise(jpeg_with(segment * (MAX_SEGMENTS - 20)))
    decoded.clear()

    assert_refused_unread(jpeg_with(segment * MAX_SEGMENTS), decoded)


@pytest.mark.case(30)
def test_jpeg_is_refused_when_its_segments_are_far_apart(decoded: list[str]) -> None:
    """Pillow reads padding byte by byte: 5 MB of it would take 2 s."""
    assert normalise(jpeg_with(b"\xff" * MAX_PADDING))
    decoded.clear()

    assert_refused_unread(jpeg_with(b"\xff" * (MAX_PADDING + 1)), decoded)


# --- PNG: what is packed ---


@pytest.mark.case(30)
@pytest.mark.parametrize("kind", PACKED_CHUNKS)
@pytest.mark.parametrize("behind", [False, True])
def test_png_is_refused_when_it_has_many_chunks_to_unpack(
    kind: bytes, behind: bool, decoded: list[str]
) -> None:
    """Each chunk unpacks to less than 1 MB, but 5 MB of them would take 17 s."""

    def body(chunks: int) -> bytes:
        parts = [png_pixels(8, 8), packed_text(9, kind) * chunks]
        return png(8, 8, *(parts if behind else reversed(parts)))

    assert normalise(body(MAX_PACKED_CHUNKS))
    decoded.clear()

    assert_refused_unread(body(MAX_PACKED_CHUNKS + 1), decoded)


@pytest.mark.case(30)
@pytest.mark.parametrize("kind", PACKED_CHUNKS)
def test_png_is_refused_when_a_chunk_unpacks_to_much(kind: bytes, decoded: list[str]) -> None:
    """Pillow's own limit is 1 MB for one chunk."""
    assert_refused_unread(png(8, 8, packed_text(2**20 + 1, kind), png_pixels(8, 8)), decoded)


@pytest.mark.case(30)
def test_png_is_drawn_when_pixels_go_on_behind_its_last_row() -> None:
    """Data after the last row is not unpacked."""
    body = png(8, 8, png_chunk(b"IDAT", zlib.compress(bytes(20_000_000))))

    assert_like(colours(normalise(body))[0], (0, 0, 0))


# --- WebP ---


@pytest.mark.case(30)
def test_webp_is_refused_when_its_canvas_is_huge_and_its_frame_is_not(decoded: list[str]) -> None:
    """The frames of an animation may be smaller than its canvas."""
    pixel = encoded(Image.new("RGB", (1, 1)), "WEBP", lossless=True)[12:]
    canvas = (16_382).to_bytes(3, "little") + (5000).to_bytes(3, "little")
    frame = riff_chunk(b"ANMF", bytes(15) + b"\0" + pixel)
    body = webp(riff_chunk(b"VP8X", b"\2\0\0\0" + canvas), riff_chunk(b"ANIM", bytes(6)), frame * 2)
    with Image.open(io.BytesIO(body)) as image:
        assert image.size == (16_383, 5001)

    assert_refused_unread(body, decoded)
