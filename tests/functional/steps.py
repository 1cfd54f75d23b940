"""The three phases as a browser does them, and reads of bucket and table."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import pytest
import urllib3
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from avatars.references import Avatar, Reference, Stores, live_references, live_stores
from avatars.selectors import card
from aws.bucket import ObjectDetails, S3Bucket, live_bucket
from aws.clients import client
from aws.errors import StorageUnavailable
from embedded_aws.front import Front
from embedded_aws.messages import Environ
from embedded_aws.server import EmbeddedAWS
from tests.builders import picture_bytes
from tests.readme import documented_errors

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

    Response = _MonkeyPatchedWSGIResponse
else:
    from django.http import HttpResponse as Response

Gateway = TypeVar("Gateway")
Call = Callable[[], object]

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


# --- The three phases ---


@dataclass(frozen=True)
class Permission:
    """What phase 1 answers."""

    url: str
    fields: dict[str, str]
    key: str
    upload_token: str
    expires_at: str
    max_bytes: int


def signed_in(user: User) -> Client:
    """Return a client with a session of ``user``."""
    browser = Client()
    browser.force_login(user, backend=MODEL_BACKEND)
    return browser


def post_json(browser: Client, route: str, body: object, **options: Any) -> Response:
    """Post ``body`` as JSON; bytes are posted unchanged."""
    data = body if isinstance(body, bytes) else json.dumps(body)
    return browser.post(reverse(route), data, content_type="application/json", **options)


def begin(browser: Client, *, content_type: object = "image/png", size: object = 1000) -> Response:
    """Ask for phase 1."""
    return post_json(browser, "begin-upload", {"content_type": content_type, "size": size})


def permission_for(browser: Client, *, content_type: str = "image/png") -> Permission:
    """Return the permission of phase 1, which must succeed."""
    answer = begin(browser, content_type=content_type)
    assert answer.status_code == 201, answer.content
    return Permission(**answer.json())


def post_file(
    permission: Permission,
    body: bytes | None = None,
    *,
    changes: Mapping[str, str | None] | None = None,
    filename: str = "me.png",
) -> urllib3.BaseHTTPResponse:
    """Post ``body`` to the bucket (phase 2), the form changed by ``changes``; None leaves out."""
    fields = {**permission.fields, **(changes or {})}
    form: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    form["file"] = (filename, picture_bytes() if body is None else body)
    with urllib3.PoolManager() as http:
        return http.request("POST", permission.url, fields=form, redirect=False, retries=False)


def get(url: str, method: str = "GET") -> urllib3.BaseHTTPResponse:
    """Ask the bucket without any credentials but those in the URL."""
    with urllib3.PoolManager() as http:
        return http.request(method, url, redirect=False, retries=False)


def refusal(answer: urllib3.BaseHTTPResponse) -> tuple[int, str]:
    """Return the status and the code of S3's refusal."""
    _, _, rest = answer.data.decode().partition("<Code>")
    return answer.status, rest.partition("</Code>")[0]


def confirm(browser: Client, permission: Permission) -> Response:
    """Ask for phase 3."""
    body = {"key": permission.key, "upload_token": permission.upload_token}
    return post_json(browser, "confirm-upload", body)


def uploaded(
    browser: Client, body: bytes | None = None, *, content_type: str = "image/png"
) -> Permission:
    """Return a permission whose file has arrived in the bucket."""
    permission = permission_for(browser, content_type=content_type)
    answer = post_file(permission, body)
    assert answer.status == 201, answer.data
    return permission


def upload_picture(browser: Client, body: bytes | None = None) -> dict[str, Any]:
    """Go through all three phases; return the avatar of phase 3's answer."""
    answer = confirm(browser, uploaded(browser, body))
    assert answer.status_code == 200, answer.content
    avatar: dict[str, Any] = answer.json()["avatar"]
    return avatar


def error_code(answer: Response) -> str:
    """Return the code of an error of the JSON API, after checking that README documents it."""
    error = answer.json()["error"]
    assert error.keys() - {"missing", "reason", "scope"} == {"code", "message", "retry"}
    assert error["message"]
    assert (answer.status_code, error["retry"], error["code"]) in documented_errors()
    return str(error["code"])


# --- What there is ---


def bucket_keys(prefix: str = "") -> list[str]:
    """Return the keys in the bucket, in order."""
    return [found.key for found in live_bucket().list_page(prefix=prefix).objects]


def picture_path(user: User) -> str:
    """Return the path under which the site shows the user's picture."""
    return card(user, Reference(str(user.pk)), me=None).picture_url


def promoted_keys(user: User) -> list[str]:
    """Return the keys of the user's promoted objects."""
    return bucket_keys(f"avatars/{user.pk}/")


