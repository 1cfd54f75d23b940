"""A bounded number of pictures is decoded at a time, each in bounded memory."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BoundedSemaphore, Event, Lock

import pytest
from django.conf import settings
from PIL import Image

from benchmarks.pictures import SIZE, SMALLER, WORST, cost_of
from pictures import images
from pictures.errors import BadImage, Busy
from pictures.images import normalise
from tests.builders import picture_bytes
from tests.content.corpus import encoded, packed_text, png, png_chunk, png_pixels
from tests.content.profiles import program

# --- How many ---


class Counted:
    """A decoder that waits until ``together`` calls run, and counts the most at one time."""

    def __init__(self, draw: Callable[[bytes], Image.Image], together: int) -> None:
        self.draw, self.meeting, self.lock = draw, Barrier(together), Lock()
        self.now = self.most = 0

    def __call__(self, body: bytes) -> Image.Image:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.meeting.wait(60)
        square = self.draw(body)
        with self.lock:
            self.now -= 1
        return square


@pytest.mark.case(30)
@pytest.mark.parametrize("decoders", [1, 2, 4])
def test_so_many_pictures_and_no_more_are_decoded_when_eight_come_at_once(
    decoders: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All eight are answered in the end."""
    counted = Counted(images._square, decoders)
    monkeypatch.setattr(images, "_square", counted)
    monkeypatch.setattr(images, "DECODERS", BoundedSemaphore(decoders))
    monkeypatch.setattr(images, "DECODER_WAIT", 60)

    with ThreadPoolExecutor(8) as pool:
        pictures = list(pool.map(normalise, [picture_bytes()] * 8))

    assert len(set(pictures)) == 1
    assert counted.most == decoders


@pytest.mark.case(30)
def test_whoever_waits_is_told_to_come_again_when_all_decoders_stay_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entered, go_on = Event(), Event()
    draw = images._square

    def slow(body: bytes) -> Image.Image:
        entered.set()
        assert go_on.wait(60)
        return draw(body)

    monkeypatch.setattr(images, "_square", slow)
    monkeypatch.setattr(images, "DECODERS", BoundedSemaphore(1))
    monkeypatch.setattr(images, "DECODER_WAIT", 0.01)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(normalise, picture_bytes())
        assert entered.wait(60)
        with pytest.raises(Busy):
            normalise(picture_bytes())
        go_on.set()
        assert first.result()

    assert normalise(picture_bytes())


@pytest.mark.case(31)
@pytest.mark.parametrize(
    "error", [BadImage(), ValueError(), MemoryError(), KeyboardInterrupt(), SystemExit()]
)
def test_decoder_is_free_again_when_a_picture_failed(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any exception frees the decoder, even one that ends the process."""
    monkeypatch.setattr(images, "DECODERS", BoundedSemaphore(1))
    monkeypatch.setattr(images, "DECODER_WAIT", 0)

    def fail(_body: bytes) -> Image.Image:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(images, "_square", fail)
        with pytest.raises((BadImage, type(error))):
            normalise(picture_bytes())

    assert normalise(picture_bytes())


def test_decoders_are_as_many_as_the_setting_says() -> None:
    taken = 0
    while images.DECODERS.acquire(blocking=False):
        taken += 1
    for _ in range(taken):
        images.DECODERS.release()

    assert taken == settings.AVATAR_DECODERS


# --- How much: each in a fresh process, which is what counts its memory ---

HEAVIEST: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: encoded(Image.new("CMYK", SIZE), "JPEG", progressive=True),
    "PNG": lambda: encoded(Image.new("RGBA", SIZE), "PNG", compress_level=1),
    "WEBP": lambda: encoded(Image.new("RGBA", SMALLER, "#1234"), "WEBP", lossless=True, method=0),
}


@pytest.mark.case(30)
@pytest.mark.parametrize("kind", HEAVIEST)
def test_memory_stays_bounded_when_the_picture_is_as_large_as_allowed(kind: str) -> None:
    """Decoding takes less than 300 MB, as the settings say (see also benchmarks/pictures.py)."""
    cost = cost_of(HEAVIEST[kind]())

    assert cost.outcome == "taken"
    assert cost.megabytes < 300


@pytest.mark.case(30)
def test_memory_stays_bounded_when_an_avif_is_a_quarter_of_what_is_allowed() -> None:
    """Only a quarter, because encoding a larger AVIF for the test takes seconds."""
    body = encoded(Image.new("RGBA", (2048, 2048)), "AVIF", speed=10, subsampling="4:4:4")

    assert cost_of(body).megabytes < 150


@pytest.mark.case(30)
def test_memory_stays_small_when_a_picture_is_converted() -> None:
    """Modes are converted strip by strip; a whole picture at once would take 250 to 400 MB."""
    assert cost_of(*[WORST[name]() for name in ("PNG, 16 bits", "GIF")]).megabytes < 100


CHUNK_BOMBS: list[bytes] = [
    png(8, 8, packed_text(200_000_000), png_pixels(8, 8)),
    png(8, 8, *[packed_text(1_000_000)] * 5000, png_pixels(8, 8)),
    png(8, 8, *[png_chunk(b"tEXt", b"Comment\0" + b"x" * 900_000)] * 5, png_pixels(8, 8)),
    picture_bytes(size=(8, 8), exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(4_900_000)),
    encoded(Image.new("RGB", (8, 8)), "WEBP", icc_profile=program(600_000)),
    encoded(Image.new("RGB", (8, 8)), "AVIF", xmp=b"<x>" * 1_600_000),
]


@pytest.mark.case(30)
def test_memory_stays_small_when_a_chunk_is_huge() -> None:
    assert cost_of(*CHUNK_BOMBS).megabytes < 100
