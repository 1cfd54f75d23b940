"""The calls of files, from outside, each in the shape that others script against."""

import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from tests.functional.files.outside import (
    FILE_FIELDS,
    Answer,
    Visitor,
    ask,
    body_of,
    everything,
    put,
)

MIB = 1024 * 1024
NOTHING: dict[str, Any] = {"state": "uploading", "parts": [], "file": None}


def assert_time(text: str) -> datetime:
    """Assert that ``text`` is a time in ISO 8601, UTC; return it."""
    found = datetime.fromisoformat(text)
    assert found.utcoffset() == datetime.now(UTC).utcoffset()
    return found


def assert_file(file: dict[str, Any], **facts: Any) -> None:
    """Assert that a file has the documented fields, and these facts."""
    assert file.keys() == FILE_FIELDS
    assert {name: file[name] for name in facts} == facts
    assert re.fullmatch(r"[0-9a-f]{32}", file["id"])
    assert abs((assert_time(file["created_at"]) - datetime.now(UTC)).total_seconds()) < 600
    assert file["sha256"] is None
    assert file["preview_url"] is None


# --- One PUT ---


def test_begin_answers_one_put_with_all_its_headers(ada: Visitor) -> None:
    begun = ada.begin("ä.txt", 5)

    fields = {"id", "upload_token", "expires_at", "mode", "url", "headers"}
    assert begun.keys() == fields
    assert begun["mode"] == "put"
    assert UUID(begun["id"]).version == 7
    assert assert_time(begun["expires_at"]) > datetime.now(UTC)
    headers = {name.lower(): value for name, value in begun["headers"].items()}
    assert UUID(headers.pop("x-amz-meta-owner"))
    assert headers == {
        "content-type": "text/plain",
        "if-none-match": "*",
        "x-amz-meta-name": "w6QudHh0",
        "x-amz-meta-size": "5",
        "x-amz-tagging": "Status=Pending",
    }
    assert ada.state(begun) == NOTHING
    assert everything() == ({}, {}, [])


def test_file_is_ready_once_it_is_confirmed(ada: Visitor) -> None:
    begun = ada.begin("a.txt", 5)
    ada.confirm(begun).refused(409, "not_uploaded")
    assert put(begun, b"hello").status == 200
    assert ada.state(begun) == NOTHING

    found = ada.confirm(begun).ok()

    assert found.keys() == {"file"}
    facts = {"name": "a.txt", "version": 0, "size": 5, "content_type": "text/plain"}
    assert_file(found["file"], state="ready", **facts)
    assert ada.state(begun) == {"state": "ready", "parts": [], "file": found["file"]}
    assert ada.get(f"/files/{found['file']['id']}/").ok() == found
    assert ada.get("/files/").ok() == {"files": [found["file"]], "next": None}
    [key] = everything().objects
    assert body_of(key) == b"hello"
    assert put(begun, b"HELLO").status == 412
    assert body_of(key) == b"hello"


@pytest.mark.case(53)
def test_confirm_answers_the_same_and_changes_nothing_when_it_is_repeated(ada: Visitor) -> None:
    for begun in (ada.sent("a.txt", b"hello"), ada.sent("b.txt", bytes(7 * MIB))):
        first = ada.confirm(begun).ok()
        before = everything()
        assert ada.confirm(begun).ok() == first
        ada.abort(begun).refused(409, "already_accepted")
        assert everything() == before


# --- Parts ---


def test_file_in_parts_is_ready_once_all_have_arrived(ada: Visitor) -> None:
    body = b"".join(bytes([number]) * MIB for number in range(33)) + b"end"
    begun = ada.begin("film.bin", len(body), "application/octet-stream")
    fields = {"id", "upload_token", "expires_at", "mode", "part_size", "parts"}
    assert begun.keys() == fields
    assert (begun["mode"], begun["part_size"], begun["parts"]) == ("multipart", 16 * MIB, 3)
    assert (assert_time(begun["expires_at"]) - datetime.now(UTC)).days == 6
    token = begun["upload_token"]

    signed = ada.call("parts/", upload_token=token, numbers=[3, 1]).ok()
    assert signed.keys() == {"parts", "expires_at"}
    assert assert_time(signed["expires_at"]) > datetime.now(UTC)
    assert [part.keys() for part in signed["parts"]] == [{"number", "url", "headers"}] * 2
    assert [part["number"] for part in signed["parts"]] == [3, 1]
    ada.confirm(begun).refused(409, "incomplete", missing=[1, 2, 3])
    for part, content in zip(signed["parts"], [body[32 * MIB :], body[: 16 * MIB]], strict=True):
        assert put(part, content).status == 200
    ada.confirm(begun).refused(409, "incomplete", missing=[2])
    arrived = [{"number": 1, "size": 16 * MIB}, {"number": 3, "size": MIB + 3}]
    assert ada.state(begun) == {"state": "uploading", "parts": arrived, "file": None}
    assert ada.files() == []
    assert ada.send_part(begun, 2, body).status == 200

    file = ada.confirm(begun).ok()["file"]

    assert_file(file, name="film.bin", version=0, size=len(body), state="ready")
    assert ada.state(begun) == {"state": "ready", "parts": [], "file": file}
    state = everything()
    assert state.parts == {}
    [key] = state.objects
    assert sha256(body_of(key)).digest() == sha256(body).digest()


# --- Abort ---


def test_nothing_is_left_of_an_upload_that_was_aborted(ada: Visitor) -> None:
    begun = ada.begin("film.bin", 17 * MIB)
    assert ada.send_part(begun, 2, bytes(17 * MIB)).status == 200
    part = ada.call("parts/", upload_token=begun["upload_token"], numbers=[1]).ok()["parts"][0]

    assert ada.abort(begun).ok() == {}

    assert ada.abort(begun).ok() == {}
    assert ada.state(begun) == {"state": "deleted", "parts": [], "file": None}
    assert put(part, bytes(16 * MIB)).status == 404
    ada.confirm(begun).refused(410, "deleted")
    assert everything()[:2] == ({}, {})
    assert ada.files() == []


