"""A proxy in front of the embedded AWS that strikes chosen requests with a fault.

It speaks HTTP/1.1 on both sides and changes nothing, so that signatures stay valid. Requests are
counted as the product makes them: the SDK's repetitions of one carry the same invocation id.
"""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from tests.proxying import HOST, ProxyServer


class Reach(Enum):
    """How far a fault reaches from the request it strikes."""

    FIRST = auto()  # its first attempt: the SDK's next one is let through
    ALL = auto()  # every attempt of this request
    ONWARD = auto()  # this request and all that follow


class Asked(NamedTuple):
    """A request as the product made it, however often the SDK sent it."""

    service: str
    operation: str  # the HTTP method for S3, the operation for others


class Fault(NamedTuple):
    """What can happen to a request on its way, or to its answer.

    ``slow`` faults end by a time-out. ``services`` are those whose requests can meet the fault.
    """

    name: str
    strike: Callable[[Exchange], None]
    services: frozenset[str]
    slow: bool = False


@dataclass
class Plan:
    """Which requests to strike, from now until the plan ends; ``number`` counts from 1."""

    fault: Fault | None = None
    number: int = 0
    reach: Reach = Reach.ALL
    asked: list[Asked] = field(default_factory=list)
    struck: int = 0  # attempts
    over: threading.Event = field(default_factory=threading.Event)
    held: threading.Event = field(default_factory=threading.Event)
    late: list[Exchange] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _attempts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def foresee(self, invocation: str, asked: Asked) -> Fault | None:
        """Count the request if it is new; return the fault planned for its next attempt."""
        with self._lock:
            if invocation not in self._numbers:
                self.asked.append(asked)
                self._numbers[invocation] = len(self.asked)
            can_strike = self.fault and asked.service in self.fault.services
            return self.fault if can_strike and self._reaches(invocation) else None

    def attempt(self, invocation: str, asked: Asked) -> Fault | None:
        """Count an attempt; return the fault that is to strike it."""
        fault = self.foresee(invocation, asked)
        with self._lock:
            self._attempts[invocation] += 1
            self.struck += bool(fault)
        return fault

    def _reaches(self, invocation: str) -> bool:
        number = self._numbers[invocation]
        match self.reach:
            case Reach.FIRST:
                return number == self.number and not self._attempts[invocation]
            case Reach.ALL:
                return number == self.number
            case Reach.ONWARD:
                return number >= self.number

    def deliver_late(self) -> None:
        """Carry out the requests that a fault has kept back, as a slow network would."""
        while self.late:
            self.late.pop().forward(on=None)

    def knows(self, invocation: str) -> bool:
        """Return whether the request was first seen under this plan."""
        return invocation in self._numbers


class Exchange(BaseHTTPRequestHandler):
    """The requests of one connection, one after another."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Proxy
    plan: Plan
    body: bytes
    upstream: http.client.HTTPConnection | None = None

    def handle_one_request(self) -> None:
        """Handle a request; a client that goes away in the middle is no error here."""
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def finish(self) -> None:
        """End both connections."""
        if self.upstream:
            self.upstream.close()
        try:
            super().finish()
        except OSError:
            return  # it was reset

    def exchange(self) -> None:
        """Pass a request on and its answer back, or strike."""
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.plan = self.server.plan
        invocation = self.headers["amz-sdk-invocation-id"] or ""
        if self.server.is_of_the_past(invocation):
            self.reset()  # given up by its caller; the SDK has not heard of that
        elif fault := self.plan.attempt(invocation, asked_by(self.command, self.headers)):
            fault.strike(self)
        else:
            self.upstream = self.upstream or self._connect()
            self.wfile.write(self.forward(on=self.upstream))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = exchange  # noqa: N815 (named by the base)

    # --- what faults are made of ---

    def forward(self, *, on: http.client.HTTPConnection | None) -> bytes:
        """Have the request carried out; return the bytes of the complete answer."""
        connection = on or self._connect()
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() != "expect":
                connection.putheader(name, value)
        connection.endheaders(self.body)
        answer = connection.getresponse()
        raw = whole_answer(answer.status, answer.reason, answer.getheaders(), answer.read())
        if not on:
            connection.close()
        return raw

    def say(self, raw: bytes) -> None:
        """Send ``raw`` and end the connection: the answer is incomplete."""
        self.wfile.write(raw)
        self.close_connection = True

    def reset(self) -> None:
        """Cut the connection, so that the client reads a reset instead of an end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(self.connection.detach())

    def wait_for_the_client(self) -> None:
        """Return once the client has gone."""
        self.close_connection = True
        self.plan.held.set()
        self.connection.settimeout(None)
        self.rfile.read(1)

    # --- the rest ---

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(HOST, self.server.upstream_port)


def asked_by(method: str, headers: Any) -> Asked:
    """Return the operation that a request's head names."""
    protocol, _, operation = str(headers.get("X-Amz-Target") or "").partition(".")
    if not operation:
        return Asked("s3", method)
    return Asked("sqs" if protocol == "AmazonSQS" else "dynamodb", operation)


def whole_answer(status: int, reason: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
    """Return the bytes of a complete answer."""
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Proxy(ProxyServer):
    """The proxy; ``planned`` says which requests it strikes."""

    def __init__(self, upstream_port: int) -> None:
        super().__init__(upstream_port, Exchange)
        self.plan = Plan()
        self._past: list[Plan] = []
        self.start()

    @contextmanager
    def planned(
        self, fault: Fault | None = None, number: int = 0, reach: Reach = Reach.ALL
    ) -> Iterator[Plan]:
        """Count requests, and strike those of the plan, while the block runs."""
        plan = self.plan = Plan(fault, number, reach)
        try:
            yield plan
        finally:
            self.plan = Plan()
            self._past = [*self._past[-20:], plan]
            plan.over.set()

    def is_of_the_past(self, invocation: str) -> bool:
        """Return whether the request was first seen under an earlier plan."""
        return any(plan.knows(invocation) for plan in self._past)
