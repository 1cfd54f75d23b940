"""Limits how often a client may ask, by the ``limits`` library and Django's settings.

Rates are counted in the storage that all processes share. While it does not answer, each process
counts by itself: requests are still limited, and are neither refused nor delayed for that.
"""

import math
import time
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import structlog
from django.conf import settings
from limits import RateLimitItem, parse_many
from limits.errors import ConfigurationError, StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

logger = structlog.stdlib.get_logger(__name__)

STORAGES = ["memory", "redis", "rediss", "redis+unix"]
TIMEOUT_SECONDS = 0.5
# How long a storage that failed is not asked, so that not every request waits for it.
PAUSE_SECONDS = 10


class Allowance(NamedTuple):
    """Rates, such as ``30/minute;300/day``, and the client that they are for."""

    rates: str
    client: tuple[str, ...]


class ClientRate(NamedTuple):
    """One rate of one client."""

    limit: RateLimitItem
    client: tuple[str, ...]


def seconds_to_wait(allowances: Sequence[Allowance]) -> int:
    """Count one request; return 0 if every rate allows it, else the seconds to wait.

    A request that one rate refuses is not counted by the others either.
    """
    return _counter().take(
        [ClientRate(limit, client) for rates, client in allowances for limit in parse_many(rates)]
    )


def forget_all() -> None:
    """Forget what was counted."""
    _counter().forget()


def open_storage(url: str) -> Storage:
    """Return the storage at ``url``; connects to nothing yet.

    Raises ConfigurationError, whose text does not hold the URL: that may hold a password.
    """
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in STORAGES:
        raise ConfigurationError(f"it must begin with one of {', '.join(STORAGES)} and ://")
    bounded = {"socket_connect_timeout": TIMEOUT_SECONDS, "socket_timeout": TIMEOUT_SECONDS}
    try:
        storage = storage_from_string(url, wrap_exceptions=True, **bounded)
    except ValueError as error:
        raise ConfigurationError(f"it is not a URL of a {scheme} server") from error
    assert isinstance(storage, Storage)  # noqa: S101 (the other kind is asynchronous)
    return storage


class Counter:
    """Counts in a storage, or in this process while the storage does not answer."""

    def __init__(self, storage: Storage) -> None:
        self._shared = MovingWindowRateLimiter(storage)
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._paused_until = 0.0

    def take(self, rates: Sequence[ClientRate]) -> int:
        """Count one request; return 0 or the seconds to wait."""
        if time.monotonic() >= self._paused_until:
            try:
                return _take(self._shared, rates)
            except StorageError as error:
                self._paused_until = time.monotonic() + PAUSE_SECONDS
                logger.warning("rates_counted_in_this_process", problem=str(error.storage_error))
        return _take(self._own, rates)

    def forget(self) -> None:
        """Forget what was counted, and use the storage again if it failed."""
        self._paused_until = 0.0
        for limiter in (self._shared, self._own):
            limiter.storage.reset()


def _take(limiter: MovingWindowRateLimiter, rates: Sequence[ClientRate]) -> int:
    refused = [one for one in rates if not limiter.test(one.limit, *one.client)]
    if not refused:
        # Another request may have been counted since: the rate must hold then, too.
        refused = [one for one in rates if not limiter.hit(one.limit, *one.client)]
    if not refused:
        return 0
    free_again = max(limiter.get_window_stats(one.limit, *one.client)[0] for one in refused)
    return max(1, math.ceil(free_again - time.time()))


@cache
def _counter() -> Counter:
    return Counter(open_storage(settings.RATE_LIMIT_STORAGE))
