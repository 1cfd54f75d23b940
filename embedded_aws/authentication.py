"""Checks the signature of a request: in a presigned URL or in the Authorization header.

Anonymous requests are refused.

AWS: "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)" and
"Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)".
"""

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from embedded_aws.errors import (
    SIGNATURE_MISMATCH,
    S3Error,
    ServiceError,
    access_denied,
    invalid_argument,
    invalid_request,
    not_implemented,
    only_one_mechanism,
    only_signature_version_4,
    signature_mismatch,
    unknown_access_key,
)
from embedded_aws.messages import Request
from embedded_aws.signatures import (
    ALGORITHM,
    Account,
    Scope,
    ScopeError,
    check_scope,
    parse_scope,
    sign_request,
)

WEEK = 604800
MAX_SKEW = timedelta(minutes=15)
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Credential=([^, ]+), *SignedHeaders=([^, ]+), *Signature=([0-9a-f]{{64}})"
)
QUERY_PARAMETERS = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-Date",
    "X-Amz-SignedHeaders",
    "X-Amz-Expires",
)


def authenticate_s3(request: Request, account: Account, now: datetime) -> None:
    """Raise ``S3Error`` unless the account signed the request and that is valid now."""
    query = request.query
    authorization = request.header("authorization")
    presigned = any(name in query for name in ("X-Amz-Algorithm", "X-Amz-Signature"))
    if presigned and authorization:
        raise only_one_mechanism()
    if "AWSAccessKeyId" in query or authorization.startswith("AWS "):
        raise only_signature_version_4()
    if presigned:
        _check_query(request, query, account, now)
    elif authorization:
        _check_header(request, authorization, account, now)
    else:
        raise access_denied()


def parse_timestamp(text: str) -> datetime:
    """Return the time in a text such as ``20130728T000000Z``; raise ValueError for any other."""
    if not re.fullmatch(r"\d{8}T\d{6}Z", text, re.ASCII):
        raise ValueError(text)
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _check_query(request: Request, query: dict[str, str], account: Account, now: datetime) -> None:
    if not all(name in query for name in QUERY_PARAMETERS):
        names = ", ".join(QUERY_PARAMETERS[:-1])
        raise _query_error(
            "Query-string authentication version 4 requires the"
            f" {names}, and {QUERY_PARAMETERS[-1]} parameters."
        )
    if query["X-Amz-Algorithm"] != ALGORITHM:
        raise _query_error(f'X-Amz-Algorithm only supports "{ALGORITHM}"')
    timestamp = query["X-Amz-Date"]
    try:
        signed_at = parse_timestamp(timestamp)
    except ValueError:
        raise _query_error(
            "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""
        ) from None
    try:
        scope = parse_scope(query["X-Amz-Credential"])
        check_scope(scope, account, service="s3", timestamp=timestamp)
    except ScopeError as error:
        raise _query_error(
            f"Error parsing the X-Amz-Credential parameter; {error.reason}", error.region
        ) from None
    _check_lifetime(query["X-Amz-Expires"], signed_at, now)
    signed = _signed_headers(request, query["X-Amz-SignedHeaders"])
    _check_signature(
        request,
        account,
        scope,
        timestamp=timestamp,
        signed=signed,
        payload_hash=UNSIGNED_PAYLOAD,
        provided=query["X-Amz-Signature"],
    )


def _check_lifetime(expires: str, signed_at: datetime, now: datetime) -> None:
    """Refuse a presigned URL before it was signed, after it expires, or with a bad lifetime.

    The lifetime is 1 second to 7 days.
    """
    if not re.fullmatch(r"-?\d{1,18}", expires, re.ASCII):
        raise _query_error("X-Amz-Expires should be a number")
    if int(expires) < 1:
        raise _query_error("X-Amz-Expires must be non-negative")
    if int(expires) > WEEK:
        raise _query_error(
            "X-Amz-Expires must be less than a week (in seconds);"
            f" that is, the given X-Amz-Expires must be less than {WEEK} seconds"
        )
    if signed_at > now + MAX_SKEW:
        raise access_denied("Request is not yet valid")
    end = signed_at + timedelta(seconds=int(expires))
    if now >= end:
        raise access_denied(
            "Request has expired",
            **{
                "X-Amz-Expires": expires,
                "Expires": f"{end:%Y-%m-%dT%H:%M:%SZ}",
                "ServerTime": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            },
        )


