"""All properties hold in every schedule of small casts, whatever happens to two requests."""

from collections.abc import Callable

import pytest

from tests.simulation.casts import Scenario
from tests.simulation.conftest import FIGURES
from tests.simulation.explore import explorer_of
from tests.simulation.kinds import KINDS

pytestmark = pytest.mark.usefixtures("simulation")

MOST = 1_000_000
PICTURES, FILES = KINDS["pictures"], KINDS["files"]
Record = Callable[[str, object], None]


def explore(cast: Scenario, *, faults: int, record: Record) -> int:
    """Visit every state, note the figures, and return the number of schedules."""
    explored = explorer_of(cast, faults=faults).run(most=MOST)
    record(FIGURES, f"{cast.name}, up to {faults} faults: {explored.in_words()}")
    return explored.schedules


@pytest.mark.case(15, 16, 17, 18, 19, 20, 23, 35)
@pytest.mark.parametrize("cast", PICTURES.pairs(), ids=lambda cast: cast.name)
def test_everything_holds_whatever_happens_to_one_request(
    cast: Scenario, record_property: Record
) -> None:
    """Two parties and the lifecycle run, with one fault or crash."""
    assert explore(cast, faults=1, record=record_property) > 10_000


@pytest.mark.case(15, 16, 17, 18, 19, 20, 23, 35)
@pytest.mark.thorough
@pytest.mark.parametrize("cast", PICTURES.pairs(), ids=lambda cast: cast.name)
def test_everything_holds_whatever_happens_to_two_requests(
    cast: Scenario, record_property: Record
) -> None:
    """Two parties and the lifecycle run, with two faults or crashes."""
    assert explore(cast, faults=2, record=record_property) > 100_000


@pytest.mark.case(15, 16, 17, 18, 19, 20, 35, 36)
@pytest.mark.thorough
@pytest.mark.parametrize("cast", PICTURES.trios(), ids=lambda cast: cast.name)
def test_everything_holds_whoever_of_three_goes_first(
    cast: Scenario, record_property: Record
) -> None:
    """Three parties and the lifecycle run, without faults."""
    assert explore(cast, faults=0, record=record_property) > 100_000


@pytest.mark.case(42, 46, 47, 53)
@pytest.mark.parametrize("cast", FILES.pairs(), ids=lambda cast: cast.name)
def test_files_are_in_order_whatever_happens_to_one_request(
    cast: Scenario, record_property: Record
) -> None:
    """Browsers, consumer, sweep, owners and the lifecycle run, with one fault or crash."""
    assert explore(cast, faults=1, record=record_property) > 10_000


@pytest.mark.case(42, 46, 47, 53)
@pytest.mark.thorough
@pytest.mark.parametrize("cast", FILES.pairs(), ids=lambda cast: cast.name)
def test_files_are_in_order_whatever_happens_to_two_requests(
    cast: Scenario, record_property: Record
) -> None:
    """Browsers, consumer, sweep, owners and the lifecycle run, with two faults or crashes."""
    assert explore(cast, faults=2, record=record_property) > 100_000


@pytest.mark.case(42, 47)
@pytest.mark.thorough
@pytest.mark.parametrize("cast", FILES.trios(), ids=lambda cast: cast.name)
def test_files_are_in_order_whoever_goes_first(cast: Scenario, record_property: Record) -> None:
    """Longer casts and the lifecycle run, without faults."""
    assert explore(cast, faults=0, record=record_property) > 1_000_000
