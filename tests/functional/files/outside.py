"""The site as others see it: plain HTTP, and what AWS's own tools show of the bucket and the table.

Nothing here knows how the product works: of its code only the settings are read, for addresses.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from functools import cache
from http.cookies import SimpleCookie
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode, urlsplit

import boto3
from django.conf import settings

from tests.readme import documented_errors

JSON = "application/json"
FILE_FIELDS = {
    *("id", "name", "version", "size", "content_type", "state", "created_at", "sha256"),
    "preview_url",
}


class Answer(NamedTuple):
    """An answer, read to its end; a redirect is not followed."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        assert self.headers.get_content_type() == JSON, self.body
        return json.loads(self.body)

    def ok(self, status: int = 200) -> Any:
        """Return the content of an answer that must be a success."""
        assert self.status == status, self.body
        return self.json()

    def refused(self, status: int, code: str, **details: Any) -> None:
        """Assert that it is this error in the documented shape, with these ``details``."""
        error = self.json()["error"]
        assert self.json().keys() == {"error"}
        assert error.keys() == {"code", "message", "retry", *details}
        assert {name: error[name] for name in details} == details
        assert (self.status, error["code"]) == (status, code)
        assert (status, error["retry"], code) in documented_errors()
        assert isinstance(error["message"], str)
        assert error["message"]


def ask(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send one request on a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        connection.request(
            method, parts._replace(scheme="", netloc="").geturl(), body, dict(headers or {})
        )
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def put(signed: Mapping[str, Any], body: bytes, **headers: str | None) -> Answer:
    """PUT to the bucket as ``signed`` says, with some headers changed or, by None, left out."""
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    kept = {name: value for name, value in signed["headers"].items() if name.lower() not in changed}
    sent = kept | {name: value for name, value in changed.items() if value is not None}
    return ask("PUT", signed["url"], body, sent)


class Visitor:
    """A client of the site, with its cookies."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.cookies: dict[str, str] = {}

    def sign_in(self, username: str, password: str) -> None:
        """Sign in, which must succeed."""
        self._send("GET", "/login/")
        form = {"csrfmiddlewaretoken": self.cookies["csrftoken"]}
        body = urlencode(form | {"username": username, "password": password}).encode()
        answer = self._send("POST", "/login/", body, "application/x-www-form-urlencoded")
        assert (answer.status, "sessionid" in self.cookies) == (302, True)

    def get(self, path: str, **query: str) -> Answer:
        """Get a path as a program."""
        return self._send("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: object = None, *, content_type: str = JSON) -> Answer:
        """Post to a path as a program: an object as JSON, bytes as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        return self._send("POST", path, content, content_type)

    def call(self, route: str, **fields: Any) -> Answer:
        """Send one of the calls of an upload."""
        return self.post(f"/files/uploads/{route}", fields)

    def begin(self, name: str, size: int, content_type: str = "text/plain") -> dict[str, Any]:
        """Begin an upload, which must succeed."""
        begun: dict[str, Any] = self.call("", name=name, size=size, content_type=content_type).ok(
            201
        )
        return begun

    def send_part(self, begun: dict[str, Any], number: int, body: bytes) -> Answer:
        """Have the part ``number`` of the file ``body`` signed, and send it."""
        found = self.call("parts/", upload_token=begun["upload_token"], numbers=[number]).ok()
        start = (number - 1) * begun["part_size"]
        return put(found["parts"][0], body[start : start + begun["part_size"]])

    def sent(self, name: str, body: bytes) -> dict[str, Any]:
        """Begin an upload and send all of it."""
        begun = self.begin(name, len(body))
        if begun["mode"] == "put":
            assert put(begun, body).status == 200
        for number in range(1, begun.get("parts", 0) + 1):
            assert self.send_part(begun, number, body).status == 200
        return begun

    def upload(self, name: str, body: bytes = b"hello") -> dict[str, Any]:
        """Upload a file; return how the site describes it."""
        begun = self.sent(name, body)
        file: dict[str, Any] = self.confirm(begun).ok()["file"]
        return file

    def confirm(self, begun: dict[str, Any]) -> Answer:
        return self.call("confirm/", upload_token=begun["upload_token"])

    def abort(self, begun: dict[str, Any]) -> Answer:
        return self.call("abort/", upload_token=begun["upload_token"])

    def state(self, begun: dict[str, Any]) -> Any:
        return self.call("state/", upload_token=begun["upload_token"]).ok()

    def files(self, **query: str) -> Any:
        return self.get("/files/", **query).ok()["files"]

    def _send(
        self, method: str, path: str, body: bytes | None = None, content_type: str = ""
    ) -> Answer:
        headers = {"Accept": JSON, "X-CSRFToken": self.cookies.get("csrftoken", "")}
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if content_type:
            headers["Content-Type"] = content_type
        answer = ask(method, self.site + path, body, headers)
        for line in answer.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return answer


# --- What there is ---


class State(NamedTuple):
    """All of the bucket and of the files' table: to be compared, and to be looked into."""

    objects: dict[str, tuple[int, str]]  # key -> size and ETag
    parts: dict[tuple[str, str], list[tuple[int, str]]]  # open upload -> numbers and ETags
    items: list[str]


EMPTY = State({}, {}, [])


def everything() -> State:
    """Return all that is stored."""
    bucket = {"Bucket": settings.AWS_STORAGE_BUCKET_NAME}
    s3 = _client("s3")
    objects = s3.list_objects_v2(**bucket, Prefix="files/").get("Contents", [])
    parts = {}
    for upload in s3.list_multipart_uploads(**bucket).get("Uploads", []):
        key, upload_id = upload["Key"], upload["UploadId"]
        found = s3.list_parts(**bucket, Key=key, UploadId=upload_id).get("Parts", [])
        parts[key, upload_id] = [(part["PartNumber"], part["ETag"]) for part in found]
    items = _client("dynamodb").scan(TableName=settings.FILES_TABLE)["Items"]
    return State(
        {row["Key"]: (row["Size"], row["ETag"]) for row in objects},
        parts,
        sorted(json.dumps(item, sort_keys=True) for item in items),
    )


def body_of(key: str) -> bytes:
    """Return the bytes of an object."""
    answer = _client("s3").get_object(Bucket=settings.AWS_STORAGE_BUCKET_NAME, Key=key)
    body: bytes = answer["Body"].read()
    return body


@cache
def _client(service: Literal["s3", "dynamodb"]) -> Any:
    return boto3.client(
        service,
        endpoint_url=settings.AWS_S3_ENDPOINT_URL,
        region_name=settings.AWS_REGION,
        aws_access_key_id=settings.AWS_ACCESS_KEY_ID,
        aws_secret_access_key=settings.AWS_SECRET_ACCESS_KEY,
    )
