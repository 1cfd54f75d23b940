"""Storing assets: the published calls, limits, and what is refused with nothing left of it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from assets.bounds import upload_slot
from aws.bucket import live_bucket
from aws.errors import StorageUnavailable
from files.arrivals import take_in
from files.items import State
from files.stores import live_stores
from tests.builders import make_user, picture_bytes
from tests.functional.assets.steps import FORM, Cut, Program, content, form
from tests.functional.files.steps import MIB, Uploader
from tests.functional.steps import error_code, signed_in

LARGE = bytes(range(256)) * (11 * MIB // 256) + b"the end"


# --- The published calls ---


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_raw_body_is_stored(anna: Uploader, program: Program, method: str) -> None:
    answer = program.ask(method, "/asset/notes.txt", b"hello")
    assert answer.status_code == 200
    envelope = answer.json()
    assert envelope.keys() == {"asset", "token", "error"}
    assert envelope["asset"].keys() == {"id", "name", "size", "version"}
    file = anna.files()[0]
    assert envelope["asset"] == {name: file[name] for name in envelope["asset"]}
    assert (envelope["token"], envelope["error"]) == (None, None)
    assert file["content_type"] == "application/octet-stream"
    anna.assert_in_order()


def test_form_is_stored(anna: Uploader, program: Program) -> None:
    answer = program.post_form(
        ("private", None, b"0"), ("file", "notes.txt", b"hello"), ("expiry", None, b"")
    )
    assert answer.status_code == 200, answer.content
    assert content(program.get(f"/asset/{answer.json()['asset']['id']}")) == b"hello"
    assert anna.files()[0]["content_type"] == "text/plain"
    anna.assert_in_order()


@pytest.mark.parametrize("is_form", [False, True])
def test_large_file_is_stored_in_parts(anna: Uploader, program: Program, is_form: bool) -> None:
    """The parts are of 5 MiB, and neither the last nor the pieces end where a part does."""
    if is_form:
        answer = program.post_form(("file", "x.bin", LARGE))
        asset = answer.json()["asset"]
    else:
        asset = program.store("x.bin", LARGE)
    assert asset["size"] == len(LARGE)
    assert content(program.get(f"/asset/{asset['id']}")) == LARGE
    anna.assert_in_order()


@pytest.mark.parametrize("size", [5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 10 * MIB, 15 * MIB + 1])
def test_file_is_whole_wherever_the_last_part_ends(
    anna: Uploader, program: Program, size: int
) -> None:
    body = LARGE[:size] if size < len(LARGE) else (LARGE * 2)[:size]
    asset = program.store("x.bin", body)
    assert asset["size"] == size
    assert content(program.get(f"/asset/{asset['id']}")) == body


def test_same_name_makes_the_next_version(program: Program) -> None:
    first, second = program.store(body=b"one"), program.store(body=b"two")
    assert (first["version"], second["version"]) == (0, 1)
    assert first["id"] == second["id"]
    assert content(program.get(f"/asset/{first['id']}")) == b"two"
    assert content(program.get(f"/asset/{first['id']}?version=0")) == b"one"


def test_name_of_another_owner_is_another_file(anna: Uploader, program: Program) -> None:
    """Elsewhere a file could be replaced, or got at, by others: Gokapi CVE-2026-28682, -30943."""
    mine = program.store(body=b"mine")
    other = Program(make_user("berta"))
    theirs = other.store(body=b"theirs")
    assert theirs["id"] != mine["id"]
    assert (mine["version"], theirs["version"]) == (0, 0)
    assert other.ask("DELETE", f"/asset/{mine['id']}").status_code == 404
    assert content(program.get(f"/asset/{mine['id']}")) == b"mine"
    anna.assert_in_order()


def test_name_has_folders_and_any_letters(program: Program) -> None:
    assert program.store("a/b%20c/%C3%A9t%C3%A9.txt")["name"] == "a/b c/été.txt"


@pytest.mark.parametrize("sent", ["application/x-www-form-urlencoded", "", "text/plain; x=y"])
def test_type_is_guessed_where_the_client_does_not_know_it(
    anna: Uploader, program: Program, sent: str
) -> None:
    """curl's --data-binary says that a file is a form."""
    program.ask("POST", "/asset/notes.txt", b"hello", content_type=sent)
    assert anna.files()[0]["content_type"] == "text/plain"


def test_url_alone_is_answered_to_who_accepts_text(program: Program) -> None:
    answer = program.ask("PUT", "/asset/a.txt", b"x", headers={"accept": "text/plain"})
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    url = answer.content.decode()
    assert url.startswith("http://testserver/asset/")
    assert url.endswith("\n")
    assert content(program.get(url.strip().removeprefix("http://testserver"))) == b"x"


