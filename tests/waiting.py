"""Waits for what another process or thread does."""

import time
from collections.abc import Callable

PATIENCE = 60  # seconds that a busy machine may take
POLL = 0.02  # seconds


def wait_until(holds: Callable[[], object], *, patience: float = PATIENCE) -> None:
    """Return once ``holds``; fail if it does not in time."""
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(POLL)
