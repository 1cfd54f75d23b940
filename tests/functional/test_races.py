"""Races, played in one thread: another request runs between two requests of the tested one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.models import User
from avatars.errors import Conflict, UploadRevoked
from avatars.references import Avatar, Reference, Stores
from avatars.services import close_owner, confirm_upload, remove_picture
from aws.errors import ObjectMissing, OutcomeUnknown, RevisionMoved, StorageUnavailable
from tests.builders import make_user, picture_bytes
from tests.functional.steps import (
    Call,
    Permission,
    assert_in_order,
    body_of,
    broken,
    bucket_keys,
    confirm,
    error_code,
    item_of,
    live_key,
    meddle,
    post_file,
    promoted_keys,
    refuse_deletions,
    serve_with,
    signed_in,
    upload_picture,
    uploaded,
)
from tests.sweeps import sweep_all

pytestmark = pytest.mark.django_db

RED, BLUE = picture_bytes(colour="#ff0000"), picture_bytes(colour="#0000ff")


def sweep_now(stores: Stores, *, alive: bool = True) -> None:
    """Sweep without a grace period; with ``alive``, every owner has an account, else none."""
    list(sweep_all(stores, lambda ids: set(ids) if alive else set(), delete=True))


def make_member(*, has_picture: bool = True) -> tuple[User, Client]:
    """Return a user and their browser."""
    user = make_user()
    browser = signed_in(user)
    if has_picture:
        upload_picture(browser)
    return user, browser


def confirm_by(stores: Stores, user: User, permission: Permission) -> Avatar:
    """Confirm on ``stores``, without a session."""
    return confirm_upload(
        owner_id=str(user.pk),
        key=permission.key,
        upload_token=permission.upload_token,
        stores=stores,
    )


# --- Two confirms ---


@pytest.mark.case(15)
@pytest.mark.parametrize("moment", ["read", "put", "replace"])
@pytest.mark.parametrize("has_picture", [False, True], ids=["first picture", "another picture"])
def test_both_confirms_succeed_with_one_object_when_one_upload_is_confirmed_twice_at_once(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, moment: str, has_picture: bool
) -> None:
    """The second confirm runs just before the first one's read, its PUT, or its update."""
    user, browser = make_member(has_picture=has_picture)
    permission = uploaded(browser)
    answers = []
    other: dict[str, Call] = {moment: lambda: answers.append(confirm(browser, permission))}
    if moment == "put":
        serve_with(monkeypatch, replace(aws, bucket=meddle(aws.bucket, before=other)))
    else:
        serve_with(monkeypatch, replace(aws, references=meddle(aws.references, before=other)))

    answers.append(confirm(browser, permission))

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert bucket_keys() == [live_key(user)]


@pytest.mark.case(15)
def test_confirm_succeeds_when_its_duplicate_cleared_up_before_the_get(aws: Stores) -> None:
    """The duplicate runs after this confirm has read the item and before it reads the object."""
    user, browser = make_member(has_picture=False)
    permission = uploaded(browser)
    stores = replace(
        aws,
        bucket=broken(aws.bucket, fetch=ObjectMissing()),
        references=meddle(aws.references, after={"read": lambda: confirm(browser, permission)}),
    )

    avatar = confirm_by(stores, user, permission)

    assert avatar.avatar_key == live_key(user)
    assert bucket_keys() == [avatar.avatar_key]


@pytest.mark.case(16)
@pytest.mark.parametrize("has_picture", [False, True], ids=["first picture", "another picture"])
def test_confirm_is_in_conflict_when_another_upload_was_confirmed_meanwhile(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, has_picture: bool
) -> None:
    user, browser = make_member(has_picture=has_picture)
    red, blue = uploaded(browser, RED), uploaded(browser, BLUE)
    answers = []
    references = meddle(
        aws.references, before={"replace": lambda: answers.append(confirm(browser, blue))}
    )
    serve_with(monkeypatch, replace(aws, references=references))

    late = confirm(browser, red)

    assert answers[0].status_code == 200
    assert (late.status_code, error_code(late)) == (409, "conflict")
    assert promoted_keys(user) == [live_key(user)], "the late one took its own object away"
    assert bucket_keys("pending/") == [red.key], "so that it can be confirmed again"

    assert confirm(browser, red).status_code == 200
    assert bucket_keys() == [live_key(user)]


