"""Bodies that are too large, have a wrong Content-Length, or are of another type."""

import io

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from avatars.references import Stores
from tests.builders import make_user
from tests.functional.steps import Response, bucket_keys, error_code, post_json, signed_in

pytestmark = pytest.mark.django_db

ROUTES = ["begin-upload", "confirm-upload"]
GOOD = b'{"content_type": "image/png", "size": 1000}'
TEN_MEGABYTES = 10 * 1024 * 1024
FORMS = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"]


class Stream(io.BytesIO):
    """A body that counts how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def send(
    browser: Client, route: str, body: Stream, *, length: object, content_type: str
) -> Response:
    """Send ``body`` under a Content-Length that need not be true."""
    environ = {"wsgi.input": body, "CONTENT_LENGTH": "" if length is None else str(length)}
    return browser.post(reverse(route), b"-", content_type=content_type, **environ)  # type: ignore[arg-type]


@pytest.mark.case(22)
@pytest.mark.parametrize("route", ROUTES)
def test_json_is_refused_unread_when_it_is_too_large(aws: Stores, route: str) -> None:
    """The body has ten megabytes."""
    body = Stream(b"x" * TEN_MEGABYTES)

    answer = send(
        signed_in(make_user()), route, body, length=TEN_MEGABYTES, content_type="application/json"
    )

    assert (answer.status_code, error_code(answer)) == (413, "bad_request")
    assert body.taken == 0


@pytest.mark.case(22)
@pytest.mark.parametrize("content_type", FORMS)
@pytest.mark.parametrize("route", ["login", *ROUTES])
def test_form_is_refused_unread_when_it_is_too_large(
    aws: Stores, route: str, content_type: str
) -> None:
    """Anybody may post to the login page, and Django looks for a CSRF token in every form."""
    parts = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    body = Stream(parts + b"x" * TEN_MEGABYTES + b"\r\n--b--\r\n")
    browser = Client(enforce_csrf_checks=True)
    browser.get(reverse("login"))  # without its cookie no token is looked for

    length = len(body.getvalue())
    answer = send(browser, route, body, length=length, content_type=content_type)

    assert answer.status_code == 400
    assert body.taken == 0
    assert "_auth_user_id" not in browser.session


@pytest.mark.case(22)
def test_file_in_a_form_is_dropped_when_it_is_small(aws: Stores) -> None:
    """No form of this site takes a file, so none is written to disk."""
    upload = io.BytesIO(b"x" * 1000)
    upload.name = "x.png"

    answer = Client().post(reverse("login"), {"username": upload, "password": "x"})

    assert answer.status_code == 200
    assert answer.wsgi_request.FILES == {}


@pytest.mark.case(22)
@pytest.mark.parametrize("content_type", [*FORMS, "text/plain", "", "application/json-patch+json"])
@pytest.mark.parametrize("route", ROUTES)
def test_request_is_refused_when_it_is_not_declared_as_json(
    aws: Stores, route: str, content_type: str
) -> None:
    """Django may have read the body of a form before the view wants it."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_user(), backend="django.contrib.auth.backends.ModelBackend")
    browser.get(reverse("users"))
    headers = {"x-csrftoken": browser.cookies["csrftoken"].value}

    answer = browser.post(reverse(route), GOOD, content_type=content_type, headers=headers)

    assert (answer.status_code, error_code(answer)) == (400, "bad_request")
    assert "policy" not in answer.content.decode()


@pytest.mark.case(22)
@pytest.mark.parametrize(
    ("length", "status"),
    [
        (len(GOOD), 201),
        (len(GOOD) - 1, 400),  # cut short
        (len(GOOD) + 100, 201),  # the client went away: a server reads what there is
        (0, 400),
        (-1, 400),
        (None, 400),  # chunked: no server of WSGI hands it on without a length
        ("many", 400),
        ("9" * 30, 413),
        (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1, 413),
    ],
)
def test_body_is_read_no_further_than_its_declared_length(
    aws: Stores, length: object, status: int
) -> None:
    body = Stream(GOOD)

    answer = send(
        signed_in(make_user()), "begin-upload", body, length=length, content_type="application/json"
    )

    assert answer.status_code == status
    assert body.taken <= len(GOOD)
    if status != 201:
        assert error_code(answer) == "bad_request"


