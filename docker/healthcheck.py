"""Exits with 0 if this container's server is alive; the image has no curl for that."""

import os
import sys
from http.client import HTTPConnection, HTTPException


def is_alive(port: int) -> bool:
    """Return whether ``/ping`` answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_alive(int(os.environ.get("PORT", "8000"))) else 1)
