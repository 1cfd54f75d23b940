"""The client's side of S3, made by hand so that a test can make any part of it wrong.

The signing here is written from AWS's description and shares no code with the server, which
verifies with botocore's.
"""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlsplit

import urllib3
from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_s3 import S3Client

ACCESS_KEY = "AKIDTRIPHASE"
SECRET_KEY = "only/for+tests"
REGION: Final = "eu-west-1"
ORIGIN = "http://page.test:8000"
KEY = "pending/7/upload"
TAGGING = "<Tagging><TagSet><Tag><Key>Status</Key><Value>Pending</Value></Tag></TagSet></Tagging>"
FIELDS = {
    "key": KEY,
    "Content-Type": "image/png",
    "tagging": TAGGING,
    "x-amz-meta-owner": "7",
}
MAX_SIZE = 100
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"

Condition = dict[str, Any] | list[Any]


@dataclass(frozen=True)
class Place:
    """A bucket of one test, and ways to look into it past the code under test."""

    name: str
    endpoint: str
    s3: S3Client
    dynamodb: DynamoDBClient
    http: urllib3.PoolManager

    @property
    def url(self) -> str:
        return f"{self.endpoint}/{self.name}"

    def object_url(self, key: str) -> str:
        return f"{self.url}/{quote(key, safe='/~')}"

    def put(self, key: str, body: bytes = PNG, **options: Any) -> None:
        self.s3.put_object(Bucket=self.name, Key=key, Body=body, **options)

    def keys(self) -> list[str]:
        listing = self.s3.list_objects_v2(Bucket=self.name)
        return [item["Key"] for item in listing.get("Contents", [])]

    def body(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.name, Key=key)["Body"].read()

    def head(self, key: str) -> Mapping[str, Any]:
        return self.s3.head_object(Bucket=self.name, Key=key)

    def tags(self, key: str) -> dict[str, str]:
        tagging = self.s3.get_object_tagging(Bucket=self.name, Key=key)
        return {tag["Key"]: tag["Value"] for tag in tagging["TagSet"]}

    def allow(self, **rule: Any) -> None:
        """Put one CORS rule on the bucket, by default for a page that posts."""
        rule = {"AllowedOrigins": [ORIGIN], "AllowedMethods": ["POST"], **rule}
        configuration: Any = {"CORSRules": [rule]}
        self.s3.put_bucket_cors(Bucket=self.name, CORSConfiguration=configuration)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> urllib3.BaseHTTPResponse:
        return self.http.request(
            method, url, headers=headers, body=body, redirect=False, retries=False
        )


@dataclass(frozen=True)
class Part:
    """A part of a form; a ``filename`` of None leaves the parameter out."""

    name: str
    value: bytes
    filename: str | None = None