def test_error_is_a_line_to_who_accepts_text(program: Program) -> None:
    answer = program.ask("PUT", "/asset/a.txt", b"", headers={"accept": "text/plain"})
    assert answer.status_code == 400
    assert answer.content.decode().startswith("bad_size: ")


# --- Who may ---


def test_nobody_stores_without_a_key(db: None, aws: Any) -> None:
    answer = Program().ask("POST", "/asset/a.txt", b"hello")
    assert (answer.status_code, error_code(answer)) == (401, "signed_out")
    assert answer.json()["asset"] is None


@pytest.mark.parametrize(("scope", "code"), [("read", "scope_missing"), ("share", "scope_missing")])
def test_key_must_be_one_to_write(anna: Uploader, scope: str, code: str) -> None:
    answer = Program(anna.user, scope).ask("PUT", "/asset/a.txt", b"hello")
    assert (answer.status_code, error_code(answer)) == (403, code)
    assert anna.keys() == []


def test_link_needs_a_key_that_shares(anna: Uploader) -> None:
    writer = Program(anna.user, "write")
    answer = writer.ask("POST", "/asset/a.txt?token=1", b"hello")
    assert (answer.status_code, error_code(answer)) == (403, "scope_missing")
    answer = writer.post_form(("file", "a.txt", b"hello"), ("token", None, b"1"))
    assert error_code(answer) == "scope_missing"
    assert anna.keys() == []


@pytest.mark.parametrize("path", ["/asset/a.txt", "/asset"])
def test_session_needs_its_csrf_token_in_the_header_and_the_body_is_not_read(
    anna: Uploader, path: str
) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(anna.user, backend="django.contrib.auth.backends.ModelBackend")
    page = browser.get(reverse("files")).content.decode()
    token = page.partition('csrfmiddlewaretoken" value="')[2].partition('"')[0]
    body = form(("csrfmiddlewaretoken", None, token.encode()), ("file", "a.txt", b"hello"))
    unread = Cut(body)
    environ: dict[str, Any] = {"wsgi.input": unread, "CONTENT_LENGTH": str(len(body))}
    answer = browser.post(path, b"-", content_type=FORM, **environ)
    assert (answer.status_code, error_code(answer)) == (403, "csrf")
    assert unread.tell() == 0
    headers = {"x-csrftoken": token}
    answer = browser.generic("POST", path, body, content_type=FORM, headers=headers)
    assert answer.status_code == 200


# --- What is refused ---

REFUSED = [
    ("POST", "/asset/a.txt?token=maybe", b"x", 400, "bad_request"),
    ("POST", "/asset/a.txt?private=2", b"x", 400, "bad_request"),
    ("POST", "/asset/a.txt?token=1&expiry=-1", b"x", 400, "bad_request"),
    ("POST", "/asset/a.txt?token=1&expiry=0", b"x", 400, "bad_request"),
    ("POST", "/asset/a.txt?token=1&expiry=1e9", b"x", 400, "bad_request"),
    ("POST", "/asset/a.txt?token=1&expiry=1.5", b"x", 400, "bad_request"),
    ("POST", "/asset/a.txt?token=1&expiry=٣", b"x", 400, "bad_request"),
    ("POST", "/asset/a.txt?token=1&expiry=999999999", b"x", 400, "bad_request"),
    ("POST", "/asset/a.txt", b"", 400, "bad_size"),
    ("PUT", "/asset/..", b"x", 400, "bad_name"),
    ("PUT", "/asset/a/../b.txt", b"x", 400, "bad_name"),
    ("PUT", "/asset/%00", b"x", 400, "bad_name"),
    ("PUT", "/asset/a%0D%0Ab.txt", b"x", 400, "bad_name"),
    ("PUT", "/asset/a.txt%0A", b"x", 400, "bad_name"),
    ("PUT", f"/asset/{'x' * 256}", b"x", 400, "bad_name"),
    ("PUT", "/asset/x.html", b"<script>", 400, "unsupported_type"),
    ("PUT", "/asset/x.svg", b"<svg/>", 400, "unsupported_type"),
    ("PUT", "/asset/x.png", b"<html><script>", 422, "refused"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), REFUSED)
def test_nothing_is_stored_of_what_is_refused(
    anna: Uploader, program: Program, method: str, path: str, body: bytes, status: int, code: str
) -> None:
    answer = program.ask(method, path, body, content_type="")
    assert (answer.status_code, error_code(answer)) == (status, code)
    assert answer.json()["asset"] is None
    assert anna.keys() == []
    anna.assert_in_order()


