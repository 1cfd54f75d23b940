"""Which views a program may ask with an API key, and what the key must be allowed to do."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from django.http import HttpRequest, HttpResponseBase

View = TypeVar("View", bound=Callable[..., HttpResponseBase])
Scope = Literal["read", "write", "share", ""]
SCHEME = "bearer"


def for_keys(scope: Scope) -> Callable[[View], View]:
    """Let requests with an API key that has ``scope`` into a view; without this none gets in.

    An empty scope is that of a view which everybody may ask: a key changes nothing there.
    """

    def decorate(view: View) -> View:
        marked: Any = view
        marked.key_scope = scope
        return view

    return decorate


def bearer_of(request: HttpRequest) -> str | None:
    """Return what ``Authorization: Bearer`` says; None without such a header. Source: RFC 6750."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return given.strip() if scheme.lower() == SCHEME else None
