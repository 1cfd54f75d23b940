"""The page of API keys: made, shown once, copied, revoked."""

import pytest
from playwright.sync_api import Page, expect

from accounts.keys import issue_key, key_of
from accounts.models import ApiKey, User
from tests.browser.conftest import Complaints
from tests.browser.test_pages import assert_accessible


@pytest.fixture
def keys(page: Page, user: User) -> Page:
    """Return the page of keys of ``user``."""
    page.goto("/keys/")
    return page


def make(page: Page, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make a key").click()


def test_key_is_made_shown_once_and_copied(keys: Page) -> None:
    keys.context.grant_permissions(["clipboard-read", "clipboard-write"])
    make(keys, "backup")

    expect(keys.get_by_role("heading", name="Your new key “backup”")).to_be_visible()
    secret = keys.locator(".new-key code").inner_text()
    assert key_of(secret)
    keys.get_by_role("button", name="Copy the key").click()
    expect(keys.get_by_text("Copied").first).to_be_visible()
    assert keys.evaluate("navigator.clipboard.readText()") == secret
    assert_accessible(keys)

    keys.get_by_role("navigation", name="Main").get_by_role("link", name="API keys").click()
    expect(keys.get_by_text(f"tri_…{secret[-4:]}")).to_be_visible()
    expect(keys.locator(".new-key")).to_have_count(0)


def test_form_is_kept_with_what_is_wrong_with_it(keys: Page, complaints: Complaints) -> None:
    complaints.allow("400")
    keys.get_by_label("Share").check()
    keys.get_by_label("Expires").select_option("Never")
    make(keys, "")

    expect(keys.get_by_text("Give the key a name")).to_be_visible()
    expect(keys.get_by_label("Share")).to_be_checked()
    expect(keys.get_by_label("Expires")).to_have_value("")
    assert_accessible(keys)
    assert not ApiKey.objects.exists()


def test_key_is_revoked_after_a_question(keys: Page, user: User) -> None:
    secret = issue_key(owner=user, name="old", scopes=["read"], expires_at=None)[1]
    keys.reload()
    keys.get_by_role("link", name="Revoke old").click()
    assert_accessible(keys)
    keys.get_by_role("link", name="Keep it").click()
    assert key_of(secret)
    keys.get_by_role("link", name="Revoke old").click()
    keys.get_by_role("button", name="Revoke").click()

    expect(keys.get_by_text("The key was revoked.")).to_be_visible()
    assert key_of(secret) is None
    expect(keys.get_by_role("link", name="Revoke old")).to_have_count(0)


def test_page_of_keys_fits_every_width(keys: Page, user: User) -> None:
    issue_key(owner=user, name="W" * 100, scopes=ApiKey.SCOPES, expires_at=None)
    make(keys, "backup of the office, every night")
    for width in (320, 360, 768, 1280):
        keys.set_viewport_size({"width": width, "height": 800})
        assert keys.evaluate("document.documentElement.scrollWidth") <= width, width
