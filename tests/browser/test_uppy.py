"""Uppy with the callbacks of docs/clients.md, run as they stand there, in a page of this site."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route
from pytest_django.fixtures import Settings

from accounts.models import User
from files.items import State, entry_key
from files.references import live_entries
from files.stores import live_stores
from tests.browser.conftest import Complaints
from tests.browser.files import (
    MIB,
    bucket_url,
    object_sizes,
    open_multiparts,
    part_number,
    sent_parts,
    stored,
)
from tests.browser.uppy import VERSION, uppy
from tests.builders import at_once
from tests.engines.servers.daemon import EngineError
from tests.functional.steps import body_of
from tests.missing import leave_out
from tests.readme import programs

MODULE, PAGE = programs("clients.md", "js")
SIZE = 20 * MIB
CALLS = "**/files/uploads/"
START = """async (multipartBytes) => {
  const { filesUppy } = await import("/static/js/files-uppy.js");
  window.uppy = filesUppy({ multipartBytes });
  const [file] = document.querySelector("#files").files;
  const meta = { relativePath: `films/${file.name}` };
  uppy.addFile({ name: file.name, type: file.type, data: file, meta });
  window.partArrived = new Promise((resolve) => {
    uppy.on("s3-multipart:part-uploaded", () => resolve());
  });
  window.done = uppy.upload();
}"""
END = """async () => {
  const { successful, failed } = await done;
  return [successful.map((file) => file.meta.stored), failed.map((file) => file.error)];
}"""


@pytest.fixture(scope="session")
def bundle() -> Path:
    """Return Uppy as one file."""
    try:
        return uppy()
    except EngineError as error:
        leave_out(f"Uppy is not there: {error}")


@pytest.fixture
def uppy_page(page: Page, user: User, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    """Return a page of the site, under its policy, that has the scripts and a field for files."""
    monkeypatch.setattr(live_stores(), "later", at_once)
    scripts = {
        f"**/static/vendor/uppy-{VERSION}/uppy.min.mjs": bundle.read_text(),
        "**/static/js/files-uppy.js": MODULE,
        "**/static/js/my-page.js": PAGE,
    }
    for url, script in scripts.items():
        page.route(url, script_route(script))
    page.goto("/")
    page.evaluate(
        """() => document.querySelector("main").insertAdjacentHTML(
          "afterbegin", "<input type=file id=files multiple>")"""
    )
    return page


def script_route(script: str) -> Callable[[Route], None]:
    """Return what answers a request by ``script``."""
    return lambda route: route.fulfill(body=script, content_type="text/javascript")


def start(page: Page, path: Path, *, multipart_bytes: int = 6 * MIB) -> None:
    """Choose a file and have Uppy begin to upload it."""
    page.locator("#files").set_input_files(path)
    page.evaluate(START, multipart_bytes)


@pytest.fixture
def film(tmp_path: Path, settings: Settings) -> Path:
    """Return a file that the site wants in two parts."""
    settings.FILE_MULTIPART_BYTES = 6 * MIB
    path = tmp_path / "film.bin"
    path.write_bytes(b"".join(bytes([number]) * MIB for number in range(SIZE // MIB)))
    return path


@pytest.fixture
def held(uppy_page: Page, film: Path) -> Callable[[], None]:
    """Hold part 2 back; return a function that lets it go the next time it is sent."""

    def hold(route: Route) -> None:
        if part_number(route.request) != 2:
            route.fallback()

    uppy_page.route(bucket_url(), hold)
    return lambda: uppy_page.unroute(bucket_url(), hold)


def assert_stored(user: User, file: dict[str, Any], path: Path) -> None:
    """Assert that the user has one file, as Uppy says, of what ``path`` holds."""
    [entry] = stored(user)
    assert (file["id"], file["version"], file["state"]) == (entry.file_id, 0, State.READY)
    assert file["name"] == entry.name == f"films/{path.name}"
    assert sha256(body_of(entry.key)).digest() == sha256(path.read_bytes()).digest()
    assert object_sizes(user) == [path.stat().st_size]
    assert open_multiparts(user) == 0


def test_uppy_uploads_files_as_on_the_page_of_the_docs(
    uppy_page: Page, user: User, tmp_path: Path
) -> None:
    paths = [tmp_path / "größe.txt", tmp_path / "b.txt"]
    for number, path in enumerate(paths):
        path.write_bytes(b"hello" * (number + 1))
    said: list[str] = []
    uppy_page.on("console", lambda message: said.append(message.text))
    uppy_page.add_script_tag(url="/static/js/my-page.js", type="module")

    with uppy_page.expect_console_message(lambda message: "b.txt" in message.text):
        uppy_page.locator("#files").set_input_files(paths)

    assert sorted(said) == ["b.txt is version 0.", "größe.txt is version 0."]
    assert {entry.name for entry in stored(user)} == {"größe.txt", "b.txt"}
    assert object_sizes(user) == [5, 10]


def test_uppy_sends_a_large_file_in_parts(uppy_page: Page, user: User, film: Path) -> None:
    sent = sent_parts(uppy_page)

    start(uppy_page, film)
    [[file], failed] = uppy_page.evaluate(END)

    assert failed == []
    assert sorted(sent) == [1, 2]
    assert_stored(user, file, film)


def test_uppy_sends_the_missing_parts_when_it_goes_on(
    uppy_page: Page, user: User, film: Path, held: Callable[[], None]
) -> None:
    sent = sent_parts(uppy_page)
    start(uppy_page, film)
    uppy_page.evaluate("() => partArrived")
    uppy_page.evaluate("uppy.pauseAll()")
    assert stored(user) == []
    held()

    with uppy_page.expect_request(f"{CALLS}state/"):
        uppy_page.evaluate("uppy.resumeAll()")
    [[file], failed] = uppy_page.evaluate(END)

    assert failed == []
    assert sent == [1, 2]
    assert_stored(user, file, film)


def test_uppy_sends_a_part_again_when_the_connection_broke(
    uppy_page: Page, user: User, film: Path, complaints: Complaints
) -> None:
    complaints.allow("ERR_FAILED")
    uppy_page.context.route(bucket_url(), lambda route: route.abort(), times=1)
    start(uppy_page, film)
    [[file], failed] = uppy_page.evaluate(END)

    assert failed == []
    assert_stored(user, file, film)


def test_nothing_is_left_when_uppy_cancels(
    uppy_page: Page, user: User, film: Path, held: Callable[[], None]
) -> None:
    with uppy_page.expect_response(CALLS) as begun:
        start(uppy_page, film)
    uppy_page.evaluate("() => partArrived")

    with uppy_page.expect_response(f"{CALLS}abort/") as aborted:
        uppy_page.evaluate("uppy.cancelAll()")

    assert aborted.value.status == 200
    assert state_of(user, begun.value.json()["id"]) is State.DELETED
    assert (object_sizes(user), open_multiparts(user)) == ([], 0)


def test_uppy_says_why_when_a_file_is_refused(
    uppy_page: Page, user: User, tmp_path: Path, complaints: Complaints
) -> None:
    complaints.allow("422|not what its name")
    false = tmp_path / "me.png"
    false.write_bytes(b"<html><script>alert(1)</script>")

    with uppy_page.expect_response(CALLS) as begun:
        start(uppy_page, false)
    [successful, [error]] = uppy_page.evaluate(END)

    assert successful == []
    assert error == "Its content is not what its name and type say."
    assert state_of(user, begun.value.json()["id"]) is State.REFUSED
    assert object_sizes(user) == []


def test_uppy_stops_when_the_site_cuts_files_in_another_way(
    uppy_page: Page, user: User, film: Path, complaints: Complaints
) -> None:
    complaints.allow("in another way")

    with uppy_page.expect_response(CALLS) as begun:
        start(uppy_page, film, multipart_bytes=100 * MIB)
    [successful, [error]] = uppy_page.evaluate(END)

    assert successful == []
    assert error == "This site cuts files in another way."
    assert state_of(user, begun.value.json()["id"]) is State.DELETED
    assert (object_sizes(user), open_multiparts(user)) == ([], 0)


def state_of(user: User, upload_id: str) -> State | None:
    """Return what became of an upload."""
    return live_entries().read(entry_key(str(user.pk), upload_id)).state
