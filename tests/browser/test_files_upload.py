"""Uploading files the way people do: choose, drop, paste; what is refused; what goes wrong."""

import base64
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from pytest_django.fixtures import Settings

from accounts.models import User
from tests.browser.conftest import Complaints
from tests.browser.files import (
    BEGIN,
    CONFIRM,
    HASTE,
    FilesPage,
    bucket_url,
    names,
    object_sizes,
    stored,
    text_file,
)
from tests.browser.test_trouble import refuse_as
from tests.builders import picture_bytes

PASTE = """(base64) => {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], "image.png", { type: "image/png" }));
  const event = new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true });
  document.body.dispatchEvent(event);
}"""


@pytest.fixture
def files(page: Page, user: User) -> FilesPage:
    page.add_init_script(HASTE)
    return FilesPage(page)


# --- Refused ---


def test_empty_and_too_large_files_are_refused_without_asking(
    page: Page, user: User, settings: Settings
) -> None:
    settings.FILE_MAX_BYTES = 1000
    files = FilesPage(page)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.method))

    files.choose(text_file("nothing.txt", b""), text_file("huge.txt", bytes(2048)))

    expect(files.upload("nothing.txt")).to_contain_text("The file is empty")
    expect(files.upload("huge.txt")).to_contain_text("2 KB, and 1,000 bytes is the most")
    expect(files.upload("huge.txt")).to_contain_text("Refused")
    assert "POST" not in requests
    files.button("Take huge.txt off this list").click()
    expect(files.upload("huge.txt")).to_have_count(0)


def test_refusal_of_the_site_is_shown_in_its_words(
    files: FilesPage, user: User, complaints: Complaints
) -> None:
    complaints.allow("400")

    files.choose({"name": "page.html", "mimeType": "text/html", "buffer": b"<p>hello"})

    expect(files.upload("page.html")).to_contain_text("Files of this type are not allowed here.")
    expect(files.button("Try page.html again")).to_be_hidden()
    assert stored(user) == []
    assert object_sizes(user) == []


def test_full_quota_is_told_and_another_try_works_when_there_is_room(
    files: FilesPage, user: User, complaints: Complaints, settings: Settings
) -> None:
    complaints.allow("409")
    settings.FILE_QUOTA_BYTES = 3

    files.choose(text_file("letter.txt"))

    expect(files.upload("letter.txt")).to_contain_text("There is no room for this file.")
    settings.FILE_QUOTA_BYTES = 1000
    files.button("Try letter.txt again").click()
    files.expect_stored("letter.txt")
    assert names(user) == ["letter.txt"]


def test_content_that_is_refused_on_arrival_is_told_and_nothing_stays(
    files: FilesPage, user: User, complaints: Complaints
) -> None:
    complaints.allow("422")

    files.choose({"name": "photo.png", "mimeType": "image/png", "buffer": b"<html><script>" * 30})

    expect(files.upload("photo.png")).to_contain_text("Its content is not what its name")
    assert stored(user) == []
    assert object_sizes(user) == []


# --- Uploaded ---


def test_five_files_at_once_arrive_and_are_listed(files: FilesPage, user: User) -> None:
    chosen = [f"letter-{number}.txt" for number in range(5)]

    files.choose(*(text_file(name, name.encode() * 1000) for name in chosen))

    files.expect_stored(*chosen)
    expect(files.status).to_contain_text("5 files are uploaded.")
    assert names(user) == chosen
    assert object_sizes(user) == [12_000] * 5
    expect(files.page.get_by_text("58.6 KB of 10.0 GB")).to_be_visible()


def test_same_name_again_is_the_next_version(files: FilesPage, user: User) -> None:
    files.choose(text_file("letter.txt", b"first"))
    files.expect_stored("letter.txt")

    files.choose(text_file("letter.txt", b"second"))

    expect(files.file("letter.txt")).to_contain_text("Version 2")
    [entry] = stored(user)
    assert (entry.version, entry.size) == (1, 6)


def test_dropped_files_arrive_and_the_veil_goes(files: FilesPage, user: User) -> None:
    files.drop(["a.txt", "b.txt"])

    files.expect_stored("a.txt", "b.txt")
    expect(files.page.locator("[data-drop-veil]")).to_be_hidden()
    assert names(user) == ["a.txt", "b.txt"]


def test_pasted_picture_gets_the_time_as_its_name(files: FilesPage, user: User) -> None:
    files.page.evaluate(PASTE, base64.b64encode(picture_bytes(size=(4, 4))).decode())

    files.expect_stored("Pasted ")
    [name] = names(user)
    assert name.startswith("Pasted 20")
    assert name.endswith(".png")