FORMS: list[tuple[list[tuple[str, str | None, bytes]], str]] = [
    ([], "bad_request"),
    ([("token", None, b"1")], "bad_request"),
    ([("file", None, b"hello")], "bad_request"),
    ([("file", "", b"hello")], "bad_request"),
    ([("picture", "a.txt", b"hello")], "bad_request"),
    ([("file", "a.txt", b"x"), ("file", "b.txt", b"y")], "bad_request"),
    ([("file", "a.txt", b"x"), ("private", None, b"1")], "bad_request"),
    ([("file", "a.txt", b"x"), ("token", None, b"maybe")], "bad_request"),
    ([("expiry", None, b"-1"), ("file", "a.txt", b"x")], "bad_request"),
    ([("file", "a.txt", b"")], "bad_size"),
    ([(f"f{number}", None, b"") for number in range(2000)], "bad_request"),
]


@pytest.mark.parametrize(("parts", "code"), FORMS)
def test_nothing_is_stored_of_a_form_that_makes_no_sense(
    anna: Uploader, program: Program, parts: list[tuple[str, str | None, bytes]], code: str
) -> None:
    answer = program.post_form(*parts)
    assert (answer.status_code, error_code(answer)) == (400, code)
    anna.assert_in_order()
    assert anna.keys() == []


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=another",
        "multipart/form-data; boundary=" + "x" * 500,
        "application/json",
        "multipart/form-data; boundary=é",
    ],
)
def test_nothing_is_stored_of_a_form_with_a_wrong_boundary(
    anna: Uploader, program: Program, content_type: str
) -> None:
    body = form(("file", "a.txt", b"hello"))
    answer = program.ask("POST", "/asset", body, content_type=content_type)
    assert (answer.status_code, error_code(answer)) == (400, "bad_request")
    assert anna.keys() == []


def test_large_field_of_a_form_is_refused(anna: Uploader, program: Program) -> None:
    answer = program.post_form(("token", None, b"x" * 100_000), ("file", "a.txt", b"x"))
    assert (answer.status_code, error_code(answer)) == (413, "bad_request")
    assert anna.keys() == []


@pytest.mark.parametrize("before", [b"hello", LARGE])
@pytest.mark.parametrize("cut", [3, 20, 36])
def test_form_that_was_cut_is_not_stored(
    anna: Uploader, program: Program, before: bytes, cut: int
) -> None:
    """Its length fits what has come: a proxy may have made it so."""
    answer = program.post_form(("file", "x.bin", before), cut=cut)
    assert (answer.status_code, error_code(answer)) == (400, "short_body")
    assert anna.keys() == []
    anna.assert_in_order()


@pytest.mark.case(55)
@pytest.mark.parametrize("size", [5, 6 * MIB, 11 * MIB])
@pytest.mark.parametrize("path", ["/asset/x.bin", "/asset"])
def test_nothing_is_stored_when_the_client_goes_away(
    anna: Uploader, program: Program, path: str, size: int
) -> None:
    body = form(("file", "x.bin", LARGE[:size]))[: -60 if path == "/asset" else None]
    environ: dict[str, Any] = {"wsgi.input": Cut(body), "CONTENT_LENGTH": str(len(body) + 1)}
    answer = program.ask("POST", path, b"-", content_type=FORM, **environ)
    assert (answer.status_code, error_code(answer)) == (400, "short_body")
    assert anna.keys() == []
    anna.assert_in_order()


@pytest.mark.parametrize("length", ["x", "-1", "1" * 30, "+5"])
def test_length_that_is_no_number_is_refused(anna: Uploader, program: Program, length: str) -> None:
    environ: dict[str, Any] = {"wsgi.input": Cut(b"hello"), "CONTENT_LENGTH": length}
    answer = program.ask("POST", "/asset/a.txt", b"-", **environ)
    assert (answer.status_code, error_code(answer)) == (400, "bad_request")
    assert anna.keys() == []


