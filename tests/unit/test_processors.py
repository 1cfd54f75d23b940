"""Work on files that have arrived: facts, and what a decoder that fails does to them."""

import hashlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image
from pytest_django.fixtures import Settings

from files import previews, processors
from files.children import Child, ChildDied
from files.previews import Drawn, _judged, draw
from files.processors import Facts, SourceChanged, process
from pictures.preview import MAX_BYTES
from tests.builders import picture_bytes
from tests.content.corpus import encoded, noise

MB = 1024 * 1024
PICTURE = encoded(noise((900, 600)), "JPEG", quality=90)


@dataclass
class Stored:
    """A file in memory, followed by zeros up to ``size``; it notes what was read."""

    body: bytes
    content_type: str = "application/octet-stream"
    size: int = -1
    ranges: list[tuple[int, int]] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        if self.size < 0:
            self.size = len(self.body)

    def read(self, start: int, length: int) -> bytes:
        """Return a range, and do meanwhile what the test wants."""
        self.meanwhile()
        self.ranges.append((start, length))
        return self.body[start : start + length].ljust(length, b"\0")

    def chunks(self, start: int = 0) -> Iterator[bytes]:
        """Yield odd pieces."""
        for place in range(start, len(self.body), 77_777):
            yield self.body[place : place + 77_777]


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[Child]:
    """Return a list that receives each child process that draws a preview."""
    started: list[Child] = []

    class Noted(Child):
        def __init__(self, module: str, *, seconds: float) -> None:
            super().__init__(module, seconds=seconds)
            started.append(self)

    monkeypatch.setattr(previews, "Child", Noted)
    return started


def is_running(child: Child) -> bool:
    """Return whether a child is still there."""
    return Path(f"/proc/{child.process_id}").exists()


# --- Digests ---


@pytest.mark.parametrize("size", [0, 1, 77_777, 500_000])
def test_digest_is_that_of_the_whole_file(size: int) -> None:
    body = os.urandom(size)

    assert process(Stored(body), content_type="text/plain") == Facts(
        digest_kind="SHA256", sha256=hashlib.sha256(body).hexdigest()
    )


def test_digest_is_left_to_s3_when_the_file_is_larger_than_the_setting(settings: Settings) -> None:
    settings.FILE_DIGEST_BYTES = 5

    assert process(Stored(b"12345"), content_type="a/b").sha256
    assert process(Stored(b"123456"), content_type="a/b") == Facts(digest_kind="CRC64NVME")


@pytest.mark.parametrize("size", [4, 6])
def test_digest_fails_when_the_file_is_not_as_long_as_it_says(size: int) -> None:
    with pytest.raises(SourceChanged):
        process(Stored(b"12345", size=size), content_type="a/b")


# --- Pictures ---


def test_picture_has_a_digest_a_size_and_a_preview(children: list[Child]) -> None:
    source = Stored(PICTURE)

    facts = process(source, content_type="image/jpeg")

    assert facts.sha256 == hashlib.sha256(PICTURE).hexdigest()
    assert (facts.width, facts.height, facts.preview_problem) == (900, 600, None)
    assert facts.preview
    assert facts.preview.startswith(b"RIFF")
    assert len(source.ranges) == 1
    assert [is_running(child) for child in children] == [False]


def test_no_picture_is_drawn_of_another_type(children: list[Child]) -> None:
    assert process(Stored(PICTURE), content_type="text/plain").width is None
    assert children == []


def test_picture_that_cannot_be_decoded_has_a_problem_and_a_digest() -> None:
    facts = process(Stored(b"no picture"), content_type="image/png")

    assert facts == Facts(
        digest_kind="SHA256",
        sha256=hashlib.sha256(b"no picture").hexdigest(),
        preview_problem="bad_image",
    )


def test_picture_of_more_than_100_mb_is_not_read(children: list[Child]) -> None:
    source = Stored(PICTURE, size=MAX_BYTES + 1)

    assert processors.picture(source) == Facts(preview_problem="too_large")
    assert source.ranges == []
    assert children == []


def test_storage_that_fails_is_no_fault_of_the_picture(children: list[Child]) -> None:
    """The error gets through, so that the work is done again; no process is left."""

    def fail() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        process(Stored(PICTURE, meanwhile=fail), content_type="image/jpeg")

    assert [is_running(child) for child in children] == [False]


@pytest.mark.parametrize(("killed", "problem"), [(1, None), (2, "decoder_died")])
def test_decoder_that_is_killed_gets_a_second_attempt_and_no_third(
    killed: int, problem: str | None, children: list[Child]
) -> None:
    """The process that started it goes on, and keeps the other facts."""

    def kill() -> None:
        if len(children) <= killed:
            os.kill(children[-1].process_id, signal.SIGKILL)

    facts = process(Stored(PICTURE, meanwhile=kill), content_type="image/jpeg")

    assert facts.preview_problem == problem
    assert (facts.preview is None) == (problem is not None)
    assert facts.sha256
    assert len(children) == 2
    assert not any(is_running(child) for child in children)


