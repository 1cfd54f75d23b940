"""The admin's page of a user: saving a name is one thing, removing the picture another."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from avatars.references import Stores
from avatars.services import adopt_picture
from tests.browser.conftest import SignIn
from tests.browser.panel import live_avatar, promoted_keys
from tests.builders import make_user, picture_bytes


@pytest.fixture
def person(aws: Stores, page: Page, sign_in: SignIn) -> User:
    """Return a user with a picture, whose page in the admin is open."""
    sign_in(make_user("root", is_staff=True, is_superuser=True))
    person = make_user("pat", first_name="Pat")
    adopt_picture(owner_id=str(person.pk), body=picture_bytes(), stores=aws)
    page.goto(f"/admin/accounts/user/{person.pk}/change/")
    return person


def test_enter_in_a_field_saves_and_leaves_the_picture(page: Page, person: User) -> None:
    before = live_avatar(person)
    assert before

    page.get_by_label("First name").fill("Patricia")
    page.keyboard.press("Enter")

    expect(page.get_by_text("was changed successfully")).to_be_visible()
    person.refresh_from_db()
    assert person.first_name == "Patricia"
    assert live_avatar(person) == before


def test_picture_is_removed_after_a_question(page: Page, person: User) -> None:
    page.get_by_role("link", name="Remove picture").click()
    expect(page.get_by_role("heading", name="Remove the picture of Pat?")).to_be_visible()
    assert live_avatar(person)

    page.get_by_role("button", name="Remove the picture").click()

    expect(page.get_by_text("The picture was removed.")).to_be_visible()
    expect(page.get_by_role("link", name="Remove picture")).to_have_count(0)
    assert live_avatar(person) is None
    assert promoted_keys(person) == []


def test_picture_stays_when_the_question_is_declined(page: Page, person: User) -> None:
    page.get_by_role("link", name="Remove picture").click()

    page.get_by_role("link", name="Keep it").click()

    expect(page.get_by_label("First name")).to_have_value("Pat")
    assert live_avatar(person)
