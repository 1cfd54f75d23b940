"""Servers to be killed, forked from one process that has loaded everything, to start fast.

``python -m tests.faults.nursery`` reads commands from its input, a line each, and answers each with
a line of JSON: ``user`` makes a user with a session, ``serve`` forks a server of the real site, and
``consume`` a consumer of events that ends when the queue is empty.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

HOST = "127.0.0.1"


class Child(NamedTuple):
    """A server that accepts requests as soon as it is returned."""

    pid: int
    port: int

    def kill(self) -> None:
        """Kill the server."""
        os.kill(self.pid, signal.SIGKILL)


class Member(NamedTuple):
    """A user of the servers' own database, signed in."""

    owner_id: str
    session: str


@dataclass
class Nursery:
    """The process that forks, as seen from the tests."""

    commands: IO[str]
    answers: IO[str]

    def member(self) -> Member:
        """Return a new user."""
        return Member(*self._ask("user"))

    def server(self) -> AbstractContextManager[Child]:
        """Return a new server; it is killed in the end if it still lives."""
        return self._child("serve")

    def consumer(self) -> AbstractContextManager[Child]:
        """Return a new consumer, on no port; it is killed in the end if it still lives."""
        return self._child("consume")

    @contextmanager
    def _child(self, command: str) -> Iterator[Child]:
        child = Child(*self._ask(command))
        try:
            yield child
        finally:
            self._ask(f"bury {child.pid}")

    def _ask(self, command: str) -> list[Any]:
        self.commands.write(f"{command}\n")
        self.commands.flush()
        answer: list[Any] = json.loads(self.answers.readline())
        return answer


@contextmanager
def nursery(
    *, aws_port: int, database: Path, settings: str = "config.settings"
) -> Iterator[Nursery]:
    """Run the process with a database of its own and its AWS at ``aws_port``."""
    changes = {
        "DJANGO_SETTINGS_MODULE": settings,
        "EMBEDDED_AWS_PORT": str(aws_port),
        "DATABASE_URL": f"sqlite:///{database}",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.nursery"],
        env={**os.environ, **changes},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        yield Nursery(process.stdin, process.stdout)
        process.stdin.close()


# --- In the process itself ---


def main() -> None:
    """Carry out commands until the input ends."""
    from django.core.management import call_command  # noqa: PLC0415
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415

    application = get_wsgi_application()
    call_command("migrate", verbosity=0)
    _make_clients()
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "user":
            answer = _user()
        elif command == "serve":
            answer = _serve(application)
        elif command == "consume":
            answer = _consume()
        else:
            answer = _bury(int(argument))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _make_clients() -> None:
    """Make the SDK's clients before the fork: it takes long and opens no connection."""
    from avatars.models import AvatarItem  # noqa: PLC0415
    from avatars.references import live_stores  # noqa: PLC0415
    from aws import clients  # noqa: PLC0415

    for make in (clients.client, clients.queue_client, clients.waiting_queue_client):
        make()
    live_stores()
    AvatarItem._get_connection()


def _user() -> list[Any]:
    from django.db import connections  # noqa: PLC0415

    from tests.builders import make_user  # noqa: PLC0415
    from tests.functional.steps import signed_in  # noqa: PLC0415

    user = make_user()
    session = signed_in(user).cookies["sessionid"].value
    connections.close_all()
    return [str(user.pk), session]


def _serve(application: Any) -> list[Any]:
    """Fork a server; it listens before this returns."""
    from wsgiref.simple_server import make_server  # noqa: PLC0415

    server = make_server(HOST, 0, application)
    server.timeout = 1
    parent = os.getpid()
    pid = os.fork()
    if not pid:
        while os.getppid() == parent:
            server.handle_request()
        os._exit(0)
    server.server_close()
    return [pid, server.server_port]


def _consume() -> list[Any]:
    """Fork a consumer that ends when the queue is empty."""
    from django.core.management import call_command  # noqa: PLC0415

    pid = os.fork()
    if not pid:
        try:
            call_command("consume_events", "--once", stdout=sys.stderr)
        finally:
            os._exit(0)
    return [pid, 0]


def _bury(pid: int) -> list[Any]:
    """Kill a server, if it still lives, and wait until it is gone."""
    os.kill(pid, signal.SIGKILL)  # until it has been waited for, the id is nobody else's
    os.waitpid(pid, 0)
    return []


if __name__ == "__main__":
    main()
