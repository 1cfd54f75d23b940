"""What the simulation needs, and what it says of itself at the end of a test run."""

from collections.abc import Iterator

import pytest

from tests.simulation.simulated import simulated

FIGURES = "simulation"


@pytest.fixture
def simulation() -> Iterator[None]:
    """Have processes simulated."""
    with simulated():
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how much was visited, whichever process of a parallel run did it."""
    figures = [
        value
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if name == FIGURES
    ]
    if figures:
        terminalreporter.section("simulation")
        terminalreporter.write_line("\n".join(sorted(map(str, figures))))
