"""One id for each request, in its answer and in all that is logged on the way."""

import re
import uuid

from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware
from structlog.contextvars import clear_contextvars

HEADER = "X-Request-ID"
META = "HTTP_X_REQUEST_ID"  # the same as WSGI calls it
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


class RequestLog(RequestMiddleware):
    """Names each request by an id, the proxy's if it is a sane one, and logs how it ended.

    Users are bound by the views that know them: asking here would cost /ping a query.
    """

    def prepare(self, request: HttpRequest) -> None:
        """Begin with an empty context: the thread may have served somebody else."""
        clear_contextvars()
        if not _SANE.fullmatch(request.META.get(META, "")):
            request.META[META] = str(uuid.uuid4())
        super().prepare(request)

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        """Tell the client the id, too."""
        response[HEADER] = request.META[META]
        super().handle_response(request, response)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Return the method and the route: a path can hold a username, a query anything."""
        route = request.resolver_match.route if request.resolver_match else "(no route)"
        return f"{request.method} /{route}"
