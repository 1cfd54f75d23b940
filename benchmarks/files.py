"""Files: memory with gigabytes, events a second, and the first page of a million entries.

``python -m benchmarks.files size [GB]``, ``events [COUNT]`` or ``list``. The first two run the site
as in production, a consumer and the embedded AWS as processes of their own, and state the most
memory that site and consumer had beyond what they had while idle. Only ratios, and memory, say
something of another machine.
"""

import hashlib
import http.client
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from aws.table import QueryPage  # noqa: E402 (after the settings)
from benchmarks.servers import child, environment, free_port, manage, prepare  # noqa: E402
from files.items import Entry, State  # noqa: E402
from files.selectors import file_page  # noqa: E402

MIB = 1024**2
# Puts small objects, which tells the queue of each, and then tells it of each once more, in another
# order. Prints how many there are and their owner.
FILL = """
import json, random
from urllib.parse import quote
from django.conf import settings
from accounts.models import User
from aws.browsing import send
from aws.queue import live_queue
from files.services import begin_upload
from files.stores import live_stores
owner, keys, bucket = str(User.objects.first().pk), [], settings.AWS_STORAGE_BUCKET_NAME
for number in range({count}):
    issued = begin_upload(owner_id=owner, name=f"{{number}}.txt", size=5,
        content_type="text/plain", stores=live_stores())
    answer = send("PUT", issued.put.url, headers=issued.put.headers, body=b"hello")
    assert answer.status == 200, answer.body
    keys.append(issued.upload.key)
random.Random(1).shuffle(keys)
for key in keys:
    record = {{"eventVersion": "2.1", "eventName": "ObjectCreated:Put",
        "s3": {{"bucket": {{"name": bucket}}, "object": {{"key": quote(key, safe="")}}}}}}
    live_queue().send(json.dumps({{"Records": [record]}}))
print("told:", owner)
"""
# Prints how many entries, names and bytes an owner has.
COUNT = """
from files.items import entry_key, usage_key
from files.references import live_entries, live_usage
entries, after = [], ""
while True:
    page = live_entries().query(entry_key("{owner}", "")[0], prefix="F#", after=after, limit=50)
    entries += page.values
    after = page.next_after
    if not after:
        break
ready = [entry for entry in entries if entry.is_ready and entry.version == 0]
used = live_usage().read(usage_key("{owner}")).numbers
print("told:", len(entries), len(ready), len({{entry.name for entry in ready}}), used)
"""


class Site(NamedTuple):
    """A running site: where it is, a user's headers, and what measures its processes."""

    port: int
    headers: dict[str, str]
    variables: dict[str, str]
    processes: dict[str, int]


@contextmanager
def running(**more: str) -> Iterator[Site]:
    """Run the embedded AWS, the site and a consumer until the end."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        aws, port = free_port(), free_port()
        variables = environment(Path(folder), aws) | {
            "BEGIN_FILE_RATE": "1000000/minute",
            "BEGIN_FILE_RATE_PER_ADDRESS": "1000000/minute",
            "USE_FILES_RATE": "1000000/minute",
            "USE_FILES_RATE_PER_ADDRESS": "1000000/minute",
            "EVENTS_QUEUE": "triphase-events",
            "EVENTS_TOPIC": "triphase-files",
            **more,
        }
        stack.enter_context(child("manage.py embedded_aws", {"EMBEDDED_AWS_PORT": str(aws)}, aws))
        headers = prepare(variables)
        line = (
            "-m gunicorn --worker-class gthread --workers 1 --threads 16"
            f" --bind 127.0.0.1:{port} config.wsgi:application"
        )
        site = stack.enter_context(child(line, variables, port))
        consumer = stack.enter_context(child("manage.py consume_events", variables, None))
        ask(Site(port, headers, variables, {}), "GET", "/files/?q=x")
        worker = int(Path(f"/proc/{site.pid}/task/{site.pid}/children").read_text().split()[0])
        time.sleep(3)
        yield Site(port, headers, variables, {"site": worker, "consumer": consumer.pid})


def ask(site: Site, method: str, path: str, body: object = None) -> Any:
    """Return the site's answer to one call of the API."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=120)
    sent = None if body is None else json.dumps(body)
    headers = {**site.headers, "Accept": "application/json"}
    connection.request(method, path, sent, headers)
    answer = connection.getresponse()
    found = answer.read()
    if answer.status == 302:
        return answer.headers["Location"]
    check(answer.status < 300, found)
    return json.loads(found)


def check(holds: bool, what: object) -> None:
    """End with ``what`` unless it holds."""
    if not holds:
        raise SystemExit(f"That is not as it should be: {what!r}")


