"""Phase 3: confirming, refused, repeated and counted."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from django.test import Client
from django.utils.crypto import constant_time_compare
from pytest_django.fixtures import Settings

from avatars.references import Stores
from avatars.services import CACHE_CONTROL, PURPOSE
from aws.clients import client
from aws.deadlines import later
from tests.builders import Done, at_once, make_user, picture_bytes
from tests.functional.steps import (
    MODEL_BACKEND,
    Asked,
    Permission,
    assert_in_order,
    body_of,
    bucket_keys,
    confirm,
    details_of,
    error_code,
    item_of,
    live_key,
    own_threads,
    permission_for,
    post_file,
    promoted_keys,
    put_object,
    record_requests,
    serve_with,
    signed_in,
    upload_picture,
    uploaded,
    write_item,
)
from uploads.tokens import new_upload, sign_upload

pytestmark = pytest.mark.django_db


def tampered(text: str) -> str:
    """Return ``text`` with its last character changed."""
    return text[:-1] + ("A" if text[-1] != "A" else "B")


def token_of(user: Any, **changes: Any) -> str:
    """Return a signed token of ``user`` for an upload that was issued now."""
    upload = replace(new_upload(str(user.pk), now=datetime.now(UTC)), **changes)
    return sign_upload(upload, purpose=PURPOSE)


@pytest.mark.case(10)
@pytest.mark.parametrize("signed_in_as_owner", [False, True])
def test_confirm_changes_nothing_without_a_session_or_the_csrf_token(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, signed_in_as_owner: bool
) -> None:
    """Key and token alone, which a page of another site may have, are not enough."""
    user = make_user()
    permission = uploaded(signed_in(user))
    browser = Client(enforce_csrf_checks=signed_in_as_owner)
    if signed_in_as_owner:
        browser.force_login(user, backend=MODEL_BACKEND)
    asked = record_requests(monkeypatch)

    answer = confirm(browser, permission)

    assert answer.status_code == (403 if signed_in_as_owner else 401)
    assert asked == []
    assert item_of(user).revision is None
    assert bucket_keys() == [permission.key]


def with_token(change: Callable[[Permission], str]) -> Callable[[Permission], Permission]:
    return lambda permission: replace(permission, upload_token=change(permission))


def with_key(change: Callable[[str], str]) -> Callable[[Permission], Permission]:
    return lambda permission: replace(permission, key=change(permission.key))


FORGED: dict[str, Callable[[Permission], Permission]] = {
    "token empty": with_token(lambda permission: ""),
    "no token": with_token(lambda permission: "x"),
    "signature altered": with_token(lambda permission: tampered(permission.upload_token)),
    "content altered": with_token(lambda permission: "A" + permission.upload_token[1:]),
    "unsigned": with_token(lambda permission: permission.upload_token.rpartition(".")[0]),
    "another user's token": with_token(lambda permission: token_of(make_user())),
    "token of another purpose": with_token(
        lambda permission: sign_upload(
            new_upload(permission.key.split("/")[1], now=datetime.now(UTC)), purpose="file"
        )
    ),
    "key empty": with_key(lambda key: ""),
    "dots": with_key(lambda key: f"pending/../{key}"),
    "dots inside": with_key(lambda key: key.replace("pending/", "pending/x/../")),
    "leading slash": with_key(lambda key: f"/{key}"),
    "trailing slash": with_key(lambda key: f"{key}/"),
    "double slash": with_key(lambda key: key.replace("/", "//", 1)),
    "encoded": with_key(lambda key: quote(key, safe="")),
    "another prefix": with_key(lambda key: key.replace("pending/", "avatars/")),
    "upper case": with_key(lambda key: key.upper()),
    "another upload": with_key(tampered),
    "with spaces": with_key(lambda key: f" {key} "),
}


@pytest.mark.case(11, 12)
@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_confirm_is_refused_before_any_request_when_token_or_key_is_not_genuine(
    aws: Stores, forge: Callable[[Permission], Permission], monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user()
    browser = signed_in(user)
    permission = uploaded(browser)
    forged = forge(permission)
    asked = record_requests(monkeypatch)

    answer = confirm(browser, forged)

    assert (answer.status_code, error_code(answer)) == (403, "invalid_token")
    assert asked == []
    assert item_of(user).revision is None
    assert bucket_keys() == [permission.key]


FORGERIES: dict[str, Callable[[Permission], Permission]] = {
    "django.core.signing": lambda found: replace(found, upload_token=tampered(found.upload_token)),
    "uploads.tokens": lambda found: replace(found, upload_token=token_of(make_user())),
    "avatars.services": lambda found: replace(found, key=tampered(found.key)),
}


@pytest.mark.case(11)
@pytest.mark.parametrize(("module", "forge"), FORGERIES.items(), ids=FORGERIES)
def test_comparison_takes_as_long_however_much_of_a_secret_is_right(
    aws: Stores,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    forge: Callable[[Permission], Permission],
) -> None:
    """Signature, owner and key are compared by ``constant_time_compare``; no time is measured."""
    compared: list[bool] = []

    def compare(given: str, wanted: str) -> bool:
        compared.append(constant_time_compare(given, wanted))
        return compared[-1]

    browser = signed_in(make_user())
    forged = forge(uploaded(browser))
    monkeypatch.setattr(f"{module}.constant_time_compare", compare)

    answer = confirm(browser, forged)

    # Others before it may have been right: the session is signed as well.
    assert (answer.status_code, compared[-1]) == (403, False)


@pytest.mark.case(11)
def test_confirm_is_refused_before_any_request_when_the_token_has_expired(
    aws: Stores, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user()
    browser = signed_in(user)
    permission = uploaded(browser)
    asked = record_requests(monkeypatch)

    with time_machine.travel(
        datetime.now(UTC) + timedelta(seconds=settings.UPLOAD_TOKEN_SECONDS + 1)
    ):
        answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (410, "token_expired")
    assert asked == []
    assert item_of(user).revision is None
    assert bucket_keys() == [permission.key]


def test_confirm_works_when_the_policy_has_expired_since_the_upload(
    aws: Stores, settings: Settings
) -> None:
    user = make_user()
    browser = signed_in(user)
    permission = uploaded(browser)

    with time_machine.travel(
        datetime.now(UTC) + timedelta(seconds=settings.UPLOAD_TOKEN_SECONDS - 60)
    ):
        assert confirm(browser, permission).status_code == 200

    assert_in_order(user)


@pytest.mark.case(12)
def test_confirm_is_refused_when_the_key_is_that_of_another_upload_of_the_same_user(
    aws: Stores,
) -> None:
    user = make_user()
    browser = signed_in(user)
    first, second = uploaded(browser), uploaded(browser)

    answer = confirm(browser, replace(first, key=second.key))

    assert answer.status_code == 403
    assert item_of(user).revision is None


@pytest.mark.case(13)
def test_confirm_may_be_tried_again_when_it_came_before_the_upload(aws: Stores) -> None:
    user = make_user()
    browser = signed_in(user)
    permission = permission_for(browser)

    answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (409, "not_uploaded")
    assert item_of(user).revision is None
    assert post_file(permission).status == 201
    assert confirm(browser, permission).status_code == 200
    assert_in_order(user)


def test_confirm_is_refused_when_the_object_is_larger_than_the_policy_allowed(
    aws: Stores, settings: Settings
) -> None:
    user = make_user()
    browser = signed_in(user)
    permission = uploaded(browser)
    settings.AVATAR_MAX_BYTES = 100

    answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (403, "foreign_object")
    assert item_of(user).revision is None


@pytest.mark.case(14)
def test_replay_changes_nothing_when_the_confirm_succeeded_before(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user()
    browser = signed_in(user)
    permission = uploaded(browser)
    first = confirm(browser, permission)
    item, keys = item_of(user), bucket_keys()
    asked = record_requests(monkeypatch)

    again = confirm(browser, permission)

    assert (again.status_code, again.json()) == (200, first.json())
    assert {request.operation for request in asked} <= {"GetItem", "GET"}
    assert (item_of(user), bucket_keys()) == (item, keys)
    assert live_key(user)


@pytest.mark.case(17)
def test_live_picture_stays_when_the_form_is_posted_again_after_the_confirm(
    aws: Stores,
) -> None:
    user = make_user()
    browser = signed_in(user)
    permission = uploaded(browser, picture_bytes(colour="#00ff00"))
    first = confirm(browser, permission)
    key = live_key(user)
    item, body = item_of(user), body_of(key)

    assert post_file(permission, picture_bytes(colour="#ff0000")).status == 201
    again = confirm(browser, permission)

    assert (again.status_code, again.json()) == (200, first.json())
    assert item_of(user) == item
    assert body_of(key) == body
    assert promoted_keys(user) == [key]


@pytest.mark.case(20)
def test_first_picture_is_the_users_when_confirmed(aws: Stores) -> None:
    user = make_user()
    browser = signed_in(user)
    permission = uploaded(browser)

    answer = confirm(browser, permission)

    assert answer.status_code == 200
    item = item_of(user)
    assert item.avatar
    assert item.avatar.upload_id == permission.key.rpartition("/")[2]
    assert (item.avatar.width, item.avatar.height) == (512, 512)
    assert item.avatar.size == len(body_of(item.avatar.avatar_key))
    assert answer.json()["avatar"]["size"] == item.avatar.size
    assert bucket_keys() == [item.avatar.avatar_key], "the pending object is gone"


def test_promoted_object_has_no_tags_and_a_fixed_type(aws: Stores) -> None:
    user = make_user()
    upload_picture(signed_in(user))

    details = details_of(live_key(user))

    assert (details.content_type, details.tags, details.metadata) == ("image/webp", {}, {})
    head = client().head_object(Bucket="triphase", Key=live_key(user))
    assert head["CacheControl"] == CACHE_CONTROL


def test_old_object_goes_when_a_new_picture_is_confirmed(aws: Stores) -> None:
    user = make_user()
    browser = signed_in(user)
    upload_picture(browser)
    old = live_key(user)

    upload_picture(browser, picture_bytes(colour="#ff0000"))

    assert live_key(user) != old
    assert_in_order(user)
    assert bucket_keys("pending/") == []


def test_pictures_of_others_stay_when_one_is_confirmed(aws: Stores) -> None:
    user, other = make_user(), make_user()
    upload_picture(signed_in(other))
    before = item_of(other)

    upload_picture(signed_in(user))

    assert item_of(other) == before
    assert_in_order(other)


STRANGE = [
    "avatars/somebody-else/x.webp",
    "other/x.webp",
    "https://evil.example/x.webp",
    "avatars/",
    "pending/x/y",
    "../x",
]


@pytest.mark.case(21)
@pytest.mark.parametrize("key", STRANGE)
def test_strange_key_is_never_deleted_when_a_picture_replaces_it(aws: Stores, key: str) -> None:
    user = make_user()
    if not key.startswith(("https:", "../")) and not key.endswith("/"):
        put_object(key)
    before = bucket_keys()
    write_item(str(user.pk), key, now=datetime.now(UTC))

    upload_picture(signed_in(user))

    assert bucket_keys() == sorted([*before, live_key(user)])


@pytest.mark.case(21)
@pytest.mark.parametrize("strange", [True, False], ids=["strange key", "similar upload"])
def test_upload_is_promoted_when_the_item_only_looks_like_that(aws: Stores, strange: bool) -> None:
    """The item names this upload with a strange key, or an upload whose id ends differently."""
    user = make_user()
    browser = signed_in(user)
    upload_picture(browser)
    permission = uploaded(browser)
    upload_id = permission.key.rpartition("/")[2]
    other_id = upload_id[:-1] + ("1" if upload_id[-1] == "0" else "0")
    before = item_of(user)
    assert before.avatar
    avatar = (
        replace(before.avatar, upload_id=upload_id, avatar_key="other/x.webp")
        if strange
        else replace(before.avatar, upload_id=other_id)
    )
    aws.references.replace(before, before.pointing_at(avatar, now=datetime.now(UTC)))

    assert confirm(browser, permission).status_code == 200

    after = item_of(user).avatar
    assert after
    assert after.upload_id == upload_id
    assert after.avatar_key == live_key(user) != before.avatar.avatar_key


def count_requests(
    browser: Client, permission: Permission, monkeypatch: pytest.MonkeyPatch, stores: Stores
) -> tuple[list[Asked], list[Asked]]:
    """Confirm; return all requests, and those that the answer waited for one after another."""
    asked = record_requests(monkeypatch)
    beside: list[Asked] = []

    def later(method: Any, /, *args: Any, **kwargs: Any) -> Done:
        start = len(asked)
        done = at_once(method, *args, **kwargs)
        beside.extend(asked[start:])
        return done

    serve_with(monkeypatch, replace(stores, later=later))
    assert confirm(browser, permission).status_code == 200
    in_a_row = list(asked)
    for request in beside:
        in_a_row.remove(request)
    return asked, in_a_row


@pytest.mark.parametrize("has_picture", [False, True])
def test_confirm_takes_five_requests_and_waits_for_three_in_a_row(
    aws: Stores, has_picture: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = signed_in(make_user())
    if has_picture:
        upload_picture(browser)

    asked, in_a_row = count_requests(browser, uploaded(browser), monkeypatch, aws)

    assert sorted(request.operation for request in asked) == [
        "GET",
        "GetItem",
        "POST",  # old and pending object in one
        "PUT",
        "UpdateItem",
    ]
    assert [request.operation for request in in_a_row] == ["GetItem", "PUT", "UpdateItem"]


def test_picture_is_in_order_when_requests_run_side_by_side(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user()
    browser = signed_in(user)
    with own_threads(monkeypatch):
        serve_with(monkeypatch, replace(aws, later=later))
        upload_picture(browser)
        upload_picture(browser)

    assert_in_order(user)
    assert bucket_keys("pending/") == []
