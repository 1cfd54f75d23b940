"""Large files in parts: a cut, a reload, another tab, another browser; no part is sent twice."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from files import tokens
from files.services import end_unfinished
from files.stores import live_stores
from tests.browser.conftest import Complaints
from tests.browser.files import (
    CONFIRM,
    HASTE,
    MIB,
    FilesPage,
    bucket_url,
    cut_parts,
    expect_sent,
    names,
    object_sizes,
    open_multiparts,
    sent_parts,
    stored,
)
from tests.browser.test_files_upload import refuse_put_once
from tests.browser.test_trouble import refuse_as

PART = 5 * MIB  # the least that S3 takes
SIZE = 12 * MIB + 7  # two parts, and a third
PICKER = """window.showOpenFilePicker = async () => {
  const root = await navigator.storage.getDirectory();
  return [await root.getFileHandle("film.bin")];
}"""
STORE = """async (size) => {
  const root = await navigator.storage.getDirectory();
  const handle = await root.getFileHandle("film.bin", { create: true });
  const writable = await handle.createWritable();
  await writable.write(new Uint8Array(size));
  await writable.close();
}"""


@pytest.fixture
def files(
    page: Page,
    user: User,
    settings: Settings,
    complaints: Complaints,
    monkeypatch: pytest.MonkeyPatch,
) -> FilesPage:
    settings.FILE_MULTIPART_BYTES = PART
    monkeypatch.setattr(tokens, "SMALLEST_PART", PART)
    complaints.allow("ERR_FAILED")
    page.on("dialog", lambda dialog: dialog.accept())  # what asks before leaving
    page.add_init_script(HASTE)
    return FilesPage(page)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Return a large file that is last modified long ago."""
    path = tmp_path / "film.bin"
    with path.open("wb") as file:
        file.truncate(SIZE)
    os.utime(path, (10**9, 10**9))
    return path


def choose(files: FilesPage, path: Path) -> None:
    files.page.locator("[data-input=files]").set_input_files(path)


def choose_again(files: FilesPage, path: Path) -> None:
    with files.page.expect_file_chooser() as chooser:
        files.button("Choose film.bin again").click()
    chooser.value.set_files(path)


def expect_arrived(files: FilesPage, size: int) -> None:
    expect(files.upload("film.bin").locator("progress")).to_have_js_property("value", size)


def begin_and_leave_off(files: FilesPage, film: Path) -> None:
    """Send the first part of three, then reload the page."""
    end = cut_parts(files.page, but=[1])
    choose(files, film)
    expect(files.upload("film.bin")).to_contain_text("goes on by itself")
    expect_arrived(files, PART)
    files.open()
    end()


def test_cut_in_the_middle_costs_no_part_that_has_arrived(
    files: FilesPage, user: User, film: Path
) -> None:
    sent = sent_parts(files.page)
    end = cut_parts(files.page, but=[1])
    choose(files, film)
    expect(files.upload("film.bin")).to_contain_text("The connection broke off.")
    expect_arrived(files, PART)
    assert names(user) == []

    end()

    files.expect_stored("film.bin")
    expect_sent(files.page, sent, [1, 2, 3])
    assert object_sizes(user) == [SIZE]
    assert open_multiparts(user) == 0


def test_pause_and_going_on_send_only_what_is_missing(
    files: FilesPage, user: User, film: Path
) -> None:
    sent = sent_parts(files.page)
    end = cut_parts(files.page, but=[1, 3])
    choose(files, film)
    expect_arrived(files, SIZE - PART)
    files.button("Pause film.bin").click()
    expect(files.upload("film.bin")).to_contain_text("7 MB of 12 MB have arrived and are kept.")
    end()

    files.button("Go on with film.bin").click()

    files.expect_stored("film.bin")
    expect_sent(files.page, sent, [1, 2, 3])


def test_after_a_reload_the_same_file_sends_only_what_is_missing(
    files: FilesPage, user: User, film: Path
) -> None:
    begin_and_leave_off(files, film)
    expect(files.upload("film.bin")).to_contain_text("5 MB of 12 MB have arrived.")
    expect(files.page.get_by_role("heading", name="Begun in another browser")).to_be_hidden()
    sent = sent_parts(files.page)

    choose_again(files, film)

    files.expect_stored("film.bin")
    expect_sent(files.page, sent, [2, 3])
    assert object_sizes(user) == [SIZE]
    assert [entry.version for entry in stored(user)] == [0]