@pytest.mark.parametrize("path", ["/asset/a.txt", "/asset"])
def test_chunked_body_needs_a_server_that_knows_its_end(program: Program, path: str) -> None:
    environ: dict[str, Any] = {"wsgi.input": Cut(b"hello"), "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = program.ask("POST", path, b"-", content_type=FORM, **environ)
    assert (answer.status_code, error_code(answer)) == (411, "length_required")


def test_chunked_body_is_stored_where_it_ends_by_itself(program: Program) -> None:
    environ: dict[str, Any] = {
        "wsgi.input": Cut(LARGE),
        "wsgi.input_terminated": True,
        "HTTP_TRANSFER_ENCODING": "chunked",
    }
    answer = program.ask("PUT", "/asset/x.bin", b"-", **environ)
    assert answer.json()["asset"]["size"] == len(LARGE)
    assert content(program.get(f"/asset/{answer.json()['asset']['id']}")) == LARGE


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("limit", "status", "code"),
    [("STREAM_MAX_BYTES", 413, "too_large"), ("FILE_QUOTA_BYTES", 409, "quota_exceeded")],
)
def test_limits_are_counted_and_not_believed(
    anna: Uploader,
    program: Program,
    settings: Any,
    chunked: bool,
    limit: str,
    status: int,
    code: str,
) -> None:
    setattr(settings, limit, 6 * MIB)
    environ: dict[str, Any] = {"wsgi.input": Cut(LARGE), "CONTENT_LENGTH": str(len(LARGE))}
    if chunked:
        environ |= {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = program.ask("POST", "/asset/x.bin", b"-", **environ)
    assert (answer.status_code, error_code(answer)) == (status, code)
    assert environ["wsgi.input"].tell() < (8 * MIB if chunked else 1)
    assert anna.keys() == []
    anna.assert_in_order()


def test_body_in_another_encoding_is_refused(program: Program) -> None:
    answer = program.ask("POST", "/asset/a.txt", b"x", headers={"content-encoding": "gzip"})
    assert error_code(answer) == "bad_request"


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS"])
def test_other_methods_are_not_allowed(program: Program, method: str) -> None:
    assert program.ask(method, "/asset/a.txt").status_code == 405
    assert program.ask("GET", "/asset").status_code == 405


def test_too_many_at_once_are_asked_to_come_again(program: Program, settings: Any) -> None:
    settings.STREAM_UPLOADS = 3
    slots = [upload_slot() for _ in range(3)]
    answer = program.ask("PUT", "/asset/a.txt", b"x")
    assert (answer.status_code, error_code(answer)) == (503, "busy")
    assert answer["Retry-After"] == "5"
    slots[0].release()
    assert program.ask("PUT", "/asset/a.txt", b"x").status_code == 200
    for _again in range(5):
        assert program.ask("PUT", "/asset/a.txt", b"").status_code == 400


# --- When the store fails ---


@pytest.mark.parametrize("method", ["write", "send_part", "complete", "begin_multipart", "head"])
def test_nothing_is_left_when_the_store_fails(
    anna: Uploader, program: Program, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise StorageUnavailable

    fail.bounds, fail.__wrapped__, fail.__self__ = ("s3", 0), (lambda *_a, **_k: fail()), None  # type: ignore[attr-defined]
    monkeypatch.setattr(live_bucket(), method, fail)
    answer = program.ask("PUT", "/asset/x.bin", b"x" if method == "write" else LARGE)
    assert (answer.status_code, error_code(answer)) == (503, "unavailable")
    monkeypatch.undo()
    assert anna.keys() == []
    anna.assert_in_order()


def test_object_that_was_written_without_an_answer_goes(
    anna: Uploader, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client is told to send it again; both must not become files."""
    write = live_bucket().write

    def lose(*args: Any, **kwargs: Any) -> None:
        write(*args, **kwargs)
        raise StorageUnavailable

    monkeypatch.setattr(live_bucket(), "write", lose)
    assert error_code(program.ask("PUT", "/asset/a.txt", b"x")) == "unavailable"
    assert anna.keys() == []
    anna.assert_in_order()


def test_event_of_an_asset_changes_nothing_but_adds_its_facts(
    anna: Uploader, program: Program
) -> None:
    program.ask("PUT", "/asset/a.png", picture_bytes(), content_type="image/png")
    upload_id = anna.keys()[0].rpartition("/")[2]
    take_in(owner_id=anna.owner_id, upload_id=upload_id, stores=live_stores())
    entry = anna.entry(upload_id)
    assert (entry.state, entry.version, entry.access) == (State.READY, 0, "open")
    assert entry.preview_key is not None
    anna.assert_in_order()


def test_page_is_not_slowed_by_the_rates_of_another(anna: Uploader, settings: Any) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "begin-file": "1/minute"}
    program = Program(anna.user)
    assert program.ask("PUT", "/asset/a.txt", b"x").status_code == 200
    answer = program.ask("PUT", "/asset/a.txt", b"x")
    assert (answer.status_code, error_code(answer)) == (429, "too_many_requests")
    berta: User = make_user("berta")
    assert Program(berta).ask("PUT", "/asset/a.txt", b"x").status_code == 200
    assert signed_in(berta).get(reverse("files")).status_code == 200
