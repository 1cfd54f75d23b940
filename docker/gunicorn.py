"""How gunicorn serves the site; ``WEB_CONCURRENCY`` is the number of its processes.

https://docs.gunicorn.org/en/stable/settings.html
"""

import os
from pathlib import Path
from typing import Any

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

bind = f"0.0.0.0:{settings.PORT}"
worker_class = "gthread"
# AWS_POOL_CONNECTIONS holds a connection for each of them.
threads = 16
# Until a process is taken for dead that no longer reports, and until one that is asked to end
# must have answered. Nobody waits for AWS longer than 54 s (tests/faults/test_bounds.py).
timeout = 100
graceful_timeout = 100
# Longer than proxies keep an idle connection (Caddy and a stack's load balancer 120 s): if the
# server closed it first, a request might be on its way.
keepalive = 130
# The root of a container is read-only, and a slow disk must not make a process look dead.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (memory)
control_socket_disable = True
# Whether a proxy's word on HTTPS counts is for BEHIND_HTTPS_PROXY to say, on loopback too.
forwarded_allow_ips = ""
# Its own messages, too, as lines of JSON.
logconfig_dict = {
    **settings.LOGGING,
    "loggers": {
        **settings.LOGGING["loggers"],
        "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
    },
}
# As much as this of a body that the site did not read, gunicorn does not read after the answer.
TOO_MUCH = 64 * 1024  # bytes


def pre_request(_worker: object, request: Any) -> None:
    """Announce that the connection ends with a request whose body may be left unread.

    gunicorn closes it in any case. Unannounced, a proxy that streams bodies (Caddy does) sends the
    next user's request on it, and answers 502.
    """
    headers = dict(request.headers)
    length = headers.get("CONTENT-LENGTH", "0")
    if "TRANSFER-ENCODING" in headers or not length.isdecimal() or int(length) >= TOO_MUCH:
        request.headers.insert(0, ("CONNECTION", "close"))
