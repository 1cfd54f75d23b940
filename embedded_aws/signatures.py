"""Computes Signature Version 4 with botocore's signer, for comparison.

AWS: "Authenticating Requests (AWS Signature Version 4)". botocore makes
the canonical request; this module chooses its parts: the headers that the request says it signed,
and the URL as received.
"""

import hmac
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from embedded_aws.messages import Request

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINAL = "aws4_request"


@dataclass(frozen=True, slots=True)
class Account:
    """The one account of the embedded AWS: its key pair and its region."""

    access_key: str
    secret_key: str = field(repr=False)
    region: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The parts of a credential: ``access key/yyyymmdd/region/service/aws4_request``."""

    access_key: str
    date: str
    region: str
    service: str


class ScopeError(Exception):
    """A credential for another place. ``region`` is the right one if that was wrong."""

    def __init__(self, reason: str, region: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.region = region


def parse_scope(credential: str) -> Scope:
    """Return the parts of a credential; raise ``ScopeError`` if it is malformed."""
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or parts[4] != TERMINAL:
        raise ScopeError(
            "the Credential is mal-formed;"
            ' expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
        )
    if not parts[0]:
        raise ScopeError("a non-empty Access Key (AKID) must be provided in the credential.")
    return Scope(*parts[:4])


def check_scope(scope: Scope, account: Account, *, service: str, timestamp: str) -> None:
    """Raise ``ScopeError`` unless the scope has this region, this service and this day."""
    if scope.region != account.region:
        raise ScopeError(
            f"the region '{scope.region}' is wrong; expecting '{account.region}'", account.region
        )
    if scope.service != service:
        raise ScopeError(
            f'incorrect service "{scope.service}". This endpoint belongs to "{service}".'
        )
    if scope.date != timestamp[:8]:
        raise ScopeError(
            f'Invalid credential date "{scope.date}". This date is not the same as X-Amz-Date:'
            f' "{timestamp[:8]}".'
        )


class _Signer(S3SigV4Auth):
    """Signs as botocore does, but the headers and the payload hash that a request declares."""

    def __init__(
        self, account: Account, scope: Scope, signed_headers: frozenset[str], payload_hash: str
    ) -> None:
        credentials = Credentials(account.access_key, account.secret_key)
        super().__init__(credentials, scope.service, scope.region)
        self._signed_headers = signed_headers
        self._payload_hash = payload_hash

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        chosen = HTTPHeaders()
        for name, value in request.headers.items():
            if name in self._signed_headers:
                chosen[name] = value
        return chosen

    def payload(self, request: AWSRequest) -> str:
        return self._payload_hash


@dataclass(frozen=True, slots=True)
class Expected:
    """The right signature, and the text that it signs."""

    signature: str
    string_to_sign: str

    def matches(self, provided: str) -> bool:
        return hmac.compare_digest(self.signature.encode(), provided.encode())


def sign_request(
    request: Request,
    account: Account,
    scope: Scope,
    *,
    timestamp: str,
    signed_headers: frozenset[str],
    payload_hash: str,
) -> Expected:
    """Return the signature that ``request`` must carry, in its query or Authorization header."""
    signer = _Signer(account, scope, signed_headers, payload_hash)
    aws_request = AWSRequest(method=request.method, url=_canonical_url(request))
    for name, value in request.headers:
        aws_request.headers[name] = value
    aws_request.context["timestamp"] = timestamp
    canonical = signer.canonical_request(aws_request)
    string_to_sign = signer.string_to_sign(aws_request, canonical)
    return Expected(signer.signature(string_to_sign, aws_request), string_to_sign)


def sign_policy(policy: str, account: Account, scope: Scope, *, timestamp: str) -> Expected:
    """Return the signature of a POST policy; its Base64 text, as sent, is the string to sign.

    AWS: "Authenticating Requests in Browser-Based Uploads Using POST".
    """
    aws_request = AWSRequest(method="POST", url="http://localhost/")
    aws_request.context["timestamp"] = timestamp
    signer = _Signer(account, scope, frozenset(), "")
    return Expected(signer.signature(policy, aws_request), policy)


def _canonical_url(request: Request) -> str:
    """Return the URL, encoded as SigV4 prescribes even where the client did not.

    "URI-encode every byte except the unreserved characters"; the signature is not part of it.
    """
    path = quote(unquote(request.path, errors="surrogateescape"), "/~", errors="surrogateescape")
    pairs = [pair.partition("=") for pair in request.query_string.split("&") if pair]
    query = "&".join(
        f"{_encoded(name)}={_encoded(value)}"
        for name, _, value in pairs
        if unquote(name) != "X-Amz-Signature"
    )
    return f"http://localhost{path}?{query}"


def _encoded(text: str) -> str:
    plain = unquote(text, errors="surrogateescape")
    return quote(plain, safe="-_.~", errors="surrogateescape")
