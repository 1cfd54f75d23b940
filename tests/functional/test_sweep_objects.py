"""The sweep of objects: orphans, and what is pending for too long."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import time_machine

from accounts.models import User
from avatars.references import Stores
from avatars.services import close_owner
from aws.errors import OutcomeUnknown
from tests.builders import make_user
from tests.functional.steps import (
    assert_in_order,
    broken,
    bucket_keys,
    item_of,
    live_key,
    meddle,
    promoted_keys,
    put_object,
    record_requests,
    serve_with,
    signed_in,
    upload_picture,
    uploaded,
    write_item,
)
from tests.functional.sweeping import (
    IN_TWO_DAYS,
    NOBODY,
    FailsLater,
    make_member,
    put_orphan,
    serve_pages_of_one,
    sweep,
)
from tests.sweeps import sweep_all

pytestmark = pytest.mark.django_db


def test_orphan_goes_and_the_live_picture_stays(aws: Stores) -> None:
    user = make_member()
    key, revision = live_key(user), item_of(user).revision
    orphans = [put_orphan(user.pk, "a"), put_orphan(user.pk, "z")]

    ran = sweep("--delete", "--grace", "0")

    assert ran.status == 0
    assert ran.lines == [("mended", "orphan", name) for name in orphans]
    assert bucket_keys() == [live_key(user)] == [key]
    assert item_of(user).revision != revision, "fenced first"


@pytest.mark.case(35)
def test_item_is_fenced_before_its_orphans_are_deleted_in_one_request(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the objects deleted first, an item could still come to name one of them."""
    user = make_member()
    put_orphan(user.pk, "a"), put_orphan(user.pk, "b")
    asked = record_requests(monkeypatch)

    sweep("--delete", "--grace", "0")

    writes = [found.operation for found in asked if found.operation in {"UpdateItem", "POST"}]
    assert writes == ["UpdateItem", "POST"]
    assert_in_order(user)


FENCES: dict[str, Callable[[Stores, User], Any]] = {
    "may have been lost": lambda aws, _: broken(aws.references, replace=OutcomeUnknown()),
    "met another write": lambda aws, user: meddle(
        aws.references, before={"replace": lambda: upload_picture(signed_in(user))}
    ),
}


@pytest.mark.case(24, 35, 36)
@pytest.mark.parametrize("fence", FENCES.values(), ids=FENCES)
def test_orphan_stays_when_the_fence(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, fence: Callable[[Stores, User], Any]
) -> None:
    """The finding is reported as changed; the next sweep writes another fence, and deletes."""
    user = make_member()
    key = put_orphan(user.pk)
    serve_with(monkeypatch, replace(aws, references=fence(aws, user)))

    ran = sweep("--delete", "--grace", "0")

    assert (ran.status, ran.lines) == (1, [("changed", "orphan", key)])
    assert promoted_keys(user) == sorted([key, live_key(user)])
    serve_with(monkeypatch, aws)
    assert sweep("--delete", "--grace", "0").status == 0
    assert_in_order(user)


def test_orphan_goes_when_its_owner_has_no_item(aws: Stores) -> None:
    """A confirm died between PUT and update; a late copy of its update must fail."""
    user = make_user()
    key = put_orphan(user.pk)

    assert sweep("--delete", "--grace", "0").lines == [("mended", "orphan", key)]

    assert bucket_keys() == []
    item = item_of(user)
    assert item.revision
    assert (item.avatar, item.closed_at) == (None, None)


@pytest.mark.parametrize("owner_id", [NOBODY, "nobody at all", "%2e%2e", "<b>"])
def test_orphan_goes_for_ever_when_its_owner_has_no_account(aws: Stores, owner_id: str) -> None:
    put_orphan(owner_id)

    sweep("--delete", "--grace", "0")

    assert bucket_keys() == []
    assert aws.references.read(owner_id).closed_at


@pytest.mark.parametrize("key", ["avatars/loose.webp", "avatars//x.webp", "avatars/a/b/c/d.webp"])
def test_orphan_goes_when_its_key_has_another_shape(aws: Stores, key: str) -> None:
    put_object(key)

    assert sweep("--delete", "--grace", "0").status == 0

    assert bucket_keys() == []


def test_orphan_stays_when_younger_than_the_grace_period(aws: Stores) -> None:
    key = put_orphan(make_user().pk)

    assert sweep("--delete").status == 0
    assert sweep("--delete", "--grace", "5").status == 0
    assert bucket_keys() == [key]
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=6)):
        assert sweep("--delete").lines == []
        assert sweep("--delete", "--grace", "5").lines == [("mended", "orphan", key)]

    assert bucket_keys() == []


@pytest.mark.case(37)
def test_prefixes_are_not_confused_when_one_owner_id_begins_like_another(aws: Stores) -> None:
    write_item("a", "avatars/a/x.webp", now=datetime.now(UTC))
    put_object("avatars/a/x.webp")
    write_item("ab", "avatars/ab/x.webp", now=datetime.now(UTC))
    put_object("avatars/ab/x.webp")
    stray = ["avatars/a-b/x.webp", "avatars/a.webp", "avatars/aa/x.webp"]
    for key in [*stray, "avatarsa/x.webp", "avatar/x.webp", "other/avatars/a/x.webp"]:
        put_object(key)

    findings = list(sweep_all(aws, delete=True))

    assert sorted(finding.name for finding in findings) == sorted(stray)
    assert bucket_keys("avatars/") == ["avatars/a/x.webp", "avatars/ab/x.webp"]
    assert len(bucket_keys()) == 5, "nothing outside avatars/ is touched"


@pytest.mark.case(37)
def test_objects_of_one_owner_go_when_the_account_is_closed_and_no_other(aws: Stores) -> None:
    """The listing has a page for each object."""
    for owner in ("a", "ab"):
        put_object(f"avatars/{owner}/x")
        put_object(f"pending/{owner}/x")
    put_object("avatars/a/y")
    put_object("pending/a/y")

    close_owner(owner_id="a", stores=replace(aws, bucket=cast(Any, FailsLater(aws.bucket))))

    assert bucket_keys() == ["avatars/ab/x", "pending/ab/x"]


@pytest.mark.case(8)
def test_pending_goes_when_its_lifecycle_is_over(aws: Stores) -> None:
    """Where no lifecycle rule runs, the sweep deletes expired uploads, and those without tags."""
    permission = uploaded(signed_in(make_user()))
    put_object("pending/without/tags")
    keys = sorted([permission.key, "pending/without/tags"])

    assert sweep("--delete").status == 0
    assert bucket_keys() == keys, "not yet"
    with time_machine.travel(IN_TWO_DAYS):
        assert sweep().lines == [("found", "expired", key) for key in keys]
        assert bucket_keys() == keys, "a dry run"
        assert sweep("--delete").lines == [("mended", "expired", key) for key in keys]

    assert bucket_keys() == []


@pytest.mark.case(39)
def test_every_page_is_swept_when_each_holds_one_object(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [make_member() for _ in range(3)]
    orphans = sorted(put_orphan(user.pk, f"0{n}") for user in users for n in range(3))
    serve_pages_of_one(monkeypatch, aws)

    ran = sweep("--delete", "--grace", "0")

    assert [name for _, _, name in ran.lines] == orphans
    assert bucket_keys() == sorted(live_key(user) for user in users)
