"""Health checks: ``/ping`` for liveness, ``/readyz`` for readiness."""

from collections.abc import Callable
from threading import Lock
from time import monotonic

import structlog
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import resolve
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from avatars.references import live_references
from aws.bucket import live_bucket
from aws.deadlines import later
from aws.errors import SignaturesRefused, StorageUnavailable
from files.references import live_entries

logger = structlog.stdlib.get_logger(__name__)

PATHS = {"/ping", "/readyz"}
# How long the answers of a check are given again. Anybody may ask as often as they like.
GOOD_FOR_SECONDS = 1

Answers = dict[str, str]


class HealthMiddleware:
    """Answers health checks whatever host they name, and without a session.

    A load balancer asks each process by its address, which ALLOWED_HOSTS does not hold. Neither
    answer depends on the host, so nothing is lost by not looking at it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer here, or pass on."""
        if request.path_info not in PATHS:
            return self.get_response(request)
        # The log names the route by this.
        request.resolver_match = match = resolve(request.path_info)
        answer: HttpResponse = match.func(request)
        return answer


@require_GET
@never_cache
def ping(request: HttpRequest) -> HttpResponse:
    """Say that this process is alive, without asking any other service."""
    return HttpResponse("pong\n", content_type="text/plain")


@require_GET
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether database, bucket and tables answer: 200 if all do, else 503.

    The bucket counts as unavailable, too, where it answers but refuses what this process signs.
    """
    answers = _latest.answers()
    return JsonResponse(answers, status=200 if set(answers.values()) == {"ok"} else 503)


class Latest:
    """The answers of the last check of this process.

    One thread at a time checks. Those that ask meanwhile get the answers before, so that a store
    which hangs does not take every thread of the server.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._answers: Answers = {}
        self._until = 0.0

    def answers(self) -> Answers:
        """Return the answers, from a new check if the last one is too old."""
        if self._lock.acquire(blocking=not self._answers):
            try:
                if not self._answers or monotonic() >= self._until:
                    self._answers = _check()
                    self._until = monotonic() + GOOD_FOR_SECONDS
            finally:
                self._lock.release()
        return self._answers


_latest = Latest()


def _check() -> Answers:
    checks: dict[str, Callable[[], object]] = {
        "database": _ask_database,
        "bucket": live_bucket().check,
        "table": _ask_tables,
    }
    return {name: _answer(check) for name, check in checks.items()}


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_tables() -> None:
    """Ask both tables, of pictures and of files, at once."""
    asked = [later(table_check) for table_check in (live_references().check, live_entries().check)]
    for answer in asked:
        answer.result()


def _answer(check: Callable[[], object]) -> str:
    try:
        check()
    except SignaturesRefused as error:
        logger.warning("signatures_refused", reason=error.reason)
    except (DatabaseError, StorageUnavailable):
        pass
    else:
        return "ok"
    return "unavailable"
