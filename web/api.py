"""The small JSON API: strict input, one shape of error, no traceback, one line in the log.

Every error is ``{"error": {"code", "message", "retry"}}``: a code for programs, a message for
the user, and how a program goes on (``web.errors.Retry``).
"""

import json
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from types import MappingProxyType
from typing import Any, TypeVar, cast

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    UnreadablePostError,
)
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views import csrf, defaults
from structlog.contextvars import bind_contextvars

from web.address import client_address
from web.errors import (
    BadRequest,
    BodyTooLarge,
    InvalidKey,
    KeyNotAllowed,
    Retry,
    ScopeMissing,
    SignedOut,
    TooManyRequests,
    UserFacingError,
)
from web.keys import Scope, bearer_of, for_keys
from web.rates import Allowance, seconds_to_wait

View = Callable[..., HttpResponse]
AnyView = TypeVar("AnyView", bound=Callable[..., HttpResponseBase])

logger = structlog.stdlib.get_logger(__name__)

STATUSES: dict[type[UserFacingError], int] = {
    SignedOut: 401,
    InvalidKey: 401,
    ScopeMissing: 403,
    KeyNotAllowed: 403,
    BadRequest: 400,
    BodyTooLarge: 413,
    TooManyRequests: 429,
}


def error(
    status: int,
    code: str,
    message: str | Promise,
    *,
    retry: Retry,
    retry_after: int | None = None,
) -> JsonResponse:
    """Return the one shape of error, of what is no UserFacingError."""
    content = {"code": code, "message": str(message), "retry": retry}
    answer = JsonResponse({"error": content}, status=status)
    if retry_after is not None:
        answer["Retry-After"] = str(retry_after)
    return answer


