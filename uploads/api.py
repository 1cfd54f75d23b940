"""The small JSON API: strict input, one shape of error, no traceback.

Every error is ``{"error": {"code", "message"}}``, with a message in the user's words.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views import csrf

from uploads.errors import UploadError
from uploads.limits import seconds_to_wait

View = Callable[..., HttpResponse]


class BadRequest(Exception):
    """The body is not what the route takes; ``message`` says how, ``status`` is 400 or 413."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def error(status: int, code: str, message: str | Promise) -> JsonResponse:
    """Return the one shape of error."""
    return JsonResponse({"error": {"code": code, "message": str(message)}}, status=status)


def wants_json(request: HttpRequest) -> bool:
    """Return whether the client is a program: it sends JSON, or accepts it and no page."""
    return request.content_type == "application/json" or (
        request.accepts("application/json") and not request.accepts("text/html")
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a request without a valid CSRF token: an error to programs, a page to people."""
    if not wants_json(request):
        return csrf.csrf_failure(request, reason)
    return error(403, "csrf", _("Your session has changed. Please reload the page."))


def json_api(statuses: Mapping[type[UploadError], int]) -> Callable[[View], View]:
    """Make a view a JSON route of a signed-in user.

    Its UploadErrors become the status of the nearest class in ``statuses``.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return error(401, "signed_out", _("Please sign in first."))
            try:
                return view(request, *args, **kwargs)
            except BadRequest as problem:
                return error(problem.status, "bad_request", problem.message)
            except UploadError as problem:
                classes = [kind for kind in type(problem).__mro__ if kind in statuses]
                return error(statuses[classes[0]], problem.code, problem.message)

        return wrapped

    return decorate


def rate_limited(name: str) -> Callable[[View], View]:
    """Limit a view for each user to the rate in ``settings.RATE_LIMITS[name]``."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            wait = seconds_to_wait(settings.RATE_LIMITS[name], name, str(request.user.pk))
            if not wait:
                return view(request, *args, **kwargs)
            message = _("That was too often. Please try again in %(wait)s seconds.")
            answer = error(429, "too_many_requests", message % {"wait": wait})
            answer["Retry-After"] = str(wait)
            return answer

        return wrapped

    return decorate


def read_object(request: HttpRequest, fields: Mapping[str, type]) -> dict[str, Any]:
    """Return the JSON object in the body, which must have exactly ``fields`` of these types.

    Raises BadRequest.
    """
    try:
        body = json.loads(request.body, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RequestDataTooBig as problem:
        raise BadRequest(_("The request is too large."), status=413) from problem
    except (ValueError, RecursionError, UnreadablePostError) as problem:
        raise BadRequest(_("The request is not valid JSON.")) from problem
    if not isinstance(body, dict):
        raise BadRequest(_("The request must be a JSON object."))
    if body.keys() != fields.keys():
        raise BadRequest(_("The request must have these fields: %s.") % ", ".join(fields))
    for name, kind in fields.items():
        if type(body[name]) is not kind:
            raise BadRequest(_("%(name)s has the wrong type.") % {"name": name})
        if not _is_sane(body[name]):
            raise BadRequest(_("%(name)s is not valid.") % {"name": name})
    return body


def _is_sane(value: str | int) -> bool:
    """Return whether a number is one of 64 bits, or a text short and free of half characters."""
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