def memory(pid: int, what: str) -> float:
    """Return MiB of a process: "VmHWM" is the most it ever had, "VmRSS" what it has."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) / 1024


def size(gigabytes: float) -> None:
    """Send and fetch a file of this size; print what it took."""
    length = int(gigabytes * 1000) * 1000 * 1000
    with running(FILE_MAX_BYTES=str(10 * 1024**3), FILE_QUOTA_BYTES=str(20 * 1024**3)) as site:
        idle = {name: memory(pid, "VmRSS") for name, pid in site.processes.items()}
        started = time.monotonic()
        issued = ask(
            site,
            "POST",
            "/files/uploads/",
            {"name": "large.bin", "size": length, "content_type": "application/octet-stream"},
        )
        digest = send_parts(site, issued, length)
        token = {"upload_token": issued["upload_token"]}
        file = ask(site, "POST", "/files/uploads/confirm/", token)["file"]
        up = time.monotonic() - started
        while ask(site, "GET", f"/files/{file['id']}/")["file"]["sha256"] is None:
            time.sleep(0.5)
        worked = time.monotonic() - started - up
        file = ask(site, "GET", f"/files/{file['id']}/")["file"]
        check(file["sha256"] == digest, file)
        started = time.monotonic()
        check(fetched(ask(site, "GET", f"/files/{file['id']}/download/")) == digest, file)
        down = time.monotonic() - started
        print(f"{length / 1e9:.1f} GB: up {up:.0f} s, digest {worked:.0f} s, down {down:.0f} s")
        for name, pid in site.processes.items():
            most = memory(pid, "VmHWM")
            print(f"{name}: {idle[name]:.0f} MiB idle, {most - idle[name]:+.0f} at most")


def send_parts(site: Site, issued: dict[str, Any], length: int) -> str:
    """Send all parts, each of random bytes repeated; return the SHA-256 of the whole."""
    digest, block = hashlib.sha256(), random.Random(1).randbytes(MIB)  # noqa: S311
    for first in range(1, issued["parts"] + 1, 10):
        numbers = list(range(first, min(first + 10, issued["parts"] + 1)))
        body = {"upload_token": issued["upload_token"], "numbers": numbers}
        for part in ask(site, "POST", "/files/uploads/parts/", body)["parts"]:
            left = min(issued["part_size"], length - (part["number"] - 1) * issued["part_size"])
            whole = (block * (left // MIB + 1))[:left]
            digest.update(whole)
            put(part["url"], whole)
    return digest.hexdigest()


def put(url: str, body: bytes) -> None:
    """Put ``body`` to a presigned URL."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=120)
    connection.request("PUT", f"{parts.path}?{parts.query}", body)
    answer = connection.getresponse()
    check(answer.status == 200, answer.read())


def fetched(url: str) -> str:
    """Return the SHA-256 of what a presigned URL gives."""
    parts, digest = urlsplit(url), hashlib.sha256()
    connection = http.client.HTTPConnection(parts.netloc, timeout=120)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    while chunk := answer.read(MIB):
        digest.update(chunk)
    return digest.hexdigest()


def events(count: int) -> None:
    """Work on ``count`` events of half as many objects; print the rate, if the list is exact."""
    with ExitStack() as stack:
        folder, aws = stack.enter_context(tempfile.TemporaryDirectory()), free_port()
        variables = environment(Path(folder), aws) | {
            "EVENTS_QUEUE": "triphase-events",
            "EVENTS_TOPIC": "triphase-files",
        }
        stack.enter_context(child("manage.py embedded_aws", {"EMBEDDED_AWS_PORT": str(aws)}, aws))
        prepare(variables)
        owner = told(variables, FILL.format(count=count // 2))
        started = time.monotonic()
        consumer = stack.enter_context(child("manage.py consume_events --once", variables, None))
        most = 0.0
        while consumer.poll() is None:
            with suppress(OSError, StopIteration):
                most = max(most, memory(consumer.pid, "VmHWM"))
            time.sleep(0.2)
        passed = time.monotonic() - started
        found = told(variables, COUNT.format(owner=owner))
        half = count // 2
        used = {"bytes_used": 5 * half, "file_count": half}
        check(found == f"{half} {half} {half} {used}", found)
        print(f"{count} events of {half} objects: {count / passed:.0f} a second, the list is exact")
        print(f"consumer: {most:.0f} MiB at most")


def told(variables: dict[str, str], program: str) -> str:
    """Run a program in the site's shell; return what it told."""
    printed = manage(["shell", "--no-imports", "-c", program], variables)
    return printed.partition("told: ")[2].strip()


# --- The first page ---


def first_page() -> None:
    """Compare the first page of an owner with a million entries to that of one with a hundred."""
    for count in (100, 1_000_000):
        table = InMemory(count)
        stores: Any = SimpleNamespace(entries=table)
        file_page(owner_id="o", q="", after="", stores=stores)
        runs = []
        for _round in range(50):
            started = time.perf_counter()
            page = file_page(owner_id="o", q="", after="", stores=stores)
            runs.append(time.perf_counter() - started)
        print(
            f"{count:>9,} entries: {statistics.median(runs) * 1000:.2f} ms,"
            f" {len(page.entries)} files, {table.requests // 51} request(s),"
            f" {table.read // 51} entries read"
        )


class InMemory:
    """Entries of one owner in order, each third one superseded, queried as DynamoDB is."""

    def __init__(self, count: int) -> None:
        self.count, self.requests, self.read = count, 0, 0

    def query(
        self, _hash_key: str, *, prefix: str, after: str = "", limit: int, descending: bool
    ) -> QueryPage[Entry]:
        """Return the next ``limit`` entries, newest first."""
        check(descending, "the newest come first")
        end = int(after.removeprefix(prefix)) if after else self.count
        numbers = range(end - 1, max(-1, end - 1 - limit), -1)
        self.requests += 1
        self.read += len(numbers)
        values = [self._entry(number) for number in numbers]
        return QueryPage(values, f"{prefix}{numbers[-1]:012}" if numbers and numbers[-1] else "")

    def _entry(self, number: int) -> Entry:
        return Entry(
            revision="r",
            owner_id="o",
            upload_id=f"{number:012}",
            state=State.READY,
            name=f"{number}.txt",
            size=5,
            content_type="text/plain",
            file_id="f",
            version=0,
            superseded=number % 3 == 0,
        )


def main() -> None:
    """Run what was asked for."""
    what, *rest = sys.argv[1:] or ["list"]
    if what == "size":
        size(float(rest[0]) if rest else 2)
    elif what == "events":
        events(int(rest[0]) if rest else 10_000)
    else:
        first_page()


if __name__ == "__main__":
    main()
