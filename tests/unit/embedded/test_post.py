"""Signature and fields of a form are checked, without a server."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from embedded_aws.errors import S3Error
from embedded_aws.post import check_signature, object_headers
from embedded_aws.signatures import Account
from tests.functional.embedded.builders import ACCESS_KEY, KEY, REGION, SECRET_KEY, Signer

ACCOUNT = Account(ACCESS_KEY, SECRET_KEY, REGION)
NOW = datetime(2026, 1, 8, tzinfo=UTC)
MISSING = "400 InvalidArgument: Bucket POST must contain a field named"
UNSUPPORTED = "400 InvalidRequest: The authorization mechanism you have provided is not supported."
FORGED = Signer().sign_policy("{ }")["policy"]


def refusal_of(check: Callable[[], object]) -> tuple[str, dict[str, str]]:
    """Return status, code and message of a refusal, and its details."""
    with pytest.raises(S3Error) as refused:
        check()
    return f"{refused.value.status} {refused.value}", refused.value.details


def fields_by(changes: dict[str, str | None] | None = None, **signer: Any) -> dict[str, str]:
    """Return the fields of a signed form; None leaves one out."""
    signed = Signer(**{"at": NOW, **signer}).sign_policy("{}")
    fields = {"key": KEY, **signed, **(changes or {})}
    return {name: value for name, value in fields.items() if value is not None}


def test_form_is_refused_when_nobody_signed_it() -> None:
    refusal, _ = refusal_of(lambda: check_signature({"key": KEY, "policy": "e30="}, ACCOUNT, NOW))

    assert refusal == "403 AccessDenied: Access Denied"


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("awsaccesskeyid", "x", UNSUPPORTED),
        ("signature", "x", UNSUPPORTED),
        ("policy", None, f"{MISSING} 'policy'."),
        ("x-amz-signature", None, f"{MISSING} 'X-Amz-Signature'."),
        ("x-amz-algorithm", None, f"{MISSING} 'X-Amz-Algorithm'."),
        ("x-amz-credential", None, f"{MISSING} 'X-Amz-Credential'."),
        ("x-amz-date", None, f"{MISSING} 'X-Amz-Date'."),
        ("key", None, f"{MISSING} 'key'.  If it is specified, please check the order of"),
        ("key", "", "400 InvalidArgument: User key must have a length greater than 0."),
        ("x-amz-algorithm", "AWS4-HMAC-SHA1", "400 InvalidArgument: X-Amz-Algorithm only supports"),
        ("x-amz-date", "yesterday", "400 InvalidArgument: X-Amz-Date must be formated via ISO8601"),
        ("x-amz-date", "20130728T000000Z", "400 InvalidArgument: Invalid credential date"),
        ("x-amz-credential", ACCESS_KEY, "400 InvalidArgument: the Credential is mal-formed;"),
        (
            "x-amz-credential",
            f"/{Signer().scope}",
            "400 InvalidArgument: a non-empty Access Key (AKID) must be provided",
        ),
        ("policy", FORGED, "403 SignatureDoesNotMatch"),
        ("x-amz-signature", "", "403 SignatureDoesNotMatch"),
        ("x-amz-signature", "0" * 64, "403 SignatureDoesNotMatch"),
        ("x-amz-signature", "ü" * 64, "403 SignatureDoesNotMatch"),
        ("x-amz-signature", fields_by()["x-amz-signature"][:32], "403 SignatureDoesNotMatch"),
        ("x-amz-signature", fields_by()["x-amz-signature"] + "0", "403 SignatureDoesNotMatch"),
    ],
)
def test_form_is_refused_by_name_when_a_field_of_its_signature_is(
    field: str, value: str | None, expected: str
) -> None:
    refusal, _ = refusal_of(lambda: check_signature(fields_by({field: value}), ACCOUNT, NOW))

    assert refusal.startswith(expected)


@pytest.mark.parametrize(
    ("signer", "expected", "details"),
    [
        ({"secret_key": "guessed"}, "403 SignatureDoesNotMatch", {"StringToSign": "e30="}),
        ({"access_key": "AKID"}, "403 InvalidAccessKeyId", {"AWSAccessKeyId": "AKID"}),
        ({"service": "sqs"}, "400 InvalidArgument: incorrect service", {}),
        (
            {"region": "us-east-1"},
            "400 InvalidArgument: the region 'us-east-1' is wrong; expecting 'eu-west-1'",
            {"Region": "eu-west-1"},
        ),
        (
            {"at": NOW - timedelta(days=7)},
            "403 AccessDenied: Invalid according to Policy: Policy expired.",
            {},
        ),
    ],
    ids=["secret", "access key", "service", "region", "a week old"],
)
def test_form_is_refused_by_name_when_it_was_signed_otherwise(
    signer: dict[str, Any], expected: str, details: dict[str, str]
) -> None:
    refusal, told = refusal_of(lambda: check_signature(fields_by(**signer), ACCOUNT, NOW))

    assert refusal.startswith(expected)
    assert told == told | details


def test_signature_is_good_until_it_is_a_week_old() -> None:
    signed = fields_by(at=NOW - timedelta(days=7, seconds=-1))

    check_signature(signed, ACCOUNT, NOW)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        *(
            (name, "a\r\nX-Injected: 1", "400 InvalidArgument: Invalid character in header value.")
            for name in ("cache-control", "content-disposition", "expires")
        ),
        ("acl", "everybody", "400 InvalidArgument: "),
        ("key", "ü" * 513, "400 KeyTooLongError: Your key is too long"),
        ("tagging", "Status=Pending", "400 MalformedXML: "),
    ],
)
def test_form_is_refused_by_name_when_no_object_can_have(
    field: str, value: str, expected: str
) -> None:
    refusal, _ = refusal_of(lambda: object_headers({"key": KEY, field: value}))

    assert refusal.startswith(expected)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("plain value", "plain value"),
        ("grün", "=?UTF-8?B?Z3LDvG4=?="),
        ("a\r\nX: 1", "=?UTF-8?B?YQ0KWDogMQ==?="),
    ],
)
def test_metadata_is_kept_in_a_form_a_header_can_hold(value: str, kept: str) -> None:
    assert object_headers({"key": KEY, "x-amz-meta-note": value}) == {"x-amz-meta-note": kept}


def test_object_gets_nothing_but_what_s3_keeps_of_a_form() -> None:
    kept = {
        "x-amz-storage-class": "STANDARD",
        "x-amz-server-side-encryption": "AES256",
        "x-amz-checksum-sha256": "x",
    }
    ignored = {"x-amz-tagging": "Status=Pending", "x-amz-copy-source": "a/b", "policy": "e30="}

    headers = object_headers({"key": KEY, "acl": "private", **kept, **ignored})

    assert headers == {"x-amz-acl": "private", **kept}
