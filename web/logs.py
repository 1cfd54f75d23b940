"""Logs: JSON objects in production, one a line; readable lines while ``DEBUG`` is on.

All records, of this site, Django and libraries, pass the one formatter here, which redacts them. https://www.structlog.org/en/stable/standard-library.html
"""

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from web.redaction import Redactor


@contextmanager
def without(package: str) -> Iterator[None]:
    """Let imports in the block fail to find ``package``, unless it is loaded already.

    None in ``sys.modules`` stands for a package that is not installed.
    https://docs.python.org/3/reference/import.html#the-module-cache
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


# structlog loads rich where it is installed, for tracebacks that show local variables. Those are
# not used here, and rich takes three times as long to load as structlog itself.
with without("rich"):
    import structlog
    from structlog.typing import Processor


def configure_structlog() -> None:
    """Make structlog pass its events to the loggers of the standard library."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def configuration(*, readable: bool, level: str, secrets: Collection[str]) -> dict[str, Any]:
    """Return the setting ``LOGGING``: ``readable`` lines or JSON, with ``secrets`` redacted."""
    quiet = {"level": "WARNING" if level == "INFO" else level}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": formatter, "readable": readable, "secrets": secrets}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django configures handlers for these two, which would redact nothing.
            "django": {"handlers": [], "level": level},
            "django.server": {"handlers": [], "level": level, "propagate": True},
            # web.request_id.RequestLog logs the same, with the request's id.
            "django.request": {"level": "CRITICAL"},
            # At INFO these log each step.
            "axes": quiet,
            "pynamodb": quiet,
            # While DEBUG is on, the development server prints a line for each request.
            "django_structlog": {"level": "ERROR" if readable else level},
        },
    }


def formatter(*, readable: bool, secrets: Collection[str]) -> structlog.stdlib.ProcessorFormatter:
    """Return the formatter of all records."""
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(
                fmt="%H:%M:%S" if readable else "iso", utc=not readable
            ),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            Redactor(secrets),
            _readable_lines() if readable else structlog.processors.JSONRenderer(sort_keys=True),
        ]
    )


def _readable_lines() -> Processor:
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        pad_event_to=0,
        # The other formatters show local variables, which may hold secrets.
        exception_formatter=structlog.dev.plain_traceback,
    )
