"""The user admin: showing, removing and deleting, with the effects in bucket and table."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from avatars.references import Stores
from embedded_aws.server import EmbeddedAWS
from tests.builders import make_user
from tests.functional.steps import (
    Response,
    bucket_keys,
    item_of,
    live_key,
    outage,
    picture_path,
    promoted_keys,
    signed_in,
    upload_picture,
    uploaded,
)
from tests.functional.sweeping import sweep

LIST = "admin:accounts_user_changelist"
CHANGE = "admin:accounts_user_change"
DELETE = "admin:accounts_user_delete"
REMOVE = "admin:remove-picture"
WARNING = "its picture and files could not be yet"

Commits = Callable[..., AbstractContextManager[list[Any]]]


def make_admin() -> Client:
    """Return a client of a superuser."""
    return signed_in(make_user(is_staff=True, is_superuser=True))


def make_member(**fields: Any) -> User:
    """Return a user with a picture and a pending upload."""
    user = make_user(**fields)
    browser = signed_in(user)
    upload_picture(browser)
    uploaded(browser)
    return user


def delete_selected(browser: Client, *users: User) -> Response:
    """Run the admin's action on ``users`` and confirm it."""
    body = {
        "action": "delete_selected",
        "_selected_action": [str(user.pk) for user in users],
        "post": "yes",
    }
    return browser.post(reverse(LIST), body, follow=True)


def delete_one(browser: Client, user: User) -> Response:
    """Delete ``user`` from their page in the admin."""
    return browser.post(reverse(DELETE, args=[user.pk]), {"post": "yes"}, follow=True)


# --- Refused ---


@pytest.mark.django_db
@pytest.mark.parametrize("is_staff", [False, True])
def test_picture_stays_when_somebody_without_permission_removes_it(
    aws: Stores, is_staff: bool
) -> None:
    user = make_member()

    answer = signed_in(make_user(is_staff=is_staff)).post(reverse(REMOVE, args=[user.pk]))

    assert answer.status_code == (403 if is_staff else 302)
    assert live_key(user)


@pytest.mark.django_db
def test_picture_stays_when_the_removal_is_a_link(aws: Stores) -> None:
    user = make_member()

    answer = make_admin().get(reverse(REMOVE, args=[user.pk]))

    assert answer.status_code == 200
    assert "This cannot be undone" in answer.content.decode()
    assert live_key(user)


@pytest.mark.django_db
def test_picture_stays_when_the_csrf_token_is_missing(aws: Stores) -> None:
    user, admin = make_member(), make_user(is_staff=True, is_superuser=True)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")

    assert browser.post(reverse(REMOVE, args=[user.pk])).status_code == 403
    assert live_key(user)


@pytest.mark.django_db
def test_removal_is_not_found_when_there_is_no_such_user(aws: Stores) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"

    assert make_admin().post(reverse(REMOVE, args=[nobody])).status_code == 404
    assert aws.references.read(nobody).revision is None


# --- Seen ---


@pytest.mark.django_db
def test_list_shows_the_picture_of_each_user(aws: Stores) -> None:
    user = make_member(username="pat")

    page = make_admin().get(reverse(LIST)).content.decode()

    assert f'<img src="{picture_path(user)}"' in page


@pytest.mark.django_db
def test_change_page_shows_picture_and_facts(aws: Stores) -> None:
    user = make_member()
    item = item_of(user)
    assert item.avatar

    page = make_admin().get(reverse(CHANGE, args=[user.pk])).content.decode()

    for text in (
        item.avatar.avatar_key,
        item.avatar.upload_id,
        item.avatar.digest,
        str(item.revision),
        "The current picture",
        "X-Amz-Signature",
        f"{reverse('inspection-bucket')}?prefix=avatars%2F{user.pk}%2F",
        f"{reverse('inspection-table')}?owner={user.pk}",
        reverse(REMOVE, args=[user.pk]),
    ):
        assert text in page


@pytest.mark.django_db
def test_change_page_says_so_when_there_is_no_picture(aws: Stores) -> None:
    user = make_user()

    page = make_admin().get(reverse(CHANGE, args=[user.pk])).content.decode()

    assert "None: the initials are shown." in page
    assert reverse(REMOVE, args=[user.pk]) not in page


