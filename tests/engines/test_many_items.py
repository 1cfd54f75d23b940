"""Reading many items"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from avatars.references import AvatarTable, Reference
from aws.errors import StorageUnavailable
from tests.engines.conftest import Table
from tests.engines.test_items import item
from tests.engines.test_reading import refusal

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LARGE = 390 * 1024  # bytes


def fill(table: Table, owners: list[str], size: int = 0) -> None:
    rows = [item(owner, size) | _own(owner) for owner in owners]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(table.put, rows))


def _own(owner: str) -> Any:
    return {"revision": {"S": f"revision of {owner}"}, "updated_at": {"S": NOW.strftime(FORMAT)}}


FORMAT = "%Y-%m-%dT%H:%M:%S.%f%z"


def owners(count: int) -> list[str]:
    return [f"owner{number:03}" for number in range(count)]


def written(owner: str) -> Reference:
    return Reference(owner, f"revision of {owner}", None, NOW)


def test_many_are_read_when_more_than_a_request_takes(
    table: Table, references: AvatarTable
) -> None:
    fill(table, owners(130))
    absent = [f"absent{number}" for number in range(120)]

    found = references.read_many([*absent, *owners(130), "owner000"])

    assert list(found) == [*absent, *owners(130)]
    assert all(found[owner] == written(owner) for owner in owners(130))
    assert all(found[owner] == Reference(owner) for owner in absent)


def test_more_than_a_hundred_are_refused_when_asked_for_at_once(table: Table) -> None:
    keys: Any = {table.name: {"Keys": [{"owner_id": {"S": owner}} for owner in owners(101)]}}

    assert refusal(lambda: table.client.batch_get_item(RequestItems=keys)) == (
        400,
        "ValidationException",
    )


def found_and_left(table: Table, asked: list[str]) -> tuple[list[str], list[str]]:
    """Return the items of one answer, and the keys that it left for later."""
    keys: Any = {table.name: {"Keys": [{"owner_id": {"S": owner}} for owner in asked]}}
    answer = table.client.batch_get_item(RequestItems=keys)
    left = answer["UnprocessedKeys"].get(table.name, {"Keys": []})["Keys"]
    found = [row["owner_id"]["S"] for row in answer["Responses"][table.name]]
    return found, [key["owner_id"]["S"] for key in left]


def test_every_key_is_in_the_answer_or_left_for_later_when_items_are_large(table: Table) -> None:
    fill(table, owners(48), LARGE)

    found, left = found_and_left(table, owners(48))

    assert found
    assert sorted(found + left) == owners(48)


def test_answer_is_no_larger_than_16_mb_when_items_are_large(table: Table) -> None:
    fill(table, owners(48), LARGE)

    found, _ = found_and_left(table, owners(48))

    assert len(found) * LARGE <= 16 * 1024 * 1024


@pytest.mark.parametrize("count", [6, 48], ids=["2 MB", "18 MB"])
def test_large_items_are_read_when_they_take(
    table: Table, references: AvatarTable, count: int
) -> None:
    fill(table, owners(count), LARGE)

    found = references.read_many(owners(count))

    assert found == {owner: written(owner) for owner in owners(count)}


def test_no_item_is_taken_for_absent_when_an_answer_leaves_keys_for_later(
    table: Table, references: AvatarTable
) -> None:
    """The gateway may fail; if it answers, the answer holds every item."""
    fill(table, owners(48), LARGE)

    with suppress(StorageUnavailable):
        found = references.read_many(owners(48))
        assert found == {owner: written(owner) for owner in owners(48)}


@pytest.mark.parametrize("limit", [1, 4, 7, 20, 21])
def test_scan_goes_on_without_loss_when_its_pages_hold(
    table: Table, references: AvatarTable, limit: int
) -> None:
    fill(table, owners(20))
    found: list[Reference] = []

    for _ in range(20 // limit + 2):
        page = list(references.scan(after=found[-1].owner_id if found else "", limit=limit))
        assert len(page) <= limit
        found += page

    assert page == []
    assert sorted(reference.owner_id for reference in found) == owners(20)
    assert list(references.scan()) == found, "its order is the same each time"


def test_scan_is_cut_into_pages_when_it_would_be_larger_than_1_mb(table: Table) -> None:
    fill(table, owners(6), LARGE)
    sizes: list[int] = []
    found: list[str] = []

    for page in table.client.get_paginator("scan").paginate(TableName=table.name):
        sizes.append(len(page["Items"]))
        found += [row["owner_id"]["S"] for row in page["Items"]]

    assert max(sizes) <= 3, "the third item takes a page past 1 MB"
    assert max(sizes) > 1, "a page holds all that it may"
    assert sorted(found) == owners(6)


def test_scan_is_of_one_moment_to_the_reader_when_it_is_consistent(
    table: Table, references: AvatarTable
) -> None:
    fill(table, owners(10))

    for owner in owners(10):
        references.replace(written(owner), Reference(owner, "moved", None, NOW))

    assert {found.revision for found in references.scan()} == {"moved"}
