"""The size in an AVIF's header proves nothing: the coded frames are measured.

libavif decodes a frame at its own size and scales it to the header's.
"""

from collections.abc import Sequence

import pytest
from PIL import Image

from pictures import avif
from pictures.avif import MAX_FRAMES, MAX_UNITS
from pictures.errors import BadImage
from pictures.images import MAX_PIXELS, normalise
from tests.content.containers import box, boxes, payload_of, rebuilt, sequence_header, units
from tests.content.corpus import (
    animation,
    assert_upright,
    avif_claiming,
    encoded,
    opened,
    quarters,
)

PICTURE = encoded(quarters((64, 64)), "AVIF", subsampling="4:4:4", quality=90)
PAYLOAD = payload_of(PICTURE)
HEADER, FRAME = [unit for unit in units(PAYLOAD) if unit[0] >> 3 != 2]


def assert_refused_unread(body: bytes, decoded: list[str]) -> None:
    """Assert that our own check refuses the picture, before anything is decoded."""
    with pytest.raises(BadImage) as caught:
        normalise(body)

    assert decoded == []
    assert caught.value.__cause__ is None  # on purpose, not by accident


@pytest.mark.parametrize("wide", [False, True])
def test_avif_is_taken_when_it_is_put_together_anew(wide: bool) -> None:
    """Without a defect, what ``rebuilt`` makes is a good picture."""
    assert_upright(normalise(rebuilt(PICTURE, wide=wide)))


@pytest.mark.case(30)
@pytest.mark.parametrize("claimed", [16, 256])
def test_avif_is_refused_when_it_is_larger_than_its_header_says(
    claimed: int, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of 3 KB may claim 16 by 16 pixels, and take a gigabyte of memory."""
    monkeypatch.setitem(MAX_PIXELS, "AVIF", 256 * 256)
    bomb = encoded(Image.new("L", (400, 400)), "AVIF")

    assert_refused_unread(avif_claiming(claimed, claimed, bomb), decoded)


@pytest.mark.case(30)
def test_avif_is_refused_when_a_frame_may_be_larger_than_the_sequence_says(
    decoded: list[str],
) -> None:
    """The fields for a frame's size have more bits than the sequence's own size needs."""
    for options in ({}, {"delays": True}):
        small = rebuilt(PICTURE, [[sequence_header(6, 64, **options) + FRAME]])
        large = rebuilt(PICTURE, [[sequence_header(16, 64, **options) + FRAME]])

        assert list(avif.coded_pixels(small)) == [64 * 64]
        assert_refused_unread(large, decoded)


@pytest.mark.case(30)
def test_avif_is_refused_when_its_frames_are_too_many_pixels_together(
    decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Picture and transparency may each have as many pixels as the limit."""
    image = quarters((64, 64))
    image.putalpha(128)
    body = avif_claiming(32, 32, encoded(image, "AVIF"))
    monkeypatch.setitem(MAX_PIXELS, "AVIF", 64 * 64)
    assert opened(normalise(body)).mode == "RGBA"
    decoded.clear()

    monkeypatch.setitem(MAX_PIXELS, "AVIF", 64 * 64 - 1)
    assert_refused_unread(body, decoded)


STRANGE: dict[str, bytes] = {
    "in two pieces": rebuilt(PICTURE, [[PAYLOAD[:9], PAYLOAD[9:]]]),
    "in no file": rebuilt(PICTURE, idat=True),
    "without a size": rebuilt(PICTURE, [[FRAME]]),
    "of many frames": rebuilt(PICTURE, [[HEADER + FRAME * (MAX_FRAMES + 1)]]),
    "of many units": rebuilt(PICTURE, [[PAYLOAD + b"\x7a\0" * MAX_UNITS]]),
    "with a clock": rebuilt(PICTURE, [[sequence_header(6, 64, clock=True) + FRAME]]),
    "an animation": animation(2, kind="AVIF"),
}


@pytest.mark.case(30)
@pytest.mark.parametrize("body", STRANGE.values(), ids=STRANGE)
def test_avif_is_refused_when_its_picture_is(body: bytes, decoded: list[str]) -> None:
    """The pixels of such a picture cannot be counted before it is decoded."""
    assert_refused_unread(body, decoded)


def _without_length(body: bytes) -> bytes:
    """Return the picture with the last item's length, which ends its table, as zero."""
    end = body.index(b"iinf") - 4
    return body[: end - 4] + bytes(4) + body[end:]


def _with_boxes(kind: bytes, times: int) -> bytes:
    """Return the picture with so many boxes of this kind in its header."""
    meta = boxes(boxes(PICTURE)[b"meta"][12:])
    parts = [part * (times if name == kind else 1) for name, part in meta.items()]
    return boxes(PICTURE)[b"ftyp"] + box(b"meta", bytes(4), *parts)


START = PICTURE.index(b"meta") - 4
BROKEN: Sequence[bytes] = [
    *[_with_boxes(kind, times) for kind in (b"iloc", b"iinf") for times in (0, 2)],
    _without_length(rebuilt(PICTURE)),
    PICTURE[:START] * 2 + PICTURE[START:],
    PICTURE.replace(b"iloc\0", b"iloc\2"),
    PICTURE[:START] + b"\0\0\0\1meta" + bytes(8),
    PICTURE[:START] + b"\0\0\0\7meta",
]


@pytest.mark.case(31)
@pytest.mark.parametrize("body", BROKEN)
def test_avif_is_refused_when_its_tables_are_broken(body: bytes) -> None:
    with pytest.raises(BadImage):
        normalise(body)


# --- Its tables, by themselves: libavif refuses some of these too, another version may not ---


def _table_of(body: bytes) -> bytes:
    return boxes(boxes(body)[b"meta"][12:])[b"iloc"][8:]


@pytest.mark.case(30)
def test_item_is_nowhere_when_it_is_not_in_the_file() -> None:
    """The offsets of an item inside the header are not offsets into the file."""
    assert list(avif.locations(_table_of(rebuilt(PICTURE, idat=True)))) == [(1, [])]
    assert [item for item, places in avif.locations(_table_of(rebuilt(PICTURE))) if places]


@pytest.mark.case(30)
def test_table_is_refused_when_an_item_is_in_many_pieces() -> None:
    """A short table could name so many empty pieces that reading them never ends."""
    pieces = [b"x"] * (avif.MAX_EXTENTS + 1)

    with pytest.raises(BadImage):
        list(avif.locations(_table_of(rebuilt(PICTURE, [pieces]))))


@pytest.mark.case(31)
@pytest.mark.parametrize(
    "body", [b"\0\0\0\4\0\0\0\x08meta", b"\0\0\0\1meta" + bytes(7) + b"\x0f", b"\0\0\0"]
)
def test_box_is_refused_when_it_is_shorter_than_its_header(body: bytes) -> None:
    with pytest.raises(BadImage):
        list(avif.boxes(body))


@pytest.mark.case(31)
def test_number_is_refused_when_it_goes_on_behind_the_end() -> None:
    bits = avif.Bits(b"\xa5")
    assert (bits.take(3), bits.take(5)) == (5, 5)

    with pytest.raises(BadImage):
        bits.take(1)
