"""How many streams a process has at one time: the rest of its threads say so to those who wait."""

from functools import cache
from threading import BoundedSemaphore

from django.conf import settings

from assets.errors import Busy


class Slot:
    """A place among the streams of this process, until it is given back."""

    def __init__(self, slots: BoundedSemaphore) -> None:
        if not slots.acquire(blocking=False):
            raise Busy
        self._slots: BoundedSemaphore | None = slots

    def release(self) -> None:
        """Give it back; a second time changes nothing."""
        slots, self._slots = self._slots, None
        if slots:
            slots.release()

    def __enter__(self) -> None:
        """Hold it for a block."""

    def __exit__(self, *_error: object) -> None:
        self.release()


def upload_slot() -> Slot:
    """Return a place for an upload; raises Busy."""
    return Slot(_slots("uploads", settings.STREAM_UPLOADS))


def download_slot() -> Slot:
    """Return a place for a download; raises Busy."""
    return Slot(_slots("downloads", settings.STREAM_DOWNLOADS))


@cache
def _slots(_kind: str, count: int) -> BoundedSemaphore:
    return BoundedSemaphore(count)
