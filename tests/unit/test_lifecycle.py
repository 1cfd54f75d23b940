"""The lifecycle: which objects expire, and when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws.lifecycle import RuleFilter, canonical_rules, expires_at
from uploads.lifecycle import lifecycle_rules

PENDING = {"Status": "Pending"}
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis adds the zone)


def due(
    key: str,
    tags: dict[str, str] | None = None,
    *,
    size: int = 0,
    at: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC),
    rules: list[Any] | None = None,
) -> datetime | None:
    """Return when ``rules`` expire the object; without ``rules``, those of the product."""
    chosen = lifecycle_rules() if rules is None else rules
    return expires_at(key, last_modified=at, tags=tags or {}, size=size, rules=chosen)


def rule(days: int, **changes: Any) -> dict[str, Any]:
    """Return a rule for everything that expires objects after ``days``."""
    return {"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": days}, **changes}


@pytest.mark.parametrize(
    ("key", "tags"),
    [
        ("avatars/a/x", {}),
        ("avatars/a/x", {"Status": "Live"}),
        ("avatars/a/x", {"status": "Pending"}),
        ("avatars/a/x", {"Other": "Pending"}),
        ("pending", {}),
        ("Pending/a/x", {}),
        ("x/pending/a", {}),
        ("", {}),
    ],
)
def test_object_never_expires_when_no_rule_chooses_it(key: str, tags: dict[str, str]) -> None:
    assert due(key, tags) is None


@pytest.mark.parametrize(
    ("key", "tags"),
    [
        ("pending/a/x", {}),
        ("pending/a/x", PENDING),
        ("pending/", {}),
        ("avatars/a/x", PENDING),
        ("anything", {**PENDING, "more": "tags"}),
    ],
)
def test_object_expires_when_pending_by_prefix_or_by_tag(key: str, tags: dict[str, str]) -> None:
    assert due(key, tags) == datetime(2026, 3, 3, tzinfo=UTC)


def test_promoted_pictures_never_expire_by_the_products_own_rules() -> None:
    """P1: no rule expires a live picture, which has no tags."""
    assert due("avatars/owner/name.webp") is None


@given(moment=MOMENTS, days=st.integers(1, 400))
def test_expiry_is_the_next_midnight_after_whole_days(moment: datetime, days: int) -> None:
    found = due("x", at=moment, rules=[rule(days)])

    assert found
    assert (found.hour, found.minute, found.second, found.microsecond) == (0, 0, 0, 0)
    wait = found - moment
    assert timedelta(days=days) <= wait < timedelta(days=days + 1)


def test_expiry_is_the_same_midnight_when_written_at_midnight() -> None:
    midnight = datetime(2026, 3, 1, tzinfo=UTC)

    assert due("pending/a", at=midnight) == midnight + timedelta(days=1)
    assert due("pending/a", at=midnight + timedelta(microseconds=1)) == midnight + timedelta(days=2)


def test_expiry_is_that_of_the_first_rule_to_reach_the_object() -> None:
    assert due("x", rules=[rule(9), rule(2), rule(5)]) == datetime(2026, 3, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    "ineffective",
    [
        rule(1, Status="Disabled"),
        {"Status": "Enabled", "Filter": {"Prefix": ""}, "Transitions": [{"Days": 1}]},
        rule(1, Expiration={"ExpiredObjectDeleteMarker": True}),
        {"Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
        rule(1, Filter={"Prefix": "y"}),
        rule(1, Filter={"Tag": {"Key": "a", "Value": "b"}}),
        rule(1, Filter={"And": {"Prefix": "x", "Tags": [{"Key": "a", "Value": "b"}]}}),
        {"Status": "Enabled", "Prefix": "y", "Expiration": {"Days": 1}},
        rule(1, Prefix="y", Filter={}),
        rule(1, Prefix="y", Filter={"Prefix": ""}),
    ],
)
def test_rule_does_nothing_when_it_is_not_for_the_object(ineffective: dict[str, Any]) -> None:
    assert due("x", rules=[ineffective]) is None


@pytest.mark.parametrize(
    "effective",
    [
        rule(1, Filter={}),
        rule(1, Filter={"Prefix": "x"}),
        rule(1, Filter={"Tag": {"Key": "a", "Value": "b"}}),
        rule(1, Filter={"And": {"Prefix": "x", "Tags": [{"Key": "a", "Value": "b"}]}}),
        {"Status": "Enabled", "Prefix": "x", "Expiration": {"Days": 1}},
        {"Status": "Enabled", "Expiration": {"Days": 1}},
        rule(1, Prefix="x", Filter={}),
        rule(1, Filter={"And": {"Prefix": "x"}}),
    ],
)
def test_rule_expires_what_its_filter_takes_in(effective: dict[str, Any]) -> None:
    assert due("x/y", {"a": "b", "c": "d"}, rules=[effective]) == datetime(2026, 3, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("conditions", "taken"),
    [
        ({"ObjectSizeGreaterThan": 10}, [11, 99]),
        ({"ObjectSizeGreaterThan": 0}, [10, 11, 99]),
        ({"ObjectSizeLessThan": 11}, [0, 10]),
        ({"And": {"ObjectSizeGreaterThan": 10, "ObjectSizeLessThan": 99}}, [11]),
        ({"And": {"Prefix": "x", "ObjectSizeLessThan": 1}}, [0]),
        ({"And": {"Prefix": "y", "ObjectSizeLessThan": 1}}, []),
    ],
)
def test_rule_takes_only_sizes_between_its_bounds(
    conditions: dict[str, Any], taken: list[int]
) -> None:
    rules = [rule(1, Filter=conditions)]

    assert [size for size in (0, 10, 11, 99) if due("x", size=size, rules=rules)] == taken


TAGS = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
SAID_DIFFERENTLY: list[list[dict[str, Any]]] = [
    [{}, {"Prefix": ""}, {"Filter": {}}, {"Filter": {"Prefix": ""}}, {"Filter": {"And": {}}}],
    [
        {"Prefix": "x/"},
        {"Prefix": "x/", "Filter": {}},
        {"Prefix": "x/", "Filter": {"Prefix": ""}},
        {"Filter": {"Prefix": "x/"}},
        {"Filter": {"And": {"Prefix": "x/", "Tags": []}}},
    ],
    [{"Filter": {"Tag": TAGS[0]}}, {"Filter": {"And": {"Prefix": "", "Tags": TAGS[:1]}}}],
    [{"Filter": {"And": {"Tags": TAGS}}}, {"Filter": {"And": {"Tags": TAGS[::-1]}}}],
    [
        {"Filter": {"ObjectSizeGreaterThan": 5}},
        {"Filter": {"And": {"ObjectSizeGreaterThan": 5}}},
    ],
    [{"Filter": {"ObjectSizeLessThan": 5}}],
    [{"Filter": {"ObjectSizeGreaterThan": 0}}],
]


@pytest.mark.parametrize("said", SAID_DIFFERENTLY)
def test_filters_are_the_same_when_said_differently(said: list[dict[str, Any]]) -> None:
    assert len({RuleFilter.of(one) for one in said}) == 1
    assert all(canonical_rules([one]) == canonical_rules([said[0]]) for one in said)


def test_filters_are_not_the_same_when_they_take_other_objects() -> None:
    others = [said[0] for said in SAID_DIFFERENTLY]

    assert len({RuleFilter.of(one) for one in others}) == len(others)
    assert len({str(canonical_rules([one])) for one in others}) == len(others)


def test_unfinished_multiparts_are_given_up_by_a_rule() -> None:
    rules = [found for found in lifecycle_rules() if "AbortIncompleteMultipartUpload" in found]

    assert [found["Filter"] for found in rules] == [{"Prefix": ""}]
