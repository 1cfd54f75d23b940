"""Reading and writing items"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from avatars.references import Avatar, AvatarTable, Reference
from aws.errors import RevisionMoved
from tests.engines.conftest import Table
from tests.engines.test_reading import refusal
from uploads.provisioning import table_features

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
AVATAR = Avatar("avatars/a/x.webp", "upload", "image/webp", 1234, 512, 512, "f" * 64)
WRITERS = 400


def test_item_is_as_written_when_read(references: AvatarTable) -> None:
    before = Reference("a")
    for after in (
        Reference("a", "1", AVATAR, NOW),
        Reference("a", "2", None, NOW, removed_at=NOW),
        Reference("a", "3", replace(AVATAR, digest="é/ü 😀"), NOW, closed_at=NOW),
    ):
        references.replace(before, after)
        assert references.read("a") == after
        before = after


def test_there_is_no_item_when_nobody_wrote_one(references: AvatarTable) -> None:
    references.replace(Reference("a"), Reference("a", "1", AVATAR, NOW))

    assert references.read("A") == Reference("A")
    assert references.read("a ") == Reference("a ")


@pytest.mark.parametrize("standing", [None, "mine"], ids=["absent", "there"])
@pytest.mark.parametrize("seen", [None, "mine", "other"], ids=["nothing", "it", "another"])
def test_item_is_replaced_only_when_it_is_the_one_seen(
    references: AvatarTable, standing: str | None, seen: str | None
) -> None:
    stands = Reference("a", standing, AVATAR, NOW) if standing else Reference("a")
    if standing:
        references.replace(Reference("a"), stands)
    after = Reference("a", "next", None, NOW)

    if seen == standing:
        references.replace(Reference("a", seen), after)
        assert references.read("a") == after
    else:
        with pytest.raises(RevisionMoved):
            references.replace(Reference("a", seen), after)
        assert references.read("a") == stands


def test_item_is_read_as_written_at_once_when_it_is_replaced(references: AvatarTable) -> None:
    before = Reference("a")
    for number in range(50):
        after = Reference("a", str(number), replace(AVATAR, size=number), NOW)
        references.replace(before, after)
        assert references.read("a") == after
        before = after


def test_one_writer_wins_each_revision_when_hundreds_write_at_once(
    references: AvatarTable,
) -> None:
    """The replaced revisions form one chain, from no item to the stored one."""

    def write(number: int) -> tuple[str | None, str | None] | None:
        before = references.read("a")
        after = before.pointing_at(replace(AVATAR, size=number), now=NOW)
        try:
            references.replace(before, after)
        except RevisionMoved:
            return None
        return before.revision, after.revision

    with ThreadPoolExecutor(16) as threads:
        steps = [step for step in threads.map(write, range(WRITERS)) if step]

    chain = dict(steps)
    assert len(chain) == len(steps), "two replaced the same revision"
    revision, length = chain.get(None), 1
    while revision in chain:
        revision, length = chain[revision], length + 1
    assert length == len(steps)
    assert references.read("a").revision == revision


def test_one_writer_wins_when_hundreds_have_seen_the_same(references: AvatarTable) -> None:
    seen = Reference("a", "seen", AVATAR, NOW)
    references.replace(Reference("a"), seen)

    def write(number: int) -> str:
        try:
            references.replace(seen, Reference("a", str(number), None, NOW))
        except RevisionMoved:
            return ""
        return str(number)

    with ThreadPoolExecutor(16) as threads:
        winners = [one for one in threads.map(write, range(WRITERS)) if one]

    assert winners == [references.read("a").revision]


@pytest.mark.parametrize("limit", [1, 10])
def test_limit_is_exact_when_two_hundred_count_at_once(table: Table, limit: int) -> None:
    """The condition is that of a share link's download."""
    table.put(item("a") | {"downloads": {"N": "0"}, "expires_at": {"S": "2026-02"}})

    def count(_number: int) -> bool:
        try:
            table.client.update_item(
                TableName=table.name,
                Key={"owner_id": {"S": "a"}},
                UpdateExpression="ADD downloads :one",
                ConditionExpression=(
                    "expires_at > :now AND downloads < :most AND attribute_not_exists(closed_at)"
                ),
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    ":now": {"S": "2026-01"},
                    ":most": {"N": str(limit)},
                },
            )
        except table.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(200) as threads:
        assert sum(threads.map(count, range(200))) == limit


# --- What the server itself refuses ---


def item(owner: str, size: int = 0) -> Any:
    return {"owner_id": {"S": owner}, "digest": {"S": "x" * size}}


def test_item_is_stored_when_it_is_a_little_smaller_than_400_kb(table: Table) -> None:
    table.put(item("a", 400 * 1024 - 100))

    assert table.owners() == ["a"]


def test_item_is_refused_when_it_is_larger_than_400_kb(table: Table) -> None:
    assert refusal(lambda: table.put(item("a", 400 * 1024))) == (400, "ValidationException")
    assert table.owners() == []


def test_refusal_is_named_when_a_condition_fails(table: Table) -> None:
    table.put(item("a"))

    assert refusal(
        lambda: table.put(item("a", 1), ConditionExpression="attribute_not_exists(owner_id)")
    ) == (400, "ConditionalCheckFailedException")


def test_refusal_is_named_when_there_is_no_such_table(table: Table) -> None:
    absent = replace(table, name=f"{table.name}-absent")

    assert refusal(absent.owners) == (400, "ResourceNotFoundException")


def test_nothing_is_answered_when_the_secret_is_wrong(table: Table) -> None:
    stranger = replace(table, client=table.stranger())

    assert refusal(stranger.owners)[0] == 400


def test_time_to_live_is_on_when_it_was_put_on(table: Table) -> None:
    specification: Any = {"Enabled": True, "AttributeName": "expires"}

    table.client.update_time_to_live(TableName=table.name, TimeToLiveSpecification=specification)

    found = table.client.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
    assert found["TimeToLiveStatus"] in {"ENABLING", "ENABLED"}
    assert found["AttributeName"] == "expires"


FEATURES = ["table", "billing", "deletion protection", "point-in-time recovery"]


@pytest.mark.parametrize("name", FEATURES)
def test_feature_of_the_table_is_there_when_it_was_provisioned(table: Table, name: str) -> None:
    [feature] = [
        one
        for one in table_features()
        if one.name in {f"{name} of {table.name}", f"{name} {table.name}"}
    ]

    if not feature.is_there():
        feature.make()
    assert feature.is_there()


def test_every_feature_of_the_table_is_looked_at(table: Table) -> None:
    names = [
        one.name.removesuffix(table.name).removesuffix(" of ").strip()
        for one in table_features()
        if one.name.endswith(table.name)
    ]

    assert names == FEATURES
