"""What is done about a message of S3: each new object is told to the function of its prefix."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils.module_loading import import_string
from structlog.contextvars import bound_contextvars

from aws.errors import OutcomeUnknown, StorageUnavailable
from uploads.events import IS_TEST, Created, read

logger = structlog.stdlib.get_logger(__name__)

# What a record fails by if it is not the record's fault: the next one would fail, too.
OUTAGES = (StorageUnavailable, OutcomeUnknown, OperationalError, InterfaceError)


@dataclass(frozen=True)
class Handled:
    """What became of a message: how many records were done, left out, and failed.

    ``outage`` says that one failed because S3, DynamoDB or the database did not answer.
    """

    done: int = 0
    ignored: int = 0
    failed: int = 0
    outage: bool = False


def handle(body: str | bytes) -> Handled:
    """Tell each new object in ``body`` to the function of its prefix in ``settings.ARRIVALS``.

    Every record is tried, whatever becomes of the others. If any failed, the message must come
    again; what was done before is then told once more. Raises nothing.
    """
    reading = read(body, bucket=settings.AWS_STORAGE_BUCKET_NAME)
    for reason in reading.ignored:
        level = logging.INFO if reason == IS_TEST else logging.WARNING
        logger.log(level, "event_ignored", reason=reason)
    arrivals = [(record, arrived) for record in reading.created if (arrived := _told(record.key))]
    failures = [error for record, arrived in arrivals if (error := _failure(record, arrived))]
    return Handled(
        done=len(arrivals) - len(failures),
        ignored=len(reading.ignored) + len(reading.created) - len(arrivals),
        failed=len(failures),
        outage=any(isinstance(error, OUTAGES) for error in failures),
    )


def concerns_us(body: str | bytes) -> bool:
    """Return whether ``body`` has a record of an object that a function is to be told of."""
    reading = read(body, bucket=settings.AWS_STORAGE_BUCKET_NAME)
    return any(_told(record.key) for record in reading.created)


def _told(key: str) -> Callable[[str], object] | None:
    """Return the function that is told of ``key``, by the first prefix that fits."""
    for prefix, path in settings.ARRIVALS.items():
        if key.startswith(prefix):
            function: Callable[[str], object] = import_string(path)
            return function
    return None


def _failure(record: Created, arrived: Callable[[str], object]) -> Exception | None:
    """Tell ``record`` to ``arrived``; return what it failed by, None if it succeeded."""
    with bound_contextvars(key=record.key, event_name=record.event):
        try:
            arrived(record.key)
        except OUTAGES as error:
            logger.warning("event_failed", problem=type(error.__cause__ or error).__name__)
            return error
        except Exception as error:
            logger.exception("event_failed", problem=type(error).__name__)
            return error
    return None
