"""Pictures: what is refused, what is drawn, and that nothing else survives."""

import io
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, PngImagePlugin

from avatars import images
from avatars.errors import BadImage, Busy
from avatars.images import FORMATS, MAX_JPEG_PIXELS, MAX_PIXELS, SIDE, Picture, normalise
from tests.builders import picture_bytes

Colour = tuple[int, ...]

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
KINDS = ["JPEG", "PNG", "WEBP", "AVIF", "GIF"]


# --- Builders ---


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Return ``image`` encoded."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def decoded(picture: Picture) -> Image.Image:
    """Return the pixels of a normalised picture."""
    image = Image.open(io.BytesIO(picture.body))
    image.load()
    return image


def quarters(size: tuple[int, int] = (400, 400)) -> Image.Image:
    """Return an upright picture: red and green above, blue and white below."""
    width, height = size
    image = Image.new("RGB", size, RED)
    draw = ImageDraw.Draw(image)
    draw.rectangle((width // 2, 0, width, height // 2), GREEN)
    draw.rectangle((0, height // 2, width // 2, height), BLUE)
    draw.rectangle((width // 2, height // 2, width, height), WHITE)
    return image


def colours(picture: Picture) -> list[Colour]:
    """Return the colours in the middle of the four quarters, row by row."""
    image = decoded(picture).convert("RGB")
    near, far = SIDE // 4, 3 * SIDE // 4
    return [_pixel(image, place) for place in [(near, near), (far, near), (near, far), (far, far)]]


def _pixel(image: Image.Image, place: tuple[int, int]) -> Colour:
    pixel = image.getpixel(place)
    assert isinstance(pixel, tuple)
    return pixel


def assert_like(found: Colour, wanted: Colour, tolerance: int = 12) -> None:
    """Two colours are the same but for what a lossy encoder does."""
    assert len(found) == len(wanted)
    assert all(abs(one - other) <= tolerance for one, other in zip(found, wanted, strict=True)), (
        found,
        wanted,
    )


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    """Return a PNG whose header claims this size, with ``chunks`` behind the header."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + png_chunk(b"IEND", b"")


def jpeg_claiming(width: int, height: int) -> bytes:
    """Return a JPEG whose header claims this size."""
    body = picture_bytes(size=(16, 16), kind="JPEG")
    start = body.index(b"\xff\xc0") + 5
    return body[:start] + struct.pack(">HH", height, width) + body[start + 4 :]


def gif_claiming(width: int, height: int) -> bytes:
    """Return a GIF whose header and frame claim this size."""
    body = picture_bytes(size=(16, 16), kind="GIF")
    size = struct.pack("<HH", width, height)
    frame = body.index(b"\x2c\x00\x00\x00\x00")
    return body[:6] + size + body[10 : frame + 5] + size + body[frame + 9 :]


def avif_claiming(width: int, height: int) -> bytes:
    """Return an AVIF whose header claims this size."""
    body = picture_bytes(size=(16, 16), kind="AVIF")
    start = body.index(b"ispe") + 8
    return body[:start] + struct.pack(">II", width, height) + body[start + 8 :]


def webp_claiming(width: int, height: int) -> bytes:
    """Return a WebP (extended) whose canvas claims this size."""
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", 10) + b"\x02\x00\x00\x00" + canvas
    body = b"WEBP" + chunk + picture_bytes(size=(16, 16), kind="WEBP")[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def animation(
    frames: int, size: tuple[int, int] = (64, 64), *, kind: str = "WEBP", **options: Any
) -> bytes:
    """Return an animation whose first frame is red."""
    images = [Image.new("RGB", size, BLUE if number % 2 else RED) for number in range(frames)]
    return encoded(images[0], kind, save_all=True, append_images=images[1:], duration=50, **options)


def zip_archive() -> bytes:
    """Return a ZIP archive with an HTML page."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("page.html", "<script>alert(1)</script>")
    return stream.getvalue()


# --- Refused ---

NO_PICTURES: dict[str, bytes] = {
    "nothing": b"",
    "HTML": b"<!DOCTYPE html><script>alert(1)</script>",
    "script": b"alert(1)",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>',
    "PDF": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
    "ZIP": zip_archive(),
    "text": b"hello",
    "only a PNG signature": b"\x89PNG\r\n\x1a\n",
    "only a JPEG start": b"\xff\xd8\xff\xe0",
    "only a GIF start": b"GIF89a",
    "only a WebP start": b"RIFF\x00\x00\x00\x00WEBP",
    "only an AVIF start": b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1",
    "HTML behind a PNG signature": b"\x89PNG\r\n\x1a\n<html></html>",
    "MVG": b"push graphic-context\nimage over 0,0 0,0 'https://evil.example/'\n",
    "DjVu": b"AT&TFORM\x00\x00\x00\x10DJVUINFO",
    "WMF": b"\xd7\xcd\xc6\x9a" + bytes(40),
    "PSD": b"8BPS\x00\x01" + bytes(6) + struct.pack(">HIIHH", 3, 9, 9, 8, 3) + bytes(300),
    "FITS": b"SIMPLE  =                    T" + b" " * 2850,
}


@pytest.mark.parametrize("body", NO_PICTURES.values(), ids=NO_PICTURES)
def test_bytes_are_refused_when_they_are_no_picture(body: bytes) -> None:
    """Cases 28 and 32."""
    with pytest.raises(BadImage):
        normalise(body)


DISABLED = [
    "BMP", "DDS", "DIB", "EPS", "ICNS", "ICO", "JPEG2000", "MSP", "PCX", "PDF", "PPM", "QOI",
    "SGI", "SPIDER", "TGA", "TIFF", "XBM",
]  # fmt: skip
MODES = {"MSP": "1", "XBM": "1", "SPIDER": "F"}


@pytest.mark.parametrize("kind", DISABLED)
def test_picture_is_refused_when_its_format_is_not_on_the_list(kind: str) -> None:
    """Case 32."""
    body = encoded(Image.new("RGB", (64, 64), RED).convert(MODES.get(kind, "RGB")), kind)

    with pytest.raises(BadImage):
        normalise(body)


def test_only_the_decoders_on_the_list_can_be_reached() -> None:
    """Case 32: the list itself."""
    assert sorted(FORMATS.values()) == sorted(KINDS)


BOMBS: dict[str, bytes] = {
    "PNG of 50,000 by 50,000": png(50_000, 50_000, png_chunk(b"IDAT", zlib.compress(bytes(99)))),
    "PNG of 2 billion by 1": png(2**31 - 1, 1),
    "PNG one row over the limit": png(5000, MAX_PIXELS // 5000 + 1),
    "JPEG of 50,000 by 50,000": jpeg_claiming(50_000, 50_000),
    "JPEG one row over the limit": jpeg_claiming(8000, MAX_JPEG_PIXELS // 8000 + 1),
    "GIF of 65,000 by 65,000": gif_claiming(65_000, 65_000),
    "AVIF of 50,000 by 50,000": avif_claiming(50_000, 50_000),
    "AVIF of 16,000 by 16,000": avif_claiming(16_000, 16_000),
    "WebP of 16,000 by 16,000": webp_claiming(16_000, 16_000),
}


@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS)
def test_picture_is_refused_from_its_header_when_it_is_a_pixel_bomb(body: bytes) -> None:
    """Case 30."""
    with pytest.raises(BadImage):
        normalise(body)


def test_jpeg_is_refused_when_it_passes_over_its_pixels_too_often() -> None:
    """Case 30. Each scan costs the file a hundred bytes and the decoder all pixels again."""
    body = encoded(quarters(), "JPEG", progressive=True)
    scan = body.rindex(b"\xff\xda")

    assert normalise(body)
    with pytest.raises(BadImage):
        normalise(body[:scan] + body[scan:-2] * 101 + b"\xff\xd9")


def test_picture_is_not_decoded_when_enough_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "DECODERS", BoundedSemaphore(1))
    monkeypatch.setattr(images, "DECODER_WAIT", 0)
    with images.DECODERS, pytest.raises(Busy):
        normalise(picture_bytes())

    assert normalise(picture_bytes())


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_animation_is_refused_when_its_frames_are_too_many_pixels(kind: str) -> None:
    """Case 30: frames times pixels, of which each frame alone would be fine."""
    body = animation(30, (1000, 1000), kind=kind)

    with pytest.raises(BadImage):
        normalise(body)


def test_animation_is_refused_when_its_header_claims_many_frames() -> None:
    """Case 30."""
    frames = png_chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))

    with pytest.raises(BadImage):
        normalise(png(512, 512, frames, png_chunk(b"IDAT", zlib.compress(bytes(1537 * 512)))))


TEXT_BOMB = zlib.compress(bytes(200_000_000), 9)
PIXELS = png_chunk(b"IDAT", zlib.compress((b"\0" + bytes(24)) * 8))
CHUNK_BOMBS = [
    png(8, 8, png_chunk(b"zTXt", b"Comment\0\0" + TEXT_BOMB), PIXELS),
    png(8, 8, png_chunk(b"iTXt", b"Comment\0\1\0\0\0" + TEXT_BOMB), PIXELS),
    png(8, 8, png_chunk(b"iCCP", b"profile\0\0" + TEXT_BOMB), PIXELS),
    png(8, 8, png_chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(4_000_000))), PIXELS),
    png(8, 8, *[png_chunk(b"tEXt", b"Comment\0" + b"x" * 900_000)] * 80, PIXELS),
]
ROOT = Path(__file__).resolve().parents[2]
MEASURED = """
import pathlib, resource, sys
import django
django.setup()
from avatars.errors import BadImage
from avatars.images import normalise
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    try:
        normalise(pathlib.Path(path).read_bytes())
    except BadImage:
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def memory_taken(folder: Path, *bodies: bytes) -> int:
    """Return how many KiB a process grows by when it normalises ``bodies``, refused or not."""
    paths = [folder / str(number) for number in range(len(bodies))]
    for path, body in zip(paths, bodies, strict=True):
        path.write_bytes(body)
    done = subprocess.run(  # noqa: S603 (our own script)
        [sys.executable, "-c", MEASURED, *paths],
        cwd=ROOT,
        capture_output=True,
        check=True,
        env={"DJANGO_SETTINGS_MODULE": "config.settings", "PATH": "/usr/bin"},
    )
    return int(done.stdout)


def test_memory_stays_bounded_when_a_chunk_is_huge(tmp_path: Path) -> None:
    """Case 30: the text and profile chunks would take 200 MB."""
    assert memory_taken(tmp_path, *CHUNK_BOMBS) < 120_000


def test_memory_stays_bounded_when_the_picture_is_as_large_as_allowed(tmp_path: Path) -> None:
    """Case 30."""
    side = int(MAX_PIXELS**0.5)

    assert memory_taken(tmp_path, picture_bytes(size=(side, side))) < 400_000


def test_memory_stays_bounded_when_a_progressive_jpeg_is_as_large_as_allowed(
    tmp_path: Path,
) -> None:
    """Case 30: the decoder holds all coefficients, two bytes for each value of each pixel."""
    side = int(MAX_JPEG_PIXELS**0.5)
    body = encoded(Image.new("RGB", (side, side)), "JPEG", progressive=True, subsampling=0)

    assert memory_taken(tmp_path, body) < 450_000


@pytest.mark.parametrize("kind", KINDS)
def test_picture_is_refused_when_it_is_cut_short(kind: str) -> None:
    """Case 31."""
    image = Image.effect_noise((300, 300), 90).convert("RGB")
    body = encoded(image, kind)

    for part in (0.2, 0.5, 0.8):
        with pytest.raises(BadImage):
            normalise(body[: int(len(body) * part)])


def test_picture_is_refused_when_its_pixels_do_not_unpack() -> None:
    """Case 31."""
    with pytest.raises(BadImage):
        normalise(png(64, 64, png_chunk(b"IDAT", b"these are no pixels at all")))


@given(st.binary(max_size=200), st.sampled_from(KINDS))
def test_bytes_end_in_a_picture_or_a_refusal_whatever_they_are(noise: bytes, kind: str) -> None:
    """Case 31."""
    body = bytearray(picture_bytes(size=(40, 30), kind=kind))
    for index, value in enumerate(noise):
        body[(index * 37 + value) % len(body)] = value
    for candidate in (bytes(body), noise):
        try:
            assert decoded(normalise(candidate)).size == (SIDE, SIDE)
        except BadImage:
            continue


# --- Nothing else survives ---


def test_script_is_gone_when_a_gif_is_javascript_too() -> None:
    """Case 29."""
    body = picture_bytes(kind="GIF", comment=b"*/=1;alert(document.domain)/*")
    assert b"alert" in body

    assert b"alert" not in normalise(body).body


def test_archive_is_gone_when_a_png_is_a_zip_too() -> None:
    """Case 29."""
    body = picture_bytes() + zip_archive()
    assert zipfile.is_zipfile(io.BytesIO(body))

    assert not zipfile.is_zipfile(io.BytesIO(normalise(body).body))


@pytest.mark.parametrize("kind", KINDS)
def test_page_is_gone_when_it_follows_the_picture(kind: str) -> None:
    """Case 29."""
    body = picture_bytes(kind=kind) + b"<html><script>alert(1)</script></html>"

    assert b"<" + b"script" not in normalise(body).body


def test_page_is_gone_when_a_jpeg_comment_holds_it() -> None:
    """Cases 29 and 33."""
    body = picture_bytes(kind="JPEG", comment=b"<html><script>alert(1)</script>")
    assert b"<script" in body

    assert b"<script" not in normalise(body).body


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_hold_no_hidden_page_when_one_was_hidden_in_pixels(kind: str) -> None:
    """Case 29: bytes that would show up unpacked in an encoder that keeps them."""
    text = b"<script src=//evil.example></script>" * 3
    image = Image.new("RGB", (36, 1))
    image.frombytes(text)

    assert b"<script" not in normalise(encoded(image, kind)).body


def full_of_metadata() -> Image.Exif:
    """Return EXIF data with position, comment, camera and orientation."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "A SECRET DESCRIPTION"
    exif[0x010F] = "A SECRET CAMERA"
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0A SECRET COMMENT"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return exif


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_metadata_is_gone_when_the_picture_had_some(kind: str) -> None:
    """Case 33."""
    profile = display_p3()
    body = encoded(
        quarters(), kind, exif=full_of_metadata(), xmp=b"<x>A SECRET PACKET</x>",
        icc_profile=profile,
    )  # fmt: skip
    assert b"SECRET" in body

    picture = normalise(body)

    assert b"SECRET" not in picture.body
    image = decoded(picture)
    assert not image.getexif()
    assert not {"exif", "xmp", "icc_profile", "comment"} & image.info.keys()


def test_metadata_is_gone_when_it_was_in_text_chunks() -> None:
    """Case 33."""
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "A SECRET")
    text.add_itxt("Author", "A SECRET")

    assert b"SECRET" not in normalise(picture_bytes(pnginfo=text)).body


def test_thumbnail_is_gone_when_the_picture_had_one() -> None:
    """Case 33: the thumbnail may show what was cropped away."""
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
    assert decoded(picture).format == "WEBP"


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


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_picture_stands_upright_when_it_was_stored_turned(orientation: int, kind: str) -> None:
    """Case 33."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = TURNED[orientation](quarters((600, 400)))

    picture = normalise(encoded(stored, kind, exif=exif))

    for found, wanted in zip(colours(picture), [RED, GREEN, BLUE, WHITE], strict=True):
        assert_like(found, wanted)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_picture_stays_as_stored_when_its_orientation_is_nonsense(orientation: int) -> None:
    """Case 33."""
    exif = Image.Exif()
    exif[0x0112] = orientation

    picture = normalise(encoded(quarters(), "JPEG", exif=exif))

    for found, wanted in zip(colours(picture), [RED, GREEN, BLUE, WHITE], strict=True):
        assert_like(found, wanted)


# --- Drawn right ---


@pytest.mark.parametrize("kind", KINDS)
def test_picture_is_a_square_webp_whatever_it_was(kind: str) -> None:
    picture = normalise(encoded(quarters((700, 500)), kind))

    image = decoded(picture)
    assert (image.format, image.size) == ("WEBP", (SIDE, SIDE))
    assert (picture.width, picture.height) == (SIDE, SIDE)
    assert picture.content_type == "image/webp"
    for found, wanted in zip(colours(picture), [RED, GREEN, BLUE, WHITE], strict=True):
        assert_like(found, wanted)


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (3, 2), (4000, 3000)])
def test_picture_is_a_square_however_long_or_small_it_was(size: tuple[int, int]) -> None:
    assert decoded(normalise(picture_bytes(size=size))).size == (SIDE, SIDE)


def test_picture_of_a_large_camera_is_taken_when_it_is_a_jpeg() -> None:
    body = encoded(Image.new("RGB", (8000, 6000), RED), "JPEG", quality=10)

    assert_like(colours(normalise(body))[0], RED)


def test_picture_of_a_phone_is_taken_when_its_jpeg_holds_a_second_one() -> None:
    """Ultra HDR and stereo pictures, which Pillow calls MPO."""
    body = encoded(
        quarters((4080, 3072)), "MPO", save_all=True, append_images=[Image.new("L", (1020, 768))]
    )

    for found, wanted in zip(colours(normalise(body)), [RED, GREEN, BLUE, WHITE], strict=True):
        assert_like(found, wanted)


def test_first_frame_is_used_when_the_picture_moves() -> None:
    for kind in ("GIF", "WEBP", "PNG"):
        picture = normalise(animation(5, kind=kind))

        image = decoded(picture)
        assert getattr(image, "n_frames", 1) == 1
        assert_like(colours(picture)[0], RED)


def test_digest_and_bytes_are_the_same_when_the_picture_is() -> None:
    body = picture_bytes()

    assert normalise(body) == normalise(body)
    assert normalise(body).digest != normalise(picture_bytes(colour="#ff0000")).digest


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
    """convert() alone would make everything above 255 white."""
    image = Image.new("I;16", (512, 512))
    image.putdata([x * 128 for _y in range(512) for x in range(512)])

    found = decoded(normalise(encoded(image))).convert("L")

    assert [found.getpixel((x, 256)) for x in (64, 256, 448)] == [
        pytest.approx(x / 2, abs=4) for x in (64, 256, 448)
    ]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
def test_transparency_stays_when_a_picture_has_some(kind: str) -> None:
    image = Image.new("RGBA", (200, 200), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (100, 0, 200, 200))

    found = decoded(normalise(encoded(image, kind)))

    assert found.mode == "RGBA"
    assert_like(_pixel(found, (128, 256)), (255, 0, 0, 255))
    assert _pixel(found, (384, 256))[3] == 0


def test_transparency_stays_when_it_is_an_entry_of_the_palette() -> None:
    image = Image.new("P", (200, 200), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(1, (100, 0, 200, 200))

    for kind in ("PNG", "GIF"):
        found = decoded(normalise(encoded(image, kind, transparency=1)))

        assert found.mode == "RGBA", kind
        assert _pixel(found, (128, 256))[3] == 255
        assert _pixel(found, (384, 256))[3] == 0


def test_transparency_stays_when_a_picture_is_gray() -> None:
    image = Image.new("LA", (200, 200), (200, 255))
    image.paste((0, 0), (100, 0, 200, 200))

    found = decoded(normalise(encoded(image)))

    assert _pixel(found, (384, 256))[3] == 0
    assert_like(_pixel(found, (128, 256)), (200, 200, 200, 255))


def display_p3() -> bytes:
    """Return a colour profile like Display P3's: its primaries, a gamma of 2.2, D50."""

    def fixed(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + fixed(*values)

    gamma = b"curv\0\0\0\0" + struct.pack(">IH", 1, 0x0233) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 3) + b"P3\0" + bytes(79) + b"\0\0"
    body = {
        b"desc": text,
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.5151, 0.2412, -0.0011),
        b"gXYZ": xyz(0.2919, 0.6922, 0.0419),
        b"bXYZ": xyz(0.1572, 0.0666, 0.7841),
        b"rTRC": gamma,
        b"gTRC": gamma,
        b"bTRC": gamma,
    }
    table, data = struct.pack(">I", len(body)), b""
    start = 128 + 4 + 12 * len(body)
    for name, value in body.items():
        padded = value + bytes(-len(value) % 4)
        table += name + struct.pack(">II", start + len(data), len(value))
        data += padded
    size = struct.pack(">I", start + len(data))
    head = size + b"lcms\x02\x10\0\0mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28)
    head += fixed(0.9642, 1.0, 0.8249)
    return head + bytes(128 - len(head)) + table + data


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
