"""Policies: every field has a condition, and every condition is exact."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws.policies import Policy, pending_metadata, pending_tags, tagging_xml, upload_policy

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
)


def make_policy(*, upload_token: str = "") -> Policy:
    """Return the policy of an upload."""
    return upload_policy(
        key="pending/7/x",
        owner_id="7",
        upload_token=upload_token,
        content_type="image/png",
        max_bytes=1000,
    )


@pytest.mark.case(3)
def test_every_field_has_a_condition_of_its_exact_value() -> None:
    """S3 refuses a field without a condition, and boto3 adds no condition for a field.

    None of them changes how the object is served.
    """
    policy = make_policy()

    exact: dict[str, str] = {}
    for condition in policy.conditions:
        if isinstance(condition, dict):
            exact |= condition
    assert exact == dict(policy.fields)
    assert sorted(exact) == [
        *("Content-Type", "success_action_status", "tagging"),
        *("x-amz-meta-owner", "x-amz-meta-upload-token"),
    ]


@pytest.mark.case(2, 3, 4, 5)
def test_no_condition_leaves_room_for_another_value() -> None:
    others = [condition for condition in make_policy().conditions if isinstance(condition, list)]

    assert others == [["content-length-range", 1, 1000]]


def test_object_carries_what_confirm_looks_for() -> None:
    policy = make_policy(upload_token="a-token")

    assert policy.fields["x-amz-meta-owner"] == "7"
    assert policy.fields["x-amz-meta-upload-token"] == "a-token"
    assert pending_metadata("7", "a-token") == {"owner": "7", "upload-token": "a-token"}
    assert policy.fields["tagging"] == tagging_xml(pending_tags("a-token"))
    assert pending_tags("a-token") == {"Status": "Pending", "upload-token": "a-token"}


def test_tags_are_written_as_s3_documents_it() -> None:
    assert tagging_xml({"a": "1", "b": "<2>"}) == (
        "<Tagging><TagSet>"
        "<Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>b</Key><Value>&lt;2&gt;</Value></Tag>"
        "</TagSet></Tagging>"
    )


@given(st.dictionaries(TEXT, TEXT, max_size=4))
def test_tags_come_back_from_their_xml_whatever_they_are(tags: dict[str, str]) -> None:
    root = ET.fromstring(tagging_xml(tags))  # noqa: S314 (our own)

    found = {row.findtext("Key"): row.findtext("Value") for row in root.iter("Tag")}
    assert found == tags
