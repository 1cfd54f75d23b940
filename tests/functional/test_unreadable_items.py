"""Items that another program has written or damaged: shown, never deleted, and reset by staff."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from avatars.models import AvatarItem
from avatars.references import Reference, Stores, live_references
from aws.errors import OutcomeUnknown, RevisionMoved
from tests.builders import make_user
from tests.functional.steps import (
    assert_in_order,
    bucket_keys,
    confirm,
    error_code,
    live_key,
    put_object,
    signed_in,
    upload_picture,
    uploaded,
)

pytestmark = pytest.mark.django_db

DAMAGES: dict[str, tuple[str, dict[str, Any] | None]] = {
    "revision is a number": ("revision", {"N": "1"}),
    "revision is missing": ("revision", None),
    "revision is null": ("revision", {"NULL": True}),
    "revision is empty": ("revision", {"S": ""}),
    "another form of date": ("updated_at", {"S": "2024-01-01T00:00:00Z"}),
    "date is a number": ("updated_at", {"N": "1"}),
    "removed at no date": ("removed_at", {"S": "soon"}),
    "closed at a number": ("closed_at", {"N": "1"}),
    "key is a list": ("avatar_key", {"L": []}),
    "key is a number": ("avatar_key", {"N": "1"}),
    "upload id is binary": ("upload_id", {"B": b"x"}),
    "type is missing": ("content_type", None),
    "size is a text": ("size", {"S": "many"}),
    "size is a fraction": ("size", {"N": "1.5"}),
    "width is a truth value": ("width", {"BOOL": True}),
    "height is missing": ("height", None),
    "digest is a set": ("digest", {"SS": ["x"]}),
}
every_damage = pytest.mark.parametrize(
    ("name", "value"), [pytest.param(*damage, id=what) for what, damage in DAMAGES.items()]
)


def dynamodb() -> Any:
    """Return the table's client, past the product's code."""
    return AvatarItem._get_connection().connection.client


def damage(user: User, name: str, value: dict[str, Any] | None) -> dict[str, Any]:
    """Set or remove an attribute of the user's item; return the item in DynamoDB's words."""
    change: dict[str, Any] = {"UpdateExpression": "REMOVE #name"}
    if value is not None:
        change = {
            "UpdateExpression": "SET #name = :value",
            "ExpressionAttributeValues": {":value": value},
        }
    dynamodb().update_item(
        TableName=AvatarItem.Meta.table_name,
        Key={"owner_id": {"S": str(user.pk)}},
        ExpressionAttributeNames={"#name": name},
        **change,
    )
    return raw_item(user)


def raw_item(user: User) -> dict[str, Any]:
    """Return the user's item in DynamoDB's words."""
    found = dynamodb().get_item(
        TableName=AvatarItem.Meta.table_name,
        Key={"owner_id": {"S": str(user.pk)}},
        ConsistentRead=True,
    )
    item: dict[str, Any] = found["Item"]
    return item


def members() -> tuple[User, User]:
    """Return two users with pictures."""
    one, other = make_user(), make_user()
    for user in (one, other):
        upload_picture(signed_in(user))
    return one, other


@pytest.mark.case(21)
@every_damage
def test_other_pictures_are_shown_when_an_item_cannot_be_read(
    aws: Stores, name: str, value: dict[str, Any] | None
) -> None:
    user, other = members()
    damage(user, name, value)
    browser = Client()

    users = browser.get(reverse("users"))
    rows = browser.get(reverse("inspection-table")).context["rows"]
    objects = browser.get(reverse("inspection-bucket")).context["rows"]

    pictures = {card.user_id: card.has_picture for card in users.context["cards"]}
    assert pictures == {str(user.pk): False, str(other.pk): True}
    assert not users.context["problem"]
    states = {row.reference.owner_id: row.state for row in rows}
    assert states == {str(user.pk): "strange", str(other.pk): "live"}
    assert {row.owner_id: row.state for row in objects} == {
        str(user.pk): "unknown",
        str(other.pk): "live",
    }
    assert browser.get(reverse("avatar", args=[user.username])).status_code == 200


@pytest.mark.case(21)
@every_damage
def test_sweep_reports_the_item_and_deletes_nothing_of_its_owner(
    aws: Stores, name: str, value: dict[str, Any] | None
) -> None:
    user, other = members()
    kept = [live_key(user), live_key(other), f"avatars/{user.pk}/another.webp"]
    orphan = f"avatars/{other.pk}/orphan.webp"
    for key in (kept[2], orphan):
        put_object(key)
    item = damage(user, name, value)
    output = io.StringIO()

    with pytest.raises(SystemExit):
        call_command("sweep", "--delete", "--grace", "0", stdout=output)

    assert f"found    strange  {user.pk}" in output.getvalue()
    assert f"mended   orphan   {orphan}" in output.getvalue()
    assert bucket_keys("avatars/") == sorted(kept)
    assert raw_item(user) == item


@pytest.mark.case(21)
@every_damage
def test_confirm_is_refused_until_an_administrator_resets_the_item(
    aws: Stores, name: str, value: dict[str, Any] | None, admin_client: Client
) -> None:
    """The item may have been closed, or name an object: a confirm would overwrite both facts."""
    user, _other = members()
    browser = signed_in(user)
    permission = uploaded(browser)
    item = damage(user, name, value)

    answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (409, "unreadable_item")
    assert raw_item(user) == item
    page = admin_client.get(reverse("admin:accounts_user_change", args=[user.pk]))
    assert reverse("admin:remove-picture", args=[user.pk]) in page.content.decode()

    admin_client.post(reverse("admin:remove-picture", args=[user.pk]))

    assert live_references().read(str(user.pk)).removed_at
    assert error_code(confirm(browser, permission)) == "removed"
    upload_picture(browser)
    call_command("sweep", "--delete", "--grace", "0", stdout=io.StringIO())
    assert_in_order(user)


@every_damage
def test_reset_is_refused_when_the_item_was_written_meanwhile(
    aws: Stores, name: str, value: dict[str, Any] | None
) -> None:
    user, _other = members()
    damage(user, name, value)
    before = aws.references.read(str(user.pk))
    now = datetime.now(UTC)
    aws.references.replace(before, before.removed(now=now))

    with pytest.raises(RevisionMoved):
        aws.references.replace(before, before.removed(now=now))


@pytest.mark.case(24)
def test_promoted_object_stays_when_its_item_was_damaged_after_an_update_of_unknown_outcome(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The item cannot be read, but it still names the object."""
    user, _other = members()
    browser = signed_in(user)
    permission = uploaded(browser)
    write = type(aws.references).replace

    def write_and_damage(table: Any, before: Reference, after: Reference) -> None:
        write(table, before, after)
        damage(user, "revision", {"N": "1"})
        raise OutcomeUnknown

    monkeypatch.setattr(type(aws.references), "replace", write_and_damage)

    answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (409, "unreadable_item")
    assert raw_item(user)["avatar_key"]["S"] in bucket_keys(f"avatars/{user.pk}/")


def test_unreadable_item_is_logged_once(aws: Stores, caplog: pytest.LogCaptureFixture) -> None:
    user, _other = members()
    damage(user, "size", {"S": "many"})

    for _ in range(3):
        aws.references.read(str(user.pk))
        aws.references.read_many([str(user.pk)])
        list(aws.references.scan())

    assert caplog.text.count("item_unreadable") == 1
    assert str(user.pk) in caplog.text


def test_item_that_names_a_key_longer_than_s3_has_takes_no_other_along(aws: Stores) -> None:
    user, other = members()
    damage(user, "avatar_key", {"S": f"avatars/{user.pk}/{'x' * 1024}"})
    output = io.StringIO()

    rows = Client().get(reverse("inspection-table")).context["rows"]
    with pytest.raises(SystemExit):
        call_command("sweep", "--delete", stdout=output)

    states = {row.reference.owner_id: row.state for row in rows}
    assert states == {str(user.pk): "strange", str(other.pk): "live"}
    assert f"found    strange  {user.pk}" in output.getvalue()
