"""Patterns and rules of CORS, without a server."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.cors import Rule, matches

TEXT = st.text("ab:/.*", max_size=8)


@given(pattern=st.text("ab:/.", max_size=6), text=TEXT)
def test_pattern_without_a_star_matches_itself_alone(pattern: str, text: str) -> None:
    assert matches(pattern, text) == (pattern == text)


@given(before=st.text("ab.", max_size=4), after=st.text("ab.", max_size=4), text=TEXT)
def test_star_stands_for_any_text(before: str, after: str, text: str) -> None:
    expected = re.fullmatch(f"{re.escape(before)}.*{re.escape(after)}", text) is not None

    assert matches(f"{before}*{after}", text) == expected


@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [
        ("http://evil.test", "PUT", []),
        ("http://a.page.test.evil.test", "PUT", []),
        ("https://a.page.test", "PUT", []),
        ("http://a.page.test", "GET", []),
        ("http://a.page.test", "put", []),
        ("http://a.page.test", "PUT", ["x-other"]),
        ("http://a.page.test", "PUT", ["x-amz-tagging", "x-other"]),
        ("", "PUT", []),
    ],
)
def test_rule_refuses_when_a_part_does_not_match(
    origin: str, method: str, headers: list[str]
) -> None:
    rule = Rule(("http://*.page.test",), ("PUT",), ("X-Amz-*",))

    assert not rule.allows(origin, method, headers)


def test_rule_allows_when_all_parts_match() -> None:
    rule = Rule(("http://other.test", "http://*.page.test"), ("GET", "PUT"), ("X-Amz-*",))

    assert rule.allows("http://a.page.test", "PUT", ["x-amz-tagging", "X-AMZ-DATE"])
