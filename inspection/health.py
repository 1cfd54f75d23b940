"""Health checks: ``/ping`` for liveness, ``/readyz`` for readiness."""

from collections.abc import Callable

from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import resolve
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from avatars.references import live_references
from aws.bucket import live_bucket
from aws.errors import StorageUnavailable

PATHS = {"/ping", "/readyz"}


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
    """Say whether database, bucket and table answer: 200 if all do, else 503."""
    checks: dict[str, Callable[[], None]] = {
        "database": _ask_database,
        "bucket": live_bucket().check,
        "table": live_references().check,
    }
    answers = {name: _answers(check) for name, check in checks.items()}
    status = 200 if all(answers.values()) else 503
    return JsonResponse(
        {name: "ok" if good else "unavailable" for name, good in answers.items()}, status=status
    )


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _answers(check: Callable[[], None]) -> bool:
    try:
        check()
    except (DatabaseError, StorageUnavailable):
        return False
    return True
