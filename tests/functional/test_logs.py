"""What each phase logs, and which secrets never appear, with every logger at DEBUG."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from logging import NullHandler
from typing import Any

import pytest
from django.conf import settings as site
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings
from structlog.contextvars import bind_contextvars

from accounts.models import User
from avatars import services
from avatars.references import Stores
from aws.deadlines import later
from aws.errors import StorageUnavailable
from tests.builders import make_user
from tests.functional.steps import (
    begin,
    broken,
    bucket_keys,
    confirm,
    get,
    live_key,
    own_threads,
    permission_for,
    picture_path,
    post_file,
    post_json,
    refuse_deletions,
    serve_with,
    signed_in,
    upload_picture,
    uploaded,
)
from web.logs import formatter
from web.redaction import Redactor

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
Event = dict[str, Any]


class Log:
    """The lines that the formatter has written."""

    def __init__(self, stream: io.StringIO) -> None:
        self.stream = stream

    @property
    def text(self) -> str:
        """Return the whole text."""
        return self.stream.getvalue()

    def events(self, name: str) -> list[Event]:
        """Return the events of this name with their fields."""
        lines = [json.loads(line) for line in self.text.splitlines()]
        return [line for line in lines if line["event"] == name]

    def event(self, name: str) -> Event:
        """Return the only event of this name."""
        (found,) = self.events(name)
        return found


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Log]]:
    """Return a function that makes every logger write at DEBUG, formatted as in production."""
    root, added = logging.getLogger(), []
    names = [name for name in logging.Logger.manager.loggerDict if not name.startswith("faker")]
    monkeypatch.setattr(root, "level", logging.DEBUG)
    for logger in [logging.getLogger(name) for name in names]:
        monkeypatch.setattr(logger, "level", logging.NOTSET)
        monkeypatch.setattr(logger, "propagate", True)
    root.manager._clear_cache()  # type: ignore[attr-defined]  # of the levels as they were

    def start(*, readable: bool = False) -> Log:
        handler = logging.StreamHandler(io.StringIO())
        secrets = site.LOGGING["formatters"]["lines"]["secrets"]
        handler.setFormatter(formatter(readable=readable, secrets=secrets))
        root.addHandler(handler)
        added.append(handler)
        return Log(handler.stream)

    yield start
    for handler in added:
        root.removeHandler(handler)
    monkeypatch.undo()
    root.manager._clear_cache()  # type: ignore[attr-defined]


@pytest.fixture
def log(listen: Callable[..., Log]) -> Log:
    """Return the log of every logger at DEBUG, formatted as in production."""
    return listen()


# --- Secrets ---


def live_a_little(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Log in, upload, look, and fail; return all secrets involved, by name."""
    connection.force_debug_cursor = True  # each statement is logged
    user = make_user("pat", password=PASSWORD, email="pat@example.org")
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    browser.get(reverse("login"))
    token = browser.cookies["csrftoken"].value
    form = {"username": "pat", "password": PASSWORD, "csrfmiddlewaretoken": token}
    browser.post(reverse("login"), form)
    browser.defaults["HTTP_X_CSRFTOKEN"] = browser.cookies["csrftoken"].value
    permission = permission_for(browser)
    assert post_file(permission).status == 201
    assert confirm(browser, permission).status_code == 200
    shown = browser.get(picture_path(user))["Location"]
    assert get(shown).status == 200
    secrets = {
        "key of the site": site.SECRET_KEY,
        "key of AWS": str(site.AWS_SECRET_ACCESS_KEY),
        "password": PASSWORD,
        "hash": User.objects.get().password.rpartition("$")[2],
        "session": browser.cookies["sessionid"].value,
        "csrf": browser.cookies["csrftoken"].value,
        "token": permission.upload_token,
        "signature of the token": permission.upload_token.rpartition(".")[2],
        "policy": permission.fields["policy"],
        "signature of the form": permission.fields["x-amz-signature"],
        "credential": permission.fields["x-amz-credential"],
        "signature of the picture": shown.partition("X-Amz-Signature=")[2].partition("&")[0],
    }
    _fail(browser, monkeypatch, shown=shown, cookies=browser.cookies, form=form, **vars(permission))
    connection.force_debug_cursor = False
    return secrets


