"""Streams in a process of their own: slow, stalled and vanishing clients."""

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any

import pytest

from aws.bucket import live_bucket
from tests.functional.test_entrypoint import SECONDS, Server, command, running, variables

__all__ = ["variables"]
SIZE = 12 * 1024 * 1024
CLIENTS = 20
ESTABLISHED = 1  # in linux/tcp_states.h


class Streaming(Server):
    """A process of streams, and a key for it."""

    key = ""

    def head(self, method: str, path: str, *lines: str) -> bytes:
        """Return the head of a request."""
        own = [
            f"{method} {path} HTTP/1.1",
            "Host: triphase.example",
            "X-Forwarded-Proto: https",
            f"Authorization: Bearer {self.key}",
        ]
        return "\r\n".join([*own, *lines, "", ""]).encode()

    def connect(self) -> socket.socket:
        """Return a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)

    def send(self, method: str, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
        """Send a request; return status and content of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        with closing(connection):
            given = {"Host": "triphase.example", "X-Forwarded-Proto": "https", **headers}
            given |= {"Authorization": f"Bearer {self.key}"}
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            content = answer.read()
        is_json = answer.getheader("Content-Type") == "application/json"
        return answer.status, json.loads(content) if is_json else content

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Return once something has come to be."""
        until = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < until, "It did not come to be."
            time.sleep(0.1)


MAKE_KEY = """
from accounts.keys import issue_key
from accounts.models import ApiKey, User
owner = User.objects.create(username="anna")
print("told:", owner.pk, issue_key(owner=owner, name="x", scopes=ApiKey.SCOPES, expires_at=None)[1])
"""


@pytest.fixture
def streams(variables: dict[str, str]) -> Iterator[Streaming]:
    """Start a process that takes three uploads at a time, and waits a second for a client."""
    own = variables | {
        "WEB_CONCURRENCY": "1",
        "BEHIND_HTTPS_PROXY": "true",
        "STREAM_IDLE_SECONDS": "1",
        "STREAM_UPLOADS": str(CLIENTS),
    }
    assert command(own, "migrate", "--no-input").returncode == 0
    printed = command(own, "shell", "--no-imports", "-c", MAKE_KEY).stdout
    with running(own, "streams") as server:
        found = Streaming(server.process, server.port)
        found.wait_for("Booting worker")
        found.key = printed.partition("told: ")[2].split()[1]
        yield found


def left() -> list[str]:
    """Return what is in the bucket, finished or not."""
    parts = [upload.key for upload in live_bucket().open_multiparts(prefix="files/").uploads]
    return [*parts, *(found.key for found in live_bucket().list_page(prefix="files/").objects)]


def refused(streams: Streaming, sent: bytes) -> bytes:
    """Send these bytes, and no more; return the answer once the connection has ended."""
    with streams.connect() as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        with suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                answer += piece
    return answer


@pytest.mark.case(55)
def test_twenty_stalled_senders_are_ended_and_leave_nothing(streams: Streaming) -> None:
    """They have sent a part already, or a few bytes, and say nothing more."""
    with ExitStack() as stack:
        for number in range(CLIENTS):
            connection = stack.enter_context(streams.connect())
            length = f"Content-Length: {SIZE}"
            connection.sendall(streams.head("PUT", f"/asset/{number}.bin", length))
            connection.sendall(b"x" * (SIZE // 2 if number % 2 else 10))
            stack.callback(assert_ended, connection)
        assert streams.send("GET", "/asset/x", b"")[0] == 204
    streams.wait_until(lambda: left() == [])
    for number in range(CLIENTS):
        assert streams.send("PUT", f"/asset/{number}.txt", b"hello")[0] == 200


def assert_ended(connection: socket.socket) -> None:
    """Assert that the other side ends the connection by itself."""
    with suppress(ConnectionResetError):
        while connection.recv(65536):
            pass


def is_ended(connection: socket.socket) -> bool:
    """Return whether Linux knows that the other side has ended the connection."""
    state = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state != ESTABLISHED


@pytest.mark.case(55)
def test_dripping_sender_is_ended_too(streams: Streaming) -> None:
    with streams.connect() as connection:
        connection.sendall(streams.head("PUT", "/asset/x.bin", f"Content-Length: {SIZE}"))
        drops = 0
        with suppress(ConnectionResetError, BrokenPipeError):
            for _drop in range(SECONDS * 10):
                connection.sendall(b"x")
                time.sleep(0.1)
                drops += 1
        assert drops < SECONDS * 10
    assert left() == []


def test_twenty_stalled_readers_are_ended(streams: Streaming) -> None:
    status, stored = streams.send("PUT", "/asset/x.bin", b"x" * SIZE * 2)
    assert status == 200
    path = f"/asset/{stored['asset']['id']}"
    readers: list[socket.socket] = []
    with ExitStack() as stack:
        for _reader in range(CLIENTS):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(SECONDS)
            connection.connect(("127.0.0.1", streams.port))
            stack.enter_context(closing(connection))
            connection.sendall(streams.head("GET", path))
            assert connection.recv(12) == b"HTTP/1.1 200"
            readers.append(connection)
        # None of them reads on until others have been given theirs: their threads are free again.
        streams.wait_until(lambda: all(map(is_ended, readers)))
    status, content = streams.send("GET", path, b"")
    assert (status, len(content)) == (200, SIZE * 2)


CUTS: list[tuple[str, bytes]] = [
    (f"Content-Length: {SIZE}", b"x" * (SIZE - 1)),
    ("Content-Length: 5", b"x"),
    ("Transfer-Encoding: chunked", b"5\r\nhello\r\n"),
    ("Transfer-Encoding: chunked", b"5\r\nhel"),
    ("Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n"),
    ("Transfer-Encoding: chunked", b"600000\r\n" + b"x" * 0x600000 + b"\r\n"),
    ("Transfer-Encoding: chunked", b"5\r\nhello\r\nxyz\r\n"),
    ("Transfer-Encoding: chunked", b"5\r\nhelloXX0\r\n\r\n"),
]


@pytest.mark.case(55)
def test_cut_body_is_told_and_not_stored(streams: Streaming) -> None:
    for framed, body in CUTS:
        answer = refused(streams, streams.head("PUT", "/asset/x.bin", framed) + body)
        assert b" 400 " in answer.split(b"\r\n")[0], body[:20]
        assert b"short_body" in answer
    assert left() == []


def test_chunked_body_is_stored(streams: Streaming) -> None:
    body = b"5\r\nhello\r\n600000\r\n" + b"x" * 0x600000 + b"\r\n0\r\n\r\n"
    answer = refused(
        streams, streams.head("PUT", "/asset/x.bin", "Transfer-Encoding: chunked") + body
    )
    assert b" 200 " in answer.split(b"\r\n")[0]
    assert f'"size": {0x600000 + 5}'.encode() in answer


def test_refusal_is_seen_by_who_still_sends(streams: Streaming) -> None:
    """A connection that is closed with bytes unread is reset, and the answer may be lost."""
    status, answer = streams.send("PUT", "/asset/x.html", b"x" * SIZE)
    assert (status, answer["error"]["code"]) == (400, "unsupported_type")
    assert left() == []
