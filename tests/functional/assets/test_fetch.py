"""Fetching assets: who may, ranges and conditions, headers, and a store that breaks."""

from typing import Any

import pytest
from botocore.exceptions import IncompleteReadError
from django.test import Client, RequestFactory
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from assets.bounds import download_slot
from assets.errors import BadRange
from assets.sending import span_of
from aws.bucket import live_bucket
from aws.errors import StorageUnavailable
from files.blocking import block_version
from files.items import Entry
from files.stores import live_stores
from tests.builders import make_user
from tests.functional.assets.steps import Program, content
from tests.functional.files.steps import MIB, Uploader
from tests.functional.steps import error_code, signed_in

BODY = bytes(range(256)) * 4096  # a MiB


def path_of(program: Program, body: bytes = BODY, query: str = "") -> str:
    """Store a file; return where it is."""
    return f"/asset/{program.store('x.bin', body, query)['id']}"


# --- Who may read ---


def test_who_knows_the_id_may_read(program: Program) -> None:
    path = path_of(program)
    assert content(Program().get(path)) == BODY
    assert content(Program(make_user("berta")).get(path)) == BODY


def test_private_asset_is_its_owners_alone(anna: Uploader, program: Program) -> None:
    path = path_of(program, query="?private=1")
    assert content(program.get(path)) == BODY
    assert content(anna.browser.get(path)) == BODY
    for other in (Program(), Program(make_user("berta"))):
        answer = other.get(path)
        assert (answer.status_code, answer.content) == (204, b"")


def test_file_of_the_page_is_private(anna: Uploader) -> None:
    path = f"/asset/{anna.upload('a.txt')['id']}"
    assert content(anna.browser.get(path)) == b"hello"
    assert Program().get(path).status_code == 204


def test_each_version_has_its_own_say(program: Program) -> None:
    path = path_of(program, b"open")
    program.store("x.bin", b"private", "?private=1")
    assert Program().get(path).status_code == 204
    assert content(Program().get(f"{path}?version=0")) == b"open"
    program.ask("POST", f"{path.replace('asset', 'files')}/versions/0/restore/", b"{}")
    assert content(Program().get(path)) == b"open"


def test_site_may_make_all_ids_private(program: Program, settings: Any) -> None:
    path = path_of(program)
    settings.ASSETS_PRIVATE = True
    assert Program().get(path).status_code == 204
    assert content(program.get(path)) == BODY


def test_id_ends_with_its_owners_rights(anna: Uploader, program: Program) -> None:
    path = path_of(program)
    User.objects.update(is_active=False)
    assert Program().get(path).status_code == 204
    User.objects.update(is_active=True)
    assert content(Program().get(path)) == BODY


def test_blocked_version_is_read_by_nobody(anna: Uploader, program: Program) -> None:
    path = path_of(program)
    file_id = path.rpartition("/")[2]
    block_version(owner_id=anna.owner_id, file_id=file_id, version=0, stores=live_stores())
    assert [who.get(path).status_code for who in (program, Program())] == [204, 204]
    assert anna.browser.get(f"/files/{file_id}/download/?stream=1").status_code == 409


@pytest.mark.parametrize(
    "path", ["/asset/x", "/asset/%00", f"/asset/{'0' * 32}", "/asset/a/b", "/asset/" + "x" * 3000]
)
def test_what_is_not_there_is_no_content(program: Program, path: str) -> None:
    answer = program.get(path)
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("version", ["1", "-1", "x", "9" * 30, "0x0"])
def test_version_that_is_not_there_is_no_content(program: Program, version: str) -> None:
    assert program.get(f"{path_of(program)}?version={version}").status_code == 204


def test_wrong_key_is_told_even_where_none_is_needed(program: Program) -> None:
    path = path_of(program)
    answer = Program().get(path, authorization="Bearer tri_wrong")
    assert (answer.status_code, error_code(answer)) == (401, "invalid_key")


def test_address_that_is_none_is_told_as_json_to_programs(program: Program) -> None:
    answer = program.get("/files/x/versions/y/restore/")
    assert (answer.status_code, error_code(answer)) == (404, "no_such_route")
    assert Client().get("/nowhere")["Content-Type"].startswith("text/html")


# --- Headers ---


