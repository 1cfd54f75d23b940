"""Answers CORS requests by the rules of the bucket.

AWS: "Using cross-origin resource sharing (CORS)", "Elements of a CORS configuration", "Testing
CORS". The first rule that matches decides: origin and method for a request, and every requested
header for a preflight. An origin or header may hold one ``*``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from embedded_aws.errors import CORS_REFUSED, S3Error
from embedded_aws.messages import Request, Response

VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One ``CORSRule`` of a bucket."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age: str = ""

    def allows(self, origin: str, method: str, headers: Iterable[str] = ()) -> bool:
        return (
            method in self.methods
            and any(matches(pattern, origin) for pattern in self.origins)
            and all(self._allows_header(header) for header in headers)
        )

    def _allows_header(self, header: str) -> bool:
        return any(matches(pattern.lower(), header.lower()) for pattern in self.headers)


def matches(pattern: str, text: str) -> bool:
    """Return whether ``text`` matches ``pattern``, in which the first ``*`` is any text."""
    before, star, after = pattern.partition("*")
    if not star:
        return text == pattern
    long_enough = len(text) >= len(before) + len(after)
    return long_enough and text.startswith(before) and text.endswith(after)


def response_headers(rules: Sequence[Rule], request: Request) -> Headers:
    """Return the CORS headers for the answer to ``request``.

    There are none unless a rule allows its origin and method.
    """
    origin = request.header("origin")
    if not origin:
        return []
    rule = _first(rules, origin, request.method)
    return _allowance(rule, origin) if rule else []


def preflight(rules: Sequence[Rule] | None, request: Request) -> Response:
    """Return the answer to OPTIONS; ``rules`` is None for a bucket that does not exist."""
    origin = request.header("origin")
    method = request.header("access-control-request-method")
    if not origin:
        raise _bad_request("Insufficient information. Origin request header needed.")
    if method not in {"GET", "HEAD", "PUT", "POST", "DELETE"}:
        raise _bad_request(f"Invalid Access-Control-Request-Method: {method or 'null'}")
    if rules is None:
        raise _forbidden("CORSResponse: Bucket not found", request)
    if not rules:
        raise _forbidden("CORSResponse: CORS is not enabled for this bucket.", request)
    asked = [name.strip() for name in request.header("access-control-request-headers").split(",")]
    asked = [name for name in asked if name]
    rule = _first(rules, origin, method, asked)
    if not rule:
        raise _forbidden(CORS_REFUSED, request)
    headers = _allowance(rule, origin)
    if asked:
        headers.append(("Access-Control-Allow-Headers", ", ".join(asked).lower()))
    return Response(200, headers)


def _first(
    rules: Sequence[Rule], origin: str, method: str, headers: Sequence[str] = ()
) -> Rule | None:
    return next((rule for rule in rules if rule.allows(origin, method, headers)), None)


def _allowance(rule: Rule, origin: str) -> Headers:
    """Return the headers by which ``rule`` allows ``origin``.

    A rule for every origin answers ``*``; any other repeats the origin and allows credentials.
    """
    everyone = "*" in rule.origins
    headers = [
        ("Access-Control-Allow-Origin", "*" if everyone else origin),
        ("Access-Control-Allow-Methods", ", ".join(rule.methods)),
        ("Vary", VARY),
    ]
    if not everyone:
        headers.append(("Access-Control-Allow-Credentials", "true"))
    if rule.exposed:
        headers.append(("Access-Control-Expose-Headers", ", ".join(rule.exposed)))
    if rule.max_age:
        headers.append(("Access-Control-Max-Age", rule.max_age))
    return headers


def _forbidden(message: str, request: Request) -> S3Error:
    kind = "OBJECT" if request.key else "BUCKET"
    method = request.header("access-control-request-method")
    return S3Error("AccessForbidden", message, 403, {"Method": method, "ResourceType": kind})


def _bad_request(message: str) -> S3Error:
    return S3Error("BadRequest", message, 400)
