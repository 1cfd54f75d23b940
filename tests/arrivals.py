"""A stand-in for what is told of new objects: it keeps one entry for each key, in memory."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from pytest_django.fixtures import Settings

PATH = "tests.arrivals.arrived"


@dataclass
class Arrivals:
    """What was told, in this order, and what is to happen then."""

    keys: list[str] = field(default_factory=list)
    entries: set[str] = field(default_factory=set)
    then: Callable[[str], object] = lambda key: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, key: str) -> None:
        """Note ``key``; do what is to happen before it has its entry."""
        with self.lock:
            self.keys.append(key)
        self.then(key)
        with self.lock:
            self.entries.add(key)

    def fail(self, *keys: str, error: Exception) -> None:
        """Have these keys fail from now on."""

        def fail(key: str) -> None:
            if key in keys:
                raise error

        self.then = fail


_now: list[Arrivals] = []


def arrived(key: str) -> None:
    """Tell the ``Arrivals`` of the test."""
    _now[-1].take(key)


@pytest.fixture
def arrivals(settings: Settings) -> Iterator[Arrivals]:
    """Return what is told of new objects under ``files/``."""
    settings.ARRIVALS = {"files/": PATH}
    _now.append(Arrivals())
    yield _now[-1]
    _now.pop()
