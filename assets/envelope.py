"""The frame of the assets API: one envelope for what went well and what did not.

``{"asset": …, "token": …, "error": …}``: error is null, or as everywhere (``web.api``). A client
that accepts only ``text/plain`` gets one line instead.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

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
from web.api import (
    content_of,
    framed,
    headers_of,
    must_be_signed_in,
    must_not_be_refused,
    status_of,
)
from web.errors import UserFacingError
from web.keys import Scope

View = Callable[..., HttpResponseBase]
TEXT = "text/plain; charset=utf-8"


def asset_api(*, scope: Scope, done: str = "", public: bool = False) -> Callable[[View], View]:
    """Make a view a route of the assets API, of those signed in, or of everybody.

    A browser's CSRF token is taken from the header alone, before the body is read: Django would
    look for it in the form first, and so read a file of any size.
    """
    frame = framed(
        scope=scope,
        admit=must_not_be_refused if public else _admit,
        refuse=_refuse,
        refused="asset_refused",
        done=done,
    )

    def decorate(view: View) -> View:
        framed_view = frame(view)

        @csrf_exempt
        @wraps(framed_view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            answer = framed_view(request, *args, **kwargs)
            if "Cache-Control" not in answer:
                add_never_cache_headers(answer)
            return answer

        return wrapped

    return decorate


def _admit(request: HttpRequest) -> None:
    must_be_signed_in(request)
    if request.method in {"POST", "PUT", "DELETE"}:
        _check_csrf_header(request)


def _refuse(request: HttpRequest, problem: UserFacingError) -> HttpResponse:
    """Answer with the envelope of what went wrong, and let a sender see it."""
    answer = _envelope_of(request, problem)
    drain(request)
    return answer


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


def _envelope_of(request: HttpRequest, problem: UserFacingError) -> HttpResponse:
    status = status_of(problem, STATUSES)
    headers = headers_of(problem, status)
    if wants_text(request):
        line = f"{problem.code}: {problem.message}\n"
        return HttpResponse(line, content_type=TEXT, status=status, headers=headers)
    envelope = {"asset": None, "token": None, "error": content_of(problem)}
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