@dataclass(frozen=True)
class Signer:
    """Signs policies and requests with these keys, region and time."""

    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    region: str = REGION
    service: str = "s3"
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def timestamp(self) -> str:
        return f"{self.at:%Y%m%dT%H%M%SZ}"

    @property
    def credential(self) -> str:
        return f"{self.access_key}/{self.scope}"

    @property
    def scope(self) -> str:
        return f"{self.at:%Y%m%d}/{self.region}/{self.service}/aws4_request"

    def sign(self, text: str) -> str:
        """Return the end of the HMAC chain: date, region, service, "aws4_request", text."""
        key = f"AWS4{self.secret_key}".encode()
        for step in (*self.scope.split("/"), text):
            key = hmac.digest(key, step.encode(), "sha256")
        return key.hex()

    def sign_policy(self, policy: str) -> dict[str, str]:
        """Return the five fields of a signed policy, given as its JSON text."""
        encoded = base64.b64encode(policy.encode()).decode()
        return self.sign_encoded(encoded)

    def sign_encoded(self, encoded: str) -> dict[str, str]:
        return {
            "policy": encoded,
            "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "x-amz-credential": self.credential,
            "x-amz-date": self.timestamp,
            "x-amz-signature": self.sign(encoded),
        }

    def presign(
        self,
        method: str,
        url: str,
        *,
        expires: str = "600",
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> str:
        """Return ``url`` with the query that signs it."""
        parts = urlsplit(url)
        signed = {"host": parts.netloc, **(headers or {})}
        names = ";".join(sorted(signed))
        parameters = {
            **(query or {}),
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": self.credential,
            "X-Amz-Date": self.timestamp,
            "X-Amz-Expires": expires,
            "X-Amz-SignedHeaders": names,
        }
        encoded = "&".join(
            f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
            for name, value in sorted(parameters.items())
        )
        lines = [f"{name}:{signed[name]}" for name in sorted(signed)]
        canonical = "\n".join(
            [method, parts.path or "/", encoded, *lines, "", names, "UNSIGNED-PAYLOAD"]
        )
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = "\n".join(["AWS4-HMAC-SHA256", self.timestamp, self.scope, digest])
        return f"{url}?{encoded}&X-Amz-Signature={self.sign(text)}"

    def headers(
        self,
        method: str,
        url: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """Return the headers that sign a request without a query."""
        parts = urlsplit(url)
        payload = hashlib.sha256(body).hexdigest()
        signed = {
            "host": parts.netloc,
            "x-amz-content-sha256": payload,
            "x-amz-date": self.timestamp,
            **(headers or {}),
        }
        names = ";".join(sorted(signed))
        lines = [f"{name}:{signed[name]}" for name in sorted(signed)]
        canonical = "\n".join(
            [method, parts.path or "/", "", *lines, "", names, signed["x-amz-content-sha256"]]
        )
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = "\n".join(["AWS4-HMAC-SHA256", self.timestamp, self.scope, digest])
        authorization = (
            f"AWS4-HMAC-SHA256 Credential={self.credential}, "
            f"SignedHeaders={names}, Signature={self.sign(text)}"
        )
        return {**signed, "authorization": authorization}


def conditions_for(bucket: str, fields: Mapping[str, str], signer: Signer) -> list[Condition]:
    """Return what the application signs: each field's exact value, the bucket, a size range."""
    exact: list[Condition] = [{name: value} for name, value in fields.items()]
    return [
        {"bucket": bucket},
        *exact,
        {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
        {"x-amz-credential": signer.credential},
        {"x-amz-date": signer.timestamp},
        ["content-length-range", 1, MAX_SIZE],
    ]


def policy_text(conditions: Sequence[Condition], expiration: str = "2099-01-01T00:00:00Z") -> str:
    """Return a policy's JSON."""
    return json.dumps({"expiration": expiration, "conditions": list(conditions)})


def time_in(seconds: float) -> str:
    """Return a time relative to now, in the format of policies."""
    return f"{datetime.now(UTC) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def form(
    place: Place,
    *,
    signed: Mapping[str, str] = FIELDS,
    changes: Mapping[str, str | None] | None = None,
    more_conditions: Sequence[Condition] = (),
    conditions: Sequence[Condition] | None = None,
    policy: str | None = None,
    expires_in: float = 600,
    signer: Signer | None = None,
) -> dict[str, str]:
    """Return the fields of a good form for ``place``, with unsigned ``changes``.

    A change to None leaves the field out. ``conditions`` and ``policy`` replace what is signed.
    """
    signer = signer or Signer()
    if conditions is None:
        conditions = [*conditions_for(place.name, signed, signer), *more_conditions]
    text = policy if policy is not None else policy_text(conditions, time_in(expires_in))
    fields: dict[str, str | None] = {**signed, **signer.sign_policy(text), **(changes or {})}
    return {name: value for name, value in fields.items() if value is not None}


def parts_of(
    fields: Mapping[str, str], file: bytes = PNG, filename: str | None = "a.png"
) -> list[Part]:
    """Return the fields in their order, and the file last."""
    parts = [Part(name, value.encode()) for name, value in fields.items()]
    return [*parts, Part("file", file, filename)]


def multipart(parts: Sequence[Part]) -> tuple[bytes, str]:
    """Return the body of a form, and its content type."""
    boundary = uuid.uuid4().hex
    body = bytearray()
    for part in parts:
        filename = "" if part.filename is None else f'; filename="{part.filename}"'
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name}"{filename}'
        body += f"{head}\r\n\r\n".encode() + part.value + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return bytes(body), f"multipart/form-data; boundary={boundary}"


def post(
    place: Place, parts: Sequence[Part], *, headers: Mapping[str, str] | None = None
) -> urllib3.BaseHTTPResponse:
    """Post a form to the bucket, as a browser does."""
    body, content_type = multipart(parts)
    return place.request(
        "POST", place.url, headers={"Content-Type": content_type, **(headers or {})}, body=body
    )


def error_of(response: urllib3.BaseHTTPResponse) -> tuple[int, str, str]:
    """Return status, code and message of an S3 error."""
    text = response.data.decode()
    return response.status, _element(text, "Code"), _element(text, "Message")


def detail_of(response: urllib3.BaseHTTPResponse, name: str) -> str:
    """Return another element of an S3 error."""
    return _element(response.data.decode(), name)


def _element(xml: str, name: str) -> str:
    _, _, rest = xml.partition(f"<{name}>")
    return rest.partition(f"</{name}>")[0]
