"""Starts and stops the embedded AWS, to whose address boto3 is pointed."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from werkzeug.serving import ThreadedWSGIServer

from embedded_aws.front import Front
from embedded_aws.handler import Handler
from embedded_aws.signatures import Account
from embedded_aws.store import Store

HOST = "127.0.0.1"
POLL = 0.05
"""Seconds after which the server checks whether to stop."""
ENDS = {signal.SIGTERM, signal.SIGINT}


class EmbeddedAWS:
    """moto's S3, DynamoDB, SQS and SNS behind the strict front, on 127.0.0.1, in this process.

    moto holds the state: all instances of one process share it, and it is gone when that ends.
    """

    def __init__(self, *, port: int = 0, access_key: str, secret_key: str, region: str) -> None:
        self._port = port
        account = Account(access_key, secret_key, region)
        self._store = Store(account)
        self._front = Front(account, self._store)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.endpoint_url = ""

    def start(self) -> str:
        """Serve in a thread and return ``endpoint_url``; raise OSError if the port is busy."""
        server = self._bind()
        self._front.stopping.clear()
        self._thread = threading.Thread(
            target=server.serve_forever, args=(POLL,), name="embedded-aws", daemon=True
        )
        self._thread.start()
        return self.endpoint_url

    def serve_until_told(self, ready: Callable[[str], object]) -> None:
        """Serve until SIGTERM or SIGINT; call ``ready`` with the address once it is served.

        The signals are blocked and waited for: a handler could run while this thread holds a lock.
        Raises OSError if the port is busy.
        """
        before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
        try:
            with self:
                ready(self.endpoint_url)
                signal.sigwait(ENDS)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def stop(self) -> None:
        """End every connection and wait for the serving thread; do nothing if not started."""
        server, self._server = self._server, None
        self._front.stopping.set()
        if server:
            server.shutdown()
            server.close_connections()
            server.server_close()
        if self._thread:
            self._thread.join()
            self._thread = None

    def reset(self) -> None:
        """Forget every bucket, table, queue and topic."""
        self._store.reset()

    def snapshot(self) -> Any:
        """Return all buckets, tables, queues and topics, which must be empty, for ``restore``."""
        return self._store.snapshot()

    def restore(self, snapshot: Any) -> None:
        """Replace all buckets, tables, queues and topics by those in ``snapshot``."""
        self._store.restore(snapshot)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _bind(self) -> _Server:
        """Listen on the port; werkzeug's own way to do so would exit if the port is busy."""
        with socket.create_server((HOST, self._port), backlog=128) as listener:
            port = listener.getsockname()[1]
            self._server = _Server(HOST, port, self._front, Handler, fd=listener.fileno())
        self.endpoint_url = f"http://{HOST}:{port}"
        return self._server


class _Server(ThreadedWSGIServer):
    """Serves each connection in a thread, and can end those that wait for another request."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._connections_lock:
            self._connections.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._connections_lock:
                self._connections.discard(request)

    def close_connections(self) -> None:
        with self._connections_lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the client has closed it already
