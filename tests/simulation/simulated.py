"""What a process draws from outside is given to it, so that its answers alone decide."""

import logging
import secrets
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from django.test import override_settings
from django.utils import timezone

from files import accepting, placing, processors
from files.source import ObjectSource
from pictures import images
from pictures.errors import BadImage
from tests.simulation.processes import Process, Request
from uploads import notifying


@contextmanager
def simulated() -> Iterator[None]:
    """Give processes ids and times of their own, a stand-in for decoding, and no logs."""
    with ExitStack() as patches:
        patches.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)
        for target, name, stand_in in (
            (uuid, "uuid4", lambda: SimpleNamespace(hex=_current().new_id())),
            (secrets, "token_hex", lambda size=None: _current().new_id()),
            (timezone, "now", lambda: _current().now),
            (secrets, "randbits", lambda bits: _current().new_number()),
            (images, "normalise", _normalise),
            (accepting, "true_type", _true_type),
            (accepting, "contradicts", lambda declared, name, found: found == FALSE_TYPE),
            (processors, "process", _process),
            (notifying, "publish", _publish),
            (accepting, "time", NO_TIME),
            (accepting, "ROOM_PAUSES", (0, 0)),  # each costs many states
            (placing, "time", NO_TIME),
        ):
            patches.enter_context(patch.object(target, name, stand_in))
        patches.enter_context(override_settings(**LIMITS))
        yield


def _current() -> Process:
    assert Process.current
    return Process.current


# Small enough to be met.
LIMITS = {
    "FILE_QUOTA_BYTES": 16,
    "FILE_QUOTA_COUNT": 4,
    "FILE_MAX_VERSIONS": 3,
    "FILE_MULTIPART_BYTES": 6,
}
NO_TIME = SimpleNamespace(sleep=lambda seconds: None)  # any process may sleep for any time anyway
FALSE_TYPE = "text/false"


def _true_type(first: bytes) -> str:
    return FALSE_TYPE if first.startswith(b"bad") else "text/plain"


def _process(source: ObjectSource, *, content_type: str) -> processors.Facts:
    """Read an object once; a picture has a preview."""
    digest = source.read(0, source.size).decode()
    preview = b"preview" if content_type.startswith("image/") else None
    return processors.Facts(digest_kind="SHA256", sha256=digest, preview=preview)


def _publish(message: Mapping[str, Any]) -> None:
    _current().ask(Request("topic", "publish", (message["id"],), ()))


DECODED = b"decoded: "


def _normalise(body: bytes) -> images.Picture:
    if not body.startswith(b"picture"):
        raise BadImage
    return images.Picture(DECODED + body, 512, 512, digest=body.decode())
