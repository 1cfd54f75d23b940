"""Content types: what is allowed, what is guessed, and which lies matter."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from files import detection
from files.children import Child
from files.detection import FIRST_BYTES, UNKNOWN, Detector
from files.errors import DetectorUnavailable, UnsupportedType
from files.types import content_type_of, contradicts, is_allowed, true_type
from tests.unit.file_samples import DISHONEST, HONEST, RANDOM, SVG, unix_program, windows_program

ROOT = Path(__file__).resolve().parents[2]


def names_of(samples: list[tuple[str, str, bytes]]) -> list[str]:
    """Return a name for each sample's test."""
    return [f"{declared or 'nothing'} {name}" for declared, name, _ in samples]


# --- What is allowed ---


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        *((UNKNOWN, f"a.{extension}") for extension in ("exe", "EXE", "scr", "msi", "bat", "lnk")),
        *((UNKNOWN, f"a.{extension}") for extension in ("js", "jar", "apk", "deb", "dll", "hta")),
        *((UNKNOWN, f"a.{extension}") for extension in ("pkg", "command", "desktop", "run")),
        *((UNKNOWN, f"a.{extension}") for extension in ("html", "XHTML", "svg", "svgz", "mht")),
        *((UNKNOWN, name) for name in ("a.pdf.exe", ".exe", "a.exe.", "a.exe. .", "folder/a.exe")),
        ("image/png", "a.exe"),
        ("text/plain", "a.html"),
        *((danger, "a") for danger in ("text/html", "application/xhtml+xml", "image/svg+xml")),
        *((danger, "a.txt") for danger in ("application/x-msdownload", "text/javascript")),
    ],
)
@pytest.mark.parametrize("patterns", [[], ["*/*"], ["image/*", "text/*", "application/*"]])
def test_dangerous_file_is_not_allowed_unless_its_type_is_named(
    content_type: str, name: str, patterns: list[str], settings: Settings
) -> None:
    settings.FILE_TYPES = patterns

    assert not is_allowed(content_type, name)


@pytest.mark.parametrize(
    ("patterns", "content_type", "name", "allowed"),
    [
        ([], "image/png", "a.png", True),
        ([], UNKNOWN, "a.exe.zip", True),
        ([], UNKNOWN, "exe", True),
        ([], "application/zip", "my.app/Contents/MacOS/x", True),
        (["image/*"], "image/png", "a.png", True),
        (["image/*"], "application/pdf", "a.pdf", False),
        (["image/*", "application/pdf"], "application/pdf", "a.pdf", True),
        (["image/*"], "imagery/png", "a.png", False),
        (["image/*", "image/svg+xml"], "image/svg+xml", "a.svg", True),
        (["image/*", "image/svg+xml"], "text/plain", "a.svg", False),
        (["image/*", "image/svg+xml"], "image/svg+xml", "a.html", False),
        (["*/*", "image/svg+xml"], UNKNOWN, "a.svg", True),
        # Any name of a kind of danger stands for the others.
        (["application/x-msdownload"], "application/x-dosexec", "a.exe", True),
        (["application/x-msdownload"], "text/plain", "a.exe", False),
        (["application/x-msdownload"], "application/x-msi", "a.msi", False),
    ],
)
def test_type_is_allowed_by_the_patterns(
    patterns: list[str], content_type: str, name: str, allowed: bool, settings: Settings
) -> None:
    settings.FILE_TYPES = patterns

    assert is_allowed(content_type, name) == allowed


# --- Which type a file has ---


@pytest.mark.parametrize(
    "declared",
    [
        *(";", "png", "image/", "/png", "image/*", "*/*", "image/png/x", "image /png", "é/png"),
        *("a/b\r\nX: 1", "image/png, text/html", "ima\0ge/png", "a/" + "b" * 128, "-a/b", "a/b c"),
    ],
)
def test_type_is_refused_when_it_has_not_the_form_of_one(declared: str) -> None:
    with pytest.raises(UnsupportedType):
        content_type_of(declared, "a.png")


