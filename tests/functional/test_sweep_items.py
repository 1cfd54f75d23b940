"""The sweep of items: ghosts, owners without an account, strange keys."""

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from accounts.selectors import existing_owners
from avatars.references import Stores
from aws.bucket import S3Bucket
from aws.deadlines import in_time, later
from aws.errors import StorageUnavailable
from tests.builders import make_user
from tests.functional.steps import (
    assert_in_order,
    bucket_keys,
    item_of,
    live_key,
    meddle,
    own_threads,
    put_object,
    serve_with,
    signed_in,
    upload_picture,
    uploaded,
    write_item,
)
from tests.functional.sweeping import make_member, put_orphan, sweep
from tests.sweeps import sweep_all

pytestmark = pytest.mark.django_db


def test_item_is_emptied_when_it_is_a_ghost(aws: Stores) -> None:
    user, other = make_member(), make_member()
    aws.bucket.delete([live_key(user)])

    assert sweep("--delete").lines == [("mended", "ghost", str(user.pk))]

    assert live_key(other)

    item = item_of(user)
    assert (item.avatar, item.removed_at) == (None, None)
    upload_picture(signed_in(user))
    assert_in_order(user)


@pytest.mark.case(36)
def test_item_stays_when_it_was_repointed_while_the_sweep_took_it_for_a_ghost(
    aws: Stores,
) -> None:
    """The scan returned an item that named a deleted object; a confirm has replaced it since."""
    user = make_member()
    references = meddle(
        aws.references,
        before={"read": lambda: upload_picture(signed_in(user))},
    )
    aws.bucket.delete([live_key(user)])

    findings = list(sweep_all(replace(aws, references=references), delete=True))

    assert findings == []
    assert live_key(user)


def test_objects_of_a_batch_are_asked_for_side_by_side(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    ghost, *_ = users = [make_member() for _ in range(3)]
    aws.bucket.delete([live_key(ghost)])
    everybody, ask = threading.Barrier(len(users)), S3Bucket.exists

    @in_time("s3")
    def exists(bucket: S3Bucket, key: str) -> bool:
        everybody.wait(timeout=60)
        return bool(ask.__wrapped__(bucket, key))  # type: ignore[attr-defined]

    monkeypatch.setattr(S3Bucket, "exists", exists)
    serve_with(monkeypatch, replace(aws, later=later))

    ran = sweep()

    assert ran.lines == [("found", "ghost", str(ghost.pk))]


def test_rest_of_a_batch_is_not_asked_for_when_a_request_fails(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [make_member() for _ in range(5)]
    asked: list[str] = []
    ended = threading.Event()

    @in_time("s3")
    def exists(_bucket: S3Bucket, key: str) -> bool:
        if asked:
            ended.wait(60)
        asked.append(key)
        raise StorageUnavailable

    monkeypatch.setattr(S3Bucket, "exists", exists)
    serve_with(monkeypatch, replace(aws, later=later))

    with own_threads(monkeypatch, count=1):
        ran = sweep()
        ended.set()

    assert ran.status == 2
    assert len(asked) <= 2 < len(users)  # the second may have begun


def test_item_is_closed_and_its_objects_go_when_the_account_is_gone(aws: Stores) -> None:
    user = make_member()
    uploaded(signed_in(user))
    owner_id = str(user.pk)
    user.delete()

    assert sweep("--delete").lines == [("mended", "gone", owner_id)]

    assert bucket_keys() == []
    item = aws.references.read(owner_id)
    assert item.closed_at
    assert item.avatar is None
    assert sweep("--delete").status == 0
    assert aws.references.read(owner_id) == item, "and it is left alone from then on"


def test_picture_is_swept_when_a_closed_item_names_one(aws: Stores) -> None:
    put_object("avatars/gone/x.webp")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    write_item("gone", "avatars/gone/x.webp", now=now, closed_at=now)

    assert sweep("--delete").status == 0

    assert bucket_keys("avatars/") == []
    assert aws.references.read("gone").avatar is None


def test_owner_ids_of_any_form_have_no_account(aws: Stores) -> None:
    user = make_user()
    forms = [str(user.pk), str(user.pk).upper(), user.pk.hex, f"{{{user.pk}}}", "", "\x00", "x"]

    assert existing_owners(forms) == {str(user.pk)}


@pytest.mark.case(21)
@pytest.mark.parametrize("alive", [True, False])
@pytest.mark.parametrize(
    "key",
    ["https://evil.example/x.webp", "pending/x/y", "avatars/", "avatars/b/x", "avatars/x", "x"],
)
def test_strange_key_and_what_it_names_stay_when_an_orphan_of_its_owner_goes(
    aws: Stores, key: str, alive: bool
) -> None:
    """This holds with and without an account, and in the next sweep as well."""
    user = make_user()
    owner_id = str(user.pk)
    put_object(key)
    orphan = put_orphan(owner_id)
    write_item(owner_id, key, now=datetime.now(UTC))
    before = aws.references.read(owner_id)
    if not alive:
        user.delete()

    first = sweep("--delete", "--grace", "0")
    fenced = aws.references.read(owner_id)
    second = sweep("--delete", "--grace", "0")

    strange = ("found", "strange", owner_id)
    assert (first.status, first.lines) == (1, [strange, ("mended", "orphan", orphan)])
    assert (second.status, second.lines) == (1, [strange])
    assert bucket_keys() == [key]
    assert (fenced.avatar, fenced.closed_at) == (before.avatar, None)
    assert aws.references.read(owner_id) == fenced, "and it is left alone from then on"
