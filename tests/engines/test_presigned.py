"""Presigned URLs"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aws.bucket import S3Bucket
from tests.engines.engines import signer
from tests.functional.embedded.builders import Place

KEY = "avatars/7/a b+c é.webp"
BODY = b"0123456789"
HOUR = 3600


@pytest.fixture
def stored(place: Place) -> Place:
    """Return a bucket with one object."""
    place.put(KEY, BODY, ContentType="image/webp", CacheControl="private, immutable")
    return place


def get_url(place: Place, **changes: Any) -> str:
    """Return a URL signed by hand, with ``changes`` to what is signed."""
    expires = changes.pop("expires", "600")
    return signer(**changes).presign("GET", place.object_url(KEY), expires=expires)


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def test_object_is_given_when_the_gateway_signed_the_url(stored: Place, gateway: S3Bucket) -> None:
    signed = gateway.presigned_get(KEY, window=HOUR, now=datetime.now(UTC))

    answer = stored.request("GET", signed.url)

    assert (answer.status, answer.data) == (200, BODY)
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["Cache-Control"] == "private, immutable"
    assert signed.seconds_left >= HOUR


def test_object_is_not_given_when_the_windows_of_a_url_are_over(
    stored: Place, gateway: S3Bucket
) -> None:
    signed = gateway.presigned_get(KEY, window=HOUR, now=ago(hours=2.1))

    answer = stored.request("GET", signed.url)

    assert answer.status == 403
    assert BODY not in answer.data


def test_object_is_given_when_the_url_is_good_to_the_last(stored: Place) -> None:
    """The URL was signed for a week, the longest time allowed, one minute less ago."""
    at = ago(days=7) + timedelta(minutes=1)

    assert stored.request("GET", get_url(stored, at=at, expires="604800")).data == BODY


def _tampered(place: Place) -> str:
    url = get_url(place)
    return url[:-1] + ("0" if url[-1] != "0" else "1")


BAD: dict[str, Callable[[Place], str]] = {
    "expired": lambda place: get_url(place, at=ago(seconds=601)),
    "good for more than a week": lambda place: get_url(place, expires="604801"),
    "good for no time": lambda place: get_url(place, expires="0"),
    "not yet good": lambda place: get_url(place, at=ago(hours=-1)),
    "signature altered": _tampered,
    "life prolonged": lambda place: get_url(place).replace("Expires=600", "Expires=601"),
    "for another key": lambda place: get_url(place).replace("avatars/7", "avatars/8"),
    "secret wrong": lambda place: get_url(place, secret_key="another"),
    "access key unknown": lambda place: get_url(place, access_key="AKIDNOBODY"),
    "service wrong": lambda place: get_url(place, service="dynamodb"),
    "not signed": lambda place: place.object_url(KEY),
    "parameter added": lambda place: f"{get_url(place)}&response-content-type=text%2Fhtml",
}


@pytest.mark.parametrize("url", BAD.values(), ids=BAD)
def test_object_is_not_given_when_the_url_is(stored: Place, url: Callable[[Place], str]) -> None:
    stored.put("avatars/8/a b+c é.webp", BODY)

    answer = stored.request("GET", url(stored))

    assert answer.status in {400, 403}, answer.data
    assert BODY not in answer.data


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_object_stays_as_it_was_when_a_get_url_is_used_to(stored: Place, method: str) -> None:
    answer = stored.request(method, get_url(stored), body=b"other")

    assert answer.status in {400, 403, 405}
    assert stored.body(KEY) == BODY


def test_answer_says_what_the_url_asked_for_when_that_was_signed(stored: Place) -> None:
    url = stored.s3.generate_presigned_url(
        "get_object",
        {
            "Bucket": stored.name,
            "Key": KEY,
            "ResponseContentDisposition": 'attachment; filename="me.webp"',
            "ResponseContentType": "application/octet-stream",
        },
    )

    answer = stored.request("GET", url)

    assert answer.data == BODY
    assert answer.headers["Content-Disposition"] == 'attachment; filename="me.webp"'
    assert answer.headers["Content-Type"] == "application/octet-stream"


# --- Writing ---

SIGNED = {"content-type": "image/png", "x-amz-meta-owner": "7", "x-amz-tagging": "Status=Pending"}


def put(place: Place, *, changes: dict[str, str | None] | None = None, **signed: Any) -> Any:
    """PUT by a presigned URL, the headers ``changes``d from what was signed."""
    expires = signed.pop("expires", "600")
    url = signer(**signed).presign("PUT", place.object_url("new"), headers=SIGNED, expires=expires)
    sent = {**SIGNED, **(changes or {})}
    headers = {name: value for name, value in sent.items() if value is not None}
    return place.request("PUT", url, headers=headers, body=BODY)


def test_object_is_as_the_url_says_when_it_is_put(place: Place) -> None:
    answer = put(place)

    assert answer.status == 200, answer.data
    assert place.body("new") == BODY
    assert place.head("new")["ContentType"] == "image/png"
    assert place.head("new")["Metadata"] == {"owner": "7"}
    assert place.tags("new") == {"Status": "Pending"}


REFUSED: dict[str, Callable[[Place], Any]] = {
    "expired": lambda place: put(place, at=ago(seconds=601)),
    "secret wrong": lambda place: put(place, secret_key="another"),
    "type altered": lambda place: put(place, changes={"content-type": "text/html"}),
    "metadata altered": lambda place: put(place, changes={"x-amz-meta-owner": "8"}),
    "metadata left out": lambda place: put(place, changes={"x-amz-meta-owner": None}),
    "metadata added": lambda place: put(place, changes={"x-amz-meta-more": "1"}),
    "tags left out": lambda place: put(place, changes={"x-amz-tagging": None}),
    "acl added": lambda place: put(place, changes={"x-amz-acl": "public-read"}),
}


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED)
def test_nothing_is_put_when_the_request_is_not_as_signed(
    place: Place, sent: Callable[[Place], Any]
) -> None:
    answer = sent(place)

    assert answer.status in {400, 403}, answer.data
    assert place.keys() == []
