"""Policies are parsed and applied, without a server."""

import base64
import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.errors import S3Error
from embedded_aws.policy import Condition, Policy, check_fields, check_size, read_policy

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = st.sampled_from(["key", "acl", "content-type", "x-amz-meta-a", "tagging", "bucket"])
FIELDS = st.dictionaries(NAMES, st.text(), min_size=1)
FAILED = "403 AccessDenied: Invalid according to Policy: Policy Condition failed: "


def encoded(conditions: Any, expiration: str = "2026-01-01T00:00:01Z") -> str:
    text = json.dumps({"expiration": expiration, "conditions": conditions})
    return base64.b64encode(text.encode()).decode()


def read(*conditions: Any) -> Policy:
    return read_policy(encoded(list(conditions)))


def refusal(policy: Policy, fields: dict[str, str], now: datetime = NOW) -> str:
    """Return status, code and message of the refusal; "" if the fields are allowed."""
    try:
        check_fields(policy, fields, now)
    except S3Error as error:
        return f"{error.status} {error.code}: {error.message}"
    return ""


@given(fields=FIELDS, extra=NAMES, value=st.text())
def test_field_is_refused_when_added_or_changed(
    fields: dict[str, str], extra: str, value: str
) -> None:
    policy = read(*({name: text} for name, text in fields.items()))
    changed = {**fields, extra: value}

    assert bool(refusal(policy, changed)) == (changed != fields)


@given(fields=FIELDS, data=st.data())
def test_field_is_refused_when_left_out(fields: dict[str, str], data: st.DataObject) -> None:
    policy = read(*(["starts-with", f"${name}", ""] for name in fields))
    missing = data.draw(st.sampled_from(sorted(fields)))

    left = {name: text for name, text in fields.items() if name != missing}

    assert refusal(policy, left).endswith(f'["starts-with", "${missing}", ""]')


@given(prefix=st.text(), value=st.text())
def test_start_is_compared_as_text_when_the_field_is_not_content_type(
    prefix: str, value: str
) -> None:
    policy = read(["starts-with", "$key", prefix])

    assert bool(refusal(policy, {"key": value})) != value.startswith(prefix)
    assert refusal(policy, {"key": prefix + value}) == ""


@pytest.mark.parametrize("value", ["b/,x", "b/, x"])
def test_value_is_no_list_when_the_field_is_not_content_type(value: str) -> None:
    assert refusal(read(["starts-with", "$key", "b/"]), {"key": value}) == ""


@pytest.mark.parametrize("value", ["x/b/", " b/", "B/", ""])
def test_field_is_refused_when_its_start_is_another(value: str) -> None:
    policy = read(["starts-with", "$key", "b/"])

    assert refusal(policy, {"key": value}) == f'{FAILED}["starts-with", "$key", "b/"]'


@given(types=st.lists(st.sampled_from(["image/png", "image/", "text/html", "", "video/mp4"])))
def test_every_listed_type_must_have_the_start(types: list[str]) -> None:
    policy = read(["starts-with", "$Content-Type", "image/"])
    good = bool(types) and all(text.startswith("image/") for text in types)

    assert (refusal(policy, {"content-type": ", ".join(types)}) == "") == good


@given(st.text())
def test_reading_never_fails_otherwise_than_by_refusing(text: str) -> None:
    for policy in (text, base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()):
        with pytest.raises(S3Error, match="InvalidPolicyDocument"):
            read_policy(policy)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NEARLY = st.tuples(st.sampled_from(["eq", "starts-with", "content-length-range"]), JSON, JSON).map(
    list
)


@given(st.lists(JSON | NEARLY, max_size=3) | JSON)
def test_conditions_of_any_shape_are_read_or_refused(conditions: Any) -> None:
    """An unexpected shape would raise another exception than ``S3Error``."""
    with contextlib.suppress(S3Error):
        policy = read_policy(encoded(conditions))
        assert all(isinstance(condition, Condition) for condition in policy.conditions)


@given(low=st.integers(0, 100), high=st.integers(0, 100), size=st.integers(0, 120))
def test_size_is_allowed_only_within_the_range_both_ends_included(
    low: int, high: int, size: int
) -> None:
    policy = read(["content-length-range", low, high])
    if low <= size <= high:
        check_size(policy, size)
        return
    with pytest.raises(S3Error, match="EntityToo") as refused:
        check_size(policy, size)
    bound = {"MinSizeAllowed": str(low)} if size < low else {"MaxSizeAllowed": str(high)}
    assert refused.value.details == {"ProposedSize": str(size), **bound}


@pytest.mark.parametrize("bound", ["few", "", "1.0", "-1", True, None])
def test_size_that_is_no_number_is_never_allowed(bound: Any) -> None:
    with pytest.raises(S3Error) as refused:
        read(["content-length-range", 0, bound])

    condition = json.dumps(["content-length-range", 0, bound])
    assert f"{refused.value.status} {refused.value}" == FAILED + condition