def test_answer_can_do_no_harm(program: Program) -> None:
    asset = program.store("a%22b%20%C3%A9.txt", b"<script>")
    answer = program.get(f"/asset/{asset['id']}")
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    assert "\n" not in answer["Content-Disposition"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Cache-Control"] == "private, no-cache"
    assert answer["ETag"] == f'"{asset["id"]}-0"'
    assert answer["Content-Length"] == "8"


def test_head_tells_the_same_and_asks_s3_for_nothing(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path_of(program)
    got = program.get(path)
    content(got)
    monkeypatch.setattr(live_bucket(), "open_range", None)
    head = program.ask("HEAD", path, headers={"range": "bytes=0-1"})
    assert (head.status_code, head.content) == (200, b"")
    changing = {"X-Request-ID"}
    assert dict(head.items()).keys() == dict(got.items()).keys()
    same = {name: value for name, value in got.items() if name not in changing}
    assert {name: head[name] for name in same} == same


# --- Ranges ---

RANGES = [
    ("bytes=0-0", 206, slice(0, 1)),
    ("bytes=0-9", 206, slice(0, 10)),
    ("bytes=10-", 206, slice(10, None)),
    ("bytes=-10", 206, slice(-10, None)),
    ("bytes=-9999999999", 200, slice(0, None)),
    ("bytes=0-9999999999", 200, slice(0, None)),
    ("bytes=1048575-1048575", 206, slice(-1, None)),
    ("bytes=1048576-", 416, None),
    ("bytes=9999999999-", 416, None),
    ("bytes=-0", 416, None),
    ("bytes=0-1,5-6", 200, slice(0, None)),
    ("bytes=5-1", 200, slice(0, None)),
    ("bytes=a-b", 200, slice(0, None)),
    ("bytes=", 200, slice(0, None)),
    ("bytes=-", 200, slice(0, None)),
    ("items=0-1", 200, slice(0, None)),
    ("bytes=+1-5", 200, slice(0, None)),
    ("bytes=\u0660-\u0661", 200, slice(0, None)),
    (f"bytes={'9' * 400}-", 200, slice(0, None)),
    ("bytes=0-1" + ",0-1" * 1000, 200, slice(0, None)),
]


@pytest.mark.case(51)
def test_ranges(program: Program) -> None:
    path = path_of(program)
    for header, status, wanted in RANGES:
        answer = program.get(path, range=header)
        assert answer.status_code == status, header
        if wanted is None:
            assert answer["Content-Range"] == f"bytes */{len(BODY)}"
            assert answer.content == b""
            continue
        assert content(answer) == BODY[wanted], header
        assert answer["Content-Length"] == str(len(BODY[wanted]))
        if status == 206:
            first = range(len(BODY))[wanted][0]
            last = range(len(BODY))[wanted][-1]
            assert answer["Content-Range"] == f"bytes {first}-{last}/{len(BODY)}"


@pytest.mark.case(51)
@given(st.text(alphabet="bytes=-,0123456789 ", max_size=30), st.integers(1, 2000))
def test_span_is_always_one_of_the_file(header: str, size: int) -> None:
    request = RequestFactory().get("/", headers={"range": header})
    try:
        span = span_of(request, Entry(size=size))
    except BadRange:
        return
    assert 0 <= span.start < size
    assert 1 <= span.length <= size - span.start


def test_range_of_another_version_gives_the_whole(program: Program) -> None:
    path = path_of(program)
    etag = program.ask("HEAD", path)["ETag"]
    for condition, status in [
        (etag, 206),
        (f"W/{etag}", 200),
        ('"other"', 200),
        ("Thu, 26 Nov 2026 12:00:00 GMT", 200),
    ]:
        answer = program.get(path, range="bytes=0-9", if_range=condition)
        assert answer.status_code == status, condition
        content(answer)


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("if_none_match", "{etag}", 304),
        ("if_none_match", "W/{etag}", 304),
        ("if_none_match", '"x", {etag}', 304),
        ("if_none_match", "*", 304),
        ("if_none_match", '"x"', 200),
        ("if_none_match", "nonsense", 200),
        ("if_match", "{etag}", 200),
        ("if_match", "*", 200),
        ("if_match", '"x"', 412),
        ("if_match", "W/{etag}", 412),
    ],
)
def test_conditions(program: Program, name: str, value: str, status: int) -> None:
    path = path_of(program)
    etag = program.ask("HEAD", path)["ETag"]
    answer = program.get(path, **{name: value.format(etag=etag)})
    assert answer.status_code == status
    assert answer["ETag"] == etag
    assert content(answer) == (BODY if status == 200 else b"")


