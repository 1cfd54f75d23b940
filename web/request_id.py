"""Gives each request an id, which its answer and all its log events carry."""

import re
import uuid

from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware
from structlog.contextvars import clear_contextvars

HEADER = "X-Request-ID"
META = "HTTP_X_REQUEST_ID"  # WSGI's name for it
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


class RequestLog(RequestMiddleware):
    """Gives each request an id, the proxy's if that is well-formed, and logs how it ended.

    The views add the user to the events: to do so here would cost ``/ping`` a query.
    """

    def prepare(self, request: HttpRequest) -> None:
        """Begin with an empty context: the thread may have served another request."""
        clear_contextvars()
        if not _SANE.fullmatch(request.META.get(META, "")):
            request.META[META] = str(uuid.uuid4())
        super().prepare(request)

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        """Send the id to the client."""
        response[HEADER] = request.META[META]
        super().handle_response(request, response)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Return the method and the route; path and query may hold names and secrets."""
        route = request.resolver_match.route if request.resolver_match else "(no route)"
        return f"{request.method} /{route}"
