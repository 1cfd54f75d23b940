"""Files that are no picture, or of a format that is not allowed, are refused."""

import io
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from PIL import Image

from pictures.errors import BadImage
from pictures.images import FORMATS, normalise
from tests.content.corpus import (
    KINDS,
    SCRIPT,
    encoded,
    noise,
    png,
    png_chunk,
    truncated,
    zip_archive,
)
from tests.content.disabled import DISABLED, HAND_MADE, sample

NO_PICTURES: dict[str, bytes] = {
    "nothing": b"",
    "HTML": b"<!DOCTYPE html>" + SCRIPT,
    "script": b"alert(1)",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>',
    "PDF": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
    "ZIP": zip_archive(),
    "text": b"hello",
    "only a PNG signature": b"\x89PNG\r\n\x1a\n",
    "only a JPEG start": b"\xff\xd8\xff\xe0",
    "only a JPEG start and end": b"\xff\xd8\xff\xd9",
    "only a GIF start": b"GIF89a",
    "only a WebP start": b"RIFF\x00\x00\x00\x00WEBP",
    "only an AVIF start": b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1",
    "HTML behind a PNG signature": b"\x89PNG\r\n\x1a\n" + SCRIPT,
    "HTML behind a JPEG start": b"\xff\xd8\xff" + SCRIPT,
    "MVG": b"push graphic-context\nimage over 0,0 0,0 'https://evil.example/'\n",
    "DjVu": b"AT&TFORM\x00\x00\x00\x10DJVUINFO",
    "PDF by Pillow": encoded(Image.new("RGB", (9, 9)), "PDF"),
    "HEIC": b"\x00\x00\x00\x1cftypheic\x00\x00\x00\x00mif1heic" + bytes(60),
    "MP4": b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(60),
}


@pytest.mark.case(28)
@pytest.mark.parametrize("body", NO_PICTURES.values(), ids=NO_PICTURES)
def test_bytes_are_refused_when_they_are_no_picture(body: bytes, decoded: list[str]) -> None:
    with pytest.raises(BadImage):
        normalise(body)

    assert decoded == []


# --- Formats that are not on the list ---


@pytest.fixture
def entered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that receives each disabled format that Pillow tries on a file."""
    found: list[str] = []

    def spied(kind: str, call: Callable[..., Any] | None) -> Callable[..., Any]:
        def spy(*args: Any) -> Any:
            found.append(kind)
            return True if call is None else call(*args)

        return spy

    for kind in DISABLED:
        factory, accept = Image.OPEN[kind]
        monkeypatch.setitem(Image.OPEN, kind, (spied(kind, factory), spied(kind, accept)))
    return found


@pytest.mark.case(32)
@pytest.mark.parametrize("kind", DISABLED)
def test_loader_is_not_entered_when_its_format_is_not_on_the_list(
    kind: str, entered: list[str]
) -> None:
    body = sample(kind)

    with pytest.raises(BadImage):
        normalise(body)

    assert entered == []


@pytest.mark.case(32)
@pytest.mark.parametrize("kind", DISABLED)
def test_loader_would_be_entered_when_its_format_were_on_the_list(
    kind: str, entered: list[str]
) -> None:
    """Each sample is a file of its format, so the test above is able to fail."""
    with suppress(OSError, ValueError):  # some are no more than a header
        Image.open(io.BytesIO(sample(kind)), formats=[kind])

    assert entered == [kind, kind]  # asked whether it takes the file, then given it


@pytest.mark.case(32)
def test_only_the_decoders_on_the_list_can_be_reached() -> None:
    assert sorted(FORMATS.values()) == sorted(KINDS)
    assert not HAND_MADE.keys() & FORMATS.values()


# --- Broken pictures ---


@pytest.mark.case(31)
@pytest.mark.parametrize("kind", KINDS)
def test_picture_is_refused_when_it_is_cut_short(kind: str) -> None:
    """The file is cut at every sixteenth of its length."""
    body = encoded(noise(), kind)
    assert normalise(body)

    for part in truncated(body):
        with pytest.raises(BadImage):
            normalise(part)


@pytest.mark.case(31)
def test_picture_is_refused_when_its_pixels_do_not_unpack() -> None:
    with pytest.raises(BadImage):
        normalise(png(64, 64, png_chunk(b"IDAT", b"these are no pixels at all")))


@pytest.mark.case(31)
def test_picture_is_refused_when_a_checksum_is_wrong() -> None:
    body = bytearray(encoded(noise()))
    body[20] ^= 1  # in the header's width

    with pytest.raises(BadImage):
        normalise(bytes(body))
