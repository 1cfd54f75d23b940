"""Answers whose headers a store, or a proxy before it, writes otherwise than S3 does."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from avatars.references import live_stores
from aws.bucket import live_bucket
from aws.errors import StorageUnavailable
from tests.builders import make_user
from tests.functional.steps import (
    assert_in_order,
    confirm,
    error_code,
    item_of,
    meddle,
    permission_for,
    put_object,
    signed_in,
    uploaded,
)
from tests.stores.conftest import Moved
from tests.stores.proxy import Answer, Request, Store, refusal

Change = Callable[[list[tuple[str, str]]], list[tuple[str, str]]]
MIDNIGHT = datetime(2026, 11, 27, tzinfo=UTC)
TAG_COUNT, REQUEST_ID = "x-amz-tagging-count", "x-amz-request-id"


def in_title_case(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Write headers as every proxy does that is written in Go."""
    return [(name.title(), value) for name, value in headers]


def without(*names: str) -> Change:
    """Return a change that leaves out headers."""
    return lambda headers: [(name, value) for name, value in headers if name.lower() not in names]


def with_more(name: str, value: str) -> Change:
    """Return a change that adds a header, or replaces the one that there is."""
    return lambda headers: [*without(name)(headers), (name, value)]


def changed(change: Change) -> Store:
    """Return a store whose every answer has headers that are changed."""
    return Store(rewrite=lambda request, answer: answer._replace(headers=change(answer.headers)))


HARMLESS: dict[str, Change] = {
    "names in title case": in_title_case,
    "no number of tags": without(TAG_COUNT),
    "a tag more": with_more(TAG_COUNT, "3"),
    "metadata of its own": with_more("x-amz-meta-mtime", "1764122400"),
    "a type with a charset": with_more("content-type", "image/png; charset=binary"),
    "a type in title case": with_more("content-type", "Image/PNG"),
    "no request id": without(REQUEST_ID),
}


@pytest.mark.django_db
@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_picture_is_confirmed_when_the_answers_have(moved: Moved, change: Change) -> None:
    moved(changed(change))
    user = make_user()
    browser = signed_in(user)

    assert confirm(browser, uploaded(browser)).status_code == 200

    assert_in_order(user)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "forged"),
    [
        (in_title_case, {"owner": "another"}),
        (in_title_case, {"upload-token": "another"}),
        (without(TAG_COUNT), {"tags": "Status=Pending"}),
        (without(TAG_COUNT), {"tags": ""}),
        (with_more(TAG_COUNT, "3"), {"tags": "Status=Pending&a=b&upload-token=another"}),
    ],
    ids=["owner", "token", "one tag", "no tags", "another tag"],
)
def test_object_is_foreign_when_something_of_ours_is_missing(
    moved: Moved, change: Change, forged: dict[str, str]
) -> None:
    moved(changed(change))
    user = make_user()
    browser = signed_in(user)
    permission = permission_for(browser)
    ours = {"owner": str(user.pk), "upload-token": permission.upload_token}
    tagging = forged.get("tags", f"Status=Pending&upload-token={permission.upload_token}")
    metadata = {name: forged.get(name, value) for name, value in ours.items()}
    put_object(permission.key, Metadata=metadata, Tagging=tagging, ContentType="image/png")

    answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (403, "foreign_object")
    assert item_of(user).revision is None


@pytest.mark.django_db
def test_tags_are_asked_for_only_when_their_number_is_not_told(moved: Moved) -> None:
    def questions(store: Store) -> int:
        moved(store)
        browser = signed_in(make_user())
        assert confirm(browser, uploaded(browser)).status_code == 200
        return sum(request.path.endswith("?tagging") for request in store.requests)

    assert questions(Store()) == 0
    assert questions(changed(without(TAG_COUNT))) == 1


@pytest.mark.django_db
def test_both_confirms_succeed_when_one_cleared_up_before_the_other_asked_for_the_tags(
    moved: Moved, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = moved(changed(without(TAG_COUNT)))
    user = make_user()
    browser = signed_in(user)
    permission = uploaded(browser)
    answers = []
    bucket = meddle(
        stores.bucket, before={"tags": lambda: answers.append(confirm(browser, permission))}
    )
    monkeypatch.setattr(live_stores(), "bucket", bucket)

    answers.append(confirm(browser, permission))

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert_in_order(user)


def test_details_have_metadata_by_its_own_names_when_written_in_title_case(moved: Moved) -> None:
    moved(changed(in_title_case))
    put_object("x", Metadata={"upload-token": "T"})

    assert live_bucket().details("x").metadata == {"upload-token": "T"}


def test_object_has_no_tags_when_the_store_says_so_by_an_error(moved: Moved) -> None:
    moved(
        Store(
            lambda request: (
                refusal(404, "NoSuchTagSet") if request.path.endswith("?tagging") else None
            )
        )
    )
    put_object("x")

    assert live_bucket().details("x").tags == {}


@pytest.mark.parametrize(
    ("header", "date"),
    [
        ('expiry-date="Fri, 27 Nov 2026 00:00:00 GMT", rule-id="r"', MIDNIGHT),
        ('Expiry-Date = "Fri, 27 Nov 2026 00:00:00 -0000"', MIDNIGHT),
        ('expiry-date="2026-11-27T00:00:00Z"', None),
        ("NotImplemented", None),
    ],
)
def test_expiry_is_what_the_store_tells_if_that_can_be_read(
    moved: Moved, header: str, date: datetime | None
) -> None:
    moved(changed(with_more("x-amz-expiration", header)))
    put_object("pending/1/x")

    assert live_bucket().details("pending/1/x").expires_at == date


# --- Absent objects ---


def with_a_page_instead(request: Request, answer: Answer) -> Answer:
    """Answer an absent object with a page of the proxy's own, and nothing of S3."""
    page = b"<html><body>Not found.</body></html>"
    kind = [("Content-Type", "text/html"), ("Content-Length", str(len(page)))]
    return Answer(404, kind, page) if answer.status == 404 else answer


ABSENT: dict[str, Store] = {
    "without a request id": changed(without(REQUEST_ID)),
    "by a page of its own": Store(rewrite=with_a_page_instead),
}


@pytest.mark.django_db
@pytest.mark.parametrize("store", ABSENT.values(), ids=ABSENT)
def test_confirm_may_be_tried_again_when_absence_is_told(moved: Moved, store: Store) -> None:
    moved(store)
    user = make_user()
    browser = signed_in(user)

    answer = confirm(browser, permission_for(browser))

    assert (answer.status_code, error_code(answer)) == (409, "not_uploaded")
    assert item_of(user).revision is None


def test_object_is_absent_when_the_body_says_so_though_no_request_id_does(moved: Moved) -> None:
    bucket = moved(changed(without(REQUEST_ID))).bucket
    put_object("x")

    assert bucket.exists("x")
    assert not bucket.exists("y")


def test_object_is_not_taken_for_absent_when_nothing_of_s3_says_so(moved: Moved) -> None:
    """The sweep asks by this, and would empty the items of pictures that are there."""
    store = Store()
    bucket = moved(store).bucket
    put_object("x")
    store.rewrite = lambda request, answer: with_a_page_instead(request, Answer(404, []))

    with pytest.raises(StorageUnavailable):
        bucket.exists("x")