@pytest.mark.parametrize(("seconds", "allowed"), [(-1, True), (0, False), (1, False)])
def test_policy_is_in_force_until_its_expiration(seconds: int, allowed: bool) -> None:
    policy = read({"key": "a"})
    now = policy.expiration + timedelta(seconds=seconds)

    expired = "403 AccessDenied: Invalid according to Policy: Policy expired."
    assert refusal(policy, {"key": "a"}, now) == ("" if allowed else expired)


@pytest.mark.parametrize(
    "expiration", ["2026-01-01T00:00:01Z", "2026-01-01T00:00:01.000Z", "2026-01-01T00:00:01.5Z"]
)
def test_expiration_is_read_with_and_without_fractions(expiration: str) -> None:
    policy = read_policy(encoded([], expiration))

    assert policy.expiration == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("condition", "written"),
    [
        ({"Content-Disposition": 'filename="ü"'}, ["eq", "$Content-Disposition", 'filename="ü"']),
        (["eq", "$KEY", "<a>"], ["eq", "$KEY", "<a>"]),
        (["starts-with", "key", ""], ["starts-with", "key", ""]),
    ],
    ids=["simple", "list", "no field"],
)
def test_failed_condition_is_printed_as_it_was_signed(condition: Any, written: list[str]) -> None:
    message = refusal(read(condition), {"key": "a", "content-disposition": "inline"})

    assert message == FAILED + json.dumps(written, ensure_ascii=False)


def test_fields_without_a_condition_are_named() -> None:
    fields = {"key": "a", "x-amz-tagging": "a", "x-amz-security-token": "a", "x-ignored": "a"}

    assert refusal(read({"key": "a"}), fields) == (
        "403 AccessDenied: Invalid according to Policy: Extra input fields: "
        "x-amz-tagging, x-amz-security-token, x-ignored"
    )


@pytest.mark.parametrize(
    "name", ["x-amz-signature", "file", "policy", "awsaccesskeyid", "signature", "x-ignore-me"]
)
def test_field_needs_no_condition_when_the_rules_except_it(name: str) -> None:
    assert refusal(read(), {name: "anything"}) == ""


END = "2099-01-01T00:00:00Z"
EMPTY = json.dumps({"expiration": END, "conditions": []})
NO_POLICIES = {
    "": "Invalid JSON.",
    "{": "Invalid JSON.",
    "[]": "Invalid JSON.",
    "[" * 10_000: "Invalid JSON.",
    '{"conditions": []}': "Policy missing expiration.",
    f'{{"expiration": "{END}"}}': "Policy missing conditions.",
    EMPTY.replace("expiration", "EXPIRATION"): "Unexpected: 'expiration'",
    EMPTY.replace("}", ', "more": 1}'): "Unexpected: 'more'",
    EMPTY.replace("[]", "{}"): "Invalid 'conditions' value: must be a List.",
    **{
        EMPTY.replace(f'"{END}"', end): "Invalid 'expiration' value"
        for end in (
            f'"{END[:-1]}+02:00"',
            f'"{END.replace("T", " ")}"',
            '"2026-13-01T00:00:00Z"',
            "1",
        )
    },
    **{
        EMPTY.replace("[]", f"[{condition}]"): reason
        for condition, reason in {
            '"eq"': "Invalid condition test: must be a List or Object.",
            "{}": "Invalid Simple-Condition: Simple-Conditions must have exactly one",
            '{"key": "a", "acl": "b"}': "Invalid Simple-Condition: Simple-Conditions must have",
            '{"key": 1}': "Invalid Simple-Condition: value must be a string.",
            "[]": "Invalid Condition: missing operation identifier.",
            '["in", "$key", "a"]': "Invalid Condition: unknown operation 'in'.",
            '["eq", "$key"]': "Invalid eq: wrong number of arguments.",
            '["eq", "$key", 1]': "Invalid JSON.",
            '["content-length-range", 1]': "Invalid content-length-range: wrong number",
            '["content-length-range", -1, 1]': "Invalid content-length-range: bounds must not be",
            '["content-length-range", 0, 5.0]': "Invalid JSON.",
            '["content-length-range", 0, NaN]': "Invalid JSON.",
        }.items()
    },
}


@pytest.mark.parametrize(("text", "reason"), NO_POLICIES.items())
def test_policy_is_refused_when_it_is_none(text: str, reason: str) -> None:
    with pytest.raises(S3Error) as refused:
        read_policy(base64.b64encode(text.encode()).decode())

    assert (refused.value.status, refused.value.code) == (400, "InvalidPolicyDocument")
    assert refused.value.message.startswith(f"Invalid Policy: {reason}")


@pytest.mark.parametrize(
    "encoded",
    ["%%%", "abc", "/w==", base64.b64encode(EMPTY.encode()).decode() + "\n"],
    ids=["alphabet", "padding", "UTF-8", "line end"],
)
def test_policy_is_refused_when_it_is_not_base64_of_text(encoded: str) -> None:
    with pytest.raises(S3Error, match="InvalidPolicyDocument: Invalid Policy: invalid Base64"):
        read_policy(encoded)
