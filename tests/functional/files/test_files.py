"""What owners do with their files: list, look at, download, restore, delete."""

import gzip
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from aws.bucket import live_bucket
from aws.direct import NewObject
from aws.errors import OutcomeUnknown, StorageUnavailable
from files.items import State
from files.library import delete_file
from files.stores import FileStores
from tests.functional.files.steps import Uploader, put
from tests.functional.steps import error_code, get, post_json


def versions_deleted(uploader: Uploader, *ids: str) -> list[bool]:
    """Return which uploads' entries are deleted."""
    return [uploader.entry(upload_id).state is State.DELETED for upload_id in ids]


# --- Listing ---


def test_files_are_listed_newest_first_a_page_at_a_time(anna: Uploader) -> None:
    names = [f"{number:02}.txt" for number in range(53)]
    for name in names:
        anna.upload(name)
    first = anna.get(reverse("files")).json()
    assert [file["name"] for file in first["files"]] == names[:2:-1]
    second = anna.get(reverse("files"), after=first["next"]).json()
    assert [file["name"] for file in second["files"]] == names[2::-1]
    assert second["next"] is None


def test_list_holds_what_the_filter_asks_for_whatever_the_case(anna: Uploader) -> None:
    for name in ("Report.pdf.txt", "photos/a.txt", "photos/b.txt"):
        anna.upload(name)
    assert [file["name"] for file in anna.files(q="REPORT")] == ["Report.pdf.txt"]
    assert [file["name"] for file in anna.files(q="tos/")] == ["photos/b.txt", "photos/a.txt"]
    assert anna.files(q="%") == []


@pytest.mark.parametrize("query", [{"after": "x"}, {"q": "x" * 256}, {"after": "F#" * 40}])
def test_list_is_refused_when_a_parameter_cannot_be_one(
    anna: Uploader, query: dict[str, str]
) -> None:
    answer = anna.get(reverse("files"), **query)
    assert (answer.status_code, error_code(answer)) == (400, "bad_request")


