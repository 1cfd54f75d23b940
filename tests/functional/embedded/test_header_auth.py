"""Requests of the backend carry their signature in a header, for S3 and for DynamoDB."""

import base64
import json
import uuid
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError

from tests.functional.embedded.builders import (
    ACCESS_KEY,
    KEY,
    PNG,
    REGION,
    SECRET_KEY,
    Place,
    Signer,
    error_of,
)

LIST_TABLES = {"x-amz-target": "DynamoDB_20120810.ListTables"}


def put(place: Place, headers: Mapping[str, str], body: bytes = PNG) -> tuple[int, str, str]:
    return error_of(place.request("PUT", place.object_url(KEY), headers=headers, body=body))


@pytest.mark.parametrize(
    ("signed_with", "status", "code"),
    [
        ({"access_key": "AKIDSOMEBODY"}, 403, "InvalidAccessKeyId"),
        ({"secret_key": "guessed"}, 403, "SignatureDoesNotMatch"),
        ({"region": "us-east-1"}, 400, "AuthorizationHeaderMalformed"),
        ({"service": "sqs"}, 400, "AuthorizationHeaderMalformed"),
    ],
    ids=["access key", "secret key", "region", "service"],
)
def test_put_is_refused_when_signed_by_or_for_another(
    place: Place, signed_with: dict[str, Any], status: int, code: str
) -> None:
    signer = Signer(**signed_with)
    headers = signer.headers("PUT", place.object_url(KEY), body=PNG)

    assert put(place, headers)[:2] == (status, code)
    assert place.keys() == []


@pytest.mark.parametrize("minutes", [-16, 16, -60 * 24 * 365])
def test_put_is_refused_when_the_clocks_differ(place: Place, minutes: int) -> None:
    signer = Signer(at=datetime.now(UTC) + timedelta(minutes=minutes))

    refusal = put(place, signer.headers("PUT", place.object_url(KEY), body=PNG))

    assert refusal[:2] == (403, "RequestTimeTooSkewed")
    assert place.keys() == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"authorization": "AWS4-HMAC-SHA256 nonsense"}, "AuthorizationHeaderMalformed"),
        ({"authorization": "Basic eDp5"}, "AuthorizationHeaderMalformed"),
        ({"authorization": "AWS AKIDTRIPHASE:x"}, "InvalidRequest"),
        ({"authorization": ""}, "AccessDenied"),
        ({"x-amz-date": "yesterday"}, "AccessDenied"),
        ({"x-amz-meta-owner": "8"}, "AccessDenied"),
        ({"x-amz-content-sha256": "0" * 64}, "SignatureDoesNotMatch"),
        ({"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}, "SignatureDoesNotMatch"),
        ({"x-amz-content-sha256": "nonsense"}, "InvalidArgument"),
        ({"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, "NotImplemented"),
        ({"x-amz-content-sha256": ""}, "InvalidRequest"),
    ],
    ids=str,
)
def test_put_is_refused_when_a_header_is_not_as_signed(
    place: Place, change: Mapping[str, str], code: str
) -> None:
    headers = Signer().headers("PUT", place.object_url(KEY), body=PNG)

    assert put(place, {**headers, **change})[1] == code
    assert place.keys() == []


def test_put_is_refused_when_its_body_is_not_the_signed_one(place: Place) -> None:
    headers = Signer().headers("PUT", place.object_url(KEY), body=PNG)

    assert put(place, headers, b"other")[:2] == (400, "XAmzContentSHA256Mismatch")
    assert place.keys() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("content-md5", "AAAAAAAAAAAAAAAAAAAAAA=="), ("x-amz-checksum-crc32", "AA==")],
)
def test_put_is_refused_when_its_body_has_another_digest(
    place: Place, name: str, value: str
) -> None:
    headers = Signer().headers("PUT", place.object_url(KEY), body=PNG, headers={name: value})

    assert put(place, headers)[:2] == (400, "BadDigest")
    assert place.keys() == []


def test_form_is_refused_when_posted_with_a_signed_header(place: Place) -> None:
    body = b"--b--"
    signed = Signer().headers("POST", place.url, body=body)
    headers = {**signed, "Content-Type": "multipart/form-data; boundary=b"}

    response = place.request("POST", place.url, headers=headers, body=body)

    assert error_of(response)[:2] == (400, "InvalidArgument")
    assert place.keys() == []


@pytest.mark.parametrize("payload", ["", "UNSIGNED-PAYLOAD"])
def test_put_is_stored_when_signed(place: Place, payload: str) -> None:
    extra = {"x-amz-content-sha256": payload} if payload else {}
    headers = Signer().headers("PUT", place.object_url(KEY), body=PNG, headers=extra)

    assert put(place, headers)[0] == 200
    assert place.body(KEY) == PNG


def test_put_is_stored_when_its_checksum_trails_the_body(place: Place) -> None:
    body = f"{len(PNG):x}\r\n".encode() + PNG + b"\r\n0\r\nx-amz-checksum-crc32:"
    body += base64.b64encode(zlib.crc32(PNG).to_bytes(4, "big")) + b"\r\n\r\n"
    extra = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": str(len(PNG)),
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    headers = Signer().headers("PUT", place.object_url(KEY), headers=extra)

    assert put(place, {**headers, "Content-Encoding": "aws-chunked"}, body)[0] == 200
    assert place.body(KEY) == PNG