@pytest.mark.case(16)
def test_answer_stays_the_same_when_the_older_of_two_uploads_is_confirmed_last(
    aws: Stores,
) -> None:
    """The picture confirmed last stays, and nothing is left of the other."""
    user, browser = make_member(has_picture=False)
    red, blue = uploaded(browser, RED), uploaded(browser, BLUE)

    confirm(browser, blue)
    confirm(browser, red)

    assert bucket_keys() == [live_key(user)]
    avatar = item_of(user).avatar
    assert avatar
    assert red.key.endswith(avatar.upload_id)


@pytest.mark.case(18)
def test_served_picture_is_the_verified_one_when_uploaded_again_after_the_read(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, browser = make_member(has_picture=False)
    permission = uploaded(browser, RED)
    html = b"<script>alert(1)</script>"
    bucket = meddle(aws.bucket, before={"put": lambda: post_file(permission, html)})
    serve_with(monkeypatch, replace(aws, bucket=bucket))

    assert confirm(browser, permission).status_code == 200

    other = make_user()
    upload_picture(signed_in(other), RED)
    assert body_of(live_key(user)) == body_of(live_key(other))
    assert bucket_keys(f"avatars/{user.pk}/") == [live_key(user)]


# --- Removed or deleted in between ---


@pytest.mark.case(19)
def test_upload_works_when_it_began_after_the_removal(aws: Stores) -> None:
    user, browser = make_member()
    remove_picture(owner_id=str(user.pk), stores=aws)

    upload_picture(browser)

    assert bucket_keys() == [live_key(user)]


ENDS: dict[str, tuple[Callable[..., None], bool]] = {
    "removed": (remove_picture, True),
    "closed": (close_owner, True),
    "closed without a picture": (close_owner, False),
}


@pytest.mark.case(19)
@pytest.mark.parametrize("moment", ["the confirm", "its PUT", "its update"])
@pytest.mark.parametrize(("end", "has_picture"), ENDS.values(), ids=ENDS)
def test_confirm_is_refused_when_the_picture_was_removed_or_its_owner_closed_before(
    aws: Stores,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
    end: Callable[..., None],
    has_picture: bool,
) -> None:
    """No item comes back to life. What is pending may stay for the lifecycle of an open owner."""
    user, browser = make_member(has_picture=has_picture)
    permission = uploaded(browser)

    def remove_or_close() -> None:
        end(owner_id=str(user.pk), stores=aws)

    if moment == "the confirm":
        remove_or_close()
    elif moment == "its PUT":
        bucket = meddle(aws.bucket, before={"put": remove_or_close})
        serve_with(monkeypatch, replace(aws, bucket=bucket))
    else:
        references = meddle(aws.references, before={"replace": remove_or_close})
        serve_with(monkeypatch, replace(aws, references=references))

    answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (409, "removed")
    item = item_of(user)
    assert (item.avatar, bool(item.closed_at)) == (None, end is close_owner)
    assert promoted_keys(user) == []
    if end is close_owner or moment == "the confirm":
        assert bucket_keys() == []


@pytest.mark.case(19)
def test_session_is_refused_when_its_user_was_deleted(aws: Stores) -> None:
    user, browser = make_member(has_picture=False)
    permission = uploaded(browser)
    owner_id = str(user.pk)
    user.delete()

    answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (401, "signed_out")
    assert bucket_keys(f"avatars/{owner_id}/") == []


def test_removal_takes_the_newest_picture_when_one_is_confirmed_meanwhile(
    aws: Stores,
) -> None:
    user, browser = make_member(has_picture=False)
    upload_picture(browser, RED)
    blue = uploaded(browser, BLUE)
    references = meddle(aws.references, before={"replace": lambda: confirm(browser, blue)})

    remove_picture(owner_id=str(user.pk), stores=replace(aws, references=references))

    assert item_of(user).avatar is None
    assert bucket_keys() == []


def test_removal_gives_up_when_the_item_never_stands_still(aws: Stores) -> None:
    user, _ = make_member()
    key = live_key(user)

    class Restless:
        def __getattr__(self, name: str) -> object:
            return getattr(aws.references, name)

        def replace(self, before: Reference, after: Reference) -> None:
            current = aws.references.read(before.owner_id)
            aws.references.replace(current, current.fenced(now=datetime.now(UTC)))
            aws.references.replace(before, after)

    restless = replace(aws, references=Restless())  # type: ignore[arg-type]  # by __getattr__
    with pytest.raises(Conflict):
        remove_picture(owner_id=str(user.pk), stores=restless)

    assert live_key(user) == key


# --- Faults ---


@pytest.mark.case(25)
@pytest.mark.parametrize("action", ["replaced", "removed"])
def test_user_sees_success_when_the_old_object_cannot_be_deleted(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, action: str
) -> None:
    user, browser = make_member()
    old = live_key(user)
    permission = uploaded(browser)
    with monkeypatch.context() as patched:
        refuse_deletions(patched)
        if action == "replaced":
            assert confirm(browser, permission).status_code == 200
        else:
            remove_picture(owner_id=str(user.pk), stores=aws)

    new = item_of(user).live_key
    assert bool(new) == (action == "replaced")
    assert f"Left for the sweep: {old}" in caplog.text
    assert promoted_keys(user) == sorted([old, new] if new else [old])
    assert bucket_keys("pending/") == [permission.key]
    sweep_now(aws)
    assert item_of(user).live_key == new
    assert_in_order(user)


@pytest.mark.case(24)
def test_nothing_is_deleted_when_nobody_knows_whether_the_update_will_arrive(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object stays for a copy of the request that may still be on its way."""
    user, browser = make_member()
    item = item_of(user)
    permission = uploaded(browser)
    references = broken(aws.references, replace=OutcomeUnknown())
    serve_with(monkeypatch, replace(aws, references=references))

    answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (503, "unavailable")
    assert item_of(user) == item
    assert len(promoted_keys(user)) == 2
    assert bucket_keys("pending/") == [permission.key]
    serve_with(monkeypatch, aws)
    assert confirm(browser, permission).status_code == 200
    sweep_now(aws)
    assert bucket_keys() == [live_key(user)]


@pytest.mark.case(24, 35)
def test_no_ghost_comes_when_a_lost_update_arrives_after_the_sweep(aws: Stores) -> None:
    """The sweep's fence makes the condition of the late update fail."""
    user, browser = make_member(has_picture=False)
    permission = uploaded(browser)
    late: list[tuple[Reference, Reference]] = []

    class Delayed:
        def __getattr__(self, name: str) -> object:
            return getattr(aws.references, name)

        def replace(self, before: Reference, after: Reference) -> None:
            late.append((before, after))
            raise OutcomeUnknown

    delayed = replace(aws, references=Delayed())  # type: ignore[arg-type]  # by __getattr__
    with pytest.raises(StorageUnavailable):
        confirm_by(delayed, user, permission)
    sweep_now(aws)
    with pytest.raises(RevisionMoved):
        aws.references.replace(*late[0])

    assert item_of(user).avatar is None
    assert promoted_keys(user) == []


@pytest.mark.case(24)
def test_confirm_succeeds_when_the_update_arrived_but_its_answer_did_not(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, browser = make_member()
    permission = uploaded(browser)

    def lose_the_answer() -> None:
        raise OutcomeUnknown

    references = meddle(aws.references, after={"replace": lose_the_answer})
    serve_with(monkeypatch, replace(aws, references=references))

    assert confirm(browser, permission).status_code == 200

    assert bucket_keys() == [live_key(user)]


@pytest.mark.case(24)
@pytest.mark.parametrize(
    ("gateway", "request_name"), [("bucket", "fetch"), ("bucket", "put"), ("references", "read")]
)
def test_nothing_changes_when_a_request_fails_before_the_update(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, gateway: str, request_name: str
) -> None:
    user, browser = make_member()
    item, permission = item_of(user), uploaded(browser)
    before = bucket_keys()
    with monkeypatch.context() as patched:
        failing = broken(getattr(aws, gateway), **{request_name: StorageUnavailable()})
        serve_with(patched, replace(aws, **{gateway: failing}))
        answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (503, "unavailable")
    assert (item_of(user), bucket_keys()) == (item, before)


# --- The sweep at the same time ---


@pytest.mark.case(35)
def test_no_ghost_comes_when_a_confirm_sleeps_through_a_sweep(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The confirm promotes an object, the sweep deletes it, then the confirm goes on."""
    user, browser = make_member(has_picture=False)
    permission = uploaded(browser)
    references = meddle(aws.references, before={"replace": lambda: sweep_now(aws)})
    serve_with(monkeypatch, replace(aws, references=references))

    answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (409, "conflict")
    assert item_of(user).avatar is None
    assert promoted_keys(user) == []
    assert confirm(browser, permission).status_code == 200
    assert_in_order(user)


@pytest.mark.case(35)
def test_no_ghost_comes_when_the_confirm_wins_against_the_fence(aws: Stores) -> None:
    """The confirm runs between the sweep's listing and its fence."""
    user, browser = make_member()
    permission = uploaded(browser)
    paused: list[object] = []

    def confirm_and_sweep() -> None:
        """Confirm just before the sweep writes its fence."""
        paused.append(confirm(browser, permission).status_code)

    stale = bucket_keys("avatars/")
    references = meddle(aws.references, before={"replace": confirm_and_sweep})
    put_orphan(aws, user.pk)
    sweep_now(replace(aws, references=references))

    assert paused == [200]
    assert live_key(user) not in stale
    sweep_now(aws)
    assert_in_order(user)


def put_orphan(stores: Stores, owner_id: object) -> str:
    """Put an object that no item names."""
    key = f"avatars/{owner_id}/0orphan.webp"
    stores.bucket.put(key, b"pixels", content_type="image/webp", cache_control="")
    return key


@pytest.mark.case(36)
@pytest.mark.parametrize(
    "request_name", ["read", "replace"], ids=["it is read again", "its fence is written"]
)
def test_object_stays_when_the_item_comes_to_name_it_just_before(
    aws: Stores, request_name: str
) -> None:
    """The sweep has listed the object as an orphan; it deletes nothing of this owner."""
    user, _ = make_member()
    before = item_of(user)
    assert before.avatar
    key = put_orphan(aws, user.pk)
    pointing = before.pointing_at(replace(before.avatar, avatar_key=key), now=datetime.now(UTC))

    def point_at_it() -> None:
        aws.references.replace(before, pointing)

    references = meddle(aws.references, before={request_name: point_at_it})
    sweep_now(replace(aws, references=references))

    assert live_key(user) == key


@pytest.mark.case(19)
def test_late_confirm_of_a_deleted_user_leaves_nothing_after_the_sweep(aws: Stores) -> None:
    """The account was deleted without its item being closed; the sweep closes it."""
    user, browser = make_member()
    permission = uploaded(browser)

    sweep_now(aws, alive=False)

    with pytest.raises(UploadRevoked):
        confirm_by(aws, user, permission)
    assert bucket_keys() == []
    assert item_of(user).closed_at
