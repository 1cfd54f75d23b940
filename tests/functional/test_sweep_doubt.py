"""What stops the sweep: requests that fail, and stores that do not belong together."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import time_machine
from django.db import OperationalError

from accounts.selectors import existing_owners
from avatars.references import Stores
from aws.bucket import S3Bucket, live_bucket
from aws.errors import StorageUnavailable
from tests.functional.steps import (
    broken,
    bucket_keys,
    item_of,
    live_key,
    put_object,
    serve_with,
    write_item,
)
from tests.functional.sweeping import (
    IN_TWO_DAYS,
    everything,
    make_member,
    put_orphan,
    serve_pages_of_one,
    sweep,
)
from tests.sweeps import sweep_all

pytestmark = pytest.mark.django_db

# --- Requests that fail ---

HALF_WAY = {
    "listing": ("bucket", "list_page", 3),  # the first one only looks whether it is there
    "reading a page": ("references", "read_many", 2),
    "reading before the fence": ("references", "read", 2),
    "deleting": ("bucket", "delete", 2),
}


@pytest.mark.case(38)
@pytest.mark.parametrize(("place", "name", "nth"), HALF_WAY.values(), ids=HALF_WAY)
def test_nothing_more_is_deleted_when_a_request_fails_half_way(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, place: str, name: str, nth: int
) -> None:
    """A later sweep that resumes where this one stopped deletes the rest."""
    member = make_member()
    first, second = put_orphan("!a"), put_orphan("!b")
    put_object("pending/x/y")
    serve_pages_of_one(monkeypatch, aws, **{place: (name, nth)})

    with time_machine.travel(IN_TWO_DAYS):
        ran = sweep("--delete", "--json")

    assert (ran.status, "Nothing more was deleted." in ran.error) == (2, True)
    assert bucket_keys() == [second, live_key(member), "pending/x/y"]
    assert ran.summary["resume_after"] == first
    assert ran.summary["found"] == {"orphan": 1}
    serve_with(monkeypatch, aws)
    with time_machine.travel(IN_TWO_DAYS):
        assert sweep("--delete", "--after", ran.summary["resume_after"]).status == 0
    assert bucket_keys() == [live_key(member)]


@pytest.mark.case(38)
@pytest.mark.parametrize(("calls", "left"), [(0, 3), (1, 3), (2, 2)])
def test_nothing_more_is_deleted_when_the_database_fails(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, calls: int, left: int
) -> None:
    """Without the database the sweep cannot know which accounts are gone."""
    member = make_member()
    item = item_of(member)
    put_orphan("!a"), put_orphan("!b")
    serve_pages_of_one(monkeypatch, aws)
    asked: list[object] = []

    def existing(owner_ids: Collection[str]) -> set[str]:
        asked.append(owner_ids)
        if len(asked) > calls:
            raise OperationalError("gone away")
        return existing_owners(owner_ids)

    monkeypatch.setattr("avatars.sweeping.existing_owners", existing)

    ran = sweep("--delete", "--grace", "0")

    assert (ran.status, "the database does not answer" in ran.error) == (2, True)
    assert "Nothing more was deleted." in ran.error
    assert len(bucket_keys()) == left
    assert item_of(member) == item


@pytest.mark.case(38)
@pytest.mark.parametrize(
    ("gateway", "request_name"),
    [
        *(("references", name) for name in ("scan", "read_many", "read")),
        *(("bucket", name) for name in ("list_page", "exists", "delete")),
    ],
)
def test_nothing_is_deleted_when_the_first_request_of_its_kind_fails(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, gateway: str, request_name: str
) -> None:
    """A bucket that cannot be listed must not be taken for an empty one."""
    put_orphan(make_member().pk)
    objects, items = everything(aws)
    failing = broken(getattr(aws, gateway), **{request_name: StorageUnavailable()})
    serve_with(monkeypatch, replace(aws, **{gateway: failing}))

    ran = sweep("--delete", "--grace", "0")

    assert (ran.status, ran.lines) == (2, [])
    serve_with(monkeypatch, aws)
    after = everything(aws)
    assert after[0] == objects
    assert after[1] == items or request_name == "delete", "fenced at the most"


@pytest.mark.case(38)
def test_no_item_is_taken_for_a_ghost_when_the_whole_bucket_is_missing(aws: Stores) -> None:
    """A wrong AWS_STORAGE_BUCKET_NAME must not empty every item."""
    user = make_member()
    item = item_of(user)
    missing = replace(aws, bucket=S3Bucket("another-bucket"))

    with pytest.raises(StorageUnavailable):
        list(sweep_all(missing, delete=True))

    assert item_of(user) == item


# --- Stores that do not belong together ---


def make_gone_owners(count: int) -> list[str]:
    """Return owners with an open item and no account."""
    owners = [f"gone-{number:02}" for number in range(count)]
    for owner in owners:
        write_item(owner, now=datetime(2026, 1, 1, tzinfo=UTC))
    return owners


def another_bucket() -> None:
    """Empty the bucket: even one item looks like a ghost too many then."""
    live_bucket().delete([live_key(make_member())])


def another_table() -> None:
    """Put objects without their items: all of them look like orphans."""
    for number in range(11):
        put_orphan(f"owner{number:02}")


def another_database() -> None:
    """Write items without accounts: not even the first of a few is closed."""
    make_gone_owners(4)


def database_of_another_day() -> None:
    """Write items without accounts beside one with an account."""
    make_member()
    make_gone_owners(20)


@pytest.mark.parametrize(
    "place", [another_bucket, another_table, another_database, database_of_another_day]
)
def test_nobody_loses_a_picture_when_it_is(aws: Stores, place: Callable[[], None]) -> None:
    """Nothing is even fenced; a dry run shows what would go, and by force it goes."""
    place()
    before = everything(aws)

    ran = sweep("--delete", "--grace", "0")

    assert (ran.status, "right bucket and database" in ran.error) == (2, True)
    assert everything(aws) == before
    found = sweep("--grace", "0").lines
    assert found
    forced = sweep("--delete", "--grace", "0", "--force")
    assert forced.lines == [("mended", kind, name) for _, kind, name in found]
    assert sweep("--grace", "0").output == "Nothing to sweep.\n"
    assert [row.key for row in everything(aws)[0]] == [
        item.live_key for item in everything(aws)[1].values() if item.live_key
    ]


def test_sweep_goes_on_when_a_few_look_wrong(aws: Stores) -> None:
    """Ten findings do not stop the sweep, even on the smallest site."""
    make_member()
    owners = make_gone_owners(10)

    assert sweep("--delete").status == 0

    assert all(aws.references.read(owner).closed_at for owner in owners)
