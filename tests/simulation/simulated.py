"""What a process draws from outside is given to it, so that its answers alone decide."""

import logging
import secrets
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from unittest.mock import patch

from django.utils import timezone

from pictures import images
from pictures.errors import BadImage
from tests.simulation.processes import Process


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
            (images, "normalise", _normalise),
        ):
            patches.enter_context(patch.object(target, name, stand_in))
        yield


def _current() -> Process:
    assert Process.current
    return Process.current


DECODED = b"decoded: "


def _normalise(body: bytes) -> images.Picture:
    if not body.startswith(b"picture"):
        raise BadImage
    return images.Picture(DECODED + body, 512, 512, digest=body.decode())
