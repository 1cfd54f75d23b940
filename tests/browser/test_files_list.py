"""The list of files and one file: find, look at, delete and take back, versions; and thousands."""

import re

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from files import selectors
from tests.browser.conftest import Complaints
from tests.browser.files import (
    HASTE,
    FilesPage,
    bucket_url,
    names,
    object_sizes,
    stored,
    text_file,
    wait_until,
)
from tests.browser.test_pages import assert_accessible

# Chromium tells of each task that blocked the page for 50 ms or more.
LONG_TASKS = """
window.longTasks = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.longTasks.push(Math.round(entry.duration));
}).observe({ type: "longtask", buffered: true });
"""
MOST_ROWS = """
window.mostRows = 0;
addEventListener("DOMContentLoaded", () => {
  const rows = document.querySelector("[data-rows]");
  new MutationObserver(() => {
    window.mostRows = Math.max(window.mostRows, rows.childElementCount);
  }).observe(rows, { childList: true });
});
"""


@pytest.fixture
def files(page: Page, user: User) -> FilesPage:
    return FilesPage(page)


def store(files: FilesPage, *wanted: str) -> None:
    """Store files by those names, the last one newest."""
    for name in wanted:
        files.choose(text_file(name, name.encode()))
        files.expect_stored(name)


# --- Deleting ---


def test_deleted_file_goes_when_the_time_to_undo_is_over(files: FilesPage, user: User) -> None:
    store(files, "letter.txt", "other.txt")

    files.more("letter.txt", "Delete")

    expect(files.file("letter.txt")).to_be_hidden()
    expect(files.status).to_contain_text("letter.txt is deleted.")
    assert names(user) == ["letter.txt", "other.txt"]
    files.status.get_by_role("button", name="Dismiss").last.click()
    expect(files.page.get_by_text(re.compile(r"\b9\sbytes of"))).to_be_visible()
    assert names(user) == ["other.txt"]
    assert object_sizes(user) == [9]


def test_deletion_that_is_undone_changes_nothing(files: FilesPage, user: User) -> None:
    store(files, "letter.txt")
    files.more("letter.txt", "Delete")

    files.status.get_by_role("button", name="Undo").click()

    expect(files.file("letter.txt")).to_be_visible()
    expect(files.button("More about letter.txt")).to_be_focused()
    assert names(user) == ["letter.txt"]


def test_deletion_is_undone_by_keyboard(files: FilesPage, user: User) -> None:
    store(files, "letter.txt")
    files.more("letter.txt", "Delete")
    expect(files.file("letter.txt")).to_be_hidden()

    files.page.keyboard.press("Control+z")

    expect(files.file("letter.txt")).to_be_visible()
    expect(files.status).not_to_contain_text("letter.txt is deleted.")
    assert names(user) == ["letter.txt"]


def test_leaving_the_page_deletes_at_once(files: FilesPage, user: User) -> None:
    store(files, "letter.txt")
    files.more("letter.txt", "Delete")

    files.page.goto("/")

    wait_until(lambda: names(user) == [])


def test_deletion_that_fails_brings_the_row_back(
    files: FilesPage, user: User, complaints: Complaints
) -> None:
    complaints.allow("503")
    store(files, "letter.txt")
    files.page.route("**/delete/", lambda route: route.fulfill(status=503, json={}))
    files.more("letter.txt", "Delete")

    files.status.get_by_role("button", name="Dismiss").last.click()

    expect(files.file("letter.txt")).to_be_visible()
    expect(files.status).to_contain_text("letter.txt could not be deleted.")


# --- Finding ---


def test_filter_finds_by_name_without_leaving_the_page(files: FilesPage, user: User) -> None:
    store(files, "letter.txt", "photo.txt")
    files.page.route(bucket_url(), lambda _route: None)
    files.choose(text_file("late.txt"))
    field = files.page.get_by_label("Find by name")

    field.fill("LETT")

    expect(files.file("photo.txt")).to_have_count(0)
    expect(files.file("letter.txt")).to_be_visible()
    expect(files.page).to_have_url(re.compile(r"\?q=LETT$"))
    expect(files.upload("late.txt")).to_contain_text("Uploading")
    field.fill("<b>x")
    expect(files.page.get_by_text("No file has “<b>x” in its name.")).to_be_visible()
    files.page.get_by_role("link", name="Show all").click()
    expect(files.file("photo.txt")).to_be_visible()


def test_older_files_are_on_the_next_page(
    files: FilesPage, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "PAGE_SIZE", 2)
    store(files, "1.txt", "2.txt", "3.txt")
    expect(files.file("1.txt")).to_have_count(0)

    files.page.get_by_role("link", name="Older").click()

    expect(files.file("1.txt")).to_be_visible()
    expect(files.file("3.txt")).to_have_count(0)
    files.page.go_back()
    expect(files.file("3.txt")).to_be_visible()


# --- One file ---


def test_details_open_over_the_page_and_close_with_back(files: FilesPage, user: User) -> None:
    store(files, "letter.txt")
    [entry] = stored(user)

    files.page.get_by_role("link", name="letter.txt").click()

    drawer = files.page.get_by_role("dialog")
    expect(drawer).to_contain_text("text/plain")
    expect(files.page).to_have_url(re.compile(f"/files/{entry.file_id}/$"))
    files.page.go_back()
    expect(drawer).to_be_hidden()
    files.page.go_forward()
    expect(drawer).to_be_visible()
    files.page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(files.page).to_have_url(re.compile("/files/$"))


