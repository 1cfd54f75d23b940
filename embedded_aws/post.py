"""Stores the file of a browser's form upload.

AWS: "POST Object", "Authenticating Requests in Browser-Based Uploads Using POST", "POST Policy".
The checks have the order that S3's answers show: the body is a form, the fields are there, the
signature is right, the policy is well-formed and has not expired, its conditions hold, the size of
the file is allowed. Only then is anything stored.
"""

import base64
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from embedded_aws.authentication import parse_timestamp
from embedded_aws.bodies import Intake
from embedded_aws.digests import names_in
from embedded_aws.errors import (
    S3Error,
    access_denied,
    invalid_argument,
    only_one_mechanism,
    only_signature_version_4,
    signature_mismatch,
    unknown_access_key,
    xml_text,
)
from embedded_aws.form import Form, boundary_of
from embedded_aws.headers import check_metadata
from embedded_aws.messages import Request, Response
from embedded_aws.policy import check_fields, check_size, read_policy
from embedded_aws.signatures import (
    ALGORITHM,
    Account,
    ScopeError,
    check_scope,
    parse_scope,
    sign_policy,
)
from embedded_aws.store import EXPIRATION, Store
from embedded_aws.tagging import read_tagging, tagging_header

SIGNATURE_FIELDS = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Signature",
)
SIGNATURE_LIFETIME = timedelta(days=7)
MAX_KEY = 1024
STORED_AS_SENT = frozenset(
    {"cache-control", "content-type", "content-disposition", "content-encoding", "expires"}
)
HANDED_ON = ("x-amz-storage-class", "x-amz-server-side-encryption", "x-amz-checksum-")
CANNED_ACLS = frozenset(
    {
        "private",
        "public-read",
        "public-read-write",
        "aws-exec-read",
        "authenticated-read",
        "bucket-owner-read",
        "bucket-owner-full-control",
    }
)


def post_object(request: Request, account: Account, store: Store, now: datetime) -> Response:
    """Store the file of the form if its policy allows that; otherwise raise ``S3Error``."""
    boundary = boundary_of(request)
    if request.content_length is None:
        raise S3Error(
            "MissingContentLength", "You must provide the Content-Length HTTP header.", 411
        )
    if request.header("authorization"):
        raise only_one_mechanism()
    form = Form(request.body, boundary)
    check_signature(form.fields, account, now)
    policy = read_policy(form.fields["policy"])
    fields = _with_bucket(form.fields, request.bucket)
    check_fields(policy, fields, now)
    headers = object_headers(fields)
    intake = Intake(min(request.content_length, policy.max_size), names_in(fields))
    check_size(policy, form.save_file(intake, policy.max_size))
    body = intake.body(lambda name: fields.get(name, ""))
    stored = store.post_object(request, fields["key"], body, headers)
    if stored.status != 200:
        return stored
    answer = _success(request, fields, dict(stored.headers).get("ETag", ""))
    answer.headers += [pair for pair in stored.headers if pair[0] == EXPIRATION]
    return answer


def check_signature(fields: Mapping[str, str], account: Account, now: datetime) -> None:
    """Raise ``S3Error`` unless the account signed the form's policy in the last 7 days."""
    _check_presence(fields)
    if fields["x-amz-algorithm"] != ALGORITHM:
        raise invalid_argument(
            f'X-Amz-Algorithm only supports "{ALGORITHM}"',
            "X-Amz-Algorithm",
            fields["x-amz-algorithm"],
        )
    timestamp, credential = fields["x-amz-date"], fields["x-amz-credential"]
    try:
        signed_at = parse_timestamp(timestamp)
    except ValueError:
        raise invalid_argument(
            "X-Amz-Date must be formated via ISO8601 Long format", "X-Amz-Date", timestamp
        ) from None
    try:
        scope = parse_scope(credential)
        check_scope(scope, account, service="s3", timestamp=timestamp)
    except ScopeError as error:
        raise _wrong_credential(error, credential) from None
    if scope.access_key != account.access_key:
        raise unknown_access_key(scope.access_key)
    expected = sign_policy(fields["policy"], account, scope, timestamp=timestamp)
    if not expected.matches(fields["x-amz-signature"]):
        raise signature_mismatch(
            scope.access_key, expected.string_to_sign, fields["x-amz-signature"]
        )
    if now - signed_at >= SIGNATURE_LIFETIME:
        # "the signing key is valid for up to seven days. Therefore, the signatures are also valid
        # for up to seven days." AWS: "Amazon S3 Signature Version 4 Authentication Specific
        # Policy Keys"
        raise access_denied("Invalid according to Policy: Policy expired.")