@pytest.mark.parametrize(
    "path", ["/", "/moto-api/", "/moto-api/data.json", "/latest/meta-data/", "/favicon.ico", "//x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_nothing_is_reachable_when_not_signed(place: Place, path: str, method: str) -> None:
    pool = place.http.connection_from_url(place.endpoint)

    assert pool.urlopen(method, path, redirect=False).status in {403, 412}


@pytest.mark.parametrize("method", ["PATCH", "TRACE", "CONNECT", "PROPFIND"])
def test_method_is_refused_when_s3_has_none_such(place: Place, method: str) -> None:
    response = place.request(method, place.object_url(KEY))

    assert error_of(response)[:2] == (405, "MethodNotAllowed")


@pytest.mark.parametrize("service", ["iam", "sts", "events", "kms"])
def test_other_services_are_not_reachable_when_signed(endpoint: str, service: str) -> None:
    client = boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    calls = {
        "iam": "list_users",
        "sts": "get_caller_identity",
        "events": "list_rules",
        "kms": "list_keys",
    }

    with pytest.raises(ClientError):
        getattr(client, calls[service])()
    client.close()


def dynamodb_post(place: Place, headers: Mapping[str, str], body: bytes = b"{}") -> tuple[int, str]:
    response = place.request("POST", f"{place.endpoint}/", headers=headers, body=body)
    return response.status, json.loads(response.data).get("__type", "").rpartition("#")[2]


@pytest.mark.parametrize(
    ("signed_with", "code"),
    [
        ({"access_key": "AKID", "service": "dynamodb"}, "UnrecognizedClientException"),
        ({"secret_key": "guessed", "service": "dynamodb"}, "InvalidSignatureException"),
        ({"region": "us-east-1", "service": "dynamodb"}, "InvalidSignatureException"),
        ({"service": "s3"}, "InvalidSignatureException"),
    ],
    ids=["access key", "secret key", "region", "service"],
)
def test_dynamodb_refuses_when_signed_by_or_for_another(
    place: Place, signed_with: dict[str, Any], code: str
) -> None:
    signer = Signer(**signed_with)
    headers = signer.headers("POST", f"{place.endpoint}/", body=b"{}", headers=LIST_TABLES)

    assert dynamodb_post(place, headers) == (400, code)


@pytest.mark.parametrize("minutes", [-16, 16])
def test_dynamodb_refuses_when_the_clocks_differ(place: Place, minutes: int) -> None:
    signer = Signer(at=datetime.now(UTC) + timedelta(minutes=minutes), service="dynamodb")
    headers = signer.headers("POST", f"{place.endpoint}/", body=b"{}", headers=LIST_TABLES)

    assert dynamodb_post(place, headers) == (400, "InvalidSignatureException")


def test_dynamodb_refuses_when_the_body_is_not_the_signed_one(place: Place) -> None:
    table = f"table-{uuid.uuid4().hex}"
    signer = Signer(service="dynamodb")
    target = {"x-amz-target": "DynamoDB_20120810.CreateTable"}
    headers = signer.headers("POST", f"{place.endpoint}/", body=b"{}", headers=target)
    del headers["x-amz-content-sha256"]

    refusal = dynamodb_post(place, headers, json.dumps({"TableName": table}).encode())

    assert refusal == (400, "InvalidSignatureException")
    assert table not in place.dynamodb.list_tables()["TableNames"]


def test_dynamodb_refuses_when_nothing_is_signed(place: Place) -> None:
    assert dynamodb_post(place, LIST_TABLES) == (400, "MissingAuthenticationTokenException")


@pytest.mark.parametrize(
    "target", ["DynamoDBStreams_20120810.ListStreams", "AmazonSQSx.ListQueues", "nonsense"]
)
def test_dynamodb_refuses_when_the_target_is_another(place: Place, target: str) -> None:
    assert dynamodb_post(place, {"x-amz-target": target}) == (400, "UnknownOperationException")


def test_dynamodb_works_when_signed_by_boto3(place: Place) -> None:
    table = f"table-{uuid.uuid4().hex}"
    place.dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "owner", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "owner", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    place.dynamodb.put_item(TableName=table, Item={"owner": {"S": "ünï"}})

    answer = place.dynamodb.get_item(
        TableName=table, Key={"owner": {"S": "ünï"}}, ConsistentRead=True
    )

    assert answer["Item"] == {"owner": {"S": "ünï"}}


def test_dynamodb_words_its_own_errors_when_a_condition_fails(place: Place) -> None:
    with pytest.raises(ClientError) as caught:
        place.dynamodb.get_item(TableName="none-such", Key={"owner": {"S": "7"}})

    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_errors_carry_a_request_id_and_the_server_when_s3_refuses(place: Place) -> None:
    response: urllib3.BaseHTTPResponse = place.request("GET", place.object_url(KEY))

    assert response.headers["Server"] == "AmazonS3"
    assert response.headers["x-amz-request-id"] in response.data.decode()
    assert response.headers["Content-Type"] == "application/xml"
