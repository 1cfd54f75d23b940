"""Starting, stopping and emptying the server; reused connections; the command."""

import http.client
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from avatars.references import Stores
from aws.clients import client
from embedded_aws.server import EmbeddedAWS
from tests.functional.embedded.builders import ACCESS_KEY, PNG, REGION, SECRET_KEY, Place, Signer
from uploads.provisioning import provision

ROOT = Path(__file__).parents[3]


def embedded(port: int = 0) -> EmbeddedAWS:
    return EmbeddedAWS(port=port, access_key=ACCESS_KEY, secret_key=SECRET_KEY, region=REGION)


def connect(endpoint: str) -> http.client.HTTPConnection:
    address = urlsplit(endpoint)
    return http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)


def test_start_fails_when_the_port_is_busy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        aws = embedded(busy.getsockname()[1])

        with pytest.raises(OSError, match="in use"):
            aws.start()


def test_nobody_listens_when_stopped() -> None:
    aws = embedded()
    endpoint = aws.start()
    connection = connect(endpoint)
    connection.request("GET", "/")
    connection.getresponse().read()

    aws.stop()
    aws.stop()

    assert connection.sock is not None
    assert connection.sock.recv(1) == b""
    connection.close()
    with pytest.raises(ConnectionRefusedError):
        connect(endpoint).connect()


def test_all_is_as_it_was_set_up_when_it_is_restored(
    aws: Stores, embedded_aws: EmbeddedAWS, provisioned: Any
) -> None:
    reference = aws.references.read("kim")
    aws.references.replace(reference, reference.fenced(now=datetime.now(UTC)))
    aws.bucket.put("avatars/kim/x", PNG, content_type="image/png", cache_control="no-store")
    client().delete_bucket_cors(Bucket=settings.AWS_STORAGE_BUCKET_NAME)
    client().create_bucket(Bucket="another")

    embedded_aws.restore(provisioned)
    client().create_bucket(Bucket="triphase")  # in the oldest region one's own may be made again

    assert list(provision(change=False)) == []
    assert aws.bucket.list_page().objects == []
    assert list(aws.references.scan()) == []
    assert [found["Name"] for found in client().list_buckets()["Buckets"]] == ["triphase"]


def test_connection_is_used_again_after_any_answer(place: Place) -> None:
    connection = connect(place.endpoint)
    path = urlsplit(place.object_url("a")).path
    signed = Signer().presign("PUT", place.object_url("a"))[len(place.endpoint) :]

    statuses = []
    for method, target, body in [
        ("PUT", path, b"x" * 300_000),
        ("PUT", signed, b"stored"),
        ("POST", f"/{place.name}", b"no form"),
        ("HEAD", path, None),
        ("GET", path, None),
    ]:
        connection.request(method, target, body)
        first = connection.sock
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
        assert connection.sock is first

    connection.close()
    assert statuses == [403, 200, 412, 403, 403]


@pytest.mark.parametrize("length", ["-1", "x", "1_0", "+1", "9" * 5000])
def test_request_is_refused_when_its_length_is_none(place: Place, length: str) -> None:
    connection = connect(place.endpoint)
    connection.request("PUT", f"/{place.name}/a", headers={"Content-Length": length})

    assert connection.getresponse().status == 400
    connection.close()
    assert place.keys() == []


def test_command_serves_until_it_is_told_to_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with command(port, "key") as process:
        line = process.stdout.readline() if process.stdout else ""
        with socket.create_connection(("127.0.0.1", port)):
            pass
        process.terminate()
        output, errors = process.communicate()

    assert line.strip().endswith(f"http://127.0.0.1:{port}")
    assert (process.returncode, output, errors) == (0, "", "")


@pytest.mark.parametrize("secret", ["", "key"], ids=["no keys", "busy port"])
def test_command_says_why_when_it_cannot_serve(secret: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with command(port, secret) as process:
            output, errors = process.communicate()

    reason = f"Port {port} of 127.0.0.1 cannot be served" if secret else "The embedded AWS checks"
    assert (process.returncode, output) == (1, "")
    assert errors.startswith(f"CommandError: {reason}")
    assert len(errors.splitlines()) == 1


@contextmanager
def command(port: int, secret: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command in a process of its own, with only the settings it reads.

    It is killed at the end of the block, or after a minute, so that no test waits for ever.
    """
    program = f"""
from django.conf import settings
settings.configure(
    EMBEDDED_AWS_PORT={port}, AWS_ACCESS_KEY_ID="embedded", AWS_SECRET_ACCESS_KEY={secret!r},
    AWS_REGION="us-east-1",
)
from demo.management.commands.embedded_aws import Command
Command().run_from_argv(["manage.py", "embedded_aws"])
"""
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()
