"""manage.py rundemo: run everything on this machine until Ctrl-C. ``make run`` calls it."""

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from demo.parent import PIPE_VARIABLE, pipe_to_children
from demo.users import administrators_key

GRACE_SECONDS = 10
# The consumer would wait for a last answer of a queue that is gone in a moment.
CONSUMER_GRACE_SECONDS = 1


class Command(BaseCommand):
    help = (
        "Migrates, starts the embedded AWS, provisions and seeds it, serves the site, and works on"
        " the events of the bucket."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sign, _end)
        self._refuse_what_cannot_work()
        try:
            self._run()
        except KeyboardInterrupt:
            self.stdout.write("\nEnded.")

    def _refuse_what_cannot_work(self) -> None:
        if not settings.EMBEDDED_AWS:
            raise CommandError("The demo brings its own AWS: unset AWS_STORAGE_BUCKET_NAME first.")
        if not (settings.DEMO and settings.DEBUG):
            raise CommandError("The demo needs DEMO and DEBUG: unset both, they are on by default.")
        if settings.PORT == settings.EMBEDDED_AWS_PORT:
            raise CommandError("PORT and EMBEDDED_AWS_PORT must differ.")
        _refuse_busy(settings.PORT, "PORT")
        _refuse_busy(settings.EMBEDDED_AWS_PORT, "EMBEDDED_AWS_PORT")

    def _run(self) -> None:
        try:
            settings.VAR_DIR.mkdir(exist_ok=True)
            call_command("migrate", verbosity=0)
        except (OSError, OperationalError) as error:
            raise CommandError(f"The database cannot be made or opened: {error}") from error
        with ExitStack() as running:
            pipe = running.enter_context(pipe_to_children())
            aws = running.enter_context(_child("embedded_aws", pipe=pipe))
            _wait_for_port(settings.EMBEDDED_AWS_PORT, aws)
            call_command("provision", stdout=io.StringIO())
            self._say("Demo users (one click signs in as any of them):")
            call_command("seed_demo", stdout=self.stdout)
            self.stdout.flush()
            children = {"embedded AWS": aws}
            site = children["site"] = running.enter_context(_program(*_server(), pipe=pipe))
            if settings.EVENTS_QUEUE:
                children["consumer"] = running.enter_context(
                    _child("consume_events", pipe=pipe, grace=CONSUMER_GRACE_SECONDS)
                )
            _wait_for_port(settings.PORT, site)
            self._say(self.style.SUCCESS(f"Triphase: http://localhost:{settings.PORT}/"))
            self._say(f"With a key of the administrator's:\n  {curl_line()}")
            self._say("Ctrl-C ends it.")
            while not (ended := [name for name, it in children.items() if it.poll() is not None]):
                time.sleep(0.5)
            raise CommandError(f"The {ended[0]} has ended by itself; see above for why.")

    def _say(self, text: str) -> None:
        """Write a line and flush it, so that it is in order with the lines of the children."""
        self.stdout.write(text)
        self.stdout.flush()


def curl_line() -> str:
    """Return a line that uploads a file and makes a link to it, with a fresh key."""
    return (
        f"curl -H 'Authorization: Bearer {administrators_key()}'"
        f" -T README.md 'http://localhost:{settings.PORT}/asset/?token=1&expiry=60'"
    )


def _server() -> list[str]:
    """Return the arguments with which Python serves the site: as in production, but reloading.

    Django's own server would take no body without a length. It reloads changed modules; templates,
    which Django keeps, are named to it.
    """
    templates = sorted(map(str, (settings.BASE_DIR / "templates").rglob("*.html")))
    return [
        *("-m", "gunicorn", "--config", str(settings.BASE_DIR / "docker" / "gunicorn.py")),
        *("--bind", f"127.0.0.1:{settings.PORT}", "--workers", "1", "--threads", "64"),
        *("--graceful-timeout", "1", "--log-level", "warning"),
        *("--access-logfile", "-", "--access-logformat", '"%(r)s" %(s)s %(b)s'),
        "--reload",
        *(part for name in templates for part in ("--reload-extra-file", name)),
        "config.wsgi:application",
    ]


def _child(
    *command: str, pipe: int, grace: float = GRACE_SECONDS
) -> AbstractContextManager["subprocess.Popen[bytes]"]:
    """Run a command of manage.py until the end of a block."""
    return _program(sys.argv[0], *command, pipe=pipe, grace=grace)


@contextmanager
def _program(
    *arguments: str, pipe: int, grace: float = GRACE_SECONDS
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run Python in a process group of its own; end the group at exit."""
    child = subprocess.Popen(  # noqa: S603 (our own commands)
        [sys.executable, *arguments],
        cwd=settings.BASE_DIR,
        start_new_session=True,
        pass_fds=[pipe],
        env=os.environ | {PIPE_VARIABLE: str(pipe)},
    )
    try:
        yield child
    finally:
        _end_group(child, grace)


def _end_group(child: "subprocess.Popen[bytes]", grace: float) -> None:
    """Ask the child and its children to end; kill them if they have not after a while."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, sign)
            child.wait(grace if sign == signal.SIGTERM else GRACE_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _refuse_busy(port: int, name: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(
                f"Port {port} is busy: choose another with {name}=… make run"
            ) from error


def _wait_for_port(port: int, child: "subprocess.Popen[bytes]") -> None:
    """Return when a process listens on ``port``; raise CommandError if ``child`` ends first."""
    for _attempt in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if child.poll() is not None:
            break
        time.sleep(0.1)
    raise CommandError(f"Nothing came up on port {port}; see above for why.")


def _end(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
