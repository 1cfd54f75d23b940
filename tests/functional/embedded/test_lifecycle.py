"""The lifecycle configuration: what is refused, and that a good one is returned unchanged."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.functional.embedded.builders import Place, Signer, error_of

RULE: dict[str, Any] = {
    "ID": "r",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "Expiration": {"Days": 1},
}
ABORT = "AbortIncompleteMultipartUpload"
MARKER = "ExpiredObjectDeleteMarker"
TAG = {"Key": "Status", "Value": "Pending"}


def set_rules(place: Place, *rules: Any) -> None:
    place.s3.put_bucket_lifecycle_configuration(
        Bucket=place.name, LifecycleConfiguration={"Rules": list(rules)}
    )


def rules_of(place: Place) -> list[Any]:
    return list(place.s3.get_bucket_lifecycle_configuration(Bucket=place.name)["Rules"])


def document(days: str = "1", chosen: str = "<Prefix/>") -> bytes:
    """Return a configuration of one rule as XML."""
    rule = f"{chosen}<Status>Enabled</Status><Expiration><Days>{days}</Days></Expiration>"
    return f"<LifecycleConfiguration><Rule>{rule}</Rule></LifecycleConfiguration>".encode()


def without_action(**action: Any) -> dict[str, Any]:
    return {"Status": "Enabled", "Filter": {"Prefix": ""}, **action}


@pytest.mark.parametrize(
    ("rules", "code", "message"),
    [
        (
            [without_action()],
            "InvalidRequest",
            "At least one action needs to be specified in a rule",
        ),
        (
            [without_action(Expiration={"Days": 0})],
            "InvalidArgument",
            "'Days' for Expiration action must be a positive integer",
        ),
        (
            [without_action(**{ABORT: {"DaysAfterInitiation": 0}})],
            "InvalidArgument",
            f"'DaysAfterInitiation' for {ABORT} action must be a positive integer",
        ),
        (
            [without_action(NoncurrentVersionExpiration={"NoncurrentDays": 0})],
            "InvalidArgument",
            "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer",
        ),
        (
            [RULE, RULE],
            "InvalidArgument",
            "Rule ID must be unique. Found same ID for more than one rule",
        ),
        (
            [{**RULE, "Filter": {"Tag": TAG}, ABORT: {"DaysAfterInitiation": 1}}],
            "InvalidRequest",
            f"{ABORT} cannot be specified with Tags",
        ),
        (
            [without_action(Filter={"Tag": TAG}, Expiration={MARKER: True})],
            "InvalidRequest",
            f"{MARKER} cannot be specified with Tags",
        ),
        ([without_action(Expiration={MARKER: True, "Days": 1})], "MalformedXML", ""),
        ([{**RULE, "Status": "enabled"}], "MalformedXML", ""),
        ([{**RULE, "Filter": {"Prefix": "a", "ObjectSizeLessThan": 5}}], "MalformedXML", ""),
        ([], "MalformedXML", ""),
    ],
    ids=[
        "no action",
        "no days",
        "no days after initiation",
        "no days of a version",
        "an id twice",
        "an abort by tag",
        "a marker by tag",
        "a marker after days",
        "unknown status",
        "two conditions without And",
        "no rules",
    ],
)
def test_rules_are_refused_and_the_ones_before_stay_when_they_have(
    place: Place, rules: list[Any], code: str, message: str
) -> None:
    set_rules(place, RULE)

    with pytest.raises(ClientError) as refused:
        set_rules(place, *rules)

    error = refused.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert error["Error"]["Code"] == code
    assert message in error["Error"]["Message"]
    assert rules_of(place) == [RULE]


@pytest.mark.parametrize(
    "body",
    [
        *(document(days) for days in ("x", "1.5", "")),
        document(chosen="<Filter><Prefix>a</Prefix><Prefix>b</Prefix></Filter>"),
        document(chosen="<Filter><Tag><Key>a</Key></Tag></Filter>"),
        document(chosen="<Filter><Tag/></Filter>"),
        document(chosen="<Filter><And><Tag><Value>a</Value></Tag></And></Filter>"),
    ],
    ids=["letters", "a fraction", "nothing", "two prefixes", "half a tag", "no tag", "no key"],
)
def test_rules_are_refused_when_the_document_makes_no_sense(place: Place, body: bytes) -> None:
    url = Signer().presign("PUT", place.url, query={"lifecycle": ""})

    response = place.request("PUT", url, body=body)

    assert error_of(response)[:2] == (400, "MalformedXML")
    place.put("a")
    assert place.keys() == ["a"]


def test_rules_without_an_id_are_taken_when_there_are_several(place: Place) -> None:
    set_rules(place, without_action(Expiration={"Days": 1}), without_action(Expiration={"Days": 2}))

    assert [rule["Expiration"]["Days"] for rule in rules_of(place)] == [1, 2]


@pytest.mark.parametrize(
    "changes",
    [
        {"Filter": {"ObjectSizeGreaterThan": 5}},
        {"Filter": {"And": {"Prefix": "a", "ObjectSizeGreaterThan": 5, "ObjectSizeLessThan": 9}}},
        {"Filter": {"And": {"Prefix": "a", "Tags": [{"Key": "x", "Value": "1"}]}}},
        {"Expiration": {"Days": 3}, ABORT: {"DaysAfterInitiation": 2}},
        {"Expiration": {MARKER: True}, "NoncurrentVersionExpiration": {"NoncurrentDays": 2}},
        {"Filter": {"Tag": TAG}, "NoncurrentVersionExpiration": {"NoncurrentDays": 2}},
    ],
)
def test_rule_is_answered_as_it_was_sent(place: Place, changes: dict[str, Any]) -> None:
    set_rules(place, RULE)
    set_rules(place, {**RULE, **changes})

    assert rules_of(place) == [{**RULE, **changes}]


def test_rules_are_gone_when_they_were_deleted(place: Place) -> None:
    set_rules(place, RULE)
    place.s3.delete_bucket_lifecycle(Bucket=place.name)

    place.put("a")

    assert "Expiration" not in place.head("a")
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        rules_of(place)


def test_rules_stay_when_an_object_is_written_under_a_query_of_that_name(place: Place) -> None:
    set_rules(place, RULE)
    url = Signer().presign("PUT", place.object_url("x"), query={"lifecycle": ""})

    place.request("PUT", url, body=document("5"))

    assert rules_of(place) == [RULE]
