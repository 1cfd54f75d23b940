"""manage.py redrive_events: put the dead letters back on the queue of events."""

import sys
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from aws.errors import QueueMissing, StorageUnavailable
from aws.queue import live_queue
from uploads.redriving import redrive


class Command(BaseCommand):
    help = (
        "Puts events that failed five times back on the queue, once the reason is repaired. Exit"
        " status: 0 done, 2 no queue, or it did not answer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--limit", type=_count, default=sys.maxsize, metavar="N", help="put back N at most"
        )

    def handle(self, *args: Any, limit: int, **options: Any) -> None:
        queue = live_queue()
        if queue is None:
            raise CommandError("There is no queue: EVENTS_QUEUE is empty.", returncode=2)
        count = 0
        try:
            for count in redrive(queue, limit=limit):  # noqa: B007 (told below)
                pass
        except QueueMissing as error:
            raise CommandError(
                f"There is no queue {queue.name}, or none for its dead letters: run `manage.py"
                " provision`.",
                returncode=2,
            ) from error
        except StorageUnavailable as error:
            raise CommandError(
                f"The queue does not answer. {count} put back before that.", returncode=2
            ) from error
        self.stdout.write(f"{count} put back." if count else "There are no dead letters.")


def _count(text: str) -> int:
    if not (text.isdecimal() and len(text) < 10 and int(text) >= 1):
        raise ArgumentTypeError(f"{text!r} is not a whole number of 1 or more.")
    return int(text)