def test_chosen_folder_keeps_its_paths(
    files: FilesPage, user: User, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = holiday_in(tmp_path_factory.mktemp("x"))

    files.page.locator("[data-input=folder]").set_input_files(folder)

    files.expect_stored("sea.txt", "list.txt")
    assert names(user) == ["holiday/day 1/sea.txt", "holiday/list.txt"]
    expect(files.file("sea.txt")).to_contain_text("holiday/day 1")


def holiday_in(place: Path) -> Path:
    """Return a folder with a folder in it, and with what a system put there."""
    folder = place / "holiday"
    (folder / "day 1").mkdir(parents=True)
    (folder / "day 1" / "sea.txt").write_text("blue")
    (folder / "list.txt").write_text("all")
    (folder / ".DS_Store").write_text("litter")
    return folder


def test_dropped_folder_is_taken_with_all_below_it(
    files: FilesPage, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("x")
    folder = holiday_in(place)
    (place / "letter.txt").write_text("hello")
    for number in range(110):  # a folder tells a hundred at a time
        (folder / f"{number:03}.txt").write_text("hello")
    files.page.route(bucket_url(), lambda _route: None)

    files.drop_from_disk(place / "letter.txt", folder)

    expect(files.page.get_by_text("0 of 113 done")).to_be_visible()
    files.button("Show more").click()
    for name in ("letter.txt", "holiday/day 1/sea.txt", "holiday/list.txt", "holiday/109.txt"):
        expect(files.upload(name)).to_have_count(1)
    expect(files.upload(".DS_Store")).to_have_count(0)


def test_empty_folder_is_told(files: FilesPage, tmp_path_factory: pytest.TempPathFactory) -> None:
    files.drop_from_disk(tmp_path_factory.mktemp("empty"))

    expect(files.status).to_contain_text("There was no file in that.")


def test_names_with_markup_and_other_scripts_are_shown_as_text(
    files: FilesPage, user: User
) -> None:
    name = "<img src=x onerror=alert(1)> & عقد 契約.txt"
    files.page.route(bucket_url(), lambda _route: None)
    files.drop([name])
    expect(files.upload(name)).to_contain_text("Uploading")
    expect(files.button(f"Pause {name}")).to_be_visible()
    files.page.unroute(bucket_url())

    files.expect_stored(name)
    assert names(user) == [name]


# --- Trouble ---


def test_pause_keeps_a_file_from_going_and_going_on_sends_it(files: FilesPage, user: User) -> None:
    files.page.route(bucket_url(), lambda _route: None)
    files.choose(text_file("letter.txt"))
    expect(files.upload("letter.txt")).to_contain_text("Uploading")
    files.button("Pause letter.txt").click()
    expect(files.upload("letter.txt")).to_contain_text("Paused")
    assert object_sizes(user) == []
    files.page.unroute(bucket_url())

    files.button("Go on with letter.txt").click()

    files.expect_stored("letter.txt")
    assert object_sizes(user) == [5]


def test_cancel_leaves_nothing(files: FilesPage, user: User) -> None:
    files.page.route(bucket_url(), lambda _route: None)
    files.choose(text_file("letter.txt"))
    expect(files.upload("letter.txt")).to_contain_text("Uploading")

    with files.page.expect_response("**/abort/"):
        files.button("Cancel letter.txt").click()

    expect(files.upload("letter.txt")).to_have_count(0)
    assert stored(user) == []
    assert object_sizes(user) == []


def test_cancel_all_asks_first(files: FilesPage, user: User) -> None:
    files.page.route(bucket_url(), lambda _route: None)
    files.choose(*(text_file(f"{number}.txt") for number in range(6)))
    expect(files.page.locator("[data-uploads] .row")).to_have_count(6)

    files.button("Cancel all").click()
    files.page.get_by_role("dialog").get_by_role("button", name="Cancel all").click()

    expect(files.page.locator("[data-uploads]")).to_be_hidden()
    assert stored(user) == []


def test_lost_connection_is_told_and_the_upload_goes_on_by_itself(
    files: FilesPage, user: User, complaints: Complaints
) -> None:
    complaints.allow("ERR_INTERNET_DISCONNECTED")
    files.page.context.set_offline(True)
    files.choose(text_file("letter.txt"))
    expect(files.upload("letter.txt")).to_contain_text("goes on by itself when it is back")
    expect(files.upload("letter.txt")).to_contain_text("Offline")

    files.page.context.set_offline(False)

    files.expect_stored("letter.txt")
    assert names(user) == ["letter.txt"]


def test_file_that_was_written_though_the_answer_is_lost_is_not_sent_twice(
    files: FilesPage, user: User, complaints: Complaints
) -> None:
    """S3 answers the second PUT with 412, and that is as good as 200."""
    complaints.allow("ERR_FAILED|412")
    files.page.route(bucket_url(), lambda route: (route.fetch(), route.abort()), times=1)

    files.choose(text_file("letter.txt"))

    files.expect_stored("letter.txt")
    assert [entry.version for entry in stored(user)] == [0]
    assert object_sizes(user) == [5]


def test_expired_url_is_renewed_and_its_upload_ended(
    files: FilesPage, user: User, complaints: Complaints
) -> None:
    complaints.allow("403")
    asked: list[str] = []
    files.page.on("request", lambda request: asked.append(request.url))
    files.page.route(bucket_url(), refuse_put_once())

    files.choose(text_file("letter.txt"))

    files.expect_stored("letter.txt")
    assert len([url for url in asked if url.endswith("/files/uploads/")]) == 2
    assert len([url for url in asked if url.endswith("/abort/")]) == 1
    assert object_sizes(user) == [5]


def refuse_put_once() -> Callable[[Route], None]:
    """Return a handler that refuses the first PUT as S3 refuses an expired URL."""
    refused: list[Route] = []

    def handle(route: Route) -> None:
        if route.request.method != "PUT" or refused:
            route.fallback()
            return
        refused.append(route)
        refuse_as(route, 403, "AccessDenied")

    return handle


def test_site_that_asks_to_wait_is_obeyed(
    files: FilesPage, user: User, complaints: Complaints
) -> None:
    complaints.allow("429")
    refusal = {"error": {"code": "too_many_requests", "message": "Too often.", "retry": "same"}}
    files.page.route(
        BEGIN,
        lambda route: route.fulfill(status=429, headers={"Retry-After": "20"}, json=refusal),
        times=1,
    )

    files.choose(text_file("letter.txt"))

    files.expect_stored("letter.txt")
    assert names(user) == ["letter.txt"]


def test_lost_session_is_told_once_and_the_others_wait(
    files: FilesPage, user: User, complaints: Complaints
) -> None:
    complaints.allow("401|403")
    files.page.context.clear_cookies(name="sessionid")

    files.choose(*(text_file(f"{number}.txt") for number in range(9)))

    expect(files.page.locator("[data-uploads] .row").filter(has_text="sign in")).not_to_have_count(
        0
    )
    expect(files.page.locator("[data-uploads] .row").filter(has_text="Paused")).not_to_have_count(0)
    expect(files.button("Go on with all")).to_be_visible()


def test_same_file_twice_is_taken_once(
    files: FilesPage, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("x") / "letter.txt"
    path.write_text("hello")
    files.page.route(bucket_url(), lambda _route: None)
    files.page.locator("[data-input=files]").set_input_files(path)
    expect(files.upload("letter.txt")).to_contain_text("Uploading")

    files.page.locator("[data-input=files]").set_input_files(path)

    expect(files.status).to_contain_text("letter.txt is being uploaded already.")
    expect(files.upload("letter.txt")).to_have_count(1)


def test_file_that_changes_on_disk_is_told(
    files: FilesPage, user: User, complaints: Complaints, tmp_path_factory: pytest.TempPathFactory
) -> None:
    complaints.allow("ERR_UPLOAD_FILE_CHANGED|ERR_FILE_NOT_FOUND|ERR_")
    path = tmp_path_factory.mktemp("x") / "letter.txt"
    path.write_text("before")
    os.utime(path, (10**9, 10**9))

    def change(route: Route) -> None:
        path.write_text("quite another text")
        route.continue_()

    files.page.route(BEGIN, change, times=1)
    files.page.locator("[data-input=files]").set_input_files(path)

    expect(files.upload("letter.txt")).to_contain_text("changed, moved or deleted since")
    assert stored(user) == []


def test_leaving_is_warned_of_only_while_something_is_unfinished(
    files: FilesPage, user: User
) -> None:
    warned = "() => !dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    assert files.page.evaluate(warned) is False
    files.page.route(bucket_url(), lambda _route: None)
    files.choose(text_file("letter.txt"))
    expect(files.upload("letter.txt")).to_contain_text("Uploading")

    assert files.page.evaluate(warned) is True

    files.page.unroute(bucket_url())
    files.expect_stored("letter.txt")
    assert files.page.evaluate(warned) is False


def test_confirmation_that_gets_no_answer_is_repeated(
    files: FilesPage, user: User, complaints: Complaints
) -> None:
    complaints.allow("ERR_FAILED")
    files.page.route(CONFIRM, lambda route: (route.fetch(), route.abort()), times=1)

    files.choose(text_file("letter.txt"))

    files.expect_stored("letter.txt")
    assert [entry.version for entry in stored(user)] == [0]
