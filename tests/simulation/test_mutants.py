"""The simulation finds each broken rule, soon, and names the property it violates."""

from collections.abc import Callable

import pytest

from tests.simulation.conftest import FIGURES
from tests.simulation.explore import Found, explorer_of
from tests.simulation.kinds import KINDS, scenario
from tests.simulation.mutant import Mutant
from tests.simulation.story import story

pytestmark = pytest.mark.usefixtures("simulation")

SOON = 30_000  # states


MUTANTS = [mutant for kind in KINDS.values() for mutant in kind.mutants]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_broken_rule_is_found(
    mutant: Mutant, record_property: Callable[[str, object], None]
) -> None:
    with mutant.broken():
        explorer = explorer_of(scenario(mutant.scenario), faults=mutant.faults)
        with pytest.raises(Found) as found:
            explorer.run(most=SOON)
        told = story(explorer.machine, explorer.first, found.value.moves)

    assert str(found.value).startswith(f"{mutant.kind}: ")
    assert "In the end there is:" in told
    states, moves = len(explorer.states), len(found.value.moves)
    figures = f"found after {states:,} states, in {moves} moves: {found.value}"
    record_property(FIGURES, f"mutant {mutant.name}: {figures}")
