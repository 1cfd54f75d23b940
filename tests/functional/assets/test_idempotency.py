"""Requests with an Idempotency-Key: sent again they store nothing, and get the same answer."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from assets.idempotency import LEASE, Claim, live_requests
from aws.bucket import live_bucket
from aws.errors import StorageUnavailable
from files.references import live_items
from tests.builders import make_user
from tests.functional.assets.steps import FORM, Cut, Program, content, form
from tests.functional.files.steps import MIB, Uploader
from tests.functional.steps import Response, error_code

LARGE = b"x" * (11 * MIB)


def put(program: Program, body: bytes = b"hello", key: str = "k1", path: str = "a.txt") -> Response:
    """Store a file with a key."""
    return program.ask("POST", f"/asset/{path}", body, headers={"idempotency-key": key})


def unread(program: Program, body: bytes = b"hello") -> tuple[Response, int]:
    """Send the request again; return the answer, and how much of the body was read."""
    stream = Cut(body)
    environ: dict[str, Any] = {"wsgi.input": stream, "CONTENT_LENGTH": str(len(body))}
    answer = program.ask("POST", "/asset/a.txt", b"-", headers={"idempotency-key": "k1"}, **environ)
    return answer, stream.tell()


def test_same_request_gets_the_same_answer_unread(anna: Uploader, program: Program) -> None:
    first = put(program)
    for _again in range(3):
        answer, read = unread(program)
        assert (answer.status_code, answer.json(), read) == (200, first.json(), 0)
    assert len(anna.keys()) == 1
    anna.assert_in_order()


def test_same_token_is_answered_though_it_is_stored_nowhere(program: Program) -> None:
    first = put(program, path="a.txt?token=1&private=1").json()
    again = put(program, path="a.txt?token=1&private=1").json()
    assert again == first
    token = first["token"]["token"]
    stored = repr(list(live_items().scan())) + repr(list(live_requests().scan()))
    assert token.removeprefix("trl_") not in stored
    assert content(Program().get(f"/asset-token/{token}")) == b"hello"


def test_form_and_text_get_the_same_answer(program: Program) -> None:
    body = form(("file", "a.txt", b"hello"), ("token", None, b"1"))
    headers = {"idempotency-key": "form", "accept": "text/plain"}
    answers = [
        program.ask("POST", "/asset", body, content_type=FORM, headers=headers) for _ in range(2)
    ]
    assert answers[0].content == answers[1].content
    assert b"/asset-token/trl_" in answers[0].content


def test_another_request_of_the_same_key_is_refused(anna: Uploader, program: Program) -> None:
    put(program)
    for path, body in (("b.txt", b"hello"), ("a.txt", b"longer"), ("a.txt?private=1", b"hello")):
        answer = put(program, body, path=path)
        assert (answer.status_code, error_code(answer)) == (422, "key_reused")
    assert len(anna.keys()) == 1


def test_keys_are_of_one_owner(anna: Uploader, program: Program) -> None:
    put(program)
    berta = make_user("berta")
    assert put(Program(berta)).json()["asset"]["version"] == 0
    assert len(anna.keys()) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\tb"])
def test_key_that_is_none_is_refused(anna: Uploader, program: Program, key: str) -> None:
    answer = put(program, key=key)
    assert (answer.status_code, error_code(answer)) == (400, "bad_request")
    assert anna.keys() == []


def test_key_is_forgotten_after_a_day(program: Program) -> None:
    put(program)
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=True):
        assert put(program).json()["asset"]["version"] == 1


@pytest.mark.parametrize("body", [b"", b"<html>"])
def test_request_that_failed_may_be_sent_again(
    anna: Uploader, program: Program, body: bytes
) -> None:
    path = "a.txt" if not body else "a.png"
    first, again = (put(program, body, path=path) for _ in range(2))
    assert first.status_code >= 400
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert anna.keys() == []
    anna.assert_in_order()


@pytest.mark.parametrize("method", ["write", "head"])
def test_request_goes_on_after_an_outage(
    anna: Uploader, program: Program, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def fail(*_args: Any, **_facts: Any) -> None:
        raise StorageUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(live_bucket(), method, fail)
        assert error_code(put(program)) == "unavailable"
    answer = put(program)
    assert (answer.status_code, answer.json()["asset"]["version"]) == (200, 0)
    assert len(anna.keys()) == 1
    anna.assert_in_order()


def test_answer_that_was_not_kept_is_given_all_the_same(
    anna: Uploader, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process died between the file and the answer; once its lease is over, another goes on."""

    def die(*_args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Claim, "finish", die)
        patched.setattr(Claim, "__exit__", lambda *_args: None)
        with pytest.raises(KeyboardInterrupt):
            put(program, LARGE)
    answer = put(program, LARGE)
    assert (answer.status_code, error_code(answer)) == (409, "in_flight")
    assert answer["Retry-After"] == "5"
    with time_machine.travel(timezone.now() + LEASE + timedelta(seconds=1), tick=True):
        answer = put(program, LARGE)
    assert (answer.status_code, answer.json()["asset"]["version"]) == (200, 0)
    assert len(anna.keys()) == 1
    anna.assert_in_order()


def test_second_attempt_waits_for_the_first(anna: Uploader, program: Program) -> None:
    """It comes while the body of the first one is under way."""
    answers: list[Response] = []

    class Slow(Cut):
        def read(self, size: int | None = -1) -> bytes:
            if not answers:
                answers.append(put(program, LARGE))
            return super().read(size)

    environ: dict[str, Any] = {"wsgi.input": Slow(LARGE), "CONTENT_LENGTH": str(len(LARGE))}
    headers = {"idempotency-key": "k1"}
    answer = program.ask("POST", "/asset/a.txt", b"-", headers=headers, **environ)
    assert answer.status_code == 200
    assert error_code(answers[0]) == "in_flight"
    anna.assert_in_order()


@pytest.fixture
def many() -> Iterator[ThreadPoolExecutor]:
    """Return two hundred threads."""
    with ThreadPoolExecutor(200) as threads:
        yield threads


@pytest.mark.django_db(transaction=True)
def test_one_version_comes_of_two_hundred_at_once(
    anna: Uploader, many: ThreadPoolExecutor, settings: Any
) -> None:
    settings.STREAM_UPLOADS = 200
    owner = Program(anna.user)

    def send(_number: int) -> int:
        program = Program()
        program.headers = owner.headers
        try:
            return put(program).status_code
        finally:
            connections.close_all()

    statuses = list(many.map(send, range(200)))
    assert set(statuses) <= {200, 409}
    assert 200 in statuses
    assert put(owner).json()["asset"]["version"] == 0
    assert len(anna.keys()) == 1
    anna.assert_in_order()
