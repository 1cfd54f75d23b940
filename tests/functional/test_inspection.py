"""The bucket page and the table page: the stored state, for users who may see it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from avatars.models import AvatarItem
from avatars.references import Stores
from aws.bucket import ListedObject, Listing, ObjectDetails
from aws.clients import client
from aws.deadlines import in_time
from tests.builders import make_user
from tests.functional.steps import (
    Response,
    bucket_keys,
    item_of,
    live_key,
    meddle,
    promoted_keys,
    put_object,
    record_requests,
    signed_in,
    upload_picture,
    uploaded,
    write_item,
)
from tests.functional.test_users_page import Tags

pytestmark = pytest.mark.django_db

PAGES = ["inspection-bucket", "inspection-table"]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def bucket_page(**query: str) -> Response:
    return Client().get(reverse("inspection-bucket"), query)


def table_page(**query: str) -> Response:
    return Client().get(reverse("inspection-table"), query)


def states(answer: Response) -> dict[str, str]:
    """Return the state of each row by its key or owner."""
    rows: Any = answer.context["rows"]
    return {getattr(row, "key", None) or row.reference.owner_id: row.state for row in rows}


# --- Who may look ---


@pytest.mark.parametrize("route", PAGES)
def test_page_is_refused_to_users_who_are_not_staff(
    aws: Stores, settings: Settings, route: str
) -> None:
    settings.DEMO = False
    put_object("avatars/secret/x")
    write_item("secret", now=NOW)

    answer = signed_in(make_user()).get(reverse(route))

    assert answer.status_code == 403
    assert "secret" not in answer.content.decode()


@pytest.mark.parametrize("route", PAGES)
def test_page_asks_to_sign_in_when_this_is_no_demo(
    aws: Stores, settings: Settings, route: str
) -> None:
    settings.DEMO = False

    answer = Client().get(reverse(route))

    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("login"))


@pytest.mark.parametrize("route", PAGES)
def test_page_is_shown_to_staff(aws: Stores, settings: Settings, route: str) -> None:
    settings.DEMO = False

    answer = signed_in(make_user(is_staff=True)).get(reverse(route))

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("route", PAGES)
def test_page_is_shown_to_everybody_in_the_demo(aws: Stores, route: str) -> None:
    assert Client().get(reverse(route)).status_code == 200
    assert Client().post(reverse(route)).status_code == 405


@pytest.mark.case(41)
@pytest.mark.parametrize(
    ("route", "names"), [(PAGES[0], "prefix after"), (PAGES[1], "owner after")]
)
@pytest.mark.parametrize("value", ["\x00", "x" * 1025, "é" * 513])
def test_page_is_refused_when_a_parameter_cannot_be_one(
    aws: Stores, route: str, names: str, value: str
) -> None:
    """No key and no owner id holds a NUL or is longer than 1,024 bytes."""
    for name in names.split():
        assert Client().get(reverse(route), {name: value}).status_code == 400


@pytest.mark.case(41)
@pytest.mark.parametrize("value", ["nothing", "../../", "zzz", "avatars/", "<b>", "\u202e", "%00"])
def test_page_is_shown_when_a_parameter_is_of_nothing(aws: Stores, value: str) -> None:
    """The parameter is well-formed, and nothing in bucket or table matches it."""
    upload_picture(signed_in(make_user()))

    for query in ({"prefix": value}, {"after": value}):
        assert bucket_page(**query).status_code == 200
    for query in ({"owner": value}, {"after": value}):
        assert table_page(**query).status_code == 200


def test_page_says_so_when_there_is_nothing(aws: Stores) -> None:
    assert "The bucket is empty." in bucket_page().content.decode()
    assert "The table is empty." in table_page().content.decode()
    assert "key begins with “<bdi>x</bdi>”" in bucket_page(prefix="x").content.decode()
    assert "No item has the owner id" in table_page(owner="x").content.decode()


# --- The bucket ---


def test_bucket_page_shows_what_each_object_is(aws: Stores) -> None:
    user = make_user()
    browser = signed_in(user)
    upload_picture(browser)
    pending = uploaded(browser).key
    orphan = f"avatars/{user.pk}/orphan.webp"
    for key in (orphan, "avatars/nobody/x.webp", "avatars/loose", "other/x", "pending-not/x"):
        put_object(key)

    assert states(bucket_page()) == {
        live_key(user): "live",
        pending: "pending",
        orphan: "orphan",
        "avatars/nobody/x.webp": "orphan",
        "avatars/loose": "orphan",
        "other/x": "unknown",
        "pending-not/x": "unknown",
    }


@pytest.mark.case(21)
def test_object_named_by_a_strange_item_is_no_live_picture(aws: Stores) -> None:
    put_object("avatars/b/x.webp")
    write_item("a", "avatars/b/x.webp", now=NOW)

    assert states(bucket_page()) == {"avatars/b/x.webp": "orphan"}


def test_bucket_page_shows_type_tags_metadata_and_expiry(aws: Stores) -> None:
    user = make_user(username="pat")
    permission = uploaded(signed_in(user))

    answer = bucket_page()

    row = answer.context["rows"][0]
    assert (row.username, row.owner_id) == ("pat", str(user.pk))
    assert row.content_type == "image/png"
    assert row.tags == {"Status": "Pending", "upload-token": permission.upload_token}
    assert row.metadata == {"owner": str(user.pk), "upload-token": permission.upload_token}
    assert timedelta(days=1) <= row.expires_at - row.last_modified <= timedelta(days=2)
    assert (row.expires_at.hour, row.expires_at.minute, row.expires_at.second) == (0, 0, 0)
    page = answer.content.decode()
    for text in ("image/png", "Status", "Pending", permission.upload_token, "pat"):
        assert text in page


def test_expiry_is_that_of_the_rules_in_the_bucket(aws: Stores) -> None:
    """The rules are read from the bucket, not from the product's own list."""
    put_object("pending/a/b")
    put_object("tagged", Tagging="Status=Pending")
    put_object("avatars/a/b")
    before = {row.key: row.expires_at for row in bucket_page().context["rows"]}
    client().delete_bucket_lifecycle(Bucket="triphase")

    after = {row.key: row.expires_at for row in bucket_page().context["rows"]}

    assert [key for key, due in before.items() if due] == ["pending/a/b", "tagged"]
    assert set(after.values()) == {None}