def test_decoder_has_limits_and_no_secrets(
    children: list[Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "a-secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
    seen: dict[str, str] = {}

    def look() -> None:
        process = Path(f"/proc/{children[-1].process_id}")
        for name in ("environ", "limits", "oom_score_adj"):
            seen[name] = (process / name).read_text()

    assert draw(Stored(PICTURE, meanwhile=look)).body

    names = {line.partition("=")[0] for line in seen["environ"].split("\0") if line}
    assert names <= {"PATH", "LD_LIBRARY_PATH", "MALLOC_ARENA_MAX", "LC_CTYPE"}
    limits = {line[:26].strip(): line[26:].split()[0] for line in seen["limits"].splitlines()[1:]}
    assert limits["Max address space"] == str(768 * MB)
    assert limits["Max cpu time"] == "60"
    assert limits["Max file size"] == "0"
    assert limits["Max core file size"] == "0"
    assert seen["oom_score_adj"] == "1000\n"


# --- A decoder that was taken over ---

GOOD = {"width": 4, "height": 3, "problem": None, "peak_bytes": 9}


@pytest.mark.parametrize(
    ("facts", "body"),
    [
        (GOOD, b""),
        (GOOD, b"<html>"),
        (GOOD, b"RIFF" + bytes(MB)),
        (GOOD | {"problem": "bad_image"}, b"RIFF"),
        (GOOD | {"problem": "<script>"}, b""),
        (GOOD | {"problem": ["bad_image"]}, b""),
        (GOOD | {"width": "4"}, b"RIFF"),
        (GOOD | {"width": -4}, b"RIFF"),
        (GOOD | {"width": True}, b"RIFF"),
        (GOOD | {"height": 10**30}, b"RIFF"),
        ({}, b"RIFF"),
        ([], b"RIFF"),
        (None, b"RIFF"),
    ],
)
def test_answer_of_a_decoder_is_not_believed_when_it_makes_no_sense(
    facts: object, body: bytes
) -> None:
    assert _judged(json.dumps(GOOD).encode(), b"RIFF") == Drawn(4, 3, b"RIFF", None, 9)

    with pytest.raises(ChildDied):
        _judged(json.dumps(facts).encode(), body)


@pytest.mark.parametrize("wanted", ["outside", "for ever"])
def test_decoder_cannot_ask_for_more_than_its_file(
    wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "MORE", 0)
    source = Stored(PICTURE)

    class Hostile(Child):
        def receive(self) -> bytes:
            start = source.size if wanted == "outside" else 0
            return b"R" + start.to_bytes(8) + (1000).to_bytes(8)

    monkeypatch.setattr(previews, "Child", Hostile)

    assert draw(source) == Drawn(problem="decoder_died")
    assert sum(length for _, length in source.ranges) <= 2 * 3 * source.size
    assert all(start + length <= source.size for start, length in source.ranges)


# --- Memory: that of the child, which benchmarks/previews.py measures for each format ---


@pytest.mark.case(30)
@pytest.mark.parametrize(
    ("body", "most"),
    [
        (PICTURE, 70),
        (encoded(Image.new("RGB", (14_000, 14_000)), "JPEG"), 120),
        (encoded(Image.new("CMYK", (6300, 6300)), "JPEG", progressive=True), 450),
        (encoded(Image.new("RGBA", (7900, 7900)), "PNG", compress_level=1), 450),
        (picture_bytes(kind="WEBP"), 320),
        (picture_bytes(kind="AVIF"), 320),
        (picture_bytes(kind="GIF"), 70),
    ],
    ids=["JPEG", "JPEG of 196 megapixels", "JPEG in scans", "PNG", "WebP", "AVIF", "GIF"],
)
def test_memory_stays_bounded_when_the_file_has_100_mb(body: bytes, most: int) -> None:
    """It is read piece by piece; only WebP and AVIF are decoded from memory."""
    drawn = draw(Stored(body, size=MAX_BYTES))

    assert drawn.width
    assert drawn.peak_bytes
    assert drawn.peak_bytes < most * MB


@pytest.mark.case(30)
def test_limits_of_a_child_hold() -> None:
    """It asks for more memory than it may have, then works for longer than it may."""
    with Child("tests.unit.greedy_child", seconds=60) as child:
        assert child.receive() == b"no memory"
        with pytest.raises(ChildDied) as died:
            child.receive()

    assert died.value.status == -signal.SIGXCPU


def test_decoder_that_works_too_long_gets_no_second_attempt(
    children: list[Child],
) -> None:
    def work_too_long() -> None:
        os.kill(children[-1].process_id, signal.SIGXCPU)

    assert draw(Stored(PICTURE, meanwhile=work_too_long)) == Drawn(problem="too_large")
    assert len(children) == 1
