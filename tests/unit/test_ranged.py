"""A file that is read by ranges behaves like one in memory, with few requests."""

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from files import ranged
from files.ranged import BLOCK, BLOCKS, RangedFile

BODY = random.Random(3).randbytes(2 * BLOCK + 12_345)


class Counted:
    """The ranges of ``BODY``; it notes the start of each that was asked for."""

    def __init__(self, body: bytes = BODY) -> None:
        self.body, self.starts = body, list[int]()

    def read(self, start: int, length: int) -> bytes:
        """Return a range."""
        assert 0 < length <= BLOCK
        assert start + length <= len(self.body)
        self.starts.append(start)
        return self.body[start : start + length]


def opened(body: bytes = BODY) -> tuple[RangedFile, Counted]:
    """Return a file on ``body``, and what counts its requests."""
    counted = Counted(body)
    return RangedFile(counted.read, len(body)), counted


PLACES = st.integers(0, len(BODY) + 10)
STEPS = st.one_of(
    st.tuples(st.just("seek"), PLACES),
    st.tuples(st.just("read"), st.integers(0, BLOCK + 10)),
    st.tuples(st.just("end"), st.integers(-len(BODY), 10)),
    st.tuples(st.just("rest"), st.just(0)),
)


@given(st.lists(STEPS, max_size=12), st.booleans())
def test_file_reads_like_one_in_memory(steps: list[tuple[str, int]], buffered: bool) -> None:
    raw, _ = opened()
    file = io.BufferedReader(raw) if buffered else raw
    memory = io.BytesIO(BODY)

    for step, number in steps:
        for each in (file, memory):
            if step == "seek":
                each.seek(number)
            if step == "end":
                each.seek(number, io.SEEK_END)
        if step in {"read", "rest"}:
            assert file.read(number if step == "read" else -1) == memory.read(
                number if step == "read" else -1
            )
        assert file.tell() == memory.tell()


def test_file_asks_once_for_each_block_when_it_is_read_byte_by_byte() -> None:
    file, counted = opened()

    for place in (0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5, len(BODY) - 1):
        file.seek(place)
        assert file.read(1) == BODY[place : place + 1]

    assert counted.starts == [0, BLOCK, 2 * BLOCK]


def test_file_keeps_the_last_blocks_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranged, "BLOCK", 10)
    file, counted = opened(bytes(range(200)))

    for start in range(0, 10 * (BLOCKS + 1), 10):
        file.seek(start)
        file.read(1)
    file.seek(0)  # gone, as the oldest
    file.read(1)
    file.seek(10 * BLOCKS)  # still there
    file.read(1)

    assert counted.starts == [*range(0, 10 * (BLOCKS + 1), 10), 0]


def test_empty_file_asks_for_nothing() -> None:
    file, counted = opened(b"")

    assert file.read() == b""
    assert file.read(5) == b""
    assert counted.starts == []


def test_file_fails_when_a_block_is_short() -> None:
    """A hole would otherwise be taken for the end."""
    file = RangedFile(lambda _start, _length: b"abc", 100)

    with pytest.raises(EOFError):
        file.read(50)


def test_file_cannot_go_before_its_start() -> None:
    file, _ = opened()

    with pytest.raises(ValueError, match="-1"):
        file.seek(-1)
