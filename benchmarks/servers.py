"""Which WSGI server: requests a second and slow answers of gunicorn and granian, side by side.

Run it as ``python -m benchmarks.servers`` after ``pip install granian``, which nothing else needs;
it prints a table. Both serve the site as in production, on the embedded AWS and SQLite, with two
processes of sixteen threads, to sixteen clients, by turns: what else the machine does then meets
both. Only the ratios, the median of those of each round, say something of another machine.
"""

import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
CLIENTS = 16
SECONDS = 2.0
ROUNDS = 9
ROW = "{:<12}  {:<9}  {:>10}  {:>8}  {:>8}"
BODY = b'{"content_type": "image/png", "size": 1000}'
SERVERS = {
    "gunicorn": "gunicorn --worker-class gthread --workers 2 --threads 16 --bind 127.0.0.1:{port}",
    "granian": "granian --interface wsgi --workers 2 --blocking-threads 16 --no-ws --log-level"
    " warning --host 127.0.0.1 --port {port}",
}
# Prints a session and the secret of its CSRF token.
SIGN_IN = """
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.middleware.csrf import _get_new_csrf_string
from accounts.models import User
users = [User.objects.create(username=f"user{number}") for number in range(20)]
session = SessionStore()
session[SESSION_KEY] = str(users[0].pk)
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session[HASH_SESSION_KEY] = users[0].get_session_auth_hash()
session.create()
print("told:", session.session_key, _get_new_csrf_string())
"""


class Ask(NamedTuple):
    """One kind of request."""

    method: str
    path: str
    body: bytes | None
    status: int


ASKS = {
    "/ping": Ask("GET", "/ping", None, 200),
    "users page": Ask("GET", "/", None, 200),
    "phase 1": Ask("POST", "/avatars/uploads/", BODY, 201),
}


class Run(NamedTuple):
    """What one server did with one kind of request: a second, and milliseconds."""

    rate: float
    median: float
    p99: float


def main() -> None:
    """Measure and print."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        aws, ports = free_port(), {name: free_port() for name in SERVERS}
        variables = environment(Path(folder), aws)
        stack.enter_context(child("manage.py embedded_aws", {"EMBEDDED_AWS_PORT": str(aws)}, aws))
        headers = prepare(variables)
        for name, command in SERVERS.items():
            line = f"-m {command.format(port=ports[name])} config.wsgi:application"
            stack.enter_context(child(line, variables, ports[name]))
        print(ROW.format("request", "server", "a second", "p50 ms", "p99 ms"))
        for what, ask in ASKS.items():
            runs = measure(ports, ask, headers)
            for name, found in runs.items():
                print(ROW.format(what, name, *(f"{value:.1f}" for value in middle(found))))
            ratios = middle([compare(*pair) for pair in zip(*runs.values(), strict=True)])
            print(ROW.format("", "ratio", *(f"{ratio:.2f}" for ratio in ratios)), flush=True)


def environment(folder: Path, aws: int) -> dict[str, str]:
    """Return the variables of a production site on the embedded AWS at port ``aws``."""
    return {
        "AWS_STORAGE_BUCKET_NAME": "triphase",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{aws}",
        "AWS_ACCESS_KEY_ID": "embedded",
        "AWS_SECRET_ACCESS_KEY": "only-for-the-embedded-aws",
        "SECRET_KEY": "only-for-this-benchmark",
        "ALLOWED_HOSTS": "localhost",
        "BEHIND_HTTPS_PROXY": "true",
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "BEGIN_UPLOAD_RATE": "1000000/minute",
        "BEGIN_UPLOAD_RATE_PER_ADDRESS": "1000000/minute",
        "LOG_LEVEL": "WARNING",
    }


def prepare(variables: dict[str, str]) -> dict[str, str]:
    """Make database, bucket, table, static files and users; return a user's headers."""
    for command in ("migrate", "provision", "collectstatic --no-input"):
        manage(command.split(), variables)
    _, _, told = manage(["shell", "--no-imports", "-c", SIGN_IN], variables).partition("told: ")
    session, token = told.split()
    return {
        "Host": "localhost",
        "X-Forwarded-Proto": "https",
        "Origin": "https://localhost",
        "Cookie": f"sessionid={session}; csrftoken={token}",
        "X-CSRFToken": token,
        "Content-Type": "application/json",
        "Accept": "*/*",
    }


def manage(arguments: list[str], variables: dict[str, str]) -> str:
    """Run a command of manage.py; return what it printed."""
    done = subprocess.run(  # noqa: S603 (our own commands)
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.defpath, **variables},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


@contextmanager
def child(
    line: str, variables: dict[str, str], port: int | None
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run Python with the arguments in ``line`` until the end, once it listens on a ``port``."""
    process = subprocess.Popen(  # noqa: S603 (our own commands)
        [sys.executable, *line.split()],
        cwd=ROOT,
        env={"PATH": os.defpath, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _attempt in range(300 if port else 0):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def measure(ports: dict[str, int], ask: Ask, headers: dict[str, str]) -> dict[str, list[Run]]:
    """Ask each server in turn, ``ROUNDS`` times; the first round only warms up."""
    runs: dict[str, list[Run]] = {name: [] for name in ports}
    for number in range(ROUNDS + 1):
        for name, port in ports.items():
            found = run(port, ask, headers, SECONDS if number else 1)
            if number:
                runs[name].append(found)
    return runs


def run(port: int, ask: Ask, headers: dict[str, str], seconds: float) -> Run:
    """Have all clients ask for so long."""
    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        jobs = [clients.submit(client, port, ask, headers, seconds) for _ in range(CLIENTS)]
        took = [each for job in jobs for each in job.result()]
    rate = len(took) / (time.perf_counter() - start)
    cuts = statistics.quantiles(took, n=100)
    return Run(rate, statistics.median(took) * 1000, cuts[98] * 1000)


def client(port: int, ask: Ask, headers: dict[str, str], seconds: float) -> list[float]:
    """Ask over one connection, one request after the other; return how long each took."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    times, end = [time.perf_counter()], time.perf_counter() + seconds
    while times[-1] < end:
        connection.request(ask.method, ask.path, ask.body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != ask.status:
            raise RuntimeError(f"{ask.path} answered {answer.status}")
        times.append(time.perf_counter())
    connection.close()
    return [after - before for before, after in pairwise(times)]


def middle(runs: list[Run]) -> Run:
    """Return the median of each figure."""
    pick: Callable[[int], float] = lambda place: statistics.median(run[place] for run in runs)  # noqa: E731
    return Run(pick(0), pick(1), pick(2))


def compare(first: Run, second: Run) -> Run:
    """Return the figures of the first server as parts of those of the second, in one round."""
    return Run(*(one / other for one, other in zip(first, second, strict=True)))


if __name__ == "__main__":
    main()
