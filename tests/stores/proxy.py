"""A proxy in front of the embedded AWS that refuses some requests and rewrites some answers."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

from tests.faults.proxy import whole_answer
from tests.proxying import HOST, ProxyServer

XML = "application/xml"


class Request(NamedTuple):
    """A request as it came over the wire; names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def deletes_many(self) -> bool:
        """Return whether this is DeleteObjects."""
        return self.method == "POST" and self.path.endswith("?delete")


class Answer(NamedTuple):
    """An answer to a request."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""


def refusal(status: int, code: str) -> Answer:
    """Return an error in S3's form."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>No.</Message></Error>"
    headers = [("Content-Type", XML), ("Content-Length", str(len(body)))]
    return Answer(status, headers, body.encode())


@dataclass
class Store:
    """What a store does otherwise than AWS.

    ``refuse`` returns an answer to a request that is not passed on; ``rewrite`` changes the
    answer to one that was.
    """

    refuse: Callable[[Request], Answer | None] = lambda request: None
    rewrite: Callable[[Request, Answer], Answer] = lambda request, answer: answer
    requests: list[Request] = field(default_factory=list)
    interim: int = 0  # answers of "100 Continue" that a client waited for

    def asked(self) -> list[str]:
        """Return the methods of the requests so far."""
        return [request.method for request in self.requests]


class Exchange(BaseHTTPRequestHandler):
    """The requests of one connection, one after another."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Proxy

    def handle_one_request(self) -> None:
        """Handle a request; a client that goes away in the middle is no error here."""
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def handle_expect_100(self) -> bool:
        """Count the turn that a client waits before it sends the body."""
        self.server.store.interim += 1
        return super().handle_expect_100()

    def exchange(self) -> None:
        """Refuse a request, or pass it on and its answer back."""
        store = self.server.store
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        request = Request(self.command, self.path, headers, body)
        store.requests.append(request)
        if "transfer-encoding" in headers:
            # Ceph's gateway takes no body without a length.
            self.close_connection = True
            self._send(refusal(411, "MissingContentLength"))
        elif refused := store.refuse(request):
            self._send(refused)
        else:
            self._send(store.rewrite(request, self._passed_on(request)))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_OPTIONS = exchange  # noqa: N815 (named by the base)

    def _passed_on(self, request: Request) -> Answer:
        connection = http.client.HTTPConnection(HOST, self.server.upstream_port)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() != "expect":
                connection.putheader(name, value)
        connection.endheaders(request.body)
        answer = connection.getresponse()
        passed = Answer(answer.status, answer.getheaders(), answer.read())
        connection.close()
        return passed

    def _send(self, answer: Answer) -> None:
        body = b"" if self.command == "HEAD" else answer.body
        self.wfile.write(whole_answer(answer.status, "Whatever", answer.headers, body))

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class Proxy(ProxyServer):
    """The proxy; ``store`` says what it does."""

    def __init__(self, upstream_port: int) -> None:
        super().__init__(upstream_port, Exchange)
        self.store = Store()
        self.start()
