"""The probe of ``provision``: it passes where uploads work, and names what does not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pytest_django.fixtures import Settings

from avatars.references import Stores
from tests.functional.steps import bucket_keys, provision, put_object
from tests.stores.conftest import Moved
from tests.stores.proxy import Answer, Request, Store, refusal
from uploads.file_probe import OVERWRITES
from uploads.probe import DEMANDS_ENCRYPTION, NO_FORMS, NO_TAGS, ONE_BY_ONE, Finding, probe

Refuse = Callable[[Request], Answer | None]
Rewrite = Callable[[Request, Answer], Answer]

HEADER = "x-amz-server-side-encryption"
FINE = ["Everything is as it should be."]


def test_nothing_is_found_and_nothing_is_left_where_uploads_work(aws: Stores) -> None:
    put_object("avatars/a/x")

    assert list(probe("triphase")) == []

    assert bucket_keys() == ["avatars/a/x"]


def test_probe_asks_what_a_page_and_the_site_ask(moved: Moved) -> None:
    store = Store()
    moved(store)

    assert list(probe("triphase")) == []

    form = ["POST", "OPTIONS"]
    phase_3, tags = ["GET"], ["GET"]
    file = ["PUT", "OPTIONS", "PUT", "GET", "DELETE", "GET"]
    parts = ["POST", "PUT", "GET", "POST", "HEAD", "DELETE"]
    again = ["POST", "PUT", "GET", "POST", "DELETE"]
    clean_up = ["POST", *["HEAD"] * 4]
    asked = ["HEAD", "PUT", "GET", *form, *phase_3, *tags, *file, *parts, *again, *clean_up]
    assert store.asked() == asked


# --- Stores that cannot serve uploads, and how that is told ---


def is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("multipart/form-data")


def refused_if(wrong: Callable[[Request], bool], status: int, code: str) -> Refuse:
    """Return a refusal of those requests that are ``wrong``."""
    return lambda request: refusal(status, code) if wrong(request) else None


def is_unencrypted_write(request: Request) -> bool:
    if is_form(request):
        return HEADER.encode() not in request.body
    return request.method == "PUT" and "?" not in request.path and HEADER not in request.headers


def without_headers(*prefixes: str) -> Rewrite:
    """Return a rewriting that leaves out headers whose names begin so."""

    def rewrite(_request: Request, answer: Answer) -> Answer:
        kept = [pair for pair in answer.headers if not pair[0].lower().startswith(prefixes)]
        return answer._replace(headers=kept)

    return rewrite


def without_tags(request: Request, answer: Answer) -> Answer:
    """Leave out the number of tags, and all tags."""
    if not request.path.endswith("?tagging"):
        return without_headers("x-amz-tagging-count")(request, answer)
    body = b"<Tagging><TagSet></TagSet></Tagging>"
    return Answer(200, [("Content-Length", str(len(body)))], body)


def region_is_wrong(request: Request) -> Answer | None:
    if not is_form(request):
        return None
    body = b"<Error><Code>PermanentRedirect</Code><Message>No.</Message></Error>"
    headers = [("x-amz-bucket-region", "eu-west-3"), ("Content-Length", str(len(body)))]
    return Answer(301, headers, body)


def deletion_is_a_lie(request: Request) -> Answer | None:
    if not (request.deletes_many or request.method == "DELETE"):
        return None
    body = b"<DeleteResult></DeleteResult>"
    return Answer(200, [("Content-Length", str(len(body)))], body)


POST, READ, TAGS, DELETE = (
    "post a form",
    "read what was posted",
    "read its tags",
    "delete the objects",
)
ANSWERED = "the store answered 403 AccessDenied (No.)"
FAULTS: dict[str, tuple[Store, list[tuple[str, str]]]] = {
    "demands encryption": (
        Store(refuse=refused_if(is_unencrypted_write, 403, "AccessDenied")),
        [("write an object", DEMANDS_ENCRYPTION), (POST, DEMANDS_ENCRYPTION)],
    ),
    "takes no forms": (
        Store(refuse=refused_if(is_form, 405, "MethodNotAllowed")),
        [(POST, NO_FORMS)],
    ),
    "knows no forms": (
        Store(refuse=refused_if(is_form, 501, "NotImplemented")),
        [(POST, NO_FORMS)],
    ),
    "refuses forms": (Store(refuse=refused_if(is_form, 403, "AccessDenied")), [(POST, ANSWERED)]),
    "redirects forms": (
        Store(refuse=region_is_wrong),
        [(POST, "AWS_REGION is us-east-1, but the bucket is in eu-west-3")],
    ),
    "refuses tags": (
        Store(
            refuse=refused_if(
                lambda request: is_form(request) and b'"tagging"' in request.body,
                403,
                "AccessDenied",
            )
        ),
        [(POST, NO_TAGS)],
    ),
    "drops tags": (
        Store(rewrite=without_tags),
        [(TAGS, "the store has not kept the form's tags")],
    ),
    "knows no tags": (
        Store(
            refuse=refused_if(
                lambda request: request.path.endswith("?tagging"), 501, "NotImplemented"
            )
        ),
        [(TAGS, "this store has no tags")],
    ),
    "drops metadata": (
        Store(rewrite=without_headers("x-amz-meta-")),
        [(READ, "the store has not kept the form's metadata")],
    ),
    "lets no page in": (
        Store(rewrite=without_headers("access-control-")),
        [
            (
                "let a page post it",
                "the store does not let pages of http://localhost:8000 in before it posts (CORS:"
                " no answer); if it ignores the rules of buckets, set its own",
            )
        ],
    ),
    "is asked for another host": (
        Store(
            refuse=refused_if(
                lambda request: "X-Amz-Signature" in request.path, 403, "SignatureDoesNotMatch"
            )
        ),
        [
            (
                "show it by its URL",
                "a proxy before the store changes the Host header, which is signed",
            )
        ],
    ),
    "deletes nothing": (
        Store(
            refuse=refused_if(
                lambda request: request.deletes_many or request.method == "DELETE",
                403,
                "AccessDenied",
            )
        ),
        [(DELETE, ANSWERED)],
    ),
    "only says that it deletes": (
        Store(refuse=deletion_is_a_lie),
        [(DELETE, "the store said that it deleted an object, and still has it")],
    ),
}


@pytest.mark.parametrize(("store", "told"), FAULTS.values(), ids=FAULTS)
def test_fault_is_named_when_the_store(
    moved: Moved, store: Store, told: list[tuple[str, str]]
) -> None:
    moved(store)

    status, lines = provision("--check")

    assert status == 1
    of_pictures = [line for line in lines if not line.startswith(OF_FILES)]
    assert of_pictures == [f"failed: {step}: {reason}" for step, reason in told]


# --- Stores that cannot take files ---

OF_FILES = tuple(
    f"failed: {step}: "
    for step in (
        *("put a file", "let a page put it", "put it once only"),
        *("remove its tag", "send a file in parts"),
    )
)


def has(request: Request, header: str) -> bool:
    return header in request.headers


def is_sent_in_parts(request: Request) -> bool:
    return "uploads" in request.path.partition("?")[2]


def overwriting(request: Request, answer: Answer) -> Answer:
    if answer.status == 412 and request.method == "PUT":
        return answer._replace(
            status=200, headers=[("ETag", '"1"'), ("Content-Length", "0")], body=b""
        )
    return answer


FILE_FAULTS: dict[str, tuple[Store, list[str]]] = {
    "writes over objects": (
        Store(rewrite=overwriting),
        [f"failed: put it once only: {OVERWRITES}"],
    ),
    "takes no tag with a PUT": (
        Store(refuse=refused_if(lambda asked: has(asked, "x-amz-tagging"), 501, "NotImplemented")),
        ["failed: put a file: the store answered 501 NotImplemented (No.)"],
    ),
    "knows no parts": (
        Store(refuse=refused_if(is_sent_in_parts, 501, "NotImplemented")),
        ["failed: send a file in parts: the store answered 501 NotImplemented (No.)"],
    ),
    "lets no page put": (
        Store(
            refuse=refused_if(
                lambda asked: asked.headers.get("access-control-request-method") == "PUT",
                403,
                "AccessForbidden",
            )
        ),
        [
            "failed: let a page put it: the store does not let pages of http://localhost:8000"
            " put files (CORS: no answer); if it ignores the rules of buckets, set its own"
        ],
    ),
}


@pytest.mark.parametrize(("store", "told"), FILE_FAULTS.values(), ids=FILE_FAULTS)
def test_files_are_named_when_the_store(moved: Moved, store: Store, told: list[str]) -> None:
    moved(store)

    assert provision("--check") == (1, told)
    assert bucket_keys() == []

    if told[-1][0] != DELETE:
        assert bucket_keys() == []


def in_title_case(_request: Request, answer: Answer) -> Answer:
    """Write names of headers as every proxy in Go does."""
    return answer._replace(headers=[(name.title(), value) for name, value in answer.headers])


def test_nothing_is_found_when_a_proxy_capitalises_names(moved: Moved) -> None:
    moved(Store(rewrite=in_title_case))

    assert list(probe("triphase")) == []


# --- What is no fault ---


def test_store_that_deletes_one_by_one_is_only_noted(moved: Moved) -> None:
    moved(Store(refuse=refused_if(lambda request: request.deletes_many, 501, "NotImplemented")))

    assert provision("--check") == (0, [f"note: {DELETE}: {ONE_BY_ONE}", *FINE])
    assert bucket_keys() == []


def test_form_is_tried_at_the_own_endpoint_when_that_of_browsers_cannot_be_reached(
    moved: Moved, settings: Settings
) -> None:
    """In a set of containers the public name may lead nowhere."""
    store = Store()
    moved(store)
    settings.AWS_S3_PUBLIC_ENDPOINT_URL = "http://127.0.0.1:1"

    status, lines = provision("--check")

    assert status == 0
    assert lines[0].startswith("note: reach it as browsers do: http://127.0.0.1:1/triphase cannot")
    assert lines[1:] == FINE
    assert any(is_form(request) for request in store.requests)
    assert bucket_keys() == []


def test_form_is_no_failure_of_a_page_when_the_store_refuses_the_own_endpoint_too(
    moved: Moved, settings: Settings
) -> None:
    moved(Store(refuse=refused_if(is_form, 501, "NotImplemented")))
    settings.AWS_S3_PUBLIC_ENDPOINT_URL = "http://127.0.0.1:1"

    status, lines = provision("--check")

    assert (status, lines[1:]) == (1, [f"failed: {POST}: {NO_FORMS}"])


@pytest.mark.usefixtures("on_time")
def test_clock_that_is_a_little_off_is_only_noted() -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=3)):
        told = "the clock of this machine is 3 minutes ahead of S3's"
        assert list(probe("triphase")) == [Finding("ask for the bucket", told, failed=False)]
