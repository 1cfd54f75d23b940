"""The header ``x-amz-expiration``: the rule that expires the object first, and when."""

from datetime import UTC, datetime
from typing import Any

import pytest

from embedded_aws.expiration import Rule, expiration
from embedded_aws.lifecycle import Chosen
from tests.functional.embedded.builders import PNG, Place

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 1, 2, tzinfo=UTC)
ALL = Chosen()


def told(*rules: Rule, written_at: datetime = NOON) -> str:
    tags = {"x": "1", "y": "2"}
    return expiration(rules, key="a/b", tags=tags, size=10, written_at=written_at)


def test_date_is_the_next_midnight_when_the_days_are_over() -> None:
    rule = Rule("r", 1, ALL)

    assert told(rule) == 'expiry-date="Sun, 04 Jan 2026 00:00:00 GMT", rule-id="r"'
    assert told(rule, written_at=MIDNIGHT).startswith('expiry-date="Sat, 03 Jan 2026 00:00:00 GMT"')


def test_first_rule_is_named_when_several_reach_the_object() -> None:
    assert 'rule-id="a%20b"' in told(
        Rule("later", 9, ALL), Rule("a b", 2, ALL), Rule("last", 30, ALL)
    )


@pytest.mark.parametrize(
    "chosen",
    [
        Chosen(prefix="b"),
        Chosen(tags=frozenset({("x", "2")})),
        Chosen(prefix="a/", tags=frozenset({("x", "1"), ("z", "3")})),
        Chosen(above=10),
        Chosen(below=10),
    ],
    ids=["prefix", "tag", "one of the tags", "least size", "greatest size"],
)
def test_nothing_is_told_when_a_rule_does_not_reach_the_object_by(chosen: Chosen) -> None:
    assert told(Rule("r", 1, chosen)) == ""


def test_object_is_written_when_a_rule_has_no_name(place: Place) -> None:
    rule: Any = {"Status": "Enabled", "Expiration": {"Days": 1}, "Filter": {"Prefix": "a"}}
    place.s3.put_bucket_lifecycle_configuration(
        Bucket=place.name, LifecycleConfiguration={"Rules": [rule]}
    )

    place.put("a/b")

    assert "expiry-date=" in place.head("a/b")["Expiration"]


@pytest.mark.parametrize(
    ("changes", "expires"),
    [
        ({"Filter": {"And": {"Prefix": "a/", "Tags": [{"Key": "x", "Value": "1"}]}}}, True),
        ({"Filter": {"And": {"Prefix": "b/", "Tags": [{"Key": "x", "Value": "1"}]}}}, False),
        ({"Filter": {"Prefix": ""}}, True),
        ({"Prefix": "a/"}, True),
        ({"Prefix": "b/"}, False),
        ({"Filter": {"Prefix": ""}, "Status": "Disabled"}, False),
        ({"Filter": {}}, True),
        ({"Prefix": "b/", "Filter": {}}, False),
        ({"Filter": {"ObjectSizeGreaterThan": len(PNG) - 1}}, True),
        ({"Filter": {"ObjectSizeGreaterThan": len(PNG)}}, False),
        ({"Filter": {"ObjectSizeLessThan": len(PNG)}}, False),
        ({"Filter": {"And": {"Prefix": "a/", "ObjectSizeLessThan": len(PNG) + 1}}}, True),
        ({"Filter": {"And": {"Prefix": "a/", "ObjectSizeLessThan": len(PNG)}}}, False),
    ],
)
def test_rule_is_read_in_each_of_its_shapes(
    place: Place, changes: dict[str, Any], *, expires: bool
) -> None:
    rule: Any = {"ID": "r", "Status": "Enabled", "Expiration": {"Days": 1}, **changes}
    place.s3.put_bucket_lifecycle_configuration(
        Bucket=place.name, LifecycleConfiguration={"Rules": [rule]}
    )
    place.put("a/b", Tagging="x=1")

    assert ("Expiration" in place.head("a/b")) == expires
    tags = place.s3.get_object_tagging(Bucket=place.name, Key="a/b")
    assert "x-amz-expiration" not in tags["ResponseMetadata"]["HTTPHeaders"]
