"""Events that a store sends over HTTP, where it has no queue to put them on.

The store repeats what is not answered by 200, so that is said only once nothing can get lost: the
event is on a queue, or its work is done.
"""

import binascii
import json
import threading
from base64 import b64decode
from collections import OrderedDict
from functools import cache
from hashlib import sha256

import structlog
from django.conf import settings
from django.utils.crypto import constant_time_compare

from aws.queue import live_queue
from uploads.handling import concerns_us, handle

logger = structlog.stdlib.get_logger(__name__)

# A store knows no dead letters. What fails as often as this, by a fault and not by an outage, is
# left to the sweep: Ceph repeats it for ever, and what comes after it waits.
TRIES = 5
REMEMBERED = 1000  # bodies that failed


class Tries:
    """How often a body has failed in this process, of those that failed last."""

    def __init__(self) -> None:
        self._counts: OrderedDict[bytes, int] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, body: bytes) -> int:
        """Count one more failure; return how many there were."""
        name = sha256(body).digest()
        with self._lock:
            self._counts[name] = count = self._counts.pop(name, 0) + 1
            if len(self._counts) > REMEMBERED:
                self._counts.popitem(last=False)
            return count


def knows_secret(authorization: str) -> bool:
    """Return whether a header ``Authorization`` has ``EVENTS_SECRET``; compared in constant time.

    As ``Bearer``, as the password of ``Basic``, which is how Ceph sends the user and password of a
    URL, or alone. There must be a secret.
    """
    scheme, _, rest = authorization.strip().partition(" ")
    given = rest.strip() or scheme
    if scheme.lower() == "basic":
        given = _password(given)
    return constant_time_compare(given, settings.EVENTS_SECRET)


def _password(credentials: str) -> str:
    try:
        return b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def take(body: bytes) -> bool:
    """Take an event; return whether it may be forgotten. Raises StorageUnavailable."""
    queue = live_queue()
    if queue and concerns_us(body):
        # In ASCII: SQS refuses some characters that JSON may hold as they are.
        queue.send(json.dumps(json.loads(body)))
        return True
    handled = handle(body)
    if not handled.failed:
        return True
    if handled.outage or _tries().count(body) < TRIES:
        return False
    logger.error("event_given_up", failed=handled.failed)
    return True


@cache
def _tries() -> Tries:
    return Tries()


@cache
def slots() -> threading.BoundedSemaphore:
    """Return what bounds the events that this process works on at once."""
    return threading.BoundedSemaphore(settings.EVENTS_WORKERS)
