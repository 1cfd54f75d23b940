"""Bad input to the calls of files, from outside: what is answered, and that nothing has changed."""

import json
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from tests.functional.files.outside import EMPTY, Answer, Visitor, ask, everything

MIB = 1024 * 1024
OVERRIDE = "\N{RIGHT-TO-LEFT OVERRIDE}"
TOKEN_CALLS = ("parts/", "state/", "confirm/", "abort/")


def with_token(visitor: Visitor, route: str, token: Any) -> Answer:
    """Send one of the calls that take a token."""
    more = {"numbers": [1]} if route == "parts/" else {}
    return visitor.call(route, upload_token=token, **more)


# --- Names ---

REFUSED_NAMES = {
    "empty": "",
    "blank": " ",
    "1,000 characters": "x" * 1000,
    "256 characters": "x" * 256,
    "1,001 bytes": "日" * 251 + "\N{GRINNING FACE}" * 62,
    "a folder above": "../x",
    "a folder above inside": "a/../x",
    "absolute": "/etc/passwd",
    "only a dot": ".",
    "only dots": "....",
    "only an override": OVERRIDE,
    "line end": "a\r\nSet-Cookie: x=1",
    "line feed": "a\nb",
    "line separator": "a\u2028b",
    "escape": "a\x1b[2Jb",
    "backslash": "..\\x",
}


@pytest.mark.case(49)
def test_name_is_refused_when_it_cannot_be_one(ada: Visitor, subtests: pytest.Subtests) -> None:
    for what, name in REFUSED_NAMES.items():
        with subtests.test(what):
            ada.call("", name=name, size=1, content_type="").refused(400, "bad_name")
    for name in ("a\x00b", "\ud800", "x" * 1025):  # no text that a call takes at all
        with subtests.test(ascii(name)):  # a half character could not be told to another process
            ada.call("", name=name, size=1, content_type="").refused(400, "bad_request")
    assert everything() == EMPTY


TAKEN_NAMES = {
    "a\"b'c;d=e.txt": "a\"b'c;d=e.txt",
    " a.txt ": "a.txt",
    f"photo{OVERRIDE}gnp.txt": "photognp.txt",
    unicodedata.normalize("NFD", "ä/größe.txt"): "ä/größe.txt",
    "日本語 🙂.txt": "日本語 🙂.txt",
    "%0d%0aSet-Cookie: x=1": "%0d%0aSet-Cookie: x=1",
    "x" * 255: "x" * 255,
}


@pytest.mark.case(49)
def test_name_comes_back_clean_and_in_one_header(ada: Visitor, subtests: pytest.Subtests) -> None:
    for name, kept in TAKEN_NAMES.items():
        with subtests.test(name):
            file = ada.upload(name, b"hello")
            assert (file["name"], ada.files()[0]) == (kept, file)
            redirect = ada.get(f"/files/{file['id']}/download/")
            found = ask("GET", redirect.headers["Location"])
            [disposition] = found.headers.get_all("Content-Disposition", [])
            assert disposition.isascii()
            assert disposition.isprintable()
            assert disposition.startswith("attachment; filename=")
            assert disposition.count('"') == 2
            assert "/" not in (found.headers.get_filename() or "")
            assert "Set-Cookie" not in found.headers


# --- Sizes, types, bodies ---


NO_SIZES: list[Any] = [2**63, -(2**63), 2**100, 1.5, "5", True, None, [5], {}]


def test_size_is_refused_when_it_is_out_of_bounds(ada: Visitor, subtests: pytest.Subtests) -> None:
    for size in (0, -1, 5 * 1024**3 + 1, 2**63 - 1):
        with subtests.test(str(size)):
            ada.call("", name="a.txt", size=size, content_type="").refused(400, "bad_size")
    for wrong in NO_SIZES:
        with subtests.test(str(wrong)):
            ada.call("", name="a.txt", size=wrong, content_type="").refused(400, "bad_request")
    assert everything() == EMPTY


def test_type_is_refused_when_it_is_dangerous_or_none(
    ada: Visitor, subtests: pytest.Subtests
) -> None:
    for kind in ("text/html", "image/svg+xml", "image/png, text/html", "x", "a/b\r\nc: d"):
        with subtests.test(kind):
            answer = ada.call("", name="a.bin", size=1, content_type=kind)
            answer.refused(400, "unsupported_type")
    assert everything() == EMPTY


BODIES = [
    *(b"", b"{", b"[]", b'"a"', b"\xff", b"{}", b"[" * 20_000),
    b'{"name": "a", "size": 1}',
    b'{"name": "a", "size": 1, "content_type": "", "key": "x"}',
    b'{"name": "a", "size": 1, "size": 2, "content_type": ""}',
    b'{"name": 1, "size": 1, "content_type": ""}',
    b'{"name": "a", "size": 1, "content_type": null}',
    b'{"name": "a", "size": NaN, "content_type": ""}',
]


def test_body_is_refused_when_it_is_not_what_the_call_takes(
    ada: Visitor, subtests: pytest.Subtests
) -> None:
    for body in BODIES:
        for route in ("", *TOKEN_CALLS):
            with subtests.test(f"{route} {body[:60]!r}"):
                ada.post(f"/files/uploads/{route}", body).refused(400, "bad_request")
    assert everything() == EMPTY


