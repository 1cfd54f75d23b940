"""Signatures against the examples that AWS publishes."""

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.authentication import parse_timestamp
from embedded_aws.messages import Request
from embedded_aws.signatures import (
    Account,
    Expected,
    ScopeError,
    check_scope,
    parse_scope,
    sign_policy,
    sign_request,
)

ACCOUNT = Account("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")


def request(method: str, target: str, *headers: tuple[str, str]) -> Request:
    path, _, query = target.partition("?")
    return Request(method, path, query, headers, io.BytesIO(), {})


def signed(method: str, target: str, *, host: str = "h") -> Expected:
    return sign_request(
        request(method, target, ("host", host)),
        ACCOUNT,
        parse_scope("AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"),
        timestamp="20130524T000000Z",
        signed_headers=frozenset({"host"}),
        payload_hash="UNSIGNED-PAYLOAD",
    )


def test_policy_is_signed_as_in_the_example() -> None:
    """AWS: "Example: Browser-Based Upload using HTTP POST (Using AWS Signature Version 4)"."""
    policy = (
        "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAg"
        "ICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAi"
        "dXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25f"
        "cmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxf"
        "dXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQog"
        "ICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRl"
        "LWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAi"
        "Il0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMt"
        "ZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEy"
        "NTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9"
    )
    scope = parse_scope("AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request")

    expected = sign_policy(policy, ACCOUNT, scope, timestamp="20151229T000000Z")

    assert expected.matches("8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e")
    assert not expected.matches("8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699f")


def test_presigned_url_is_signed_as_in_the_example() -> None:
    """AWS: "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)"."""
    target = (
        "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )
    expected = signed("GET", target, host="examplebucket.s3.amazonaws.com")

    assert expected.matches("aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")


def test_url_has_one_signature_however_its_client_has_encoded_it() -> None:
    plain, encoded = (signed("GET", target) for target in ("/(a)~?b=(c)", "/%28a%29%7E?b=%28c%29"))

    assert plain == encoded


@given(st.text(), st.sampled_from(["GET", "PUT"]))
def test_signing_never_fails_whatever_the_url(target: str, method: str) -> None:
    expected = signed(method, f"/{target}")

    assert len(expected.signature) == 64


@pytest.mark.parametrize(
    "credential",
    [
        *("", "a", "a/b/c/d", "a/us-east-1/s3/aws4_request", "a/2/us-east-1/s3/aws3_request"),
        "/d/r/s/aws4_request",
    ],
)
def test_credential_is_refused_when_malformed(credential: str) -> None:
    with pytest.raises(ScopeError):
        parse_scope(credential)


@pytest.mark.parametrize(
    ("credential", "reason"),
    [
        ("A/20130524/eu-west-1/s3/aws4_request", "the region 'eu-west-1' is wrong"),
        ("A/20130524/us-east-1/sqs/aws4_request", 'incorrect service "sqs"'),
        ("A/20130525/us-east-1/s3/aws4_request", "Invalid credential date"),
    ],
)
def test_credential_is_refused_when_of_another_place_or_day(credential: str, reason: str) -> None:
    with pytest.raises(ScopeError, match=reason):
        check_scope(parse_scope(credential), ACCOUNT, service="s3", timestamp="20130524T000000Z")


@given(st.text())
def test_timestamp_is_read_or_refused_whatever_the_text(text: str) -> None:
    for candidate in (text, f"20130524T{text}Z"):
        with contextlib.suppress(ValueError):
            assert parse_timestamp(candidate).strftime("%Y%m%dT%H%M%SZ").zfill(16) == candidate