def test_version_is_restored_and_another_deleted(files: FilesPage, user: User) -> None:
    store(files, "letter.txt")
    files.choose(text_file("letter.txt", b"changed"))
    expect(files.file("letter.txt")).to_contain_text("Version 2")
    files.page.get_by_role("link", name="letter.txt").click()
    drawer = files.page.get_by_role("dialog").first

    drawer.get_by_role("button", name="Make version 1 the newest again").click()

    expect(drawer).to_contain_text("Version 3")
    assert stored(user)[0].size == len("letter.txt")
    drawer.get_by_role("button", name="Delete version 2").click()
    files.page.get_by_role("button", name="Delete version", exact=True).click()
    expect(drawer.get_by_text("Version 2")).to_have_count(0)
    assert object_sizes(user) == [10, 10]


def test_download_has_the_name_of_the_file(files: FilesPage, user: User) -> None:
    name = "Ünïcode — 契約 (1).txt"
    store(files, name)

    with files.page.expect_download() as download:
        files.more(name, "Download")

    assert download.value.suggested_filename == name
    assert download.value.path().read_bytes() == name.encode()


# --- Many ---


def test_two_thousand_files_at_once_stay_smooth(page: Page, user: User) -> None:
    """Few rows are made, and no task blocks the page for long; time itself is not asserted."""
    page.add_init_script(HASTE + LONG_TASKS + MOST_ROWS)
    files = FilesPage(page)
    page.route(bucket_url(), lambda _route: None)

    files.drop([f"{number:04}.txt" for number in range(2000)])

    expect(page.get_by_text("0 of 2,000 done")).to_be_visible()
    expect(page.get_by_text("1,970 more are waiting.")).to_be_visible()
    rows = page.locator("[data-uploads] .row")
    expect(rows).to_have_count(30)
    files.button("Show more").click()
    expect(rows).to_have_count(130)
    files.button("Pause all").click()
    expect(rows.filter(has_text="Paused")).to_have_count(130)
    files.button("Cancel all").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel all").click()
    expect(page.locator("[data-uploads]")).to_be_hidden()
    assert page.evaluate("mostRows") <= 130
    assert max(page.evaluate("longTasks"), default=0) < 1000
    assert stored(user) == []


def test_more_files_than_rows_all_arrive(page: Page, user: User, settings: Settings) -> None:
    page.add_init_script(MOST_ROWS)
    files = FilesPage(page)

    files.drop([f"{number}.txt" for number in range(80)])

    expect(files.status).to_contain_text("80 files are uploaded.", timeout=60_000)
    expect(page.locator("[data-uploads] .row")).to_have_count(0)
    assert len(object_sizes(user)) == 80
    assert page.evaluate("mostRows") < 80


# --- For everybody ---


def test_keyboard_alone_is_enough(files: FilesPage, user: User) -> None:
    page = files.page
    store(files, "letter.txt", "photo.txt")
    page.get_by_role("button", name="Upload files").first.focus()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Find by name")).to_be_focused()
    files.button("More about photo.txt").focus()

    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(files.button("More about photo.txt")).to_be_focused()

    page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(files.file("photo.txt")).to_be_hidden()
    expect(files.button("More about letter.txt")).to_be_focused()


def test_page_is_accessible_in_all_its_states(
    page: Page, user: User, complaints: Complaints
) -> None:
    complaints.allow("400")
    files = FilesPage(page)
    assert_accessible(page)
    store(files, "letter.txt")
    page.route(bucket_url(), lambda _route: None)
    files.choose(
        text_file("late.txt"),
        text_file("nothing.txt", b""),
        {"name": "page.html", "mimeType": "text/html", "buffer": b"<p>hello"},
    )
    expect(files.upload("late.txt")).to_contain_text("Uploading")
    expect(files.upload("page.html")).to_contain_text("Refused")
    assert_accessible(page)
    page.get_by_role("link", name="letter.txt").click()
    expect(page.get_by_role("dialog")).to_contain_text("text/plain")
    assert_accessible(page)


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_page_does_not_scroll_sideways(files: FilesPage, direction: str) -> None:
    page = files.page
    files.choose(text_file("long-name-" * 20 + ".txt"), text_file("ab.txt"))
    files.expect_stored("long-name-", "ab.txt")
    page.route(bucket_url(), lambda _route: None)
    files.choose(text_file("late-" * 30 + ".txt"))
    page.evaluate("(dir) => { document.documentElement.dir = dir; }", direction)

    for width in (320, 360, 768, 1024, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width


def test_without_javascript_all_but_uploading_works(
    files: FilesPage,
    user: User,
    browser: Browser,
    context: BrowserContext,
    live_server: LiveServer,
) -> None:
    store(files, "letter.txt")
    bare = browser.new_context(
        java_script_enabled=False, storage_state=context.storage_state(), base_url=live_server.url
    )
    page = bare.new_page()
    page.goto("/files/?q=lett")

    # Chromium's parser leaves out <noscript> when only Playwright has switched scripts off.
    assert "Uploading needs JavaScript" in page.request.get("/files/").text()
    expect(page.get_by_role("button", name="Upload files")).to_have_count(0)
    page.get_by_role("link", name="letter.txt").click()
    expect(page.get_by_role("heading", name="letter.txt")).to_be_visible()
    answer = page.request.get(
        page.get_by_role("link", name="Download", exact=True).get_attribute("href") or ""
    )
    assert answer.text() == "letter.txt"
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The file was deleted.")).to_be_visible()
    expect(page.get_by_text("No files yet")).to_be_visible()
    assert names(user) == []
    bare.close()


def test_signed_out_visitors_come_to_the_login(client: Client, db: None) -> None:
    answer = client.get("/files/")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")
