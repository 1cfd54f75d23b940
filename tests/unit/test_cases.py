"""docs/cases.md tells the truth: the tests it names are there, and say which case they show."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
NUMBERS = range(1, 42)
CELL = re.compile(r"(?<!\\) \| ")
# "Case 7", "Cases 7 and 8", "Cases 7, 8 and 10 to 12".
MENTION = re.compile(r"\b[Cc]ases? (\d+(?:(?:, | and | to )\d+)*)")


def rows() -> list[tuple[int, str, str, list[str]]]:
    """Return number, case, outcome and tests of each row."""
    lines = (ROOT / "docs" / "cases.md").read_text().splitlines()
    cells = [CELL.split(line.strip("| ")) for line in lines if re.match(r"\| \d+ \|", line)]
    return [
        (int(number), case, outcome, re.findall(r"`([^`]+)`", tests))
        for number, case, outcome, tests in cells
    ]


def numbers_in(docstring: str) -> set[int]:
    """Return the numbers of the cases that a docstring names."""
    found: set[int] = set()
    for mention in MENTION.findall(docstring):
        for part in re.split(r", | and ", mention):
            first, _, last = part.partition(" to ")
            found |= set(range(int(first), int(last or first) + 1))
    return found


def docstrings(path: Path) -> dict[str, str]:
    """Return the docstring of each test in a file, without importing it."""
    return {
        node.name: ast.get_docstring(node) or ""
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize(
    ("docstring", "numbers"),
    [
        ("Case 7.", {7}),
        ("Case 7: a role's.", {7}),
        ("Cases 7 and 8: both.", {7, 8}),
        ("Cases 7, 9 and 11 to 13, 20: 50 of them.", {7, 9, 11, 12, 13, 20}),
        ("All of case 22.", {22}),
        ("In any case 7 is odd; showcase 9.", {7}),
        ("P1 to P7 hold in 12 cases.", set()),
    ],
)
def test_numbers_are_found_in_a_docstring(docstring: str, numbers: set[int]) -> None:
    assert numbers_in(docstring) == numbers


def test_every_case_has_one_row_with_all_that_belongs_there() -> None:
    assert [number for number, *_ in rows()] == list(NUMBERS)
    for number, case, outcome, tests in rows():
        assert case, number
        assert outcome, number
        assert tests, number
        assert len(set(tests)) == len(tests), number


@pytest.mark.parametrize("number", NUMBERS)
def test_named_tests_are_there_and_name_their_case(number: int) -> None:
    """A browser test is called after what somebody sees, and names no case."""
    (tests,) = [tests for found, _, _, tests in rows() if found == number]

    for test in tests:
        path, _, name = test.partition("::")
        assert name in docstrings(ROOT / path), test
        if not path.startswith("tests/browser/"):
            assert number in numbers_in(docstrings(ROOT / path)[name]), test


def test_no_test_names_a_case_that_is_not_in_the_table() -> None:
    named = {
        number: f"{path}::{test}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for test, docstring in docstrings(path).items()
        for number in numbers_in(docstring)
        if path.name != Path(__file__).name
    }

    assert len(named) > 35
    assert {number: test for number, test in named.items() if number not in NUMBERS} == {}
