"""Files that pass through the site: memory, and speed beside a direct PUT and GET of the bucket.

Run it as ``python -m benchmarks.streams [MB …]``; 500 by default. It starts the embedded AWS and
one gunicorn process as a container has it, sends and fetches random bytes by turns, directly and
through the site, and prints medians of the ratios. All share the machine and its two or more
cores: a direct upload keeps two processes busy, one through the site three.
"""

import http.client
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.servers import child, environment, free_port, manage, prepare

ROUNDS = 3
PIECE = 256 * 1024
BOUNDARY = "-" * 20 + "benchmark"
MIB = 1024 * 1024
# Prints a key, and the URLs of a presigned PUT and GET of the same object.
PREPARE = """
from django.utils import timezone
from accounts.keys import issue_key
from accounts.models import ApiKey, User
owner = User.objects.first()
print("told:", issue_key(owner=owner, name="x", scopes=ApiKey.SCOPES, expires_at=None)[1])
"""
PRESIGN = """
from aws.clients import browser_client
from django.conf import settings
for call in ("put_object", "get_object"):
    params = {{"Bucket": settings.AWS_STORAGE_BUCKET_NAME, "Key": "direct/{key}"}}
    print("told:", browser_client().generate_presigned_url(call, Params=params, ExpiresIn=3600))
"""


class Site(NamedTuple):
    """A running site: its port, a key, and the process that serves it."""

    port: int
    key: str
    worker: int
    variables: dict[str, str]


@contextmanager
def running() -> Iterator[Site]:
    """Run the embedded AWS and the site until the end."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        aws, port = free_port(), free_port()
        variables = environment(Path(folder), aws) | {"FILE_QUOTA_BYTES": str(10**12)}
        stack.enter_context(child("manage.py embedded_aws", {"EMBEDDED_AWS_PORT": str(aws)}, aws))
        prepare(variables)
        key = told(shell(variables, PREPARE))[0]
        line = f"-m gunicorn --threads 64 --bind 127.0.0.1:{port} config.wsgi:application"
        site = stack.enter_context(child(line, variables, port))
        children = Path(f"/proc/{site.pid}/task/{site.pid}/children")
        yield Site(port, key, int(children.read_text().split()[0]), variables)


def shell(variables: dict[str, str], program: str) -> str:
    """Return what a program prints in Django's shell."""
    return manage(["shell", "--no-imports", "-c", program], variables)


def told(printed: str) -> list[str]:
    """Return what a program printed for this one."""
    lines = [line for line in printed.splitlines() if line.startswith("told: ")]
    return [line.removeprefix("told: ") for line in lines]


def main() -> None:
    """Measure and print."""
    sizes = [int(size) for size in sys.argv[1:]] or [500]
    with running() as site:
        small(site)
        for size in sizes:
            measure(site, size)


def small(site: Site) -> None:
    """Store and fetch a file in parts, so that all is loaded before memory is looked at."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(os.urandom(40 * MIB))
        file.flush()
        fetch(site, store(site, file.name))


def measure(site: Site, megabytes: int) -> None:
    """Send and fetch a file of random bytes by turns, directly and through the site."""
    up, form, down, memory = [], [], [], dict[str, float]()
    with tempfile.NamedTemporaryFile() as file:
        for _piece in range(megabytes):
            file.write(os.urandom(MIB))
        file.flush()
        for number in range(ROUNDS):
            urls = told(shell(site.variables, PRESIGN.format(key=number)))
            direct = timed(lambda url=urls[0]: put(url, file.name))
            with peak(site, "up", memory):
                up.append(direct / timed(lambda: store(site, file.name)))
            with peak(site, "form", memory):
                form.append(direct / timed(lambda: store_form(site, file.name)))
            asset = store(site, file.name)
            direct = timed(lambda url=urls[1]: get(url))
            with peak(site, "down", memory):
                down.append(direct / timed(lambda name=asset: fetch(site, name)))
    for name, ratios in (("up", up), ("form", form), ("down", down)):
        ratio = statistics.median(ratios)
        print(f"{megabytes} MB {name:<5} {ratio:.2f} of direct, {memory[name]:.1f} MiB over idle")


def timed(call: object) -> float:
    """Return how many seconds a call takes."""
    started = time.perf_counter()
    call()  # type: ignore[operator]
    return time.perf_counter() - started


@contextmanager
def peak(site: Site, name: str, memory: dict[str, float]) -> Iterator[None]:
    """Note by how much the process grew meanwhile, at most."""
    Path(f"/proc/{site.worker}/clear_refs").write_text("5")
    before = resident(site.worker, "VmRSS")
    yield
    grown = (resident(site.worker, "VmHWM") - before) / 1024
    memory[name] = max(memory.get(name, 0), grown)


def resident(process: int, name: str) -> int:
    """Return a figure of a process's memory, in KiB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def put(url: str, name: str) -> None:
    """Put a file to a presigned URL."""
    parts = urlsplit(url)
    length = {"Content-Length": str(Path(name).stat().st_size)}
    with Path(name).open("rb") as body:
        answer(parts.netloc, "PUT", f"{parts.path}?{parts.query}", body, length)


def get(url: str) -> None:
    """Get an object by a presigned URL."""
    parts = urlsplit(url)
    answer(parts.netloc, "GET", f"{parts.path}?{parts.query}", None, {})


def store(site: Site, name: str) -> str:
    """Send a file through the site; return its id."""
    headers = authorization(site) | {"Content-Length": str(Path(name).stat().st_size)}
    with Path(name).open("rb") as body:
        stored = answer(f"127.0.0.1:{site.port}", "POST", "/asset/x.bin", body, headers)
    return stored.partition(b'"id": "')[2].partition(b'"')[0].decode()


def store_form(site: Site, name: str) -> None:
    """Send a file through the site in a form."""
    field = 'Content-Disposition: form-data; name="file"; filename="x.bin"'
    head = f"--{BOUNDARY}\r\n{field}\r\n\r\n".encode()
    end = f"\r\n--{BOUNDARY}--\r\n".encode()
    size = len(head) + Path(name).stat().st_size + len(end)
    headers = authorization(site) | {
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(size),
    }

    def pieces() -> Iterator[bytes]:
        yield head
        with Path(name).open("rb") as body:
            while piece := body.read(PIECE):
                yield piece
        yield end

    answer(f"127.0.0.1:{site.port}", "POST", "/asset", pieces(), headers)


def fetch(site: Site, asset: str) -> None:
    """Get a file through the site."""
    answer(f"127.0.0.1:{site.port}", "GET", f"/asset/{asset}", None, authorization(site))


def authorization(site: Site) -> dict[str, str]:
    """Return the header with the key."""
    return {
        "Authorization": f"Bearer {site.key}",
        "Host": "localhost",
        "X-Forwarded-Proto": "https",
    }


def answer(host: str, method: str, path: str, body: object, headers: dict[str, str]) -> bytes:
    """Return the beginning of an answer's body, once all of it has come."""
    connection = http.client.HTTPConnection(host, timeout=600, blocksize=PIECE)
    connection.request(method, path, body=body, headers=headers)  # type: ignore[arg-type]
    response = connection.getresponse()
    first = last = response.read(PIECE)
    while last:
        last = response.read(PIECE)
    connection.close()
    if response.status not in {200, 201}:
        raise RuntimeError(f"{method} {path}: {response.status} {first!r}")
    return first


if __name__ == "__main__":
    main()
