"""What the SDK sends, over HTTP and over HTTPS: the same, and nothing that waits for an answer."""

import io
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.test import override_settings

from aws.clients import client
from tests.builders import make_user, picture_bytes
from tests.functional.steps import assert_in_order, confirm, signed_in, uploaded
from tests.stores.conftest import Moved
from tests.stores.proxy import Request, Store

SCHEMES = ["http", "https"]
each_scheme = pytest.mark.parametrize("scheme", SCHEMES)
# What differs between two equal requests.
OF_THE_MOMENT = {"host", "x-amz-date", "authorization", "amz-sdk-invocation-id", "amz-sdk-request"}


def said(request: Request) -> dict[str, str]:
    """Return the headers that say something of the body."""
    return {name: value for name, value in request.headers.items() if name not in OF_THE_MOMENT}


def test_requests_are_the_same_over_http_and_https(moved: Moved) -> None:
    sent = []
    for scheme in SCHEMES:
        store = Store()
        bucket = moved(store, scheme).bucket
        bucket.put("x", b"12345", content_type="image/webp", cache_control="immutable")
        bucket.fetch("x", max_bytes=5)
        bucket.delete(["x"])
        sent.append([(one.method, one.path, said(one), one.body) for one in store.requests])

    assert [method for method, *_ in sent[0]] == ["PUT", "GET", "POST"]
    assert sent[0] == sent[1]


@each_scheme
@pytest.mark.django_db
def test_confirm_takes_one_turn_for_each_request(moved: Moved, scheme: str) -> None:
    """A body that is announced by ``Expect`` would take one more."""
    store = Store()
    moved(store, scheme)
    user = make_user()
    browser = signed_in(user)
    permission = uploaded(browser)
    store.requests.clear()

    assert confirm(browser, permission).status_code == 200

    assert sorted(store.asked()) == ["GET", "POST", "POST", "POST", "PUT"]  # two are DynamoDB's
    assert store.interim == 0
    assert not any("expect" in request.headers for request in store.requests)
    assert_in_order(user)


def test_store_is_asked_first_when_a_body_is_large(moved: Moved) -> None:
    """Who is refused then has not sent megabytes for nothing."""
    store = Store()
    moved(store)

    client().put_object(Bucket="triphase", Key="x", Body=b"x" * 2**20)

    assert store.interim == 1


def test_file_is_stored_by_way_of_django_storages_over_https(moved: Moved) -> None:
    store = Store()
    moved(store, "https")

    with override_settings(STORAGES=storages.backends):  # so that the storage is made anew
        name = storages["default"].save("x", ContentFile(picture_bytes()))

    (put,) = [request for request in store.requests if request.method == "PUT"]
    assert "x-amz-trailer" not in put.headers
    assert client().head_object(Bucket="triphase", Key=name)


@pytest.mark.filterwarnings("ignore:Unclosed file .*Spooled:ResourceWarning")
def test_static_files_are_collected_over_https(moved: Moved, tmp_path: Path) -> None:
    store = Store()
    moved(store, "https")
    client().create_bucket(Bucket="static")
    kinds = {**storages.backends, "staticfiles": {"BACKEND": "config.static.S3StaticFiles"}}

    with override_settings(
        STATIC_ROOT=tmp_path,
        STATIC_URL="https://static.test/",
        AWS_STATIC_BUCKET_NAME="static",
        STORAGES=kinds,
        STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
        STATICFILES_DIRS=[Path("static/img")],
    ):
        call_command("collectstatic", interactive=False, stdout=io.StringIO())

    puts = [one for one in store.requests if (one.method, one.path[:8]) == ("PUT", "/static/")]
    assert puts
    assert not any("x-amz-trailer" in put.headers for put in puts)
