"""Listing and deleting"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws.bucket import S3Bucket
from tests.engines.test_reading import refusal
from tests.functional.embedded.builders import Place

# What sorts before and after "/", differs by case, and goes beyond ASCII and beyond 16 bits, where
# the order of bytes and that of UTF-16 differ.
KEYS = sorted(
    ["A/1", "a", "a!", "a/", "a/1", "a/B", "a/b", "a/b/c", "a/é", "a/\uffee", "a/😀", "a0", "ab/1"],
    key=str.encode,
)
MANY = [f"many/{number:04}" for number in range(1005)]


def fill(place: Place, keys: Iterable[str]) -> Place:
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(place.put, keys))
    return place


@pytest.fixture
def some(place: Place) -> Place:
    return fill(place, KEYS)


def listed(place: Place, **query: Any) -> list[str]:
    answer = place.s3.list_objects_v2(Bucket=place.name, **query)
    return [row["Key"] for row in answer.get("Contents", [])]


def test_listing_is_empty_when_the_bucket_is(place: Place) -> None:
    answer = place.s3.list_objects_v2(Bucket=place.name)

    assert (answer["KeyCount"], answer["IsTruncated"]) == (0, False)


def test_listing_is_in_the_order_of_the_keys_bytes(some: Place) -> None:
    assert listed(some) == KEYS


@pytest.mark.parametrize("prefix", ["a", "a/", "a/b", "A", "a/é", "b"])
def test_listing_holds_what_begins_with_the_prefix(some: Place, prefix: str) -> None:
    assert listed(some, Prefix=prefix) == [key for key in KEYS if key.startswith(prefix)]


@pytest.mark.parametrize("after", ["a", "a/", "a/2", "a/é", "a/😀", "zz", "A"])
def test_listing_begins_behind_a_key_that_may_be_absent(some: Place, after: str) -> None:
    assert listed(some, StartAfter=after) == [key for key in KEYS if key.encode() > after.encode()]


@pytest.mark.parametrize("limit", [1, 3, 5, 13])
def test_gateway_pages_without_loss_when_pages_hold(
    some: Place, gateway: S3Bucket, limit: int
) -> None:
    found: list[str] = []
    after, pages = "", 0

    while after or not pages:
        page = gateway.list_page(prefix="a", after=after, limit=limit)
        assert len(page.objects) <= limit
        found += [row.key for row in page.objects]
        after, pages = page.next_after, pages + 1

    assert found == [key for key in KEYS if key.startswith("a")]
    assert pages == -(-len(found) // limit)


def test_listing_goes_on_by_its_token(some: Place) -> None:
    first = some.s3.list_objects_v2(Bucket=some.name, MaxKeys=4)

    assert (first["KeyCount"], first["IsTruncated"]) == (4, True)
    assert listed(some, ContinuationToken=first["NextContinuationToken"]) == KEYS[4:]


def test_listing_folds_what_lies_behind_a_delimiter(some: Place) -> None:
    answer = some.s3.list_objects_v2(Bucket=some.name, Delimiter="/")

    assert [row["Prefix"] for row in answer["CommonPrefixes"]] == ["A/", "a/", "ab/"]
    assert [row["Key"] for row in answer["Contents"]] == ["a", "a!", "a0"]


def test_listing_tells_the_size(place: Place, gateway: S3Bucket) -> None:
    place.put("x", b"12345")

    assert [row.size for row in gateway.list_page().objects] == [5]


def test_a_thousand_are_listed_and_deleted_at_once_when_there_are_more(
    place: Place, gateway: S3Bucket
) -> None:
    fill(place, MANY)

    page = gateway.list_page(prefix="many/")
    assert ([row.key for row in page.objects], page.next_after) == (MANY[:1000], MANY[999])
    gateway.delete([row.key for row in page.objects])
    assert listed(place) == MANY[1000:]


def delete_too_many(place: Place) -> None:
    keys = [*KEYS, *MANY][:1001]
    place.s3.delete_objects(Bucket=place.name, Delete={"Objects": [{"Key": key} for key in keys]})


def test_nothing_is_deleted_when_more_than_a_thousand_are_named(some: Place) -> None:
    with pytest.raises(ClientError) as caught:
        delete_too_many(some)

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert listed(some) == KEYS


def test_refusal_is_named_when_more_than_a_thousand_deletions_are_asked(place: Place) -> None:
    assert refusal(lambda: delete_too_many(place)) == (400, "MalformedXML")


def test_objects_are_deleted_when_others_of_the_request_are_absent(
    some: Place, gateway: S3Bucket
) -> None:
    gateway.delete([*KEYS[1:], *(f"absent/{number}" for number in range(987)), "<&>\"'"])

    assert listed(some) == KEYS[:1]


def test_deletion_is_named_when_it_is_not_quiet(some: Place) -> None:
    keys = [*KEYS, "absent"]

    answer = some.s3.delete_objects(
        Bucket=some.name, Delete={"Objects": [{"Key": key} for key in keys]}
    )

    assert sorted(row["Key"] for row in answer["Deleted"]) == sorted(keys)
    assert answer.get("Errors", []) == []


def test_absent_object_is_deleted_without_complaint(some: Place) -> None:
    some.s3.delete_object(Bucket=some.name, Key="absent")

    assert listed(some) == KEYS
