"""A file that is somewhere else, read by ranges, as decoders want one."""

import io
from collections import OrderedDict
from collections.abc import Callable

BLOCK = 1024 * 1024  # bytes of a request
BLOCKS = 8  # that are kept


class RangedFile(io.RawIOBase):
    """A file of ``size`` bytes that is read block by block, through ``read(start, length)``.

    The last ``BLOCKS`` blocks are kept, for decoders that go back and forth.
    """

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        super().__init__()
        self._read, self._size, self._place = read, size, 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, which may be after the end, and return it."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(offset)
        self._place = start + offset
        return self._place

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # narrower
        """Fill ``buffer`` as far as there are bytes, and return how many."""
        view = memoryview(buffer).cast("B")
        done = 0
        while done < len(view) and self._place < self._size:
            number, inside = divmod(self._place, BLOCK)
            piece = self._block(number)[inside : inside + len(view) - done]
            view[done : done + len(piece)] = piece
            done += len(piece)
            self._place += len(piece)
        return done

    def readall(self) -> bytes:
        """Return the rest. It is in memory once, where Python's own would have it twice."""
        rest = io.BytesIO()
        if self._place < self._size:
            rest.seek(self._size - self._place - 1)
            rest.write(b"\0")
            rest.seek(0)
        while piece := self.read(BLOCK):
            rest.write(piece)
        return rest.getvalue()

    def _block(self, number: int) -> bytes:
        block = self._blocks.pop(number, None)
        if block is None:
            start = number * BLOCK
            length = min(BLOCK, self._size - start)
            block = self._read(start, length)
            if len(block) != length:
                raise EOFError
        self._blocks[number] = block
        if len(self._blocks) > BLOCKS:
            self._blocks.popitem(last=False)
        return block