def test_body_is_refused_when_it_is_large_or_a_form(ada: Visitor) -> None:
    wanted = {"name": "a", "size": 1, "content_type": ""}
    padded = json.dumps(wanted).encode() + b" " * 65_536
    ada.post("/files/uploads/", padded).refused(413, "bad_request")
    form = "application/x-www-form-urlencoded"
    ada.post("/files/uploads/", wanted, content_type=form).refused(400, "bad_request")
    assert everything() == EMPTY


def test_calls_are_refused_without_session_csrf_token_or_post(ada: Visitor, site: str) -> None:
    file = ada.upload("a.txt")
    begun, before = ada.begin("b.txt", 5), everything()
    stranger, forgetful = Visitor(site), Visitor(site)
    forgetful.cookies = {"sessionid": ada.cookies["sessionid"]}
    stranger.get("/login/")
    fields: dict[str, Any] = {"name": "a", "size": 1, "content_type": ""}
    refusals = [(stranger, 401, "signed_out"), (forgetful, 403, "csrf")]
    for visitor, status, code in refusals:
        visitor.call("", **fields).refused(status, code)
        visitor.post(f"/files/{file['id']}/delete/").refused(status, code)
        for route in TOKEN_CALLS:
            with_token(visitor, route, begun["upload_token"]).refused(status, code)
    for path in ("/files/", f"/files/{file['id']}/", f"/files/{file['id']}/download/"):
        stranger.get(path).refused(401, "signed_out")
    for route in ("", *TOKEN_CALLS):
        assert ada.get(f"/files/uploads/{route}").status == 405
    assert everything() == before


# --- Tokens ---


def other_purpose(visitor: Visitor) -> str:
    """Return a token of a picture's upload, with a genuine signature."""
    asked = {"content_type": "image/png", "size": 100}
    token: str = visitor.post("/avatars/uploads/", asked).ok(201)["upload_token"]
    return token


def swapped(visitor: Visitor, token: str) -> str:
    """Return the facts of one upload with the signature of another."""
    other = visitor.begin("other.txt", 5)["upload_token"]
    return f"{other.rpartition('.')[0]}.{token.rpartition('.')[2]}"


FALSE_TOKENS: dict[str, Callable[[Visitor, str], str]] = {
    "empty": lambda _, token: "",
    "forged": lambda _, token: "x.y",
    "not ASCII": lambda _, token: "größe.é",
    "altered at its begin": lambda _, token: ("A" if token[0] != "A" else "B") + token[1:],
    "altered at its end": lambda _, token: token[:-1] + ("A" if token[-1] != "A" else "B"),
    "cut": lambda _, token: token[:-1],
    "without a signature": lambda _, token: token.rpartition(".")[0],
    "of another purpose": lambda visitor, _: other_purpose(visitor),
    "of two uploads": swapped,
}


def test_token_is_refused_when_it_is_false(ada: Visitor, subtests: pytest.Subtests) -> None:
    begun = ada.sent("film.bin", bytes(7 * MIB))
    false = {what: made(ada, begun["upload_token"]) for what, made in FALSE_TOKENS.items()}
    before = everything()

    for what, token in false.items():
        for route in TOKEN_CALLS:
            with subtests.test(f"{route} {what}"):
                with_token(ada, route, token).refused(403, "invalid_token")
    for nothing in (None, 5, ["x"], {"a": 1}, "x" * 1025, "a\x00"):
        for route in TOKEN_CALLS:
            with subtests.test(f"{route} {nothing}"):
                with_token(ada, route, nothing).refused(400, "bad_request")

    assert everything() == before
    ada.confirm(begun).ok()


@pytest.mark.case(48)
def test_token_of_another_user_is_refused(ada: Visitor, ben: Visitor) -> None:
    for begun in (ada.sent("a.txt", b"hello"), ada.sent("film.bin", bytes(7 * MIB))):
        before = everything()
        for route in TOKEN_CALLS:
            with_token(ben, route, begun["upload_token"]).refused(403, "invalid_token")
        assert everything() == before
        ada.confirm(begun).ok()
    assert ben.files() == []


def test_token_is_refused_when_it_has_expired(ada: Visitor) -> None:
    begun = ada.sent("film.bin", bytes(7 * MIB))
    before = everything()

    with time_machine.travel(datetime.now(UTC) + timedelta(days=7, seconds=1)):
        for route in TOKEN_CALLS:
            with_token(ada, route, begun["upload_token"]).refused(410, "token_expired")

    assert everything() == before


@pytest.mark.case(48)
def test_file_of_another_user_is_not_there(ada: Visitor, ben: Visitor) -> None:
    ada.upload("a.txt", b"one")
    file = ada.upload("a.txt", b"two")
    before = everything()
    for file_id in (file["id"], "0" * 32, "x", "%00", "..", "A" * 200):
        path = f"/files/{file_id}"
        for read in ("/", "/download/", "/download/?version=0"):
            ben.get(path + read).refused(404, "no_such_file")
        for write in ("delete/", "versions/0/restore/", "versions/0/delete/"):
            ben.post(f"{path}/{write}").refused(404, "no_such_file")
    assert everything() == before
    assert (ada.files(), ben.files()) == ([file], [])