def test_aborted_upload_stays_so_when_its_object_comes_late(ada: Visitor) -> None:
    begun = ada.begin("a.txt", 5)
    assert ada.abort(begun).ok() == {}
    put(begun, b"hello")

    ada.confirm(begun).refused(410, "deleted")

    assert everything().objects == {}
    assert ada.files() == []


# --- Files ---


def test_files_are_listed_newest_first(ada: Visitor, ben: Visitor) -> None:
    files = [ada.upload(name) for name in ("odd 1.txt", "even 2.txt", "odd 3.txt")]

    assert ada.get("/files/").ok() == {"files": files[::-1], "next": None}
    assert ada.files(q="ODD") == [files[2], files[0]]
    assert ben.files() == []
    ada.get("/files/", after="x").refused(400, "bad_request")


def test_same_name_is_the_next_version(ada: Visitor) -> None:
    ada.upload("a.txt", b"one")
    file = ada.upload("a.txt", b"three")
    assert_file(file, version=1, size=5)
    assert ada.files() == [file]
    path = f"/files/{file['id']}"

    restored = ada.post(f"{path}/versions/0/restore/").ok()["file"]
    assert_file(restored, version=2, size=3, id=file["id"])
    for version, content in {"": b"one", "0": b"one", "1": b"three", "2": b"one"}.items():
        assert downloaded(ada.get(f"{path}/download/", version=version)).body == content
    assert ada.post(f"{path}/versions/2/delete/").ok() == {}
    assert ada.files() == [file]
    ada.get(f"{path}/download/", version="2").refused(404, "no_such_file")
    ada.post(f"{path}/versions/7/restore/").refused(404, "no_such_file")
    assert sorted(size for size, _ in everything().objects.values()) == [3, 5]


def test_deleted_file_is_gone(ada: Visitor) -> None:
    file = ada.upload("a.txt")
    path = f"/files/{file['id']}/"

    assert ada.post(f"{path}delete/").ok() == {}

    assert ada.post(f"{path}delete/").ok() == {}
    ada.get(path).refused(404, "no_such_file")
    ada.get(f"{path}download/").refused(404, "no_such_file")
    assert ada.files() == []
    assert everything().objects == {}


def test_download_is_a_redirect_that_saves_under_the_name(ada: Visitor) -> None:
    file = ada.upload("ordner/größe.txt", b"hello")

    answer = ada.get(f"/files/{file['id']}/download/")

    found = downloaded(answer)
    assert found.body == b"hello"
    assert found.headers["Content-Type"] == "text/plain"
    encoded = quote("größe.txt")
    assert f"filename*=UTF-8''{encoded}" in found.headers["Content-Disposition"]
    assert ask("GET", answer.headers["Location"].partition("?")[0]).status == 403


def downloaded(answer: Answer) -> Answer:
    """Follow the redirect of a download."""
    assert answer.status == 302
    found = ask("GET", answer.headers["Location"])
    assert found.status == 200
    assert found.headers["Content-Disposition"].startswith("attachment;")
    return found


# --- Progress ---


def test_progress_tells_of_all_uploads_at_once(ada: Visitor, ben: Visitor) -> None:
    ready, begun, aborted = ada.sent("a.txt", b"hello"), ada.begin("b.txt", 5), ada.begin("c", 5)
    file = ada.confirm(ready).ok()["file"]
    ada.abort(aborted)
    ids = ",".join(one["id"] for one in (ready, begun, aborted))

    answer = ada.get("/files/progress/", uploads=ids)

    found = answer.ok()
    assert found == {
        "uploads": [
            {"id": ready["id"], "state": "ready", "processed": False, "file": file},
            {"id": begun["id"], "state": "uploading", "processed": False, "file": None},
            {"id": aborted["id"], "state": "deleted", "processed": True, "file": None},
        ],
        "poll_seconds": 2,
    }
    assert answer.headers["ETag"]
    unknown = ben.get("/files/progress/", uploads=ids).ok()["uploads"]
    assert [(one["state"], one["file"]) for one in unknown] == [("uploading", None)] * 3
    many = ",".join([ready["id"][:-12] + f"{number:012}" for number in range(51)])
    for wrong in ("", "x", many):
        ada.get("/files/progress/", uploads=wrong).refused(400, "bad_request")


def test_progress_is_304_while_nothing_has_changed(ada: Visitor) -> None:
    begun = ada.begin("a.txt", 5)
    path = f"{ada.site}/files/progress/?uploads={begun['id']}"
    cookies = "; ".join(f"{name}={value}" for name, value in ada.cookies.items())
    headers = {"Accept": "application/json", "Cookie": cookies}
    tag = ask("GET", path, headers=headers).headers["ETag"]

    again = ask("GET", path, headers={**headers, "If-None-Match": tag})

    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
    assert put(begun, b"hello").status == 200
    ada.confirm(begun).ok()
    assert ask("GET", path, headers={**headers, "If-None-Match": tag}).status == 200


def test_upload_in_parts_is_ended_by_its_id_when_the_token_is_lost(
    ada: Visitor, ben: Visitor
) -> None:
    begun = ada.begin("film.bin", 17 * MIB)
    path = f"/files/uploads/{begun['id']}/end/"
    before = everything()
    ben.post(path).refused(404, "no_such_file")
    assert everything() == before

    assert ada.post(path).ok() == {}

    assert ada.state(begun)["state"] == "deleted"
    assert everything().parts == {}
