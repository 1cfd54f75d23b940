"""Processes for what must not run in our own: decoders of other people's bytes, written in C.

A decoder that crashes, hangs or eats memory takes its process along and nothing else. The process
has our interpreter and packages, limits that it sets for itself, and none of our environment, so
no secret. The two talk through a socket (``files/framing.py``).
"""

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

from files.framing import receive, send

# What an interpreter may need to start at all. Nothing of it is a secret.
ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
# glibc takes 64 MB of addresses for each thread's heap, and the memory of children is limited.
ONE_HEAP = {"MALLOC_ARENA_MAX": "1"}
ROOT = Path(__file__).resolve().parent.parent
# -I: no package comes from the working directory or from PYTHONPATH.
START = "import sys; sys.path.append(sys.argv[1]); import {0}; {0}.main()"


class ChildDied(Exception):
    """The process ended, or did not answer in time; it is gone.

    ``status`` is what it ended with: a number below zero is a signal.
    """

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


class Child:
    """A process that runs ``main`` of a module until it is closed."""

    def __init__(self, module: str, *, seconds: float) -> None:
        """Start it. Each message may take ``seconds``; raises OSError if it cannot be started."""
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(seconds)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 (our own program)
                [sys.executable, "-I", "-c", START.format(module), str(ROOT)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                # Of its own: Ctrl-C is for the parent, at whose end the child ends.
                process_group=0,
            )

    def send(self, message: bytes) -> None:
        """Send a message; raises ChildDied."""
        try:
            send(self._socket, message)
        except OSError as error:
            raise self._died() from error

    def receive(self) -> bytes:
        """Return the next message; raises ChildDied."""
        try:
            return receive(self._socket)
        except (OSError, EOFError) as error:
            raise self._died() from error

    @property
    def process_id(self) -> int:
        """The id of the process."""
        return self._process.pid

    def close(self) -> None:
        """End the process."""
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _died(self) -> ChildDied:
        self._socket.close()
        # Its end is seen a moment before its status is there; if it hangs instead, it is killed.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self.close()
        return ChildDied(f"it ended with {self._process.returncode}", self._process.returncode)


def _environment() -> dict[str, str]:
    return ONE_HEAP | {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