def test_page_is_bounded_however_many_versions_there_are(
    anna: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("files.selectors.READ_AT_ONCE", 3)
    monkeypatch.setattr("files.selectors.MAX_REQUESTS", 2)
    anna.upload("old.txt")
    for _version in range(8):
        anna.upload("a.txt")
    found, after = [], ""
    while after is not None:
        page = anna.get(reverse("files"), after=after).json()
        found += [file["name"] for file in page["files"]]
        after = page["next"]
    assert found == ["a.txt", "old.txt"]


def test_others_files_are_in_no_list(anna: Uploader, berta: Uploader) -> None:
    anna.upload("a.txt")
    assert berta.files() == []


# --- Downloading ---


@pytest.mark.case(49)
@pytest.mark.parametrize(
    "name",
    ["a.txt", 'quo"te.txt', "näme.txt", "日本語.txt", "folder/inner.txt", "100%.txt", "a;b.txt"],
)
def test_download_has_the_right_name(anna: Uploader, name: str) -> None:
    file = anna.upload(name, b"hello")
    answer = anna.get(reverse("file-download", args=[file["id"]]))
    assert answer.status_code == 302
    found = get(answer["Location"])
    disposition = found.headers["Content-Disposition"]
    assert (found.status, found.data) == (200, b"hello")
    assert disposition.startswith("attachment; filename=")
    last = name.rpartition("/")[2]
    plain = f'attachment; filename="{last}"'
    assert disposition == plain or f"filename*=UTF-8''{quote(last)}" in disposition
    assert parse_qs(urlsplit(answer["Location"]).query)["X-Amz-Expires"] == ["60"]


def test_download_gives_the_version_that_was_asked_for(anna: Uploader) -> None:
    anna.upload("a.txt", b"one")
    file = anna.upload("a.txt", b"two")
    path = reverse("file-download", args=[file["id"]])
    assert get(anna.get(path)["Location"]).data == b"two"
    assert get(anna.get(path, version="0")["Location"]).data == b"one"
    for version in ("2", "-1", "x", "1" * 40, "٣"):
        assert anna.get(path, version=version).status_code == 404


@pytest.mark.case(48)
def test_file_of_another_user_is_not_there(anna: Uploader, berta: Uploader) -> None:
    file = anna.upload("a.txt")
    for answer in (
        berta.get(reverse("file", args=[file["id"]])),
        berta.get(reverse("file-download", args=[file["id"]])),
        berta.post(reverse("file-delete", args=[file["id"]])),
        berta.post(reverse("file-restore", args=[file["id"], 0])),
        berta.post(reverse("file-delete-version", args=[file["id"], 0])),
        anna.get(reverse("file", args=["0" * 32])),
    ):
        assert (answer.status_code, error_code(answer)) == (404, "no_such_file")
    assert anna.files() == [file]
    anna.assert_in_order()


@pytest.mark.parametrize("route", ["begin", "parts", "state", "confirm", "abort"])
def test_visitor_is_refused(anna: Uploader, route: str) -> None:
    answer = post_json(Client(), f"files-{route}", {})
    assert (answer.status_code, error_code(answer)) == (401, "signed_out")


def test_call_without_a_csrf_token_is_refused(anna: Uploader) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = anna.browser.cookies
    answer = post_json(browser, "files-begin", {"name": "a", "size": 1, "content_type": ""})
    assert (answer.status_code, error_code(answer)) == (403, "csrf")


# --- Deleting and restoring ---


def test_deleted_file_is_gone_and_its_name_begins_anew(anna: Uploader) -> None:
    anna.upload("a.txt", b"one")
    old = anna.upload("a.txt", b"two")
    delete = reverse("file-delete", args=[old["id"]])
    assert (anna.post(delete).status_code, anna.post(delete).json()) == (200, {})
    assert anna.files() == []
    assert anna.get(reverse("file", args=[old["id"]])).status_code == 404
    anna.assert_in_order()
    new = anna.upload("a.txt", b"three")
    assert new["version"] == 0
    assert new["id"] != old["id"]
    assert anna.post(delete).status_code == 200
    assert anna.files() == [new]
    anna.assert_in_order()


def test_file_is_not_deleted_by_a_get(anna: Uploader) -> None:
    file = anna.upload("a.txt")
    assert anna.get(reverse("file-delete", args=[file["id"]])).status_code == 400
    assert anna.browser.get(reverse("file-delete", args=[file["id"]])).status_code == 200
    assert anna.files() == [file]


def test_older_version_comes_to_the_front_when_the_newest_is_deleted(anna: Uploader) -> None:
    first = anna.upload("a.txt", b"one")
    second = anna.upload("a.txt", b"two")
    path = reverse("file-delete-version", args=[second["id"], 1])
    assert anna.post(path).json() == {}
    assert anna.files() == [first]
    assert anna.post(path).status_code == 200
    third = anna.upload("a.txt", b"three")
    assert third["version"] == 2
    anna.assert_in_order()


def test_file_is_deleted_with_its_last_version(anna: Uploader) -> None:
    file = anna.upload("a.txt")
    assert anna.post(reverse("file-delete-version", args=[file["id"], 0])).status_code == 200
    assert anna.files() == []
    assert anna.name("a.txt").closed
    assert anna.upload("a.txt")["version"] == 0
    anna.assert_in_order()


def test_restored_version_is_the_newest(anna: Uploader) -> None:
    anna.upload("ä.txt", b"one")
    file = anna.upload("ä.txt", b"two")
    answer = anna.post(reverse("file-restore", args=[file["id"], 0]))
    restored = answer.json()["file"]
    assert (restored["version"], restored["name"], restored["size"]) == (2, "ä.txt", 3)
    assert anna.files() == [restored]
    path = reverse("file-download", args=[file["id"]])
    assert get(anna.get(path)["Location"]).data == b"one"
    anna.assert_in_order()


def test_version_that_is_deleted_while_it_is_restored_is_not_found(
    anna: Uploader, file_stores: FileStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = anna.upload("a.txt")
    copy = file_stores.bucket.copy

    def late(source: str, wanted: NewObject) -> None:
        anna.post(reverse("file-delete", args=[file["id"]]))
        copy(source, wanted)

    monkeypatch.setattr(file_stores.bucket, "copy", late)
    answer = anna.post(reverse("file-restore", args=[file["id"], 0]))
    assert (answer.status_code, error_code(answer)) == (404, "no_such_file")
    assert (anna.files(), anna.keys()) == ([], [])
    anna.assert_in_order()


def test_restore_is_refused_when_there_is_no_room(anna: Uploader, settings: Any) -> None:
    file = anna.upload("a.txt", b"hello")
    settings.FILE_QUOTA_BYTES = 9
    answer = anna.post(reverse("file-restore", args=[file["id"], 0]))
    assert (answer.status_code, error_code(answer)) == (409, "quota_exceeded")
    settings.FILE_QUOTA_BYTES = 100
    settings.FILE_MAX_VERSIONS = 1
    answer = anna.post(reverse("file-restore", args=[file["id"], 0]))
    assert (answer.status_code, error_code(answer)) == (409, "too_many_versions")
    anna.assert_in_order()


def test_version_past_the_most_is_refused(anna: Uploader, settings: Any) -> None:
    issued = [anna.uploaded("a.txt") for _ in range(2)]
    settings.FILE_MAX_VERSIONS = 1
    assert anna.confirm(issued[0]).status_code == 200
    answer = anna.confirm(issued[1])
    assert answer.json()["error"]["reason"] == "too_many_versions"
    anna.assert_in_order()


def test_people_change_files_without_a_script(anna: Uploader) -> None:
    anna.upload("a.txt", b"one")
    file = anna.upload("a.txt", b"two")
    page = {"accept": "text/html"}
    restore = reverse("file-restore", args=[file["id"], 0])
    assert anna.browser.post(restore, headers=page)["Location"] == reverse(
        "file", args=[file["id"]]
    )
    delete = reverse("file-delete", args=[file["id"]])
    assert anna.browser.post(delete, headers=page)["Location"] == reverse("files")
    assert anna.files() == []
    assert anna.browser.get(reverse("file", args=[file["id"]])).status_code == 404


# --- What the page asks for while something is unfinished ---


def test_progress_tells_all_uploads_at_once_and_only_what_is_new(
    anna: Uploader, berta: Uploader
) -> None:
    ready, waiting = anna.uploaded("a.txt"), anna.begin("b.txt")
    file = anna.confirm(ready).json()["file"]
    query = {"uploads": f"{ready.id},{waiting.id}"}
    answer = anna.get(reverse("files-progress"), **query)
    assert answer.json() == {
        "uploads": [
            {"id": ready.id, "state": "ready", "processed": False, "file": file},
            {"id": waiting.id, "state": "uploading", "processed": False, "file": None},
        ],
        "poll_seconds": 2,
    }
    unchanged = anna.browser.get(
        reverse("files-progress"), query, headers={"if-none-match": answer["ETag"]}
    )
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    theirs = berta.get(reverse("files-progress"), **query).json()["uploads"]
    assert [one["file"] for one in theirs] == [None, None]


@pytest.mark.parametrize(
    "asked", ["", "x", ",".join(["01a21640-7698-766f-be47-5bb9cf2c1881"] * 2 + ["y"])]
)
def test_progress_is_refused_when_it_asks_for_what_is_no_upload(anna: Uploader, asked: str) -> None:
    answer = anna.get(reverse("files-progress"), uploads=asked)
    assert (answer.status_code, error_code(answer)) == (400, "bad_request")


def test_unfinished_upload_in_parts_is_ended_by_its_id(
    anna: Uploader, berta: Uploader, settings: Any
) -> None:
    settings.FILE_MULTIPART_BYTES = 6 * 1024**2
    issued = anna.begin(size=7 * 1024**2)
    end = reverse("files-end-unfinished", args=[issued.id])
    assert berta.post(end).status_code == 404
    assert len(live_bucket().open_multiparts(prefix="files/").uploads) == 1
    assert anna.post(end).json() == {}
    assert versions_deleted(anna, issued.id) == [True]
    anna.assert_in_order()


# --- What comes between two requests ---


def between(monkeypatch: pytest.MonkeyPatch, method: str, then: Callable[[], object]) -> None:
    """Have ``then`` happen once, after the next call of a method of the bucket."""
    call = getattr(live_bucket(), method)

    def once(*arguments: Any, **options: Any) -> Any:
        monkeypatch.undo()
        found = call(*arguments, **options)
        then()
        return found

    monkeypatch.setattr(live_bucket(), method, once)


def test_deleted_file_does_not_come_back_by_a_restore_under_way(
    anna: Uploader, file_stores: FileStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna.upload("a.txt", b"one")
    file = anna.upload("a.txt", b"two")
    owner = {"owner_id": anna.owner_id, "file_id": file["id"], "stores": file_stores}
    between(monkeypatch, "copy", lambda: delete_file(**owner))
    answer = anna.post(reverse("file-restore", args=[file["id"], 0]))
    assert (answer.status_code, error_code(answer)) == (404, "no_such_file")
    assert anna.files() == []
    anna.assert_in_order()
    assert anna.upload("a.txt", b"three")["version"] == 0


def test_restore_is_not_called_done_while_nothing_is_known_of_the_copy(
    anna: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna.upload("a.txt", b"one")
    file = anna.upload("a.txt", b"two")
    path = reverse("file-restore", args=[file["id"], 0])

    def unanswered(*_: object) -> None:
        raise OutcomeUnknown

    monkeypatch.setattr(live_bucket(), "copy", unanswered)
    answer = anna.post(path)
    assert (answer.status_code, answer.json()) == (202, {"file": None})
    page = anna.browser.post(path, headers={"accept": "text/html"}, follow=True).content.decode()
    assert "still being copied" in page
    assert "was restored" not in page

    def refused(*_: object) -> None:
        raise StorageUnavailable

    monkeypatch.setattr(live_bucket(), "copy", refused)
    answer = anna.post(path)
    assert (answer.status_code, error_code(answer)) == (503, "unavailable")


def test_name_begins_anew_when_a_crash_left_it_open_without_a_version(
    anna: Uploader, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FILE_MAX_VERSIONS = 2
    anna.upload("a.txt")
    file = anna.upload("a.txt")
    with monkeypatch.context() as patched:
        patched.setattr("files.library.close_name", lambda name, **_: None)
        for version in (0, 1):
            anna.post(reverse("file-delete-version", args=[file["id"], version]))
    assert not anna.name("a.txt").closed
    assert anna.upload("a.txt")["version"] == 0
    anna.assert_in_order()


@pytest.mark.parametrize(
    "name", ["\u24d0.\uff25\uff38\uff25", "a.exe\u00a0.", "a.e\u200bxe", "x.\uff42\uff41\uff54"]
)
def test_name_that_others_take_for_a_program_is_refused(anna: Uploader, name: str) -> None:
    answer = anna.ask("begin", name=name, size=5, content_type="text/plain")
    assert (answer.status_code, error_code(answer)) == (400, "unsupported_type")


@pytest.mark.parametrize("name", ["\u3164", "\u2800.\u2800"])
def test_name_that_shows_nothing_is_refused(anna: Uploader, name: str) -> None:
    answer = anna.ask("begin", name=name, size=5, content_type="text/plain")
    assert (answer.status_code, error_code(answer)) == (400, "bad_name")


def test_encoded_object_is_refused_since_a_download_would_give_other_bytes(anna: Uploader) -> None:
    body = gzip.compress(b"MZ" * 100)
    issued = anna.begin("data.bin", size=len(body), content_type="application/octet-stream")
    assert put(issued.url, body, {**issued.headers, "Content-Encoding": "gzip"}).status == 200
    answer = anna.confirm(issued)
    assert (answer.status_code, answer.json()["error"]["reason"]) == (422, "encoded")
    anna.assert_in_order()
