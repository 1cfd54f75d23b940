"""Requests with an API key: whose they are, and that nothing else decides it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from accounts.keys import key_of
from web.address import client_address
from web.api import refusal
from web.errors import (
    InvalidKey,
    KeyNotAllowed,
    ScopeMissing,
    TooManyRequests,
    UserFacingError,
)
from web.keys import bearer_of
from web.rates import Allowance, seconds_to_wait


class ApiKeys:
    """Signs a request in by its key, for views that ``web.keys.for_keys`` has marked.

    A request with a key uses no session, whatever cookies come with it, so it needs no CSRF token
    either: no browser sends a key by itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponseBase:
        """Take the request away from its session before any view is chosen."""
        if bearer_of(request) is not None:
            request.user = AnonymousUser()
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
            request.session = type(request.session)()
            request._dont_enforce_csrf_checks = True
        return self.get_response(request)

    def process_view(
        self, request: Any, view: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> HttpResponse | None:
        """Sign the request in, or note why not: the view then answers with that."""
        secret = bearer_of(request)
        scope = getattr(view, "key_scope", None)
        if isinstance(scope, dict):
            scope = scope.get("GET" if request.method == "HEAD" else request.method, "")
        if secret is None or scope == "":
            return None
        if scope is None:
            return refusal(KeyNotAllowed())
        key = key_of(secret)
        if key is None:
            request.key_refused = _counted(request)
        elif scope not in key.scopes.split():
            request.key_refused = ScopeMissing(scope)
        else:
            request.user, request.api_key = key.owner, key
        return None


def _counted(request: HttpRequest) -> UserFacingError:
    """Return that the key is wrong, or that this address has sent too many wrong ones."""
    rates = settings.RATE_LIMITS_PER_ADDRESS["wrong-key"]
    wait = seconds_to_wait([Allowance(rates, ("wrong-key", "address", client_address(request)))])
    return TooManyRequests(wait) if wait else InvalidKey()
