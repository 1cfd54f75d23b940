"""A server for the proxies of the tests."""

import socketserver
import threading

HOST = "127.0.0.1"


class ProxyServer(socketserver.ThreadingTCPServer):
    """Serves in threads of its own, before the server on ``upstream_port``, until it is closed."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream_port: int, handler: type[socketserver.BaseRequestHandler]) -> None:
        super().__init__((HOST, 0), handler)
        self.upstream_port = upstream_port
        self.port = int(self.server_address[1])
        self.url = f"http://{HOST}:{self.port}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self.shutdown()
        self.server_close()
        self._thread.join()
