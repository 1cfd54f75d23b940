"""Messages between a process and its child, and the limits that the child sets for itself.

Both sides import this, so it imports nothing of the product.
"""

import contextlib
import resource
import socket
from pathlib import Path

MAX_MESSAGE = 16 * 1024 * 1024  # bytes


def send(channel: socket.socket, message: bytes) -> None:
    """Send a message."""
    channel.sendall(len(message).to_bytes(4))
    channel.sendall(message)


def receive(channel: socket.socket) -> bytes:
    """Return the next message; raises EOFError at the end, or if it is longer than it may be."""
    size = int.from_bytes(_exactly(channel, 4))
    if size > MAX_MESSAGE:
        raise EOFError
    return _exactly(channel, size)


def parent() -> socket.socket:
    """Return the way to the parent, from within the child."""
    return socket.socket(fileno=0)


def limit(*, memory: int, seconds: int | None = None) -> None:
    """Limit this process for good: ``memory`` in bytes, ``seconds`` of work; it writes no file.

    When the machine has no memory left, this process is the one that goes, not its parent.
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    limits = {
        resource.RLIMIT_AS: (memory, memory),
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_CORE: (0, 0),
    }
    if seconds is not None:  # SIGXCPU, and should it not help, SIGKILL
        limits[resource.RLIMIT_CPU] = (seconds, seconds + 1)
    for what, most in limits.items():
        # macOS has no limit of memory. A lower limit than ours stays.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, most)


def _exactly(channel: socket.socket, size: int) -> bytes:
    body = bytearray()
    while len(body) < size:
        piece = channel.recv(min(size - len(body), 1024 * 1024))
        if not piece:
            raise EOFError
        body += piece
    return bytes(body)
