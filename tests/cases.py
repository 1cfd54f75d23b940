"""``python -m tests.cases``: write the tests of each case into docs/cases.md.

A test shows a case if it is marked ``@pytest.mark.case(36)``. The sources are read, not imported.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "cases.md"
ROW = re.compile(r"\| (\d+) \| ")
CELL = re.compile(r"(?<!\\) \| ")
# Tests of one file that are named in a row; more are counted.
MOST_NAMED = 4

# The names of the tests that show a case: case -> file -> names in the order of the file.
Shown = Mapping[int, Mapping[str, list[str]]]


def marks_in(source: str) -> Iterator[tuple[int, str]]:
    """Yield case and name of each marked test, in the order of the file."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and is_mark(decorator.func):
                    for number in decorator.args:
                        yield ast.literal_eval(number), node.name


def is_mark(function: ast.expr) -> bool:
    """Return whether a decorator calls ``pytest.mark.case``."""
    return ast.unparse(function) == "pytest.mark.case"


def shown() -> Shown:
    """Return the tests that show each case, the files in alphabetical order."""
    found: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for number, name in marks_in(path.read_text()):
            found[number][path.relative_to(ROOT).as_posix()].append(name)
    return found


def column(tests: Mapping[str, list[str]]) -> str:
    """Return the cell that names the tests, or counts them where a file has many."""
    lines: list[str] = []
    for path, names in tests.items():
        if len(names) > MOST_NAMED:
            lines.append(f"`{path}`: {len(names)} tests")
        else:
            lines += [f"`{path}::{name}`" for name in names]
    return "<br>".join(lines)


def rows(text: str) -> dict[int, list[str]]:
    """Return the cells of each row by its number: the number, the case, the outcome, the tests."""
    lines = [line for line in text.splitlines() if ROW.match(line)]
    return {int(cells[0]): cells for cells in [CELL.split(line.strip("| ")) for line in lines]}


def written(text: str, found: Shown) -> str:
    """Return the page with the last column replaced by the tests ``found``."""
    lines = text.splitlines(keepends=True)
    return "".join(row(line, found) if ROW.match(line) else line for line in lines)


def row(line: str, found: Shown) -> str:
    """Return a row with its last cell replaced."""
    number, case, outcome, *_ = CELL.split(line.strip("| \n"))
    return f"| {number} | {case} | {outcome} | {column(found.get(int(number), {}))} |\n"


if __name__ == "__main__":
    TABLE.write_text(written(TABLE.read_text(), shown()))