def put_object(key: str, body: bytes = b"something", **options: Any) -> None:
    """Put an object, past the product's code."""
    client().put_object(Bucket=live_bucket().name, Key=key, Body=body, **options)


def body_of(key: str) -> bytes:
    """Return the bytes of an object."""
    return live_bucket().fetch(key, max_bytes=10**9).body


def details_of(key: str) -> ObjectDetails:
    """Return type, metadata and tags of an object."""
    return live_bucket().details(key)


def item_of(user: User) -> Reference:
    """Return the user's item."""
    return live_references().read(str(user.pk))


def live_key(user: User) -> str:
    """Return the key of the user's picture, which must be there."""
    key = item_of(user).live_key
    assert key
    assert live_bucket().exists(key)
    return key


def assert_in_order(user: User) -> None:
    """Assert that the user's item names their only object, or none if they have none."""
    key = item_of(user).live_key
    assert promoted_keys(user) == ([key] if key else [])


def write_item(owner_id: str, avatar_key: str = "", **changes: Any) -> Reference:
    """Write an item past the services, with ``avatar_key`` if it is not empty."""
    avatar = Avatar(avatar_key, "upload", "image/webp", 10, 512, 512, "0" * 64)
    before = live_references().read(owner_id)
    fresh = before.fenced(now=changes.pop("now"))
    after = replace(fresh, avatar=avatar if avatar_key else None, **changes)
    live_references().replace(before, after)
    return after


# --- What else happens at the same time ---


class _Meddled:
    def __init__(self, gateway: object, before: dict[str, Call], after: dict[str, Call]) -> None:
        self._gateway = gateway
        self._before = before
        self._after = after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._gateway, name)

        def meddled(*args: Any, **kwargs: Any) -> Any:
            self._before.pop(name, lambda: None)()
            answer = method(*args, **kwargs)
            self._after.pop(name, lambda: None)()
            return answer

        return meddled if name in self._before or name in self._after else method


def meddle(
    gateway: Gateway, *, before: dict[str, Call] | None = None, after: dict[str, Call] | None = None
) -> Gateway:
    """Return ``gateway``, with calls made before or after the first call of some methods."""
    return cast(Gateway, _Meddled(gateway, dict(before or {}), dict(after or {})))


class _Broken:
    def __init__(self, gateway: object, failures: dict[str, Exception]) -> None:
        self._gateway = gateway
        self._failures = failures

    def __getattr__(self, name: str) -> Any:
        def broken(*args: Any, **kwargs: Any) -> Any:
            raise self._failures[name]

        return broken if name in self._failures else getattr(self._gateway, name)


def broken(gateway: Gateway, **failures: Exception) -> Gateway:
    """Return ``gateway`` with methods that only raise the error given in ``failures``."""
    return cast(Gateway, _Broken(gateway, failures))


def serve_with(monkeypatch: pytest.MonkeyPatch, stores: Stores) -> None:
    """Make views, admin and commands work on ``stores``."""
    for name, store in vars(stores).items():
        monkeypatch.setattr(live_stores(), name, store)


def refuse_deletions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every request to delete objects fail."""

    def refuse(bucket: S3Bucket, keys: Sequence[str]) -> None:
        raise StorageUnavailable

    monkeypatch.setattr(S3Bucket, "_delete", refuse)


@contextmanager
def own_threads(monkeypatch: pytest.MonkeyPatch, count: int = 8) -> Iterator[None]:
    """Have calls to AWS made by ``count`` threads; wait at the end until each has ended."""
    with ThreadPoolExecutor(count) as threads, monkeypatch.context() as patched:
        patched.setattr("aws.deadlines._threads", lambda service: threads)
        yield


@contextmanager
def outage(embedded_aws: EmbeddedAWS, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stop S3 and DynamoDB; the SDK repeats its requests without a pause."""
    embedded_aws.stop()
    with monkeypatch.context() as patched:
        patched.setattr("time.sleep", lambda seconds: None)
        try:
            yield
        finally:
            embedded_aws.start()


def provision(*arguments: str) -> tuple[int, list[str]]:
    """Run the command; return its exit status and lines."""
    stdout = io.StringIO()
    status = 0
    try:
        call_command("provision", *arguments, stdout=stdout)
    except SystemExit as error:
        status = int(error.code or 0)
    return status, stdout.getvalue().splitlines()


# --- What AWS is asked ---


class Asked(NamedTuple):
    """A request as it reached the embedded AWS."""

    operation: str  # the HTTP method for S3, the operation for DynamoDB
    path: str


def record_requests(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    """Return a list to which every request to the embedded AWS is added from now on."""
    asked: list[Asked] = []
    answer = Front.__call__

    def record(front: Front, environ: Environ, start_response: Any) -> Any:
        target = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")[2]
        asked.append(Asked(target or environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        return answer(front, environ, start_response)

    monkeypatch.setattr(Front, "__call__", record)
    return asked
