"""Share links: made in the drawer, copied, opened by others with a password, used up, revoked."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.browser.conftest import Complaints
from tests.browser.files import FilesPage, text_file
from tests.browser.test_pages import assert_accessible


@pytest.fixture
def drawer(page: Page, user: User) -> Page:
    """Return the page of files, with the links of a file in its drawer."""
    files = FilesPage(page)
    files.choose(text_file("plan.txt"))
    page.get_by_role("link", name="plan.txt").click()
    page.get_by_role("dialog").get_by_role("link", name="Share").click()
    expect(page.get_by_role("heading", name="Make a link")).to_be_visible()
    return page


@pytest.fixture
def stranger(browser: Browser, live_server: LiveServer, context: BrowserContext) -> Page:
    """Return a page of a visitor without an account."""
    return browser.new_context(base_url=live_server.url).new_page()


def make(drawer: Page, *, downloads: str = "", password: str = "") -> str:
    """Make a link; return its address."""
    drawer.get_by_label("Downloads").fill(downloads)
    drawer.get_by_label("Password").fill(password)
    drawer.get_by_role("button", name="Make a link").click()
    expect(drawer.get_by_role("heading", name="Your new link")).to_be_visible()
    return drawer.locator(".new-link code").inner_text()


def downloaded(page: Page) -> str:
    """Press the button; return what comes."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "plan.txt"
    return Path(download.value.path()).read_text()


def test_link_is_made_copied_and_used_up(drawer: Page, stranger: Page) -> None:
    drawer.context.grant_permissions(["clipboard-read", "clipboard-write"])
    url = make(drawer, downloads="1")
    drawer.get_by_role("button", name="Copy the link").click()
    expect(drawer.get_by_text("Copied").first).to_be_visible()
    assert drawer.evaluate("navigator.clipboard.readText()") == url
    expect(drawer.locator(".qr svg")).to_be_visible()
    assert_accessible(drawer)

    stranger.goto(url)
    assert_accessible(stranger)
    assert downloaded(stranger) == "hello"
    stranger.reload()
    expect(stranger.get_by_text("This link does not work")).to_be_visible()
    drawer.reload()
    expect(drawer.get_by_text("1 of 1 downloads")).to_be_visible()
    expect(drawer.get_by_text("Used up")).to_be_visible()


def test_password_is_asked_for(drawer: Page, stranger: Page) -> None:
    url = make(drawer, password="open sesame")
    stranger.goto(url)
    stranger.get_by_label("Password").fill("nothing")
    stranger.get_by_role("button", name="Download").click()
    expect(stranger.get_by_role("alert")).to_contain_text("that is not it")
    assert_accessible(stranger)
    stranger.get_by_label("Password").fill("open sesame")
    assert downloaded(stranger) == "hello"


def test_revoked_link_opens_nothing(drawer: Page, stranger: Page) -> None:
    url = make(drawer)
    drawer.get_by_role("button", name="Revoke").click()
    expect(drawer.get_by_text("Revoked", exact=True)).to_be_visible()
    expect(drawer).to_have_url(re.compile("/links/$"))
    stranger.goto(url)
    expect(stranger.get_by_text("This link does not work")).to_be_visible()


def test_wrong_number_is_told_in_the_drawer(drawer: Page, complaints: Complaints) -> None:
    complaints.allow("400")
    drawer.get_by_label("Downloads").fill("0")
    drawer.get_by_role("button", name="Make a link").click()
    expect(drawer.locator(".field-error")).to_be_visible()
    assert_accessible(drawer)


@pytest.mark.parametrize("width", [320, 1280])
def test_reference_fits_and_is_accessible(page: Page, user: User, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/api/")
    page.locator("#storeAsset summary").click()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
