"""Ends connections over which next to nothing moves, so that they do not hold a thread for ever.

gunicorn's ``timeout`` sees whether a worker's loop is alive, not what its threads wait for. A
time-out of the socket would be enough for a client that says nothing, not for one that sends a
byte now and then.
"""

import contextlib
import socket
import struct
import threading
import time
from typing import Any, Self

from django.conf import settings
from django.http import HttpRequest

from web.errors import UserFacingError

# Bytes that are enough to be waited for again.
ENOUGH = 16 * 1024
# Where Linux tells how many bytes the other side has received and sent.
# Source: linux/tcp.h, struct tcp_info: tcpi_bytes_acked, tcpi_bytes_received.
TCP_INFO_BYTES, TCP_COUNTS = 136, struct.Struct("@120xQQ")


class Watched:
    """A connection with a stream on it, ended if it is waited for and too little moves.

    Without gunicorn there is no socket to end, and nothing is watched.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._socket: Any = request.META.get("gunicorn.socket")
        self._since: float | None = None  # when waiting began; None: it is not waited for
        self._moved = 0  # bytes, at that time

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()

    def begin(self) -> None:
        """Watch it from now on."""
        if self._socket is not None:
            _watchdog.add(self)

    def end(self) -> None:
        """Watch it no more."""
        _watchdog.discard(self)

    def wait(self) -> None:
        """Note that the other side is waited for."""
        self._moved, self._since = self._count(), time.monotonic()

    def go_on(self) -> None:
        """Note that it is not: whatever takes long now is not its fault."""
        self._since = None

    def is_stalled(self, now: float) -> bool:
        """Return whether too little has moved since it is waited for."""
        since = self._since
        if since is None:
            return False
        if (moved := self._count()) >= self._moved + ENOUGH:
            self._moved, self._since = moved, now
        return now - since > settings.STREAM_IDLE_SECONDS and self._since == since

    def _count(self) -> int:
        """Return how many bytes have passed both ways; 0 where the system does not tell."""
        with contextlib.suppress(OSError, AttributeError, struct.error):
            told = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
            return sum(TCP_COUNTS.unpack(told))
        return 0

    def cut(self) -> None:
        """End the connection: whoever waits for it goes on, with an end of file or an error.

        What was not sent yet is thrown away: the system would keep it for a reader who takes none.
        """
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._socket.shutdown(socket.SHUT_RDWR)


class Watchdog:
    """Looks once a second, from one thread, at all streams that are under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: set[Watched] = set()
        self._running = False

    def add(self, stream: Watched) -> None:
        """Look at one more stream."""
        with self._lock:
            self._streams.add(stream)
            if not self._running:
                self._running = True
                threading.Thread(target=self._look, name="streams", daemon=True).start()

    def discard(self, stream: Watched) -> None:
        """Look at a stream no more."""
        with self._lock:
            self._streams.discard(stream)

    def _look(self) -> None:
        while True:
            time.sleep(min(1, settings.STREAM_IDLE_SECONDS / 4))
            now = time.monotonic()
            # Within the lock: a stream that ends gives its socket to the next request.
            with self._lock:
                if not self._streams:
                    self._running = False
                    return
                stalled = {stream for stream in self._streams if stream.is_stalled(now)}
                self._streams -= stalled
                for stream in stalled:
                    stream.cut()


_watchdog = Watchdog()


def drain(request: HttpRequest) -> None:
    """Read some of a body that is refused, so that its sender sees the answer and not a reset.

    A connection that is closed while bytes are unread is reset. At most 64 MiB, and two seconds.
    """
    connection, stream = request.META.get("gunicorn.socket"), request.META["wsgi.input"]
    if connection is None:
        return
    until = time.monotonic() + 2
    with contextlib.suppress(OSError, ValueError, UserFacingError):
        connection.settimeout(0.5)
        for _piece in range(256):
            if not stream.read(256 * 1024) or time.monotonic() > until:
                break
    with contextlib.suppress(OSError):
        connection.settimeout(None)
