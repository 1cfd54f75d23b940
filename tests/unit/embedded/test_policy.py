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
    else:
        with pytest.raises(S3Error, match="EntityToo"):
            check_size(policy, size)


@pytest.mark.parametrize(("seconds", "allowed"), [(-1, True), (0, False), (1, False)])
def test_policy_is_in_force_until_its_expiration(seconds: int, allowed: bool) -> None:
    policy = read({"key": "a"})
    now = policy.expiration + timedelta(seconds=seconds)

    assert (refusal(policy, {"key": "a"}, now) == "") == allowed


@pytest.mark.parametrize(
    "expiration", ["2026-01-01T00:00:01Z", "2026-01-01T00:00:01.000Z", "2026-01-01T00:00:01.5Z"]
)
def test_expiration_is_read_with_and_without_fractions(expiration: str) -> None:
    policy = read_policy(encoded([], expiration))

    assert policy.expiration == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)


def test_failed_condition_is_printed_as_it_was_signed() -> None:
    simple = read({"Content-Disposition": 'filename="ü"'})

    message = refusal(simple, {"content-disposition": "inline"})

    assert message.endswith('["eq", "$Content-Disposition", "filename=\\"ü\\""]')


@pytest.mark.parametrize(
    "name", ["x-amz-signature", "file", "policy", "awsaccesskeyid", "signature", "x-ignore-me"]
)
def test_field_needs_no_condition_when_the_rules_except_it(name: str) -> None:
    assert refusal(read(), {name: "anything"}) == ""
