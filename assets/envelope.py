"""The frame of the assets API: one envelope for what went well and what did not.

``{"asset": …, "token": …, "error": …}``: error is null, or as everywhere (``web.api``). A client
that accepts only ``text/plain`` gets one line instead.
"""

import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import structlog
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    JsonResponse,
    QueryDict,
)
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.cache import add_never_cache_headers
from django.utils.datastructures import MultiValueDict
from django.views.decorators.csrf import csrf_exempt

from assets.errors import STATUSES, CsrfFailed
from assets.watching import drain
from web.api import must_be_signed_in, refusal, status_of
from web.errors import UserFacingError
from web.keys import Scope, for_keys

View = Callable[..., HttpResponseBase]
TEXT = "text/plain; charset=utf-8"

logger = structlog.stdlib.get_logger(__name__)


def asset_api(*, scope: Scope, done: str = "", public: bool = False) -> Callable[[View], View]:
    """Make a view a route of the assets API, of those signed in, or of everybody.

    A browser's CSRF token is taken from the header alone, before the body is read: Django would
    look for it in the form first, and so read a file of any size.
    """

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            started, event, outcome = time.monotonic(), done, "ok"
            try:
                if not public:
                    must_be_signed_in(request)
                elif problem := getattr(request, "key_refused", None):
                    raise problem
                if request.method in {"POST", "PUT", "DELETE"} and not public:
                    _check_csrf_header(request)
                answer = view(request, *args, **kwargs)
            except UserFacingError as problem:
                answer = refused(request, problem)
                event, outcome = "asset_refused", problem.code
                drain(request)
            if "Cache-Control" not in answer:
                add_never_cache_headers(answer)
            if event:
                passed = int((time.monotonic() - started) * 1000)
                status = answer.status_code
                logger.info(event, outcome=outcome, status=status, milliseconds=passed)
            return answer

        return for_keys(scope)(wrapped)

    return decorate


def by_method(**views: View) -> View:
    """Return a view that asks one of ``views`` by the method; a HEAD is asked as a GET."""

    @csrf_exempt
    def dispatch(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method not in views:
            return HttpResponseNotAllowed(views)
        return views[method](request, *args, **kwargs)

    marked: Any = dispatch
    marked.key_scope = {name: vars(view)["key_scope"] for name, view in views.items()}
    return dispatch


def given(asset: Mapping[str, Any] | None, token: Mapping[str, Any] | None = None) -> JsonResponse:
    """Return the envelope of an asset, and of the token of its link."""
    return JsonResponse({"asset": asset, "token": token, "error": None})


def refused(request: HttpRequest, problem: UserFacingError) -> HttpResponse:
    """Return the envelope of what went wrong."""
    bare = refusal(problem, STATUSES)
    headers = {name: bare[name] for name in ("Retry-After", "WWW-Authenticate") if name in bare}
    status = status_of(problem, STATUSES)
    if wants_text(request):
        line = f"{problem.code}: {problem.message}\n"
        return HttpResponse(line, content_type=TEXT, status=status, headers=headers)
    content = {
        "code": problem.code,
        "message": str(problem.message),
        "retry": problem.retry,
        **problem.details,
    }
    envelope = {"asset": None, "token": None, "error": content}
    return JsonResponse(envelope, status=status, headers=headers)


def wants_text(request: HttpRequest) -> bool:
    """Return whether the client wants one line, as a shell script does."""
    return request.accepts("text/plain") and not request.accepts("application/json")


class _HeaderOnly(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def _check_csrf_header(request: Any) -> None:
    """Raise CsrfFailed if a browser's request has not its CSRF token in the header."""
    if getattr(request, "_dont_enforce_csrf_checks", False):
        return
    request._post, request._files = QueryDict(), MultiValueDict()
    try:
        reason = _HeaderOnly(_nothing).process_view(request, _nothing, (), {})
    finally:
        del request._post, request._files
    if reason:
        raise CsrfFailed


def _nothing(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()