def test_expiry_is_that_of_the_rules_for_objects_of_that_size(aws: Stores) -> None:
    bounded: Any = {
        "Status": "Enabled",
        "Filter": {"And": {"Prefix": "x/", "ObjectSizeLessThan": 10}},
        "Expiration": {"Days": 1},
    }
    client().put_bucket_lifecycle_configuration(
        Bucket="triphase", LifecycleConfiguration={"Rules": [bounded]}
    )
    put_object("x/large", b"x" * 10)
    put_object("x/small", b"x" * 9)

    expiring = {row.key: bool(row.expires_at) for row in bucket_page().context["rows"]}

    assert expiring == {"x/large": False, "x/small": True}


@pytest.mark.case(37)
def test_bucket_page_shows_only_what_begins_with_the_prefix(aws: Stores) -> None:
    for key in ("a/x", "ab/x", "a"):
        put_object(key)

    assert list(states(bucket_page(prefix="a/"))) == ["a/x"]
    assert list(states(bucket_page(prefix="a"))) == ["a", "a/x", "ab/x"]


@pytest.mark.parametrize(("count", "pages"), [(50, [50]), (101, [50, 50, 1])])
def test_bucket_page_leads_through_all_objects(aws: Stores, count: int, pages: list[int]) -> None:
    keys = [f"x/{number:03}" for number in range(count)]
    for key in ["a", *keys]:
        put_object(key)
    shown, after = [], ""

    for size in pages:
        answer = bucket_page(prefix="x/", after=after)
        shown += list(states(answer))
        assert len(answer.context["rows"]) == size
        after = answer.context["next_after"]
        assert ('rel="next"' in answer.content.decode()) == bool(after)

    assert after == ""
    assert shown == keys