def _check_presence(fields: Mapping[str, str]) -> None:
    """Refuse a form without the fields of a signature, or with some of them only."""
    if "awsaccesskeyid" in fields or "signature" in fields:
        raise only_signature_version_4()
    present = [name for name in SIGNATURE_FIELDS if name.lower() in fields]
    if not present:
        raise access_denied()
    for name in (*SIGNATURE_FIELDS, "policy", "key"):
        if name.lower() not in fields:
            raise missing_field(name)
    if not fields["key"]:
        raise invalid_argument("User key must have a length greater than 0.", "key")


def missing_field(name: str) -> S3Error:
    """Return the error for a field that is absent, or comes after the file, where S3 ignores it."""
    return invalid_argument(
        f"Bucket POST must contain a field named '{name}'."
        "  If it is specified, please check the order of the fields.",
        name,
    )


def _wrong_credential(error: ScopeError, credential: str) -> S3Error:
    refusal = invalid_argument(error.reason, "X-Amz-Credential", credential)
    if error.region:
        refusal.details["Region"] = error.region
    return refusal


def _with_bucket(fields: Mapping[str, str], bucket: str) -> dict[str, str]:
    """Return the fields and the bucket of the URL, which needs a condition like a field.

    A policy without one would be valid for every bucket of the account. AWS does not say whether
    S3 accepts it; radosgw refuses it, and so does this.
    """
    named = fields.get("bucket", bucket)
    if named != bucket:
        raise access_denied(
            f'Invalid according to Policy: Policy Condition failed: ["eq", "$bucket", "{bucket}"]'
        )
    return {**fields, "bucket": bucket}


def object_headers(fields: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of the PUT that stores the object; tags come from ``tagging`` alone."""
    if len(fields["key"].encode()) > MAX_KEY:
        raise S3Error("KeyTooLongError", "Your key is too long", 400)
    headers = {}
    for name, value in fields.items():
        if name.startswith("x-amz-meta-"):
            headers[name] = _metadata(value)
        elif name in STORED_AS_SENT or name.startswith(HANDED_ON):
            headers[name] = _header_value(name, value)
    if "acl" in fields:
        headers["x-amz-acl"] = _acl(fields["acl"])
    if fields.get("tagging"):
        headers["x-amz-tagging"] = tagging_header(read_tagging(fields["tagging"]))
    check_metadata(headers.items())
    return headers


def _metadata(value: str) -> str:
    """Return metadata as S3 returns it: in the form of RFC 2047 unless it is printable ASCII."""
    if value.isascii() and value.isprintable():
        return value
    return f"=?UTF-8?B?{base64.b64encode(value.encode()).decode()}?="


def _header_value(name: str, value: str) -> str:
    """Return the UTF-8 bytes of ``value`` as WSGI holds them; refuse control characters."""
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
        raise invalid_argument("Invalid character in header value.", name)
    return value.encode().decode("latin-1")


def _acl(value: str) -> str:
    if value not in CANNED_ACLS:
        raise invalid_argument("", "x-amz-acl", value)
    return value


def _success(request: Request, fields: Mapping[str, str], etag: str) -> Response:
    """Return 303 to a redirect that is a URL, else the status asked for: 200, 201 or 204.

    Any other status that is asked for becomes 204.
    """
    bucket, key = fields["bucket"], fields["key"]
    redirect = fields.get("success_action_redirect") or fields.get("redirect", "")
    target = _redirect(redirect, bucket, key, etag)
    if target:
        return Response(303, [("ETag", etag), ("Location", target)])
    location = f"http://{request.header('host')}/{bucket}/{quote(key, safe='')}"
    headers = [("ETag", etag), ("Location", location)]
    status = fields.get("success_action_status")
    if status == "201":
        document = _post_response(location, bucket, key, etag)
        return Response(201, [*headers, ("Content-Type", "application/xml")], document)
    return Response(200 if status == "200" else 204, headers)


def _redirect(url: str, bucket: str, key: str, etag: str) -> str:
    """Return ``url`` with bucket, key and ETag in its query, "" if it is not an absolute URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.netloc or not url.isprintable():
        return ""
    added = urlencode({"bucket": bucket, "key": key, "etag": etag})
    query = f"{parts.query}&{added}" if parts.query else added
    return quote(urlunsplit(parts._replace(query=query)), safe=":/?#[]@!$&'()*+,;=%-._~")


def _post_response(location: str, bucket: str, key: str, etag: str) -> bytes:
    elements = {"Location": location, "Bucket": bucket, "Key": key, "ETag": etag}
    inner = "".join(f"<{name}>{xml_text(text)}</{name}>" for name, text in elements.items())
    declaration = '<?xml version="1.0" encoding="UTF-8"?>'
    return f"{declaration}\n<PostResponse>{inner}</PostResponse>".encode()