@pytest.mark.parametrize(
    ("declared", "name", "content_type"),
    [
        ("image/png", "a.txt", "image/png"),
        (" Image/PNG ", "a.txt", "image/png"),
        ("text/plain; charset=utf-8", "a", "text/plain"),
        ("application/vnd.oasis.opendocument.text", "a", "application/vnd.oasis.opendocument.text"),
        ("", "a.PNG", "image/png"),
        ("", "folder.zip/a.md", "text/markdown"),
        ("", "a.tar.gz", "application/gzip"),
        ("", "a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("", "a.html", "text/html"),
        ("", "a.html. ", "text/html"),
        ("", "a.unheard-of", UNKNOWN),
        ("", "png", UNKNOWN),
        ("", "a.", UNKNOWN),
        ("", "data:text/html,x", UNKNOWN),
    ],
)
def test_type_is_the_declared_one_or_guessed_from_the_name(
    declared: str, name: str, content_type: str
) -> None:
    assert content_type_of(declared, name) == content_type


@given(st.text(max_size=30), st.text(max_size=30))
def test_type_has_no_parameters_whatever_is_declared(declared: str, name: str) -> None:
    try:
        content_type = content_type_of(declared, name)
    except UnsupportedType:
        return

    assert content_type_of(content_type, name) == content_type == content_type.lower()
    assert not set(content_type) & set("; \t\r\n,\"'\\*")


# --- Which lies matter ---


def lies(declared: str, name: str, first: bytes) -> bool:
    """Return whether a file contradicts its claim."""
    return contradicts(content_type_of(declared, name), name, true_type(first))


@pytest.mark.case(28)
@pytest.mark.parametrize(("declared", "name", "first"), DISHONEST, ids=names_of(DISHONEST))
def test_file_contradicts_when_it_is_a_program_or_of_another_kind(
    declared: str, name: str, first: bytes
) -> None:
    assert lies(declared, name, first)


@pytest.mark.parametrize(("declared", "name", "first"), HONEST, ids=names_of(HONEST))
def test_honest_file_is_allowed_and_does_not_contradict(
    declared: str, name: str, first: bytes
) -> None:
    assert is_allowed(content_type_of(declared, name), name)
    assert not lies(declared, name, first)


def test_samples_are_as_many_as_were_asked_for() -> None:
    assert len(set(HONEST)) >= 100
    assert len(set(DISHONEST)) >= 50


def test_program_is_taken_only_where_it_is_named_and_nothing_harmless_claimed(
    settings: Settings,
) -> None:
    settings.FILE_TYPES = ["*/*", "application/x-msdownload"]

    assert not lies("application/x-msdownload", "a.exe", windows_program())
    assert not lies("", "a.exe", windows_program())
    assert not lies("application/octet-stream", "a", windows_program())
    assert lies("image/png", "a.png", windows_program())
    assert lies("", "a", unix_program(2))


def test_drawing_is_taken_where_it_is_named(settings: Settings) -> None:
    settings.FILE_TYPES = ["image/*", "image/svg+xml"]

    assert is_allowed("image/svg+xml", "a.svg")
    assert not lies("image/svg+xml", "a.svg", SVG)
    assert lies("image/png", "a.png", SVG)


@given(st.binary(max_size=300))
def test_unknown_bytes_do_not_contradict_unless_they_are_a_program(first: bytes) -> None:
    if first[:2] != b"MZ":
        assert not lies("application/octet-stream", "data", b"\xf7" + first)


# --- The detector ---


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Detector]:
    """Return a detector that has not been asked yet, in place of the process's own."""
    fresh = Detector()
    monkeypatch.setattr(detection, "DETECTOR", fresh)
    yield fresh
    fresh.close()


def test_detector_reads_64_kib_and_no_more(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detector, "detect", lambda first: f"size/{len(first)}")

    assert true_type(bytes(FIRST_BYTES + 1)) == f"size/{FIRST_BYTES}"


def test_detector_goes_on_when_its_process_was_killed(detector: Detector) -> None:
    assert true_type(b"hello\n") == "text/plain"
    assert detector._child
    os.kill(detector._child.process_id, signal.SIGKILL)

    assert true_type(b"hello\n") == "text/plain"


def test_detector_calls_unknown_what_kills_it() -> None:
    detector = Detector("tests.unit.dying_detector")

    assert detector.detect(b"hello\n") == UNKNOWN


def test_detector_starts_anew_when_it_was_interrupted(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the next question would get the answer to this one."""

    def interrupted(_child: Child) -> bytes:
        raise KeyboardInterrupt

    assert true_type(b"%PDF-1.7\n") == "application/pdf"
    with monkeypatch.context() as patched:
        patched.setattr(Child, "receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            true_type(b"{}")

    assert true_type(b"hello\n") == "text/plain"


@pytest.mark.parametrize("answer", [b"", b"text", b"a/b\n", b"\xff/a", b"a/" + b"b" * 200])
def test_answer_of_the_detector_is_not_believed_when_it_is_no_type(
    answer: bytes, detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_type(b"hello\n")
    monkeypatch.setattr(Child, "receive", lambda _child: answer)

    assert detector.detect(b"hello\n") == UNKNOWN


def test_program_is_known_when_libmagic_fails(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detector, "detect", lambda _first: UNKNOWN)

    assert lies("image/png", "a.png", windows_program())
    assert lies("", "a", unix_program(2))
    assert true_type(RANDOM) == UNKNOWN


def test_detector_fails_when_it_cannot_be_started() -> None:
    """Then nothing is known of a file, which is no reason to take or to refuse it."""
    with pytest.raises(DetectorUnavailable):
        Detector("tests.no_such_module").detect(b"hello\n")


def test_detector_answers_each_thread_with_its_own_type() -> None:
    samples = [b"hello\n", b"%PDF-1.7\n", b'{"a": 1}', b"#!/bin/sh\n"] * 25
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(true_type, samples))

    assert found == ["text/plain", "application/pdf", "application/json", "text/x-shellscript"] * 25


HIDDEN = """
import ctypes.util
ctypes.util.find_library = lambda name: None
from files import libmagic
library = libmagic.magic.Magic(mime=True, magic_file=str(libmagic.RULES))
print(library.from_buffer(b"%PDF-1.7"))
for line in open("/proc/self/maps"):
    if "magic" in line:
        print(line.split()[-1])
"""


def test_detector_needs_no_library_of_the_system() -> None:
    """Also where there is one, the library and the rules of the wheel are those that are loaded."""
    done = subprocess.run(  # noqa: S603 (our own script)
        [sys.executable, "-c", HIDDEN], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found, *loaded = done.stdout.split()

    assert found == "application/pdf"
    assert {Path(path).name.partition(".")[0] for path in loaded} >= {"libmagic", "magic"}
    assert {Path(path).parent.name for path in loaded} == {"pylibmagic"}


def test_detector_changes_nothing_in_this_process() -> None:
    """pylibmagic would change ctypes and variables that all children inherit."""
    before = dict(os.environ)

    true_type(b"hello\n")

    assert dict(os.environ) == before
    assert not {"magic", "pylibmagic"} & sys.modules.keys()