def test_bucket_page_says_so_when_an_object_vanishes_meanwhile(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_object("avatars/a/x")
    vanishing = meddle(aws.bucket, after={"list_page": lambda: aws.bucket.delete(["avatars/a/x"])})
    monkeypatch.setattr("inspection.selectors.live_bucket", lambda: vanishing)

    answer = bucket_page()

    assert answer.context["rows"][0].gone
    assert "vanished while this list was made" in answer.content.decode()


def test_bucket_page_reads_its_items_in_one_batch(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        put_object(f"avatars/{number}/x")
    asked = record_requests(monkeypatch)

    bucket_page()

    operations = [request.operation for request in asked]
    assert operations.count("BatchGetItem") == 1
    assert "GetItem" not in operations


# --- The table ---


def test_table_page_shows_what_each_item_is(aws: Stores) -> None:
    live, ghost, empty, closed = (make_user() for _ in range(4))
    for user in (live, ghost):
        upload_picture(signed_in(user))
    aws.bucket.delete(promoted_keys(ghost))
    write_item(str(empty.pk), now=NOW, removed_at=NOW)
    write_item(str(closed.pk), now=NOW, closed_at=NOW)
    write_item("strange", "https://evil.example/x", now=NOW)

    assert states(table_page()) == {
        str(live.pk): "live",
        str(ghost.pk): "ghost",
        str(empty.pk): "empty",
        str(closed.pk): "closed",
        "strange": "strange",
    }


def test_table_page_shows_all_of_an_item(aws: Stores) -> None:
    user = make_user(username="pat")
    upload_picture(signed_in(user))
    item = item_of(user)
    assert item.avatar

    page = table_page().content.decode()

    for text in (
        "pat",
        str(user.pk),
        item.revision,
        item.avatar.avatar_key,
        item.avatar.upload_id,
        item.avatar.digest,
        "512 \u00d7 512",
        "image/webp",
    ):
        assert str(text) in page


def test_table_page_shows_one_item_when_asked_for_its_owner(aws: Stores) -> None:
    for owner in ("a", "ab", "b"):
        write_item(owner, now=NOW)

    assert list(states(table_page(owner="a"))) == ["a"]
    assert states(table_page(owner="c")) == {}


@pytest.mark.parametrize("count", [50, 101])
def test_table_page_leads_through_all_items(aws: Stores, count: int) -> None:
    owners = {f"owner{number:03}" for number in range(count)}
    with AvatarItem.batch_write() as batch:
        for owner in owners:
            batch.save(AvatarItem(owner, revision="1", updated_at=NOW))
    shown: list[str] = []
    after, pages = "", 0

    while after or not pages:
        answer = table_page(after=after)
        shown += list(states(answer))
        after = answer.context["next_after"]
        pages += 1
        assert ('rel="next"' in answer.content.decode()) == bool(after)

    assert pages == -(-count // 50)
    assert len(shown) == count
    assert set(shown) == owners


# --- Escaping ---

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "\u202egpj.exe",
    "a b+c%20d&e=f#g",
    "日本語 é",
]


@pytest.mark.case(40)
@pytest.mark.parametrize("text", NASTY)
def test_keys_and_metadata_are_shown_escaped(aws: Stores, text: str) -> None:
    key = f"avatars/x/{text}"
    ascii_text = text.encode("ascii", "ignore").decode()
    put_object(key, Metadata={"note": ascii_text}, ContentType="text/html")
    write_item(f"owner {text}", f"strange/\n{text}", now=NOW)

    for answer in (bucket_page(), bucket_page(prefix=key), table_page()):
        assert answer.status_code == 200
        tags = Tags(answer.content.decode())
        names = {name for _, attributes in tags.found for name in attributes}
        assert not names & {"onerror", "onmouseover"}
        scripts = [attributes for tag, attributes in tags.found if tag == "script"]
        assert all(attributes.get("src") or attributes.get("type") for attributes in scripts)

    rows = [attributes for tag, attributes in Tags(bucket_page().content.decode()).found]
    assert any(attributes.get("data-key") == key for attributes in rows)
    assert list(states(bucket_page(prefix=key))) == [key]
    assert bucket_keys() == [key]


@pytest.mark.case(40)
@pytest.mark.parametrize("text", NASTY)
def test_links_lead_to_the_object_and_the_item_whatever_they_are_called(
    aws: Stores, text: str
) -> None:
    owner = f"o {text}".replace("/", "|")
    key = f"avatars/{owner}/x"
    put_object(key)
    write_item(owner, key, now=NOW)

    links = [
        str(attributes.get("href"))
        for answer in (bucket_page(), table_page())
        for _, attributes in Tags(answer.content.decode()).found
    ]

    table = next(link for link in links if "table/?owner=" in link)
    bucket = next(link for link in links if "bucket/?prefix=" in link)
    assert states(Client().get(table)) == {owner: "live"}
    assert states(Client().get(bucket)) == {key: "live"}


LINES = "two\nlines\r\nand more"


@pytest.mark.case(40)
def test_item_is_found_and_leads_to_its_object_when_names_have_line_breaks(
    aws: Stores,
) -> None:
    key = f"avatars/{LINES}/x"
    write_item(LINES, key, now=NOW)

    answer = table_page(owner=LINES)

    assert states(answer) == {LINES: "ghost"}
    found = [str(attributes.get("href")) for _, attributes in Tags(answer.content.decode()).found]
    links = [urlsplit(link) for link in found if "bucket/?prefix=" in link]
    assert {parse_qs(link.query)["prefix"][0] for link in links} == {key}


@pytest.mark.case(40)
@pytest.mark.parametrize("text", [*NASTY, LINES])
def test_all_that_an_object_carries_is_shown_escaped(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """S3 would store these texts; the embedded bucket refuses them, so a stand-in answers."""
    details = ObjectDetails(content_type=text, metadata={text: text}, tags={text: text})

    class Said:
        def list_page(self, **_query: Any) -> Listing:
            return Listing([ListedObject(f"avatars/{text}/{text}", 1, NOW)], text)

        @in_time("s3")
        def details(self, key: str) -> ObjectDetails:
            return details

        def lifecycle_rules(self) -> list[Any]:
            return []

    monkeypatch.setattr("inspection.selectors.live_bucket", Said)

    page = bucket_page().content.decode()

    tags = Tags(page).found
    assert not {name for _, attributes in tags for name in attributes} & {"onerror", "onmouseover"}
    scripts = [attributes for tag, attributes in tags if tag == "script"]
    assert all(attributes.get("src") or attributes.get("type") for attributes in scripts)
    assert any(attributes.get("data-key") == f"avatars/{text}/{text}" for _, attributes in tags)
    assert "<script>" not in page
    assert "<img src=x" not in page
