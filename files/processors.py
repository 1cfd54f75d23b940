"""Work on a file once it has arrived, by its content type.

A processor reads the file and returns facts; it writes nothing, so it can be run again at any time.
To add one, write a function and name it in ``PROCESSORS``.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Protocol

from django.conf import settings

from files.previews import draw
from files.types import matches
from pictures.preview import MAX_BYTES


class Source(Protocol):
    """A file in the bucket."""

    @property
    def size(self) -> int:
        """The length in bytes."""

    @property
    def content_type(self) -> str:
        """The content type."""

    def read(self, start: int, length: int) -> bytes:
        """Return ``length`` bytes from ``start`` on, by one request."""

    def chunks(self, start: int = 0) -> Iterator[bytes]:
        """Yield the bytes from ``start`` on, in pieces of any size, by one request."""


class SourceChanged(Exception):
    """A source gave fewer or more bytes than its size: the work has to be done again."""


@dataclass(frozen=True)
class Facts:
    """What processors found out; None is what is not known.

    ``digest_kind`` is "SHA256", or "CRC64NVME" if the file is so large that S3's own checksum of
    the whole object has to do. ``preview`` is a WebP of at most 512 pixels a side, and
    ``preview_problem`` says why a picture has none: "bad_image", "too_large", "decoder_died".
    """

    digest_kind: str | None = None
    sha256: str | None = None  # in hexadecimal
    width: int | None = None  # pixels, upright
    height: int | None = None
    preview: bytes | None = None
    preview_problem: str | None = None


def process(source: Source, *, content_type: str) -> Facts:
    """Return the facts of all processors for files of this type.

    Raises what the source raises, and OSError if no process can be started: then it has to be
    tried again. A file that cannot be read as what it is raises nothing.
    """
    facts = Facts()
    for pattern, processor in PROCESSORS:
        if matches(content_type, pattern):
            found = processor(source)
            known = {field.name: getattr(found, field.name) for field in fields(found)}
            facts = replace(facts, **{name: it for name, it in known.items() if it is not None})
    return facts


def digest(source: Source) -> Facts:
    """Return the SHA-256 of a file of at most ``FILE_DIGEST_BYTES``."""
    if source.size > settings.FILE_DIGEST_BYTES:
        return Facts(digest_kind="CRC64NVME")
    state, size = hashlib.sha256(), 0
    for chunk in source.chunks():
        state.update(chunk)
        size += len(chunk)
    if size != source.size:
        raise SourceChanged
    return Facts(digest_kind="SHA256", sha256=state.hexdigest())


def picture(source: Source) -> Facts:
    """Return the size and the preview of a picture of at most 100 MB."""
    if source.size > MAX_BYTES:
        return Facts(preview_problem="too_large")
    drawn = draw(source)
    return Facts(
        width=drawn.width,
        height=drawn.height,
        preview=drawn.body,
        preview_problem=drawn.problem,
    )


PROCESSORS: list[tuple[str, Callable[[Source], Facts]]] = [
    ("*/*", digest),
    ("image/*", picture),
]