def _fail(browser: Client, monkeypatch: pytest.MonkeyPatch, **said: Any) -> None:
    """Send a request that ends in a traceback with secrets in its messages."""
    problem = RuntimeError(f"it broke, {said}, opened with {site.SECRET_KEY}")
    problem.add_note(f"and {site.AWS_SECRET_ACCESS_KEY}")
    with monkeypatch.context() as patched:
        patched.setattr(
            services, "begin_upload", broken(services, begin_upload=problem).begin_upload
        )
        assert begin(browser).status_code == 500


def leaks(log: Log, secrets: dict[str, str]) -> set[str]:
    """Return the names of the secrets that were logged."""
    plain = log.text.replace("\\\\", "\\").replace('\\"', '"')
    return {name for name, secret in secrets.items() if secret in plain}


@pytest.mark.parametrize("readable", [False, True])
def test_no_secret_is_logged_whatever_happens(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, listen: Callable[..., Log], readable: bool
) -> None:
    log = listen(readable=readable)

    secrets = live_a_little(monkeypatch)

    assert all(len(secret) > 10 for secret in secrets.values())
    assert leaks(log, secrets) == set()
    for talkative in ("botocore", "django.db.backends", "RuntimeError: it broke", "upload_begun"):
        assert talkative in log.text, "or nothing was proven"


def test_secrets_would_be_logged_without_the_redaction(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, listen: Callable[..., Log]
) -> None:
    """So the test above can fail, for each secret."""
    monkeypatch.setattr(Redactor, "__call__", lambda self, logger, method, event: event)
    log = listen()

    secrets = live_a_little(monkeypatch)

    assert leaks(log, secrets) == set(secrets)


# --- Phases ---


def test_each_phase_leaves_one_event_that_names_request_user_and_upload(
    aws: Stores, log: Log
) -> None:
    user = make_user("pat", email="pat@example.org")
    browser = signed_in(user)

    begun = begin(browser, size=1234)
    permission = uploaded(browser)
    confirmed = confirm(browser, permission)

    facts = log.events("upload_begun")[0]
    assert facts["request_id"] == begun["X-Request-ID"]
    assert facts["upload_id"] == begun.json()["key"].rpartition("/")[2]
    assert (facts["content_type"], facts["size"]) == ("image/png", 1234)
    assert (facts["outcome"], facts["status"], facts["user_id"]) == ("ok", 201, str(user.pk))
    facts = log.event("upload_confirmed")
    assert facts["request_id"] == confirmed["X-Request-ID"]
    assert permission.key == f"pending/{facts['user_id']}/{facts['upload_id']}"
    assert facts["bytes"] == confirmed.json()["avatar"]["size"]
    assert facts["outcome"] == "ok"
    assert facts["milliseconds"] >= 0


def test_refusal_leaves_one_event_with_its_code(aws: Stores, log: Log) -> None:
    browser = signed_in(make_user())
    permission = permission_for(browser)

    confirm(browser, permission)
    begin(browser, content_type="text/html")
    begin(Client())
    post_json(browser, "begin-upload", b"[]")

    outcomes = [(found["outcome"], found["status"]) for found in log.events("upload_refused")]
    assert outcomes == [
        ("not_uploaded", 409),
        ("unsupported_type", 400),
        ("signed_out", 401),
        ("bad_request", 400),
    ]
    assert {found["level"] for found in log.events("upload_refused")} == {"info"}
    not_uploaded = log.events("upload_refused")[0]
    assert not_uploaded["upload_id"] == permission.key.rpartition("/")[2]
    assert "user_id" not in log.events("upload_refused")[2], "of the request before"


def test_event_does_not_name_a_user_whom_the_thread_served_before(aws: Stores, log: Log) -> None:
    bind_contextvars(user_id="somebody else")

    begin(Client())

    assert "user_id" not in log.event("upload_refused")