# --- The page's download ---


def test_owner_streams_on_request(anna: Uploader) -> None:
    file = anna.upload("a.txt")
    path = reverse("file-download", args=[file["id"]])
    assert anna.browser.get(path).status_code == 302
    answer = anna.browser.get(path, {"stream": "1"})
    assert (answer.status_code, content(answer)) == (200, b"hello")
    assert anna.browser.head(path, {"stream": "1"})["Content-Length"] == "5"
    assert anna.get(path, stream="0").status_code == 302
    assert signed_in(make_user("berta")).get(path, {"stream": "1"}).status_code == 404
    assert Client().get(path, {"stream": "1"}).status_code == 302
    assert content(Program(anna.user, "read").get(f"{path}?stream=1")) == b"hello"


# --- Deleting ---


def test_asset_and_version_are_deleted(anna: Uploader, program: Program) -> None:
    path = path_of(program, b"one")
    program.store("x.bin", b"two")
    assert program.ask("DELETE", f"{path}?version=1").json()["error"] is None
    assert content(program.get(path)) == b"one"
    for _again in range(2):
        assert program.ask("DELETE", path).status_code == 200
    assert program.get(path).status_code == 204
    anna.assert_in_order()


@pytest.mark.case(48)
def test_asset_of_another_is_not_deleted(program: Program) -> None:
    path = path_of(program)
    answer = Program(make_user("berta")).ask("DELETE", path)
    assert (answer.status_code, error_code(answer)) == (404, "no_such_file")
    assert Program().ask("DELETE", path).status_code == 401
    assert content(program.get(path)) == BODY


# --- When S3 breaks ---


class Breaking:
    """A body of S3's that breaks after some bytes."""

    def __init__(self, body: Any, after: int) -> None:
        self._body, self._left = body, after

    def read(self, size: int) -> bytes:
        if not self._left:
            raise IncompleteReadError(actual_bytes=0, expected_bytes=1)
        piece: bytes = self._body.read(min(size, self._left))
        self._left -= len(piece)
        return piece

    def close(self) -> None:
        self._body.close()


def broken(monkeypatch: pytest.MonkeyPatch, *after: int) -> list[int]:
    """Have each of the next reads break after so many bytes; return where each began."""
    opened, starts, left = live_bucket().open_range, list[int](), list(after)

    def open_range(key: str, *, start: int, length: int, etag: str) -> Any:
        starts.append(start)
        body = opened(key, start=start, length=length, etag=etag)
        return Breaking(body, left.pop(0)) if left else body

    monkeypatch.setattr(live_bucket(), "open_range", open_range)
    return starts


def test_download_goes_on_where_the_connection_to_s3_broke(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path_of(program)
    starts = broken(monkeypatch, 1000, 0, 5000)
    assert content(program.get(path, range="bytes=10-")) == BODY[10:]
    assert starts == [10, 1010, 1010, 6010]


def test_download_never_ends_as_if_it_were_whole(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path_of(program)
    broken(monkeypatch, 1000, 0, 0, 0, 0)
    answer = program.get(path)
    assert answer.status_code == 200
    with pytest.raises(StorageUnavailable):
        content(answer)


def test_object_that_is_gone_is_no_content(anna: Uploader, program: Program) -> None:
    path = path_of(program)
    live_bucket().delete(anna.keys())
    assert program.get(path).status_code == 204


def test_download_gives_its_slot_back(program: Program, settings: Any) -> None:
    settings.STREAM_DOWNLOADS = 2
    path = path_of(program)
    for _again in range(5):
        answer: Any = program.get(path)
        next(answer.streaming_content)
        for closer in answer._resource_closers:  # as a server does whose client has gone
            closer()
    slots = [download_slot() for _ in range(2)]
    answer = program.get(path)
    assert (answer.status_code, error_code(answer)) == (503, "busy")
    assert program.ask("HEAD", path).status_code == 200
    slots[0].release()
    assert content(program.get(path)) == BODY


def test_pieces_are_small(program: Program) -> None:
    path = path_of(program)
    answer = program.get(path)
    sizes = [len(piece) for piece in answer.streaming_content]  # type: ignore[attr-defined]
    assert max(sizes) == MIB // 4
