"""Bytes are kept once, in extents that never overlap and are taken again."""

import os
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.contents import IN_MEMORY, Arena, Content, Extent, Writer

SOME = st.binary(max_size=30)


def written(arena: Arena, data: bytes, most: int | None = None) -> Content:
    writer = Writer(len(data) if most is None else most, arena)
    for start in range(0, len(data), 1000):
        writer.write(data[start : start + 1000])
    return writer.content()


@given(st.lists(SOME, max_size=5), st.integers(0, 160), st.integers(0, 160))
def test_cut_is_that_of_the_bytes(pieces: list[bytes], first: int, end: int) -> None:
    whole = Content.joined(Content.of(piece) for piece in pieces)

    assert whole.size == len(b"".join(pieces))
    assert whole.cut(first, end).read() == b"".join(pieces)[first : max(first, end)]


@given(st.lists(SOME, max_size=5), st.integers(0, 80), st.integers(0, 80), st.integers(0, 80))
def test_cut_of_a_cut_is_that_of_the_bytes(
    pieces: list[bytes], first: int, second: int, end: int
) -> None:
    data = b"".join(pieces)
    whole = Content.joined(Content.of(piece) for piece in pieces)

    assert whole.cut(first, 100).cut(second, end).read() == data[first:][second : max(second, end)]


@pytest.mark.parametrize("size", [0, 1, IN_MEMORY, IN_MEMORY + 1, 3 * IN_MEMORY])
def test_bytes_are_as_written(size: int) -> None:
    arena = Arena()
    data = os.urandom(size)

    content = written(arena, data, most=2 * size)

    assert (content.size, content.read()) == (size, data)
    assert (arena.used > 0) is (size > IN_MEMORY)


def test_nothing_is_taken_when_more_is_written_than_was_announced() -> None:
    with pytest.raises(ValueError, match="more than 10 bytes"):
        Writer(10).write(b"x" * 11)


def test_bytes_stay_when_what_they_came_from_is_gone() -> None:
    arena = Arena()
    data = os.urandom(2 * IN_MEMORY)
    content = written(arena, data)

    part = content.cut(5, IN_MEMORY + 5)
    del content

    written(arena, os.urandom(2 * IN_MEMORY))
    assert part.read() == data[5 : IN_MEMORY + 5]


def test_file_is_empty_when_nothing_refers_to_it() -> None:
    arena = Arena()
    kept = [written(arena, os.urandom(2 * IN_MEMORY)) for _ in range(3)]

    del kept[1]
    assert (arena.used, os.fstat(arena._file).st_size) == (4 * IN_MEMORY, 6 * IN_MEMORY)
    kept.clear()
    assert (arena.used, os.fstat(arena._file).st_size) == (0, 0)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 50)), max_size=40))
def test_extents_never_overlap(steps: list[tuple[bool, int]]) -> None:
    """Extents are taken, and some of them forgotten, in any order."""
    arena = Arena()
    held: list[tuple[Extent, int]] = []
    for takes, size in steps:
        if takes:
            held.append((arena.take(size), size))
        elif held:
            held.pop(size % len(held))

    spans = sorted((extent.start, extent.start + size) for extent, size in held)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert arena.used == sum(size for _, size in held)
    held.clear()
    assert (arena.used, os.fstat(arena._file).st_size if spans else 0) == (0, 0)


def test_digest_is_that_of_the_bytes() -> None:
    assert Content.joined([Content.of(b"a"), Content.of(b"bc")]).md5() == (
        "900150983cd24fb0d6963f7d28e17f72"
    )
