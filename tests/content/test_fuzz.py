"""Any bytes end in a clean picture or in ``BadImage``, without a warning."""

import warnings
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.pictures import cost_of
from pictures import images
from pictures.errors import BadImage
from pictures.images import SIDE, Picture, normalise
from tests.content.corpus import (
    CLAIMING,
    KINDS,
    encoded,
    full_of_metadata,
    noise,
    opened,
    png_chunk,
    riff_chunk,
    webp,
)
from tests.content.profiles import display_p3

# The noisiest of pictures stays below this at 512 by 512 pixels and this quality.
MAX_ENCODED_BYTES = 400_000


def checked_outcome(body: bytes) -> Picture | None:
    """Return the picture made of ``body``, checked to be pixels alone, or None if refused."""
    picture = None
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        images.ignore_warnings_of_pillow()
        with suppress(BadImage):
            picture = normalise(body)
    assert not heard
    if picture:
        image = opened(picture)
        assert (image.format, image.size, len(picture.body)) == ("WEBP", (SIDE, SIDE), picture.size)
        assert picture.size < MAX_ENCODED_BYTES
        assert not {"exif", "xmp", "icc_profile", "comment"} & image.info.keys()
    return picture


def _seed(kind: str) -> bytes:
    """Return a picture with every kind of metadata that its format can hold."""
    if kind == "GIF":
        return encoded(noise((40, 30)), kind, comment=b"A SECRET")
    metadata = {"exif": full_of_metadata(), "icc_profile": display_p3()}
    return encoded(noise((40, 30)), kind, progressive=True, **metadata)


SEEDS = {kind: _seed(kind) for kind in KINDS}
kinds = st.sampled_from(KINDS)
parts = st.floats(0, 1)


def _at(body: bytes | bytearray, part: float) -> int:
    return int(part * len(body))


@pytest.mark.case(31)
@given(st.binary(max_size=400))
def test_outcome_is_clean_when_the_bytes_are_random(body: bytes) -> None:
    checked_outcome(body)


STARTS = {kind: body[:40] for kind, body in SEEDS.items()}


@pytest.mark.case(31)
@given(kinds, st.binary(max_size=400))
def test_outcome_is_clean_when_random_bytes_follow_a_good_start(kind: str, rest: bytes) -> None:
    checked_outcome(STARTS[kind] + rest)


flips = st.lists(st.tuples(parts, st.integers(1, 255)), min_size=1, max_size=8)


@pytest.mark.case(31)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(flips)
def test_outcome_is_clean_when_bytes_are_flipped(
    kind: str, changes: list[tuple[float, int]]
) -> None:
    """The bytes lie anywhere, or in the header, where each one has more effect."""
    for reach in (1.0, 120 / len(SEEDS[kind])):
        body = bytearray(SEEDS[kind])
        for part, value in changes:
            body[_at(body, part * reach * 0.999)] ^= value
        checked_outcome(_checked(bytes(body)))


def _checked(body: bytes) -> bytes:
    """Return ``body`` with correct checksums if it is a PNG; decoders stop at wrong ones."""
    return body[:8] + b"".join(_chunks(body)) if body.startswith(b"\x89PNG\r\n\x1a\n") else body


def _chunks(body: bytes) -> list[bytes]:
    found, place = [], 8
    while place + 8 < len(body):
        size = min(int.from_bytes(body[place : place + 4]), len(body))
        found.append(png_chunk(body[place + 4 : place + 8], body[place + 8 : place + 8 + size]))
        place += size + 12
    return found


@pytest.mark.case(31)
@given(kinds, kinds, parts, parts)
def test_outcome_is_clean_when_two_pictures_are_spliced(
    kind: str, other: str, head: float, tail: float
) -> None:
    """A picture is cut anywhere, and followed by the end of itself or of another."""
    body, rest = SEEDS[kind], SEEDS[other]

    checked_outcome(body[: _at(body, head)] + rest[_at(rest, tail) :])


PIECES: dict[str, tuple[list[bytes], Callable[[list[bytes]], bytes]]] = {
    "PNG": (_chunks(SEEDS["PNG"]), lambda chunks: b"\x89PNG\r\n\x1a\n" + b"".join(chunks)),
    "WEBP": (
        [
            riff_chunk(b"VP8X", b"\x2c\0\0\0" + b"\x27\0\0\x1d\0\0"),
            riff_chunk(b"ICCP", display_p3()),
            encoded(noise((40, 30)), "WEBP")[12:],
            riff_chunk(b"EXIF", full_of_metadata().tobytes()),
            riff_chunk(b"XMP ", b"<x/>"),
        ],
        lambda chunks: webp(*chunks),
    ),
    "JPEG": (
        [b"\xff" + piece for piece in SEEDS["JPEG"].split(b"\xff")[1:]],
        b"".join,
    ),
}


@pytest.mark.case(31)
@pytest.mark.parametrize("kind", PIECES)
@settings(max_examples=30)
@given(st.data())
def test_outcome_is_clean_when_chunks_are_out_of_order(kind: str, data: st.DataObject) -> None:
    """Each chunk comes in any place, twice, or not at all."""
    pieces, join = PIECES[kind]
    chosen = data.draw(st.lists(st.sampled_from(pieces), max_size=len(pieces) + 2))

    checked_outcome(join(pieces[:1] + chosen))
    checked_outcome(join(data.draw(st.permutations(pieces))))


@pytest.mark.case(30, 31)
@settings(max_examples=40)
@given(kinds, st.integers(1, 16_383), st.integers(1, 16_383))
def test_outcome_is_clean_when_a_header_claims_another_size(
    kind: str, width: int, height: int
) -> None:
    checked_outcome(CLAIMING[kind](width, height))


@pytest.mark.case(33)
@given(st.binary(max_size=300), st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b""]))
def test_picture_is_clean_when_its_metadata_are_random(noisy: bytes, start: bytes) -> None:
    """Only the pixels decide whether a picture is taken."""
    body = encoded(noise((20, 20)), "JPEG", exif=b"Exif\0\0" + start + noisy, icc_profile=noisy)

    assert checked_outcome(body)


def test_nothing_is_heard_when_a_picture_causes_thousands_of_warnings() -> None:
    """Each would be a line in the log, and Python would keep its text for ever."""
    entries = b"".join(tag.to_bytes(2) + b"\0\1" + b"\x7f\xff\xff\xff" * 2 for tag in range(4000))
    exif = b"Exif\0\0MM\0*\0\0\0\x08" + (4000).to_bytes(2) + entries + bytes(4)

    body = encoded(noise((20, 20)), "JPEG", exif=exif)

    assert checked_outcome(body)
    assert cost_of(body).outcome == "taken"  # in a process that no test has prepared


def test_checksums_are_mended_when_a_png_is_flipped() -> None:
    """Without the helper nearly every changed PNG would be refused for its checksum alone."""
    body = bytearray(SEEDS["PNG"])
    body[-20] ^= 1
    size = int.from_bytes(_checked(bytes(body))[8:12])

    assert _checked(SEEDS["PNG"]) == SEEDS["PNG"]
    assert size == 13
    assert zlib.crc32(_chunks(bytes(body))[-2][4:-4]).to_bytes(4) == _chunks(bytes(body))[-2][-4:]