def wants_json(request: HttpRequest) -> bool:
    """Return whether the client is a program: it sends JSON or a key, or accepts no page."""
    return (
        request.content_type == "application/json"
        or bearer_of(request) is not None
        or (request.accepts("application/json") and not request.accepts("text/html"))
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request whose body Django cannot read: an error to programs, a page to people."""
    if not wants_json(request):
        return defaults.bad_request(request, exception)
    too_large = isinstance(exception, RequestDataTooBig)
    problem = BodyTooLarge() if too_large else BadRequest(_("The request cannot be read."))
    return refusal(problem, STATUSES)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request for what is not there: an error to programs, a page to people."""
    if not wants_json(request):
        return defaults.page_not_found(request, exception)
    return error(404, "no_such_route", _("There is no such address."), retry="never")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a request without a valid CSRF token: an error to programs, a page to people."""
    logger.info("request_refused", outcome="csrf", status=403)
    if not wants_json(request):
        return csrf.csrf_failure(request, reason)
    message = _("Your session has changed. Please reload the page.")
    return error(403, "csrf", message, retry="never")


def json_api(
    statuses: Mapping[type[UserFacingError], int], *, scope: Scope, refused: str, done: str = ""
) -> Callable[[View], View]:
    """Make a view a JSON route of a signed-in user, or of a program whose key has ``scope``.

    Its UserFacingErrors become the status of the nearest class in ``statuses`` or in this module's.
    Each request ends with one event in the log with its outcome: ``refused``, or ``done``, which
    is empty where the service logs what it did.
    """
    known = {**STATUSES, **statuses}

    def refuse(_request: HttpRequest, problem: UserFacingError) -> HttpResponse:
        return refusal(problem, known)

    return framed(scope=scope, admit=must_be_signed_in, refuse=refuse, refused=refused, done=done)


def framed(
    *,
    scope: Scope,
    admit: Callable[[HttpRequest], None],
    refuse: Callable[[HttpRequest, UserFacingError], HttpResponse],
    refused: str,
    done: str,
) -> Callable[[AnyView], AnyView]:
    """Make a view a route of programs: ``admit`` looks at each request, or raises.

    ``refuse`` answers with a UserFacingError of either. The events are those of ``json_api``.
    """

    def decorate(view: AnyView) -> AnyView:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            started, event, level, outcome = time.monotonic(), done, logging.INFO, "ok"
            answer: HttpResponseBase
            try:
                admit(request)
                answer = view(request, *args, **kwargs)
            except UserFacingError as problem:
                answer = refuse(request, problem)
                event, outcome = refused, problem.code
                level = logging.INFO if answer.status_code < 500 else logging.WARNING
            passed = int((time.monotonic() - started) * 1000)
            if event:
                logger.log(
                    level, event, outcome=outcome, status=answer.status_code, milliseconds=passed
                )
            return answer

        return cast(AnyView, for_keys(scope)(wrapped))

    return decorate


def must_not_be_refused(request: HttpRequest) -> None:
    """Raise why the key of the request is refused, if it came with one."""
    if problem := getattr(request, "key_refused", None):
        raise problem


def must_be_signed_in(request: HttpRequest) -> None:
    """Raise SignedOut, or why the key of the request is refused."""
    must_not_be_refused(request)
    if not request.user.is_authenticated:
        raise SignedOut
    bind_contextvars(user_id=str(request.user.pk))


def refusal(
    problem: UserFacingError, statuses: Mapping[type[UserFacingError], int] = STATUSES
) -> JsonResponse:
    """Return the answer to a request that is refused."""
    status = status_of(problem, statuses)
    content = {"error": content_of(problem)}
    return JsonResponse(content, status=status, headers=headers_of(problem, status))


def content_of(problem: UserFacingError) -> dict[str, Any]:
    """Return an error as programs are told of it."""
    return {
        "code": problem.code,
        "message": str(problem.message),
        "retry": problem.retry,
        **problem.details,
    }


def headers_of(problem: UserFacingError, status: int) -> dict[str, str]:
    """Return the headers that go with an error."""
    headers = {} if problem.retry_after is None else {"Retry-After": str(problem.retry_after)}
    return headers | ({"WWW-Authenticate": "Bearer"} if status == 401 else {})


def status_of(problem: UserFacingError, statuses: Mapping[type[UserFacingError], int]) -> int:
    """Return the status of the nearest class that has one."""
    return next(statuses[kind] for kind in type(problem).__mro__ if kind in statuses)


def count_request(request: HttpRequest, name: str) -> None:
    """Count a request by its user, if it has one, and by its address; raises TooManyRequests.

    The rates are those named ``name`` in ``settings.RATE_LIMITS`` (of one user) and
    ``settings.RATE_LIMITS_PER_ADDRESS`` (of all users of one address).
    """
    address = client_address(request)
    allowances = [Allowance(settings.RATE_LIMITS_PER_ADDRESS[name], (name, "address", address))]
    if request.user.is_authenticated:
        user = str(request.user.pk)
        allowances.append(Allowance(settings.RATE_LIMITS[name], (name, "user", user)))
    count(allowances)


def count(allowances: Sequence[Allowance]) -> None:
    """Count a request of each client; raises TooManyRequests."""
    if wait := seconds_to_wait(allowances):
        raise TooManyRequests(wait)


def rate_limited(name: str) -> Callable[[View], View]:
    """Limit a JSON route to the rates called ``name``."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            count_request(request, name)
            return view(request, *args, **kwargs)

        return wrapped

    return decorate


def read_object(
    request: HttpRequest,
    fields: Mapping[str, type],
    optional: Mapping[str, type] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the JSON object in the body, which must have exactly ``fields`` of these types.

    It may have those that are ``optional`` besides.

    Raises BadRequest, and BodyTooLarge before anything is read.
    """
    if request.content_type != "application/json":
        # Of a form the body may have been read already, in search of a CSRF token.
        raise BadRequest(_("The request must be of the type application/json."))
    try:
        body = json.loads(request.body, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RequestDataTooBig as problem:
        raise BodyTooLarge from problem
    except (ValueError, RecursionError, UnreadablePostError) as problem:
        raise BadRequest(_("The request is not valid JSON.")) from problem
    if not isinstance(body, dict):
        raise BadRequest(_("The request must be a JSON object."))
    known = {**fields, **optional}
    if not fields.keys() <= body.keys() <= known.keys():
        raise BadRequest(_("The request must have these fields: %s.") % ", ".join(known))
    for name, kind in known.items():
        if name not in body:
            continue
        if type(body[name]) is not kind:
            raise BadRequest(_("%(name)s has the wrong type.") % {"name": name})
        if not _is_sane(body[name]):
            raise BadRequest(_("%(name)s is not valid.") % {"name": name})
    return body


def _is_sane(value: str | int | list[Any]) -> bool:
    """Return whether a number is one of 64 bits, or a text short and free of half characters.

    A list may hold up to a thousand numbers.
    """
    if isinstance(value, list):
        return len(value) <= 1000 and all(type(one) is int and _is_sane(one) for one in value)
    if isinstance(value, int):
        return abs(value) < 2**63
    return len(value) <= 1024 and not re.search("[\x00\ud800-\udfff]", value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that names a field twice: which one counts would be anybody's guess."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _no_constant(name: str) -> None:
    """Refuse NaN and the infinities, which are not JSON."""
    raise ValueError(name)
