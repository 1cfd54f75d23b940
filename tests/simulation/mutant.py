"""A rule broken on purpose: a function of the product replaced by one that leaves the rule out."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

Patch = AbstractContextManager[Any]


class Mutant(NamedTuple):
    """A broken rule, the scenario that shows it, and the property that it violates."""

    broken: Callable[[], Patch]
    scenario: str
    kind: str
    faults: int = 1

    @property
    def name(self) -> str:
        """Return the name of the broken rule."""
        return self.broken.__name__