def test_another_file_of_that_name_does_not_go_on(
    files: FilesPage, film: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    begin_and_leave_off(files, film)
    other = tmp_path_factory.mktemp("other") / "film.bin"
    other.write_text("another")

    choose_again(files, other)

    expect(files.status).to_contain_text("That is another file. Choose film.bin, of 12 MB")
    expect(files.upload("film.bin")).to_contain_text("Not finished")


def test_choosing_it_like_any_other_file_goes_on_too(
    files: FilesPage, user: User, film: Path
) -> None:
    begin_and_leave_off(files, film)
    expect(files.upload("film.bin")).to_contain_text("5 MB of 12 MB")
    sent = sent_parts(files.page)

    choose(files, film)

    files.expect_stored("film.bin")
    expect_sent(files.page, sent, [2, 3])


def test_handle_that_may_be_read_goes_on_by_itself_after_a_reload(
    files: FilesPage, user: User
) -> None:
    page = files.page
    page.evaluate(STORE, SIZE)
    page.evaluate(PICKER)
    cut_parts(page, but=[1])
    page.get_by_role("button", name="Upload files").first.click()
    expect_arrived(files, PART)
    page.goto("about:blank")
    page.unroute_all()
    sent = sent_parts(page)

    files.open()

    files.expect_stored("film.bin")
    expect_sent(files.page, sent, [2, 3])
    assert object_sizes(user) == [SIZE]


def test_cancelled_after_a_reload_nothing_is_left(files: FilesPage, user: User, film: Path) -> None:
    begin_and_leave_off(files, film)
    assert open_multiparts(user) == 1

    with files.page.expect_response("**/abort/"):
        files.button("Cancel film.bin").click()

    expect(files.upload("film.bin")).to_have_count(0)
    assert open_multiparts(user) == 0
    files.open()
    expect(files.page.get_by_text("No files yet")).to_be_visible()


def test_another_browser_sees_it_and_can_cancel_it(
    files: FilesPage,
    user: User,
    film: Path,
    browser: Browser,
    context: BrowserContext,
    live_server: LiveServer,
) -> None:
    begin_and_leave_off(files, film)
    cookies = {**context.storage_state(), "origins": []}
    other = browser.new_context(storage_state=cookies, base_url=live_server.url)  # type: ignore[arg-type]
    page = other.new_page()
    page.goto("/files/")
    expect(page.get_by_role("region", name="Begun in another browser")).to_contain_text(
        "1 part, 5.0 MB there"
    )

    page.get_by_role("button", name="Cancel", exact=True).click()

    expect(page.get_by_text("The upload was cancelled.")).to_be_visible()
    assert open_multiparts(user) == 0
    other.close()


def test_two_tabs_do_not_disturb_each_other(
    files: FilesPage, user: User, film: Path, complaints: Complaints
) -> None:
    sent = sent_parts(files.page)
    end = cut_parts(files.page, but=[1])
    choose(files, film)
    expect_arrived(files, PART)
    second = files.page.context.new_page()
    complaints.listen(second)

    other = FilesPage(second)

    expect(other.upload("film.bin")).to_contain_text("Another tab of this browser uploads it.")
    expect(second.get_by_role("heading", name="Begun in another browser")).to_be_hidden()
    other.choose({"name": "note.txt", "mimeType": "text/plain", "buffer": b"hello"})
    expect(other.file("note.txt")).to_be_visible()
    end()
    files.expect_stored("film.bin")
    expect_sent(files.page, sent, [1, 2, 3])
    assert names(user) == ["film.bin", "note.txt"]


def test_expired_url_of_a_part_is_renewed_alone(
    files: FilesPage, user: User, film: Path, complaints: Complaints
) -> None:
    complaints.allow("403")
    asked: list[str] = []
    files.page.on("request", lambda request: asked.append(request.url))
    files.page.route(bucket_url(), refuse_put_once())

    choose(files, film)

    files.expect_stored("film.bin")
    assert len([url for url in asked if url.endswith("/files/uploads/")]) == 1
    assert object_sizes(user) == [SIZE]


def test_part_that_got_lost_is_sent_again(
    files: FilesPage, user: User, film: Path, complaints: Complaints
) -> None:
    complaints.allow("409")
    sent = sent_parts(files.page)
    refusal = {"code": "incomplete", "message": "No.", "retry": "never", "missing": [2]}
    files.page.route(
        CONFIRM, lambda route: route.fulfill(status=409, json={"error": refusal}), times=1
    )

    choose(files, film)

    files.expect_stored("film.bin")
    expect_sent(files.page, sent, [1, 2, 2, 3])


def test_expired_token_begins_anew(
    files: FilesPage, user: User, film: Path, complaints: Complaints
) -> None:
    complaints.allow("410")
    begin_and_leave_off(files, film)
    expect(files.upload("film.bin")).to_contain_text("5 MB of 12 MB")
    refusal = {"code": "token_expired", "message": "Too long.", "retry": "new"}
    files.page.route(
        "**/files/uploads/state/",
        lambda route: route.fulfill(status=410, json={"error": refusal}),
        times=1,
    )
    sent = sent_parts(files.page)

    choose_again(files, film)

    files.expect_stored("film.bin")
    expect_sent(files.page, sent, [1, 2, 3])
    assert open_multiparts(user) == 0


def test_upload_that_another_browser_cancelled_is_not_begun_anew(
    files: FilesPage, user: User, film: Path, complaints: Complaints
) -> None:
    complaints.allow("404")
    end = cut_parts(files.page, but=[1])
    choose(files, film)
    expect_arrived(files, PART)
    stores, owner = live_stores(), str(user.pk)
    prefix = f"files/{owner}/"
    [found] = stores.bucket.open_multiparts(prefix=prefix).uploads
    end_unfinished(owner_id=owner, upload_id=found.key.removeprefix(prefix), stores=stores)

    end()

    expect(files.upload("film.bin")).to_contain_text("cancelled in another tab or browser")
    assert open_multiparts(user) == 0
    assert names(user) == []


def test_bucket_that_lost_the_upload_gets_it_anew(
    files: FilesPage, user: User, film: Path, complaints: Complaints
) -> None:
    complaints.allow("404")
    refused: list[str] = []

    def lose(route: Route) -> None:
        if route.request.method == "PUT" and not refused:
            refused.append(route.request.url)
            refuse_as(route, 404, "NoSuchUpload")
        else:
            route.fallback()

    files.page.route(bucket_url(), lose)

    choose(files, film)

    files.expect_stored("film.bin")
    assert object_sizes(user) == [SIZE]
    assert open_multiparts(user) == 0