def test_failure_of_the_store_is_a_warning(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    browser = signed_in(make_user())
    serve_with(monkeypatch, replace(aws, bucket=broken(aws.bucket, list_page=StorageUnavailable())))

    begin(browser)

    facts = log.event("upload_refused")
    assert (facts["level"], facts["outcome"], facts["status"]) == ("warning", "unavailable", 503)


def test_removal_leaves_one_event_with_the_owner(aws: Stores, log: Log) -> None:
    user = make_user()
    browser = signed_in(user)
    upload_picture(browser)

    answer = browser.post(reverse("remove-avatar"), headers={"accept": "application/json"})

    assert not log.events("")
    facts = log.event("picture_removed")
    assert facts["owner_id"] == str(user.pk)
    assert facts["request_id"] == answer["X-Request-ID"]


def test_end_of_an_owner_and_the_sweep_leave_their_events(aws: Stores, log: Log) -> None:
    user = make_user()
    upload_picture(signed_in(user))
    owner_id = str(user.pk)
    user.delete()

    call_command("sweep", "--delete", "--force", "--grace", "0", stdout=io.StringIO())

    assert log.event("owner_closed")["owner_id"] == owner_id
    facts = log.event("swept")
    assert (facts["found"], facts["outcomes"]) == ({"gone": 1}, {"mended": 1})
    assert (facts["dry_run"], facts["failure"]) == (False, "")


def test_event_names_the_user_by_id_alone(aws: Stores, log: Log) -> None:
    user = make_user("patricia", email="patricia@example.org", first_name="Patricia")
    browser = signed_in(user)
    browser.defaults["REMOTE_ADDR"] = "198.51.100.7"
    upload_picture(browser)
    browser.get(reverse("avatar", args=["patricia"]), {"q": "patricia"})

    names = ("upload_begun", "upload_confirmed", "request_finished", "request_started")
    said = json.dumps([found for name in names for found in log.events(name)])
    assert "198.51.100.7" not in said
    assert "patricia" not in said.lower()
    assert "GET /avatars/<str:username>/" in said


def test_failure_leaves_a_traceback_with_the_request(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    user = make_user()
    browser = Client(raise_request_exception=False)
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    _fail(browser, monkeypatch)

    facts = log.event("request_failed")
    assert (facts["level"], facts["user_id"]) == ("error", str(user.pk))
    assert facts["request_id"]
    assert "RuntimeError: it broke" in facts["exception"]


@pytest.mark.case(25)
def test_warning_names_the_request_when_it_comes_from_the_background(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    """The old picture could not be deleted after the answer."""
    user = make_user()
    browser = signed_in(user)
    upload_picture(browser)
    old = live_key(user)
    permission = uploaded(browser)
    refuse_deletions(monkeypatch)
    with own_threads(monkeypatch):
        serve_with(monkeypatch, replace(aws, later=later))
        answer = confirm(browser, permission)

    warning = log.event(f"Left for the sweep: {old}, {permission.key}")
    assert warning["request_id"] == answer["X-Request-ID"]
    assert warning["upload_id"] == permission.key.rpartition("/")[2]
    assert warning["user_id"] == str(user.pk)
    assert old in bucket_keys()


# --- The request's id ---


@pytest.mark.parametrize("path", ["/ping", "/nowhere", "/login/", "/avatars/uploads/"])
def test_answer_has_an_id_of_its_own_each_time(aws: Stores, path: str) -> None:
    browser = Client()

    ids = {browser.get(path)["X-Request-ID"] for _ in range(3)}

    assert len(ids) == 3
    assert all(len(found) == 36 for found in ids)


def test_id_of_the_proxy_is_kept_when_it_is_a_sane_one(aws: Stores, log: Log) -> None:
    answer = Client().get("/ping", headers={"x-request-id": "proxy-0123.4567_89"})

    assert answer["X-Request-ID"] == "proxy-0123.4567_89"
    assert log.event("request_finished")["request_id"] == "proxy-0123.4567_89"


@pytest.mark.parametrize(
    "told",
    ["", "short", "x" * 65, "with space", "a\r\nSet-Cookie: b=c", '"}{"a', "-begins-odd", "é" * 9],
)
def test_id_from_outside_is_not_kept_when_it_is_not_sane(aws: Stores, log: Log, told: str) -> None:
    answer = Client().get("/ping", headers={"x-request-id": told})

    assert len(answer["X-Request-ID"]) == 36
    assert log.event("request_finished")["request_id"] == answer["X-Request-ID"]


@pytest.mark.case(27)
def test_liveness_asks_no_database_for_the_user_to_log(
    aws: Stores, django_assert_num_queries: Any
) -> None:
    """``/ping`` answers while the database is down."""
    browser = signed_in(make_user())

    with django_assert_num_queries(0):
        assert browser.get("/ping").status_code == 200


def test_every_logger_goes_through_the_one_formatter(settings: Settings) -> None:
    """Django gives its own loggers handlers without redaction."""
    for name in ("django", "django.server", "django.request", "axes", "botocore", "pynamodb"):
        logger = logging.getLogger(name)
        assert [kind for kind in map(type, logger.handlers) if kind is not NullHandler] == []
        assert logger.propagate
    assert {type(found["()"]) for found in settings.LOGGING["formatters"].values()} == {
        type(formatter)
    }