BEGINS: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"content_type=image/png",
    "array": b"[]",
    "string": b'"image/png"',
    "null": b"null",
    "bad UTF-8": b'{"content_type": "\xff", "size": 1}',
    "number past 64 bits": b'{"content_type": "image/png", "size": 1' + b"0" * 400 + b"}",
    "NUL": b'{"content_type": "image/png\\u0000", "size": 1}',
    "raw NUL": b'{"content_type": "image/png\x00", "size": 1}',
    "named twice": b'{"content_type": "image/png", "size": 1, "size": 2}',
    "NaN": b'{"content_type": "image/png", "size": NaN}',
    "infinity": b'{"content_type": "image/png", "size": Infinity}',
    "fraction": b'{"content_type": "image/png", "size": 1.0}',
    "boolean": b'{"content_type": "image/png", "size": true}',
    "number as text": b'{"content_type": "image/png", "size": "1"}',
    "text as number": b'{"content_type": 1, "size": 1}',
    "missing": b'{"size": 1}',
    "too many": b'{"content_type": "image/png", "size": 1, "owner": "me"}',
    "long text": b'{"content_type": "%s", "size": 1}' % (b"x" * 1025),
    "many digits": b'{"content_type": "image/png", "size": %s}' % (b"9" * 10_000),
    "deep": b"[" * 30_000,
    "deep objects": b'{"size": ' * 5_000 + b"1" + b"}" * 5_000,
    "deep arrays": b'{"size": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
}
CONFIRMS: dict[str, bytes] = {
    "array": b'["pending/x", "token"]',
    "number": b'{"key": 1, "upload_token": "x"}',
    "null": b'{"key": null, "upload_token": "x"}',
    "list": b'{"key": ["x"], "upload_token": "x"}',
    "bad UTF-8": b'{"key": "\xff", "upload_token": "x"}',
    "UTF-16": '{"key": "x", "upload_token": "\0"}'.encode("utf-16"),
    "NUL": b'{"key": "x\\u0000", "upload_token": "x"}',
    "half a character": b'{"key": "\\ud800", "upload_token": "x"}',
    "named twice": b'{"key": "x", "upload_token": "x", "upload_token": "y"}',
    "long": b'{"key": "x", "upload_token": "%s"}' % (b"x" * 1025),
}


@pytest.mark.case(22)
@pytest.mark.parametrize(
    ("route", "body"),
    [
        *(pytest.param("begin-upload", body, id=name) for name, body in BEGINS.items()),
        *(pytest.param("confirm-upload", body, id=name) for name, body in CONFIRMS.items()),
    ],
)
def test_request_is_refused_when_it_is_not_the_json_asked_for(
    aws: Stores, route: str, body: bytes
) -> None:
    answer = post_json(signed_in(make_user()), route, body)

    assert (answer.status_code, error_code(answer)) == (400, "bad_request")
    assert bucket_keys() == []


@pytest.mark.case(22)
@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=b", b"x" * 70_000, 413),
        ("application/x-www-form-urlencoded", b"x=" + b"y" * 70_000, 413),
    ],
    ids=["without a boundary", "a large form", "large fields"],
)
def test_program_gets_json_when_it_sends_a_form_that_cannot_be_read(
    settings: Settings, content_type: str, body: bytes, status: int
) -> None:
    """Django looks for a CSRF token in the form before a view is called."""
    settings.DEBUG = False
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_user(), backend="django.contrib.auth.backends.ModelBackend")
    browser.cookies["csrftoken"] = "x" * 32
    path = reverse("begin-upload")

    program = browser.post(path, body, content_type, headers={"accept": "application/json"})
    person = browser.post(path, body, content_type, headers={"accept": "text/html"})

    assert (program.status_code, error_code(program)) == (status, "bad_request")
    assert (person.status_code, person["Content-Type"]) == (400, "text/html; charset=utf-8")
