"""A pytest plugin that keeps what each check gave on each engine, for docs/engines.md.

Loaded by ``make test-engines`` alone (``-p``). A check that was skipped fails the run: what an
engine lacks is said in known.py.
"""

import json
import os
from pathlib import Path
from typing import NamedTuple

import pytest

VARIABLE = "TEST_ENGINES_RECORD"


class Result(NamedTuple):
    """The outcome of one check on one engine; ``place`` is its file and line."""

    place: tuple[str, int]
    check: str
    engine: str
    outcome: str  # "yes", "no" (as known), "failed", "skipped"


_results: list[Result] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep the outcome of a check's call, or of a setup or teardown that failed."""
    properties = dict(report.user_properties)
    if "check" in properties and (report.when == "call" or report.outcome != "passed"):
        place = (Path(report.location[0]).name, report.location[1] or 0)
        check, engine = str(properties["check"]), str(properties["engine"])
        _results.append(Result(place, check, engine, _outcome(report)))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the results down, and fail the run if a check was skipped."""
    Path(os.environ[VARIABLE]).write_text(json.dumps(_results))
    if any(result.outcome == "skipped" for result in _results):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def read(path: Path) -> list[Result]:
    """Return the results that a run has kept in ``path``, in the order of the suite."""
    rows = [Result(tuple(place), *rest) for place, *rest in json.loads(path.read_text())]
    return sorted(rows)


def _outcome(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "no" if report.outcome == "skipped" else "failed"
    return {"passed": "yes", "skipped": "skipped"}.get(report.outcome, "failed")
