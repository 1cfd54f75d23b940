"""Keeps the bytes of objects and parts: each once, however many refer to it, large ones on disk.

moto reads every body as a whole, several times over: 1 GB in parts took 3 GB. Here a body of more
than ``IN_MEMORY`` goes into one file without a name, which ends with the process. An upload that is
complete is the pieces of its parts, a copy the pieces of its source: nothing is copied.
"""

import os
import tempfile
import threading
import weakref
from bisect import insort
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import md5

IN_MEMORY = 256 * 1024
"""Bytes. Larger bodies are in the file."""
CHUNK = 256 * 1024


class Arena:
    """The file: extents of it are taken, and given back when nothing refers to them any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file = -1
        self._end = 0
        self._free: list[tuple[int, int]] = []  # start and size, in order, never side by side
        self._returned: deque[tuple[int, int]] = deque()  # by finalizers, which may not wait

    def take(self, size: int) -> "Extent":
        """Return an extent of ``size`` bytes, the first that is free or a new one at the end."""
        with self._lock:
            if self._file < 0:
                self._file = _unnamed_file()
                weakref.finalize(self, os.close, self._file)
            self._collect()
            for index, (start, free) in enumerate(self._free):
                if free >= size:
                    self._free[index : index + 1] = [(start + size, free - size)][: free > size]
                    return Extent(self, start, size)
            self._end += size
            return Extent(self, self._end - size, size)

    @property
    def used(self) -> int:
        """The bytes that something refers to."""
        with self._lock:
            self._collect()
            return self._end - sum(size for _, size in self._free)

    def give_back(self, start: int, size: int) -> None:
        """Have the bytes be taken again, some time later."""
        self._returned.append((start, size))

    def read(self, start: int, size: int) -> bytes:
        return os.pread(self._file, size, start)

    def write(self, start: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(self._file, view, start)
            view, start = view[written:], start + written

    def _collect(self) -> None:
        """Join what was given back with what is free beside it; cut off the end of the file."""
        while self._returned:
            insort(self._free, self._returned.popleft())
        joined: list[tuple[int, int]] = []
        for start, size in self._free:
            if joined and sum(joined[-1]) == start:
                start, size = joined[-1][0], joined.pop()[1] + size  # noqa: PLW2901
            joined.append((start, size))
        if joined and sum(joined[-1]) == self._end:
            self._end = joined.pop()[0]
            os.ftruncate(self._file, self._end)
        self._free = joined


class Extent:
    """Bytes of the arena, until nothing refers to this object any more."""

    def __init__(self, arena: Arena, start: int, size: int) -> None:
        self.arena = arena
        self.start = start
        weakref.finalize(self, arena.give_back, start, size)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of memory or of an extent."""

    source: bytes | Extent
    start: int
    size: int

    def read(self, offset: int, size: int) -> bytes:
        first = self.start + offset
        if isinstance(self.source, bytes):
            return self.source[first : first + size]
        return self.source.arena.read(self.source.start + first, size)


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that never change."""

    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, data: bytes) -> "Content":
        return cls((Piece(data, 0, len(data)),))

    @classmethod
    def joined(cls, contents: Iterable["Content"]) -> "Content":
        return cls(tuple(piece for content in contents for piece in content.pieces))

    @property
    def size(self) -> int:
        return sum(piece.size for piece in self.pieces)

    def cut(self, first: int, end: int) -> "Content":
        """Return the bytes from ``first`` to before ``end``."""
        pieces, position = [], 0
        for piece in self.pieces:
            start = max(first - position, 0)
            size = min(end - position, piece.size) - start
            if size > 0:
                pieces.append(Piece(piece.source, piece.start + start, size))
            position += piece.size
        return Content(tuple(pieces))

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes in chunks."""
        for piece in self.pieces:
            for offset in range(0, piece.size, CHUNK):
                yield piece.read(offset, min(CHUNK, piece.size - offset))

    def read(self) -> bytes:
        """Return all bytes at once."""
        return b"".join(self.chunks())

    def md5(self) -> str:
        """Return the digest in hexadecimal."""
        digest = md5(usedforsecurity=False)
        for chunk in self.chunks():
            digest.update(chunk)
        return digest.hexdigest()


ARENA = Arena()
"""moto's state is one for the process, and so is what it refers to."""


class Writer:
    """Takes at most ``most`` bytes, piece by piece, and makes a content of them."""

    def __init__(self, most: int, arena: Arena = ARENA) -> None:
        self._most = most
        self._arena = arena
        self._extent: Extent | None = None
        self._start: bytearray = bytearray()
        self.size = 0

    def write(self, data: bytes) -> int:
        if self.size + len(data) > self._most:
            raise ValueError(f"more than {self._most} bytes")
        if self._extent is None and self.size + len(data) > IN_MEMORY:
            self._extent = self._arena.take(self._most)
            self._arena.write(self._extent.start, bytes(self._start))
            self._start.clear()
        if self._extent is None:
            self._start += data
        else:
            self._arena.write(self._extent.start + self.size, data)
        self.size += len(data)
        return len(data)

    def content(self) -> Content:
        """Return what was written."""
        if self._extent is None:
            return Content.of(bytes(self._start))
        return Content((Piece(self._extent, 0, self.size),))


def _unnamed_file() -> int:
    file, path = tempfile.mkstemp(prefix="embedded-aws-")
    os.unlink(path)  # noqa: PTH108 (a file descriptor, and nothing else, is left of it)
    return file
