"""Previews of pictures, each drawn in a child process of its own.

A decoder that crashes or is killed is a failed attempt. After two there is no preview, nor after
one that has worked for a minute; the file itself is never in question.
"""

import json
import signal
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Protocol

import structlog
from django.conf import settings

from files.children import Child, ChildDied
from files.previewer import READ

events = structlog.stdlib.get_logger(__name__)

ATTEMPTS = 2
# For one message: of work the child itself allows 60 s, but a machine may be busy.
SECONDS = 300
MAX_BODY = 1024 * 1024  # bytes of a preview, of which the largest seen had 0.4 MB
# What a decoder may read in all: each byte three times, and the same start again and again.
READINGS, MORE = 3, 64 * 1024 * 1024
DECODERS = BoundedSemaphore(settings.AVATAR_DECODERS)


class Readable(Protocol):
    """A file that can be read by ranges."""

    @property
    def size(self) -> int:
        """The length in bytes."""

    def read(self, start: int, length: int) -> bytes:
        """Return ``length`` bytes from ``start`` on."""


@dataclass(frozen=True)
class Drawn:
    """What became of a picture: its size in pixels, upright, and its preview, a WebP.

    ``problem`` says why there is none: "bad_image", "too_large" or "decoder_died".
    ``peak_bytes`` is the most memory that the process had.
    """

    width: int | None = None
    height: int | None = None
    body: bytes | None = None
    problem: str | None = None
    peak_bytes: int | None = None


def draw(source: Readable) -> Drawn:
    """Return the preview of a picture; raises what ``source.read`` raises."""
    with DECODERS:
        for _ in range(ATTEMPTS):
            try:
                with Child("files.previewer", seconds=SECONDS) as child:
                    return _drawn(child, source)
            except ChildDied as died:
                events.warning("decoder_died", reason=str(died))
                if died.status == -signal.SIGXCPU:  # its own limit
                    return Drawn(problem="too_large")
    return Drawn(problem="decoder_died")


def _drawn(child: Child, source: Readable) -> Drawn:
    child.send(source.size.to_bytes(8))
    left = READINGS * source.size + MORE
    while (message := child.receive()).startswith(READ):
        start, length = int.from_bytes(message[1:9]), int.from_bytes(message[9:])
        left -= length
        if left < 0 or start + length > source.size:
            raise ChildDied("it asked for more than there is")
        child.send(source.read(start, length))
    return _judged(message[1:], child.receive())


def _judged(facts: bytes, body: bytes) -> Drawn:
    """Return what a child said; its decoder may have been taken over."""
    try:
        said = json.loads(facts)
        sizes = [said[name] for name in ("width", "height", "peak_bytes")]
        problem = said["problem"]
    except (ValueError, KeyError, TypeError) as error:
        raise ChildDied("it made no sense") from error
    good = (
        all(size is None or (type(size) is int and 0 < size < 2**48) for size in sizes)
        and problem in (None, "bad_image", "too_large")
        and len(body) <= MAX_BODY
        and (problem is None) == body.startswith(b"RIFF")
    )
    if not good:
        raise ChildDied("it made no sense")
    return Drawn(sizes[0], sizes[1], body or None, problem, sizes[2])
