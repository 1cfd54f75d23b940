"""manage.py sweep: find, and with --delete remove, what nothing points at."""

import json
import sys
from argparse import ArgumentTypeError
from collections import Counter
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import rich.progress
import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.module_loading import import_string
from rich.console import Console
from rich.progress import ProgressColumn, SpinnerColumn, Task, TimeElapsedColumn
from rich.text import Text

from uploads.keys import KEPT_PREFIXES
from uploads.sweeping import Finding, Options, Outcome, Progress
from web.errors import UserFacingError

logger = structlog.stdlib.get_logger(__name__)

EXIT_STATUS = (
    "Exit status: 0 nothing left to do, 1 something found and left, 2 stopped by a failure."
)


class Command(BaseCommand):
    help = f"Finds orphans, ghosts and expired uploads; a dry run without --delete. {EXIT_STATUS}"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--delete", action="store_true", help="mend what is found")
        parser.add_argument(
            "--grace",
            type=_minutes,
            default=timedelta(minutes=60),
            metavar="MINUTES",
            help="leave orphans younger than this (default 60)",
        )
        parser.add_argument(
            "--limit",
            type=_count,
            default=sys.maxsize,
            metavar="N",
            help="stop after N findings",
        )
        parser.add_argument(
            "--after",
            type=_promoted_key,
            default="",
            metavar="KEY",
            help="continue after this key, where an earlier sweep stopped",
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="go on where so much is wrong that bucket or database may be the wrong ones",
        )
        parser.add_argument("--json", action="store_true", help="print a summary as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        asked = Options(
            now=timezone.now(),
            grace=options["grace"],
            delete=options["delete"],
            limit=options["limit"],
            after=options["after"],
            force=options["force"],
        )
        summary = Summary(Progress(after=asked.after))
        failure = ""
        try:
            self._run(asked, summary, quiet=options["json"])
        except UserFacingError as error:
            failure = f"Stopped: {error.message} Nothing more was deleted."
        except DatabaseError as error:
            failure = f"Stopped: the database does not answer ({error}). Nothing more was deleted."
        facts = summary.as_json(asked, failure)
        logger.info("swept", **facts)
        if options["json"]:
            self.stdout.write(json.dumps(facts))
        elif not failure:
            self.stdout.write(summary.readable(delete=asked.delete))
        if failure:
            raise CommandError(failure, returncode=2)
        if summary.left:
            sys.exit(1)

    def _run(self, options: Options, summary: "Summary", *, quiet: bool) -> None:
        sweeps = [import_string(path) for path in settings.SWEEPS]
        on_terminal = sys.stderr.isatty() and not quiet
        with _line_on_terminal(summary) if on_terminal else nullcontext():
            for sweep in sweeps:
                for finding in sweep(options, summary.progress):
                    summary.add(finding)
                    if not quiet:
                        self.stdout.write(f"{finding.outcome:8} {finding.kind:8} {finding.name}")


class Summary:
    """Counts of what a sweep found."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.by_kind: Counter[str] = Counter()
        self.by_outcome: Counter[str] = Counter()
        self.bytes_freed = 0

    def add(self, finding: Finding) -> None:
        """Count ``finding``."""
        self.by_kind[finding.kind] += 1
        self.by_outcome[finding.outcome] += 1
        if finding.outcome is Outcome.MENDED:
            self.bytes_freed += finding.size

    @property
    def count(self) -> int:
        """How many findings there were."""
        return self.by_kind.total()

    @property
    def left(self) -> int:
        """How many of them still are as they were found."""
        return self.count - self.by_outcome[Outcome.MENDED]

    def as_json(self, options: Options, failure: str) -> dict[str, object]:
        """Return the summary for programs."""
        return {
            "dry_run": not options.delete,
            "found": dict(self.by_kind),
            "outcomes": dict(self.by_outcome),
            "bytes_freed": self.bytes_freed,
            "resume_after": self.progress.after,
            "examined": self.progress.examined,
            "failure": failure,
        }

    def readable(self, *, delete: bool) -> str:
        """Return the summary for people."""
        if not self.count:
            return "Nothing to sweep."
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.by_kind.items()))
        if not delete:
            return f"Found {kinds}. This was a dry run: --delete mends all but strange ones."
        freed = filesizeformat(self.bytes_freed).replace("\xa0", " ")
        return f"Found {kinds}; {self.left} left, {freed} freed."


class Examined(ProgressColumn):
    """How far a sweep is; how far it has to go is not known before."""

    def __init__(self, summary: Summary) -> None:
        super().__init__()
        self.summary = summary

    def render(self, task: Task) -> Text:
        """Return the counts of this moment."""
        examined = self.summary.progress.examined
        return Text(f"{examined:,} examined, {self.summary.count:,} found")


def _line_on_terminal(summary: Summary) -> rich.progress.Progress:
    """Return a line on the terminal's error stream that shows how far the sweep is."""
    progress = rich.progress.Progress(
        SpinnerColumn(),
        Examined(summary),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    progress.add_task("sweep", total=None)
    return progress


def _minutes(text: str) -> timedelta:
    return timedelta(minutes=_whole(text, at_least=0))


def _count(text: str) -> int:
    return _whole(text, at_least=1)


def _promoted_key(text: str) -> str:
    if text and not text.startswith(KEPT_PREFIXES):
        raise ArgumentTypeError(f"{text!r} is not a key of {', '.join(KEPT_PREFIXES)}.")
    return text


def _whole(text: str, *, at_least: int) -> int:
    if not (text.isdecimal() and len(text) < 10 and int(text) >= at_least):
        raise ArgumentTypeError(f"{text!r} is not a whole number of {at_least} or more.")
    return int(text)
