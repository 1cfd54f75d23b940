"""What a file holds beside the pixels is gone: other files, scripts, positions, thumbnails."""

import io
import struct
import zipfile
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from pictures.images import normalise
from tests.builders import picture_bytes
from tests.content.corpus import (
    GREEN,
    KINDS,
    SCRIPT,
    encoded,
    full_of_metadata,
    jpeg_segment,
    jpeg_with,
    opened,
    png_chunk,
    quarters,
    riff_chunk,
    webp,
    zip_archive,
)
from tests.content.profiles import display_p3

# --- Polyglots ---


@pytest.mark.case(29)
def test_script_is_gone_when_a_gif_is_javascript_too() -> None:
    body = picture_bytes(kind="GIF", comment=b"*/=1;alert(document.domain)/*")
    assert b"alert" in body

    assert b"alert" not in normalise(body).body


@pytest.mark.case(29)
@pytest.mark.parametrize("kind", KINDS)
def test_archive_is_gone_when_the_picture_is_a_zip_too(kind: str) -> None:
    body = picture_bytes(kind=kind) + zip_archive()
    assert zipfile.is_zipfile(io.BytesIO(body))

    assert not zipfile.is_zipfile(io.BytesIO(normalise(body).body))


@pytest.mark.case(29)
@pytest.mark.parametrize("kind", KINDS)
def test_page_is_gone_when_it_follows_the_picture(kind: str) -> None:
    assert b"script" not in normalise(picture_bytes(kind=kind) + SCRIPT).body


INSIDE: dict[str, bytes] = {
    "JPEG comment": jpeg_with(jpeg_segment(0xFE, SCRIPT)),
    "JPEG segment nobody knows": jpeg_with(jpeg_segment(0xE9, SCRIPT)),
    "JPEG EXIF that is none": jpeg_with(jpeg_segment(0xE1, b"Exif\0\0" + SCRIPT)),
    "PNG chunk nobody knows": picture_bytes()[:33]
    + png_chunk(b"pAGe", SCRIPT)
    + picture_bytes()[33:],
    "WebP chunk nobody knows": webp(
        riff_chunk(b"VP8X", bytes(4) + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")),
        picture_bytes(kind="WEBP")[12:],
        riff_chunk(b"PAGE", SCRIPT),
    ),
}


@pytest.mark.case(29, 33)
@pytest.mark.parametrize("body", INSIDE.values(), ids=INSIDE)
def test_page_is_gone_when_the_picture_has_it_inside(body: bytes) -> None:
    """A picture whose EXIF is broken is taken all the same."""
    assert SCRIPT in body

    assert b"script" not in normalise(body).body


@pytest.mark.case(29)
@pytest.mark.parametrize("kind", KINDS)
def test_pixels_hold_no_hidden_page_when_one_was_hidden_in_pixels(kind: str) -> None:
    """The colours of the pixels spell a script, which an encoder without compression would keep."""
    text = b"<script src=//evil.example></script>" * 3
    image = Image.new("RGB", (36, 1))
    image.frombytes(text)

    assert b"<script" not in normalise(encoded(image, kind)).body


# --- Metadata ---


@pytest.mark.case(33)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_metadata_is_gone_when_the_picture_had_some(kind: str) -> None:
    body = encoded(
        quarters(),
        kind,
        exif=full_of_metadata(),
        xmp=b"<x>A SECRET PACKET</x>",
        icc_profile=display_p3(),
    )
    assert b"SECRET" in body

    picture = normalise(body)

    assert b"SECRET" not in picture.body
    image = opened(picture)
    assert not image.getexif()
    assert not {"exif", "xmp", "icc_profile", "comment"} & image.info.keys()


@pytest.mark.case(33)
@pytest.mark.parametrize("kind", KINDS)
def test_encoder_is_given_pixels_alone_when_the_picture_had_metadata(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow's encoders copy metadata that they find on an image; here they find none."""
    body = encoded(
        quarters((600, 400)),
        kind,
        exif=full_of_metadata(),
        xmp=b"<x/>",
        icc_profile=display_p3(),
        comment=b"A SECRET",
    )
    seen: list[tuple[dict[Any, Any], dict[int, Any], Any]] = []
    save = Image.Image.save

    def spy(image: Image.Image, *args: Any, **options: Any) -> None:
        seen.append((dict(image.info), dict(image.getexif()), image.palette))
        save(image, *args, **options)

    monkeypatch.setattr(Image.Image, "save", spy)

    normalise(body)

    assert seen == [({}, {}, None)]


@pytest.mark.case(33)
def test_metadata_is_gone_when_it_was_in_text_chunks() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "A SECRET")
    text.add_itxt("Author", "A SECRET")

    assert b"SECRET" not in normalise(picture_bytes(pnginfo=text)).body


@pytest.mark.case(33)
def test_thumbnail_is_gone_when_the_picture_had_one() -> None:
    """A thumbnail may show what was cropped away."""
    thumbnail = encoded(Image.new("RGB", (160, 120), GREEN), "JPEG")
    body = encoded(quarters(), "JPEG")
    ifd = b"MM\0*\0\0\0\x08\0\0" + struct.pack(">IH", 14, 2)
    ifd += struct.pack(">HHII", 0x0201, 4, 1, 44) + struct.pack(
        ">HHII", 0x0202, 4, 1, len(thumbnail)
    )
    exif = b"Exif\0\0" + ifd + bytes(44 - len(ifd)) + thumbnail
    body = body[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + body[2:]
    assert body.count(b"\xff\xd8\xff") == 2

    picture = normalise(body)

    assert b"\xff\xd8\xff" not in picture.body
    assert opened(picture).format == "WEBP"
