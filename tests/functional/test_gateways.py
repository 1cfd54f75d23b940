"""The gateways to bucket and table: what the services rely on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from avatars.references import Avatar, Reference, Stores
from aws.bucket import S3Bucket, live_bucket
from aws.errors import (
    ObjectMissing,
    ObjectTooLarge,
    OutcomeUnknown,
    RevisionMoved,
    StorageUnavailable,
)
from aws.storage import PresignedStorage
from embedded_aws.server import EmbeddedAWS
from tests.functional.steps import outage, put_object, record_requests, write_item

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
AVATAR = Avatar("avatars/a/x.webp", "upload", "image/webp", 1234, 512, 512, "f" * 64)


# --- The table ---


def test_update_is_refused_when_the_item_moved_since_it_was_read(aws: Stores) -> None:
    before = aws.references.read("a")
    first = before.pointing_at(AVATAR, now=NOW)
    aws.references.replace(before, first)

    with pytest.raises(RevisionMoved):
        aws.references.replace(before, before.removed(now=NOW))
    with pytest.raises(RevisionMoved):
        aws.references.replace(replace(first, revision="another"), first.removed(now=NOW))

    assert aws.references.read("a") == first


def test_update_is_refused_when_the_item_it_saw_is_not_there(aws: Stores) -> None:
    with pytest.raises(RevisionMoved):
        aws.references.replace(Reference("a", revision="1"), Reference("a", revision="2"))

    assert aws.references.read("a").revision is None


@pytest.mark.case(24)
def test_outcome_is_unknown_when_the_table_does_not_answer(
    aws: Stores, embedded_aws: EmbeddedAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = write_item("a", now=NOW)

    with outage(embedded_aws, monkeypatch):
        with pytest.raises(OutcomeUnknown):
            aws.references.replace(before, before.fenced(now=NOW))
        with pytest.raises(StorageUnavailable):
            aws.references.read("a")
        with pytest.raises(StorageUnavailable):
            aws.references.read_many(["a"])
        with pytest.raises(StorageUnavailable):
            list(aws.references.scan())

    assert aws.references.read("a") == before


def test_reference_is_read_as_it_was_written(aws: Stores) -> None:
    before = aws.references.read("a")
    assert before == Reference("a")
    steps: list[Callable[[Reference], Reference]] = [
        lambda reference: reference.pointing_at(AVATAR, now=NOW),
        lambda reference: reference.fenced(now=NOW + timedelta(days=1)),
        lambda reference: reference.removed(now=NOW),
        lambda reference: reference.pointing_at(AVATAR, now=NOW),
        lambda reference: reference.emptied(now=NOW),
        lambda reference: reference.closed(now=NOW),
    ]

    revisions = set()
    for step in steps:
        after = step(before)
        aws.references.replace(before, after)
        assert aws.references.read("a") == after
        revisions.add(after.revision)
        before = after

    assert len(revisions) == len(steps)


def test_references_of_many_owners_take_a_request_for_each_hundred(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = {owner: write_item(owner, now=NOW) for owner in ("a", "b")}
    owners = [*written, *(f"absent{number}" for number in range(119))]
    asked = record_requests(monkeypatch)

    found = aws.references.read_many(owners)

    assert [request.operation for request in asked] == ["BatchGetItem"] * 2
    assert list(found) == owners
    assert found == {owner: written.get(owner, Reference(owner)) for owner in owners}


def test_no_request_is_made_for_the_references_of_nobody(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = record_requests(monkeypatch)

    assert aws.references.read_many([]) == {}
    assert asked == []


def test_scan_goes_on_behind_an_owner(aws: Stores) -> None:
    for number in range(7):
        write_item(f"owner{number}", now=NOW)
    everybody = [reference.owner_id for reference in aws.references.scan()]

    found = [reference.owner_id for reference in aws.references.scan(after=everybody[2], limit=2)]

    assert found == everybody[3:5]


# --- The bucket ---


def test_object_is_not_read_when_larger_than_the_reader_accepts(aws: Stores) -> None:
    put_object("x", b"12345")

    with pytest.raises(ObjectTooLarge):
        aws.bucket.fetch("x", max_bytes=4)
    assert aws.bucket.fetch("x", max_bytes=5).body == b"12345"


def test_object_is_missing_when_it_is_not_there(aws: Stores) -> None:
    with pytest.raises(ObjectMissing):
        aws.bucket.fetch("x", max_bytes=4)
    with pytest.raises(ObjectMissing):
        live_bucket().details("x")
    assert not aws.bucket.exists("x")


def test_bucket_is_unavailable_when_there_is_none_of_that_name(aws: Stores) -> None:
    """Taken for an empty bucket, it would make every item a ghost."""
    bucket = S3Bucket("another-bucket")

    with pytest.raises(StorageUnavailable):
        bucket.check()
    with pytest.raises(StorageUnavailable):
        bucket.list_page()
    with pytest.raises(StorageUnavailable):
        bucket.delete(["x"])
    with pytest.raises(StorageUnavailable):
        bucket.fetch("x", max_bytes=4)


def test_many_objects_are_deleted_a_thousand_a_request_absent_ones_included(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("first", "last", "kept", "<&>\"'"):
        put_object(key)
    asked = record_requests(monkeypatch)

    aws.bucket.delete(["first", "<&>\"'", *(f"absent{n}" for n in range(999)), "last"])

    assert [request.operation for request in asked] == ["POST"] * 2
    assert [found.key for found in aws.bucket.list_page().objects] == ["kept"]


def test_listing_is_in_key_order_and_goes_on_where_it_stopped(aws: Stores) -> None:
    keys = sorted(["a", "a/b", "a b", "a+b", "a%b", "é", "z"])
    for key in keys:
        put_object(key, key.encode())

    found: list[str] = []
    after, pages = "", 0
    while after or not pages:
        page = aws.bucket.list_page(after=after, limit=3)
        found += [row.key for row in page.objects]
        after, pages = page.next_after, pages + 1

    assert (found, pages) == (keys, 3)


# --- URLs of a CDN ---


def test_url_is_that_of_the_cdn_when_there_is_one(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = PresignedStorage(custom_domain="cdn.example", querystring_auth=False)
    asked = record_requests(monkeypatch)

    signed = storage.signed_url("avatars/a/x.webp")

    assert signed.url == storage.url("avatars/a/x.webp") == "https://cdn.example/avatars/a/x.webp"
    assert signed.seconds_left >= 3600
    assert asked == []
