"""docs/cases.md and the marks of the tests agree."""

import pytest

from tests.cases import MOST_NAMED, ROOT, TABLE, marks_in, rows, shown, written

SOURCE = """
@pytest.mark.case(7, 8)
@pytest.mark.parametrize("x", [1])
def test_two(x): ...

def test_none(): ...

@pytest.mark.case(7)
def test_one(): ...
"""


def test_marks_are_found_without_an_import() -> None:
    assert list(marks_in(SOURCE)) == [(7, "test_two"), (8, "test_two"), (7, "test_one")]


@pytest.mark.parametrize("old", ["| `gone` |", "|"])
def test_last_column_is_replaced_and_the_others_stay(old: str) -> None:
    page = "# Cases\n\n| # | case | outcome | shown by |\n| 1 | `a \\| b` | refused "
    many = [f"test_{number}" for number in range(MOST_NAMED + 1)]

    new = written(f"{page}{old}\n", {1: {"tests/a.py": ["test_b", "test_a"], "tests/b.py": many}})

    names = "`tests/a.py::test_b`<br>`tests/a.py::test_a`<br>`tests/b.py`: 5 tests"
    assert new == f"{page}| {names} |\n"


def test_every_case_has_one_row_with_all_that_belongs_there() -> None:
    table = rows(TABLE.read_text())

    assert len(table) >= 41
    assert list(table) == sorted(table)  # those of links and streams come with them
    assert {number for number, cells in table.items() if len(cells) != 4 or not all(cells)} == set()


def test_every_case_has_a_test_and_every_mark_a_case() -> None:
    assert set(shown()) == set(rows(TABLE.read_text()))


def test_every_mark_stands_on_a_test() -> None:
    """A mark of a module or of a parameter would be missing in the table."""
    for path in (ROOT / "tests").rglob("*.py"):
        source = path.read_text()
        marked = {name for _, name in marks_in(source)}
        if path.name not in {"cases.py", "test_cases.py"}:
            assert source.count("mark.case(") == len(marked), path


def test_table_names_the_tests_that_are_marked() -> None:
    """``make cases`` writes it."""
    text = TABLE.read_text()

    assert text == written(text, shown())
