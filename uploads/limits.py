"""How often one user may ask for an upload: the ``limits`` library with Django's settings."""

import math
import time
from functools import cache

from django.conf import settings
from limits import parse
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter


def seconds_to_wait(rate: str, *identifiers: str) -> int:
    """Count one request; return 0 if ``rate`` (like ``30/minute``) allows it, else the wait."""
    limit = parse(rate)
    if _limiter().hit(limit, *identifiers):
        return 0
    free_again, _ = _limiter().get_window_stats(limit, *identifiers)
    return max(1, math.ceil(free_again - time.time()))


def forget_all() -> None:
    """Forget what was counted."""
    _limiter().storage.reset()


@cache
def _limiter() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(storage_from_string(settings.RATE_LIMIT_STORAGE))
