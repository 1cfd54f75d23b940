"""How much a consumer of events takes in hand, when it tries again, and what it has counted."""

import random
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from aws.queue import Message
from uploads.handling import Handled

# A message that failed is hidden for half a minute, then 2, 8 and 32 minutes. So an outage of half
# an hour makes no dead letter of it, and the fifth try is its last.
FIRST_RETRY_SECONDS = 30
LONGEST_RETRY_SECONDS = 60 * 60
# For how long nothing is received after a service has not answered; twice as long the next time.
FIRST_PAUSE_SECONDS = 1
LONGEST_PAUSE_SECONDS = 60


def retry_seconds(received: int) -> int:
    """Return how long a message that failed is hidden after it was ``received`` that often.

    A part is random, so that messages that failed together do not come back together.
    """
    longest = min(FIRST_RETRY_SECONDS * 4 ** (min(received, 10) - 1), LONGEST_RETRY_SECONDS)
    return int(longest * random.uniform(0.75, 1))  # noqa: S311 (no secret)


class Outage:
    """Whether a service fails at present, and for how long to leave it alone then."""

    def __init__(self) -> None:
        self._failures = 0  # in a row

    @property
    def lasts(self) -> bool:
        """Whether the last call has failed."""
        return self._failures > 0

    def count(self, *, failed: bool) -> None:
        """Note how a call ended."""
        self._failures = self._failures + 1 if failed else 0

    def seconds(self) -> float:
        """Return how long to wait; a part is random."""
        doubled: int = 2 ** min(self._failures, 20) // 2
        longest = min(FIRST_PAUSE_SECONDS * doubled, LONGEST_PAUSE_SECONDS)
        return longest * random.uniform(0.5, 1)  # noqa: S311 (no secret)


class InHand:
    """The messages that are worked on, at most ``room`` of them."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._messages: dict[str, Message] = {}
        self._changed = threading.Condition()

    def wait_for(self, room: int, *, seconds: float) -> int:
        """Wait for up to ``seconds`` until ``room`` more can be taken; return how many can be.

        0 if there is less room than that.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._free >= room, seconds):
                return 0
            return self._free

    @property
    def _free(self) -> int:
        return self.room - len(self._messages)

    def add(self, message: Message) -> None:
        """Take ``message`` in hand."""
        with self._changed:
            self._messages[message.receipt] = message

    def remove(self, message: Message) -> None:
        """Put ``message`` down: it is deleted, or others may have it after a while."""
        with self._changed:
            self._messages.pop(message.receipt, None)
            self._changed.notify_all()

    def __contains__(self, message: Message) -> bool:
        with self._changed:
            return message.receipt in self._messages

    def now(self) -> list[Message]:
        """Return what is in hand at this moment."""
        with self._changed:
            return list(self._messages.values())


@dataclass
class Counts:
    """What became of messages and their records.

    ``left`` are messages that will come again; ``lag_seconds`` is the age of the oldest message.
    """

    messages: int = 0
    done: int = 0
    ignored: int = 0
    failed: int = 0
    left: int = 0
    lag_seconds: float = 0.0


@dataclass
class Tally:
    """Counts since the last report, and in all. Its methods may be called from many threads."""

    total: Counts = field(default_factory=Counts)
    _recent: Counts = field(default_factory=Counts)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, handled: Handled, *, age: float, left: bool) -> None:
        """Count a message, ``age`` seconds old."""
        with self._lock:
            for counts in (self.total, self._recent):
                counts.messages += 1
                counts.done += handled.done
                counts.ignored += handled.ignored
                counts.failed += handled.failed
                counts.left += left
                counts.lag_seconds = max(counts.lag_seconds, round(age, 3))

    def take(self) -> dict[str, Any]:
        """Return the counts since the last call."""
        with self._lock:
            recent, self._recent = self._recent, Counts()
            return asdict(recent)
