"""The bytes of an object for those who work on it: read in ranges, so that memory stays flat."""

from collections.abc import Iterator

from files.items import Entry
from files.stores import FileStores
from uploads.stores import Answer

RANGE = 4 * 1024 * 1024  # bytes a request


class ObjectSource:
    """The object of an entry; ``size`` in bytes. It never changes while it is there."""

    def __init__(self, entry: Entry, stores: FileStores) -> None:
        self.key = entry.key
        self.size = entry.size or 0
        self.content_type = entry.content_type or ""
        self._stores = stores

    def read(self, start: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``start`` on, fewer only at the end.

        Raises ObjectMissing and StorageUnavailable.
        """
        length = min(length, self.size - start)
        if length < 1:
            return b""
        return self._stores.bucket.read(self.key, start=start, length=length)

    def chunks(self, start: int = 0) -> Iterator[bytes]:
        """Yield the bytes from ``start`` on; the next range is asked for while one is used."""
        asked = self._ask(start)
        while asked:
            chunk = asked.result()
            start += len(chunk)
            asked = self._ask(start) if chunk else None
            yield chunk

    def _ask(self, start: int) -> Answer[bytes] | None:
        length = min(RANGE, self.size - start)
        if length < 1:
            return None
        read = self._stores.bucket.read
        answer: Answer[bytes] = self._stores.later(read, self.key, start=start, length=length)
        return answer
