"""Configures gunicorn; ``WEB_CONCURRENCY`` is the number of its processes.

https://docs.gunicorn.org/en/stable/settings.html
"""

import os
from pathlib import Path
from typing import Any

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

bind = f"0.0.0.0:{settings.PORT}"
worker_class = "gthread"
# The pools of connections to AWS have one for each thread (AWS_POOL_CONNECTIONS).
threads = 16
# Seconds after which a process that does not report is killed, and within which one that is told
# to end must answer. No request waits for AWS longer than 54 s (tests/faults/test_bounds.py).
timeout = 100
graceful_timeout = 100
# Longer than proxies keep an idle connection (Caddy and a stack's load balancer 120 s): if the
# server closed it first, a request that is under way would be lost.
keepalive = 130
# The root of a container is read-only, and a slow disk must not make a process look dead.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (memory)
control_socket_disable = True
# BEHIND_HTTPS_PROXY alone decides whether to trust a proxy about HTTPS, even one on loopback.
forwarded_allow_ips = ""
# Log gunicorn's own messages as lines of JSON, too.
logconfig_dict = {
    **settings.LOGGING,
    "loggers": {
        **settings.LOGGING["loggers"],
        "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
        # The demo alone logs each request.
        "gunicorn.access": {"level": "INFO", "handlers": [], "propagate": True},
    },
}
# gunicorn does not read the rest of a body after the answer if it may be this long.
TOO_MUCH = 64 * 1024  # bytes


def pre_request(_worker: object, request: Any) -> None:
    """Announce that the connection is closed after a request whose body may stay unread.

    gunicorn closes it in any case. If it did not say so, a proxy that streams bodies, such as
    Caddy, would send the next user's request on it, and answer 502.
    """
    headers = dict(request.headers)
    length = headers.get("CONTENT-LENGTH", "0")
    if "TRANSFER-ENCODING" in headers or not length.isdecimal() or int(length) >= TOO_MUCH:
        request.headers.insert(0, ("CONNECTION", "close"))
