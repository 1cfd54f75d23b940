"""manage.py consume_events: work on what the bucket tells of new objects, until told to end."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from aws.errors import QueueMissing, StorageUnavailable
from aws.queue import live_queue
from uploads.consuming import Consumer
from uploads.handling import handle

EXIT_STATUS = (
    "Exit status: 0 ended as it was told, and with --once nothing failed; 1 with --once, something"
    " failed and was left on the queue; 2 no queue, or it did not answer."
)


class Command(BaseCommand):
    help = (
        "Works on the events of the bucket until SIGTERM or SIGINT: it then finishes what it has"
        f" in hand; a second signal ends it at once. {EXIT_STATUS}"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when the queue is empty")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        queue = live_queue()
        if queue is None:
            raise CommandError(
                "There is no queue: EVENTS_QUEUE is empty. A store without queues sends its events"
                " to /events/s3/.",
                returncode=2,
            )
        consumer = Consumer(queue, handle, workers=settings.EVENTS_WORKERS, once=once)
        self.stdout.write(f"Working on the queue {queue.name}.")
        self.stdout.flush()
        try:
            with _ended_by_signals(consumer):
                consumer.run()
        except QueueMissing as error:
            raise CommandError(
                f"There is no queue {queue.name}: run `manage.py provision`.", returncode=2
            ) from error
        except StorageUnavailable as error:
            raise CommandError("The queue does not answer.", returncode=2) from error
        total = consumer.total
        self.stdout.write(
            f"Ended: {total.messages} messages; {total.done} records done, {total.ignored} left"
            f" out, {total.failed} failed."
        )
        if once and total.left:
            sys.exit(1)


@contextmanager
def _ended_by_signals(consumer: Consumer) -> Iterator[None]:
    """Let the first SIGTERM or SIGINT stop ``consumer``, and the next one end the process."""
    told: list[int] = []

    def end(signum: int, frame: object) -> None:
        if told:
            # Not by the default action, which the first process of a container does not have.
            os._exit(128 + signum)
        told.append(signum)
        consumer.stop()

    before = {sign: signal.signal(sign, end) for sign in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