@pytest.mark.case(27)
@pytest.mark.django_db
@pytest.mark.parametrize("route", [LIST, CHANGE])
def test_page_is_shown_when_aws_is_down(
    aws: Stores, embedded_aws: EmbeddedAWS, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    user = make_member(username="pat")
    admin = make_admin()

    with outage(embedded_aws, monkeypatch):
        answer = admin.get(reverse(route, args=[user.pk] if route == CHANGE else []))

    assert answer.status_code == 200
    assert "pat" in answer.content.decode()
    if route == CHANGE:
        assert "does not answer right now" in answer.content.decode()


@pytest.mark.django_db
def test_user_can_be_added_and_changed(aws: Stores) -> None:
    """The picture on the page does not disturb the form."""
    admin = make_admin()
    fields = {
        "username": "newcomer",
        "usable_password": "false",
        "password1": "",
        "password2": "",
    }

    admin.post(reverse("admin:accounts_user_add"), fields)
    user = User.objects.get(username="newcomer")
    page = admin.get(reverse(CHANGE, args=[user.pk]))
    form = {
        name: value
        for name, value in page.context["adminform"].form.initial.items()
        if isinstance(value, str)
    }
    moments = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    admin.post(reverse(CHANGE, args=[user.pk]), form | moments | {"first_name": "Nora"})

    user.refresh_from_db()
    assert user.first_name == "Nora"


# --- Removed ---


@pytest.mark.django_db
def test_picture_is_removed_from_the_change_page(aws: Stores) -> None:
    user, other = make_member(), make_member()

    answer = make_admin().post(reverse(REMOVE, args=[user.pk]), follow=True)

    assert answer.redirect_chain[-1][0] == reverse(CHANGE, args=[user.pk])
    assert "The picture was removed." in answer.content.decode()
    item = item_of(user)
    assert (item.avatar, bool(item.removed_at), item.closed_at) == (None, True, None)
    assert promoted_keys(user) == []
    assert live_key(other)


@pytest.mark.django_db
def test_removal_is_in_the_history_of_the_user(aws: Stores) -> None:
    user, admin = make_member(), make_admin()

    admin.post(reverse(REMOVE, args=[user.pk]))

    history = admin.get(reverse("admin:accounts_user_history", args=[user.pk]))
    assert "Removed the picture." in history.content.decode()


@pytest.mark.django_db
def test_picture_stays_and_the_admin_is_told_when_aws_is_down(
    aws: Stores, embedded_aws: EmbeddedAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, admin = make_member(), make_admin()

    with outage(embedded_aws, monkeypatch):
        answer = admin.post(reverse(REMOVE, args=[user.pk]), follow=True)

    assert "does not answer right now" in answer.content.decode()
    assert live_key(user)


# --- Deleted ---


@pytest.mark.case(19)
@pytest.mark.django_db
@pytest.mark.parametrize("delete", [delete_one, delete_selected])
def test_item_is_closed_and_objects_go_when_a_user_is_deleted(
    aws: Stores,
    django_capture_on_commit_callbacks: Commits,
    delete: Callable[[Client, User], Response],
) -> None:
    user, other = make_member(), make_member()
    owner_id, admin = str(user.pk), make_admin()

    with django_capture_on_commit_callbacks(execute=True):
        delete(admin, user)

    assert not User.objects.filter(pk=owner_id).exists()
    item = aws.references.read(owner_id)
    assert (item.avatar, bool(item.closed_at)) == (None, True)
    assert [key for key in bucket_keys() if owner_id in key] == []
    assert live_key(other)
    assert len(bucket_keys("pending/")) == 1


@pytest.mark.django_db
def test_all_are_closed_when_several_are_deleted_at_once(
    aws: Stores, django_capture_on_commit_callbacks: Commits
) -> None:
    users, admin = [make_member() for _ in range(3)], make_admin()
    without = make_user()

    with django_capture_on_commit_callbacks(execute=True):
        delete_selected(admin, *users, without)

    assert bucket_keys() == []
    assert [bool(item_of(user).closed_at) for user in [*users, without]] == [True] * 4


@pytest.mark.django_db
def test_picture_stays_when_the_deletion_is_rolled_back(
    aws: Stores, django_capture_on_commit_callbacks: Commits
) -> None:
    """The bucket is changed only after the database has committed."""
    user, admin = make_member(), make_admin()

    with django_capture_on_commit_callbacks(execute=False) as callbacks:
        delete_one(admin, user)

    assert len(callbacks) == 1
    assert live_key(user)
    assert item_of(user).closed_at is None


@pytest.mark.case(19, 27)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("delete", [delete_one, delete_selected])
def test_account_is_deleted_with_a_warning_and_the_sweep_heals_when_aws_is_down(
    aws: Stores,
    embedded_aws: EmbeddedAWS,
    monkeypatch: pytest.MonkeyPatch,
    delete: Callable[[Client, User], Response],
) -> None:
    user = make_member()
    owner_id, admin = str(user.pk), make_admin()

    with outage(embedded_aws, monkeypatch):
        answer = delete(admin, user)

    assert WARNING in answer.content.decode()
    assert not User.objects.filter(pk=owner_id).exists()
    assert aws.references.read(owner_id).live_key, "left for the sweep"
    assert sweep("--delete").lines == [("mended", "gone", owner_id)]
    assert bucket_keys() == []
    assert aws.references.read(owner_id).closed_at
