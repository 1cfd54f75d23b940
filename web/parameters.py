"""Reads the query parameters of pages, and answers bad ones with a page."""

from collections.abc import Callable
from functools import wraps

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.views.defaults import bad_request

View = Callable[[HttpRequest], HttpResponse]

MAX_BYTES = 1024  # of a parameter; no S3 key is longer


def parameter(request: HttpRequest, name: str) -> str:
    """Return a query parameter, empty if it is absent.

    Raises Django's BadRequest for a NUL and for more than 1,024 bytes: no key, id or name has any.
    """
    value = request.GET.get(name, "")
    if "\x00" in value or len(value.encode()) > MAX_BYTES:
        raise BadRequest(f"{name} is not valid")
    return value


def bad_parameters_refused(view: View) -> View:
    """Make ``view`` answer a BadRequest with the site's own page, even while ``DEBUG`` is on."""

    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except BadRequest as error:
            return bad_request(request, error)

    return wrapped
