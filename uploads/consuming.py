"""Works on the queue that S3 tells of new objects.

A message is deleted only when all that it says is done. One that failed is hidden for a time that
grows with each try, and comes again; after five tries the queue itself moves it to the dead
letters. What a process had in hand when it died is visible again after HIDDEN_SECONDS.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol

import structlog
from django.db import close_old_connections
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from aws.clients import LONGEST_WAIT
from aws.errors import QueueMissing, StorageUnavailable
from aws.queue import BATCH, Message, QueueSize
from uploads.handling import Handled
from uploads.pacing import Counts, InHand, Outage, Tally, retry_seconds

logger = structlog.stdlib.get_logger(__name__)

# For how long an empty queue is asked where only what is there now is wanted. Not 0: SQS would then
# look into some of its servers alone.
LAST_LOOK_SECONDS = 1
HIDDEN_SECONDS = 60  # for which a message in hand stays hidden after the last sign of life
SIGN_OF_LIFE_SECONDS = 20
REPORT_SECONDS = 60


class Queue(Protocol):
    """What a consumer asks of a queue. Every method may raise StorageUnavailable."""

    @property
    def name(self) -> str: ...

    def receive(self, *, limit: int, wait: int, hide: int) -> list[Message]: ...
    def delete(self, message: Message) -> None: ...
    def hide(self, message: Message, *, seconds: int) -> None: ...
    def size(self) -> QueueSize: ...


class Consumer:
    """Receives messages and gives each to ``handle``, up to ``workers`` at once.

    With ``once`` it ends when the queue is empty, or a service that the work needs does not answer.
    """

    def __init__(
        self, queue: Queue, handle: Callable[[str], Handled], *, workers: int, once: bool = False
    ) -> None:
        self._queue = queue
        self._handle = handle
        self._once = once
        self._hand = InHand(workers)
        self._stopped = threading.Event()
        self._no_queue = Outage()
        self._no_service = Outage()  # that the work needs
        self._is_missing = False
        self._tally = Tally()
        self._reported_at = time.monotonic()

    @property
    def total(self) -> Counts:
        """What was done so far."""
        return self._tally.total

    def stop(self) -> None:
        """Receive nothing more; ``run`` returns when what is in hand is finished."""
        self._stopped.set()

    def run(self) -> None:
        """Work until told to stop.

        With ``once`` a queue that is missing or does not answer raises StorageUnavailable.
        """
        try:
            with self._signs_of_life(), ThreadPoolExecutor(self._hand.room, "events") as workers:
                while not self._stopped.is_set():
                    for message in self._received():
                        self._hand.add(message)
                        workers.submit(self._work, message)
                    if time.monotonic() - self._reported_at >= REPORT_SECONDS:
                        self._report()
                logger.info("consumer_ending", in_hand=len(self._hand.now()))
        finally:
            self._report()

    # --- Receiving ---

    def _received(self) -> list[Message]:
        """Return the messages to work on next: none without room for one, or after a pause."""
        room = self._room()
        if not room:
            return []
        try:
            messages = self._queue.receive(
                limit=min(room, BATCH),
                wait=LAST_LOOK_SECONDS if self._once else LONGEST_WAIT,
                hide=HIDDEN_SECONDS,
            )
        except StorageUnavailable as error:
            self._note_failure(error)
            return []
        self._note_success()
        if self._stopped.is_set():
            for message in messages:
                self._hide(message, seconds=0)
            return []
        if self._once and not messages and self._hand.wait_for(self._hand.room, seconds=0):
            self.stop()
        return messages

    def _room(self) -> int:
        """Return how many messages may be received now.

        While a service does not answer that is one, with nothing else in hand and after a pause:
        each delivery is one try of five.
        """
        careful = self._no_service.lasts
        room = self._hand.wait_for(self._hand.room if careful else 1, seconds=1)
        if not room or self._no_service.lasts != careful:
            return 0  # look again
        if not careful:
            return room
        if self._once:
            self.stop()
        return 0 if self._stopped.wait(self._no_service.seconds()) else 1

    def _note_failure(self, error: StorageUnavailable) -> None:
        """Log that the queue does not answer, that it is missing once, and wait."""
        if self._once:
            raise error
        if not isinstance(error, QueueMissing):
            logger.warning("queue_unavailable", problem=type(error.__cause__ or error).__name__)
        elif not self._is_missing:
            self._is_missing = True
            logger.warning("queue_missing", queue=self._queue.name)
        self._no_queue.count(failed=True)
        self._stopped.wait(self._no_queue.seconds())

    def _note_success(self) -> None:
        self._no_queue.count(failed=False)
        if self._is_missing:
            self._is_missing = False
            logger.info("queue_found", queue=self._queue.name)

    # --- Working, each message in a thread of its own ---

    def _work(self, message: Message) -> None:
        with bound_contextvars(message_id=message.id):
            close_old_connections()
            try:
                handled = self._handled(message)
                if handled.done or handled.outage:
                    self._no_service.count(failed=handled.outage)
                left = not self._is_settled(message, handled)
                age = (timezone.now() - message.sent_at).total_seconds()
                self._tally.add(handled, age=age, left=left)
            finally:
                close_old_connections()
                self._hand.remove(message)

    def _handled(self, message: Message) -> Handled:
        try:
            return self._handle(message.body)
        except Exception:
            logger.exception("message_failed")
            return Handled(failed=1)

    def _is_settled(self, message: Message, handled: Handled) -> bool:
        """Delete ``message`` if all of it was done, else hide it; return whether it is deleted."""
        if handled.failed:
            seconds = retry_seconds(message.received)
            logger.warning("message_left", received=message.received, again_in_seconds=seconds)
            self._hide(message, seconds=seconds)
            return False
        try:
            self._queue.delete(message)
        except StorageUnavailable:
            logger.warning("message_not_deleted")  # it comes again, and changes nothing then
            return False
        return True

    def _hide(self, message: Message, *, seconds: int) -> None:
        """Hide ``message``; if that fails it becomes visible again by itself."""
        try:
            self._queue.hide(message, seconds=seconds)
        except StorageUnavailable as error:
            logger.warning("message_not_hidden", problem=type(error.__cause__ or error).__name__)

    # --- Beside the work ---

    @contextmanager
    def _signs_of_life(self) -> Iterator[None]:
        """Keep the messages in hand hidden for as long as they are worked on."""
        ended = threading.Event()

        def give_signs() -> None:
            while not ended.wait(SIGN_OF_LIFE_SECONDS):
                for message in self._hand.now():
                    if message in self._hand:
                        self._hide(message, seconds=HIDDEN_SECONDS)

        thread = threading.Thread(target=give_signs, name="signs-of-life", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _report(self) -> None:
        """Log one line about the time since the last one."""
        now = time.monotonic()
        passed, self._reported_at = now - self._reported_at, now
        logger.info(
            "events_consumed", **self._tally.take(), seconds=round(passed, 1), **self._waiting()
        )

    def _waiting(self) -> dict[str, int]:
        """Return about how many messages wait, nothing if the queue does not tell."""
        try:
            size = self._queue.size()
        except StorageUnavailable:
            return {}
        return {"waiting": size.waiting, "hidden": size.hidden}