def _check_header(request: Request, authorization: str, account: Account, now: datetime) -> None:
    match = AUTHORIZATION.fullmatch(authorization)
    if not match:
        raise _header_error("the authorization header requires three components")
    credential, names, provided = match.groups()
    timestamp = request.header("x-amz-date")
    try:
        signed_at = parse_timestamp(timestamp)
    except ValueError:
        raise access_denied(
            "AWS authentication requires a valid Date or x-amz-date header"
        ) from None
    if abs(now - signed_at) > MAX_SKEW:
        raise S3Error(
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            403,
            {"RequestTime": timestamp, "ServerTime": f"{now:%Y-%m-%dT%H:%M:%SZ}"},
        )
    try:
        scope = parse_scope(credential)
        check_scope(scope, account, service="s3", timestamp=timestamp)
    except ScopeError as error:
        raise _header_error(error.reason, error.region) from None
    _check_signature(
        request,
        account,
        scope,
        timestamp=timestamp,
        signed=_signed_headers(request, names),
        payload_hash=_declared_payload_hash(request),
        provided=provided,
    )


def _declared_payload_hash(request: Request) -> str:
    """Return the header ``x-amz-content-sha256``; refuse the kinds that are not checked here.

    Those are the kinds that sign every chunk: no client of this project sends them.
    """
    declared = request.header("x-amz-content-sha256")
    if not declared:
        raise invalid_request("Missing required header for this request: x-amz-content-sha256")
    if declared not in {UNSIGNED_PAYLOAD, UNSIGNED_TRAILER} and not is_sha256(declared):
        if declared.startswith("STREAMING-"):
            raise not_implemented("x-amz-content-sha256")
        raise invalid_argument(
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD,"
            " STREAMING-UNSIGNED-PAYLOAD-TRAILER, or a valid sha256 value.",
            "x-amz-content-sha256",
            declared,
        )
    return declared


def is_sha256(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}", text) is not None


def _signed_headers(request: Request, names: str) -> frozenset[str]:
    """Return the names of the signed headers.

    ``host`` and every ``x-amz-*`` header that is sent must be among them. Otherwise a client with
    a presigned URL for one write could add a tag, an ACL or a copy source.
    """
    signed = frozenset(names.split(";"))
    sent = {name for name, _ in request.headers if name.startswith("x-amz-") or name == "host"}
    unsigned = sorted(sent - signed)
    if unsigned:
        raise access_denied(
            "There were headers present in the request which were not signed",
            HeadersNotSigned=", ".join(unsigned),
        )
    return signed


def _check_signature(
    request: Request,
    account: Account,
    scope: Scope,
    *,
    timestamp: str,
    signed: frozenset[str],
    payload_hash: str,
    provided: str,
) -> None:
    if scope.access_key != account.access_key:
        raise unknown_access_key(scope.access_key)
    expected = sign_request(
        request,
        account,
        scope,
        timestamp=timestamp,
        signed_headers=signed,
        payload_hash=payload_hash,
    )
    if not expected.matches(provided):
        raise signature_mismatch(scope.access_key, expected.string_to_sign, provided)


def _query_error(message: str, region: str = "") -> S3Error:
    details = {"Region": region} if region else {}
    return S3Error("AuthorizationQueryParametersError", message, 400, details)


def _header_error(reason: str, region: str = "") -> S3Error:
    details = {"Region": region} if region else {}
    message = f"The authorization header is malformed; {reason}"
    return S3Error("AuthorizationHeaderMalformed", message, 400, details)


def authenticate_service(
    request: Request, body: bytes, account: Account, now: datetime, service: str
) -> None:
    """Raise ``ServiceError`` unless the account signed the request to DynamoDB, SQS or SNS.

    The signature must be valid now and cover the host, the date and the target, if there is one.
    """
    match = AUTHORIZATION.fullmatch(request.header("authorization"))
    if not match:
        raise ServiceError(
            "MissingAuthenticationTokenException", "Request is missing Authentication Token"
        )
    credential, names, provided = match.groups()
    timestamp = request.header("x-amz-date")
    try:
        signed_at = parse_timestamp(timestamp)
        scope = parse_scope(credential)
        check_scope(scope, account, service=service, timestamp=timestamp)
    except (ValueError, ScopeError) as error:
        raise ServiceError("InvalidSignatureException", str(error)) from None
    if abs(now - signed_at) > MAX_SKEW:
        raise ServiceError(
            "InvalidSignatureException",
            f"Signature expired: {timestamp} is not within 15 minutes of {now:%Y%m%dT%H%M%SZ}",
        )
    if scope.access_key != account.access_key:
        raise ServiceError(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        )
    signed = frozenset(names.split(";"))
    expected = sign_request(
        request,
        account,
        scope,
        timestamp=timestamp,
        signed_headers=signed,
        payload_hash=sha256(body).hexdigest(),
    )
    covered = {"host", "x-amz-date"} | ({"x-amz-target"} & {name for name, _ in request.headers})
    if not (covered <= signed and expected.matches(provided)):
        raise ServiceError("InvalidSignatureException", SIGNATURE_MISMATCH)
