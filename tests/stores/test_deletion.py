"""Deletion on stores that demand Content-MD5, or do not have DeleteObjects."""

import logging
from base64 import b64encode
from collections.abc import Callable
from hashlib import md5

import pytest
from django.test import override_settings
from pytest_django.fixtures import Settings

from avatars.references import Stores
from aws.bucket import S3Bucket, live_bucket
from aws.deletion import SIDE_BY_SIDE
from aws.errors import StorageUnavailable
from tests.builders import make_user
from tests.functional.steps import (
    assert_in_order,
    bucket_keys,
    confirm,
    put_object,
    signed_in,
    uploaded,
)
from tests.stores.conftest import Moved
from tests.stores.proxy import Answer, Request, Store, refusal

Refusal = Callable[[Request], Answer | None]


def demands_md5(request: Request) -> Answer | None:
    """Refuse a DeleteObjects that is not proven by its MD5, as stores do that know no CRC32."""
    proof = b64encode(md5(request.body, usedforsecurity=False).digest()).decode()
    if request.deletes_many and request.headers.get("content-md5") != proof:
        return refusal(400, "MissingContentMD5")
    return None


def without_delete_objects(status: int, code: str) -> Refusal:
    """Return the refusal of a store that deletes one object at a time only."""
    return lambda request: refusal(status, code) if request.deletes_many else None


LACKING = without_delete_objects(501, "NotImplemented")
each_store = pytest.mark.parametrize("refuse", [demands_md5, LACKING], ids=["demands MD5", "501"])


@pytest.mark.django_db
@each_store
def test_uploads_go_on_when_the_store(moved: Moved, settings: Settings, refuse: Refusal) -> None:
    """Pending objects that stay would lock their owner out."""
    settings.MAX_PENDING_UPLOADS = 2
    moved(Store(refuse))
    upload_pictures(3)


@pytest.mark.thorough
@pytest.mark.django_db
@each_store
def test_sixty_uploads_in_a_row_succeed_when_the_store(
    moved: Moved, settings: Settings, refuse: Refusal
) -> None:
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, "1000/minute")
    moved(Store(refuse))
    upload_pictures(60)


def upload_pictures(count: int) -> None:
    """Upload a picture ``count`` times in a row; nothing but the last one stays."""
    user = make_user()
    browser = signed_in(user)
    for _picture in range(count):
        assert confirm(browser, uploaded(browser)).status_code == 200
    assert_in_order(user)
    assert bucket_keys("pending/") == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "InvalidArgument"),
        (403, "SignatureDoesNotMatch"),
        (405, "MethodNotAllowed"),
        (411, "MissingContentLength"),
    ],
)
def test_objects_are_deleted_when_many_at_once_are_refused_with(
    moved: Moved, status: int, code: str
) -> None:
    bucket = moved(Store(without_delete_objects(status, code))).bucket
    for key in ("a", "b", "kept"):
        put_object(key)

    bucket.delete(["a", "b"])

    assert bucket_keys() == ["kept"]


def test_store_is_asked_once_whether_it_deletes_many(
    moved: Moved, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(LACKING)
    bucket = S3Bucket(moved(store).bucket.name)  # type: ignore[attr-defined]
    assert not bucket.deletes_one_by_one
    for key in "abcde":
        put_object(key)
    store.requests.clear()

    with caplog.at_level(logging.WARNING):
        bucket.delete(["a", "b"])
        bucket.discard(["c", "absent"])
        bucket.delete(["d"])

    assert bucket.deletes_one_by_one
    assert sorted(store.asked()) == [*["DELETE"] * 5, "POST"]
    assert bucket_keys() == ["e"]
    said = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    assert [(event["event"], event["refusal"]) for event in said] == [
        ("deletes_one_by_one", "NotImplemented")
    ]


def test_all_of_many_objects_are_deleted_one_by_one(moved: Moved) -> None:
    bucket = moved(Store(LACKING)).bucket
    keys = [f"many/{number}" for number in range(2 * SIDE_BY_SIDE + 1)]
    for key in [*keys, "kept"]:
        put_object(key)

    bucket.delete(keys)

    assert bucket_keys() == ["kept"]


def test_absent_object_is_no_error_when_the_store_says_that_it_is_absent(moved: Moved) -> None:
    def rewrite(request: Request, answer: Answer) -> Answer:
        return refusal(404, "NoSuchKey") if request.method == "DELETE" else answer

    bucket = moved(Store(LACKING, rewrite)).bucket

    bucket.delete(["absent", "also absent"])


def test_no_request_is_begun_when_the_time_for_the_call_is_over(moved: Moved) -> None:
    store = Store(LACKING)
    bucket = moved(store).bucket
    bucket.delete(["absent"])
    put_object("x")
    store.requests.clear()

    with override_settings(AWS_CALL_SECONDS=-1), pytest.raises(StorageUnavailable):
        bucket._deletion.delete(["x"])  # type: ignore[attr-defined]

    assert store.asked() == []
    assert bucket.exists("x")


@pytest.mark.parametrize("code", ["AccessDenied", "SlowDown"])
def test_nothing_is_learned_when_single_deletions_are_refused_too(
    moved: Moved, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """A lacking right or an overload says nothing of DeleteObjects."""
    status = {"AccessDenied": 403, "SlowDown": 503}[code]
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    store = Store()
    bucket = moved(store).bucket
    put_object("x")

    store.refuse = lambda request: refusal(status, code)
    with pytest.raises(StorageUnavailable):
        bucket.delete(["x"])
    store.refuse = lambda request: None
    store.requests.clear()
    bucket.delete(["x"])

    assert store.asked() == ["POST"]
    assert bucket_keys() == []


def test_keys_that_xml_cannot_hold_are_deleted_beside_the_others(aws: Stores) -> None:
    """They say nothing of the store: the others go in one request, now and later."""
    bucket = S3Bucket(live_bucket().name)
    for key in ("avatars/a/plain", "avatars/a/\x01odd"):
        bucket.put(key, b"x", content_type="image/webp", cache_control="")

    bucket.delete(["avatars/a/plain", "avatars/a/\x01odd"])

    assert bucket.list_page(prefix="avatars/").objects == []
    assert not bucket.deletes_one_by_one
