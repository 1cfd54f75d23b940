"""The container's entry point, run without a container, with production settings."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from avatars.references import Stores
from embedded_aws.front import Front

SECONDS = 60  # until something is taken for stuck


@pytest.fixture
def variables(aws: Stores, tmp_path: Path) -> dict[str, str]:
    """Return the variables of a production site on the embedded AWS, and no others."""
    python = Path(sys.executable).parent
    return {
        "PATH": f"{python}:{os.defpath}",
        "AWS_STORAGE_BUCKET_NAME": settings.AWS_STORAGE_BUCKET_NAME,
        "AWS_ENDPOINT_URL": str(settings.AWS_S3_ENDPOINT_URL),
        "AWS_ACCESS_KEY_ID": str(settings.AWS_ACCESS_KEY_ID),
        "AWS_SECRET_ACCESS_KEY": str(settings.AWS_SECRET_ACCESS_KEY),
        "SECRET_KEY": "only-for-tests",
        "ALLOWED_HOSTS": "triphase.example",
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "WEB_CONCURRENCY": "2",
        "HOME": "/nowhere",
        # whitenoise's, of files that nobody has collected.
        "PYTHONWARNINGS": "ignore",
    }


class Server:
    """A running entry point, its log, and its address."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process, self.port = process, port
        self.log: list[dict[str, Any]] = []

    def wait_for(self, text: str) -> None:
        """Return once it has logged ``text``; every line must be a JSON object."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.log.append(json.loads(line))
            if text in self.log[-1]["event"]:
                return
        pytest.fail(f"It ended without saying {text!r}: {self.log}")

    def ask(self, path: str) -> tuple[int, bytes]:
        """Ask as a load balancer does: by address, and over plain HTTP."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        with closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()


@contextmanager
def running(variables: dict[str, str], *arguments: str) -> Iterator[Server]:
    """Start the entry point; kill its remaining processes at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(  # noqa: S603 (our own script)
        [settings.BASE_DIR / "docker" / "entrypoint.sh", *arguments],
        cwd="/",
        env=variables | {"GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    watchdog = threading.Timer(SECONDS, process.kill)
    watchdog.start()
    with process:
        try:
            yield Server(process, port)
        finally:
            watchdog.cancel()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def serving(variables: dict[str, str]) -> Iterator[Server]:
    """Start the server, and wait for both its processes."""
    with running(variables) as server:
        for _process in range(2):
            server.wait_for("Booting worker")
        yield server


def command(variables: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the entry point to its end."""
    return subprocess.run(  # noqa: S603 (our own script)
        [settings.BASE_DIR / "docker" / "entrypoint.sh", *arguments],
        env=variables,
        capture_output=True,
        check=False,
        text=True,
        timeout=SECONDS,
    )


def test_site_is_alive_at_once_and_ready_when_all_answer(variables: dict[str, str]) -> None:
    """The server runs no migration: that is a job of its own."""
    with serving(variables) as server:
        assert server.ask("/ping") == (200, b"pong\n")
        status, body = server.ask("/readyz")

        assert (status, set(json.loads(body).values())) == (200, {"ok"})

        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(SECONDS) == 0


BODIES: list[tuple[bytes, dict[str, str], str]] = [
    (b"x" * (64 * 1024 - 1), {}, "keep-alive"),
    (b"x" * 64 * 1024, {}, "close"),
    (b"5\r\nhello\r\n0\r\n\r\n", {"Transfer-Encoding": "chunked"}, "close"),
]


def test_end_of_a_connection_is_announced_when_a_body_may_be_left_unread(
    variables: dict[str, str],
) -> None:
    """Otherwise a proxy could send another client's request on the same connection."""
    with serving(variables) as server:
        for body, framed, says in BODIES:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
            with closing(connection):
                connection.request("POST", "/ping", body, {"Connection": "keep-alive", **framed})

                answer = connection.getresponse()
                answer.read()
                assert answer.getheader("Connection") == says
                if says == "keep-alive":
                    connection.request("GET", "/ping")
                    assert connection.getresponse().status == 200


def test_running_request_is_answered_when_the_server_is_told_to_end(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, released = threading.Event(), threading.Event()
    answer = Front.__call__

    def hold(front: Front, environ: Any, start_response: Any) -> Any:
        arrived.set()
        assert released.wait(SECONDS)
        return answer(front, environ, start_response)

    with serving(variables) as server, ThreadPoolExecutor(1) as browser:
        monkeypatch.setattr(Front, "__call__", hold)
        asked = browser.submit(server.ask, "/readyz")
        assert arrived.wait(SECONDS)

        server.process.send_signal(signal.SIGTERM)
        server.wait_for("Handling signal: term")
        assert not asked.done()
        released.set()

        assert asked.result(SECONDS)[0] == 200
        assert server.process.wait(SECONDS) == 0


def test_server_ends_with_the_reason_when_the_settings_are_bad(variables: dict[str, str]) -> None:
    done = command(variables | {"DEMO": "true"})

    assert done.returncode != 0
    assert "triphase.E001" in done.stderr


@pytest.mark.parametrize(
    "arguments", [("migrate", "--no-input"), ("python", "manage.py", "migrate", "--no-input")]
)
def test_job_is_run_by_its_name_or_in_full(
    variables: dict[str, str], arguments: tuple[str, ...]
) -> None:
    """infra/ writes the second form."""
    done = command(variables, *arguments)

    assert done.returncode == 0, done.stderr
    assert "Applying accounts.0001_initial... OK" in done.stdout


def test_status_is_that_of_the_command(variables: dict[str, str]) -> None:
    assert command(variables, "nonsense").returncode != 0
    assert command(variables, "sh", "-c", "exit 7").returncode == 7


@pytest.mark.parametrize(("status", "pause"), [(0, 86400), (1, 86400), (2, 600)])
def test_daily_jobs_are_repeated_sooner_when_the_sweep_was_stopped(
    tmp_path: Path, status: int, pause: int
) -> None:
    """After a machine's start the store may not answer yet."""
    for name, line in {
        "python": f'echo "$@"; [ "$2" = clearsessions ] || exit {status}',
        "sleep": 'echo "sleep $@"; kill -TERM $PPID',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)

    done = command({"PATH": f"{tmp_path}:{os.defpath}"}, "daily")

    jobs = ["manage.py clearsessions", "manage.py sweep --delete"]
    assert done.stdout.splitlines() == [*jobs, f"sleep {pause}"]
    assert done.returncode == 0


def test_daily_jobs_run_at_once_and_end_when_told(variables: dict[str, str]) -> None:
    assert command(variables, "migrate").returncode == 0
    with running(variables, "daily") as jobs:
        assert jobs.process.stdout
        first = jobs.process.stdout.readline()
        jobs.process.send_signal(signal.SIGTERM)

        assert "sweep" in first.lower() or "nothing" in first.lower()
        assert jobs.process.wait(SECONDS) == 0
