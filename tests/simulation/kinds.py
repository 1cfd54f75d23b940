"""The kinds of upload that are simulated."""

from collections.abc import Iterator

from tests.simulation.casts import Kind, Scenario
from tests.simulation.files import mutants as file_mutants
from tests.simulation.files import mutants_of_lists
from tests.simulation.files import scenarios as file_scenarios
from tests.simulation.files import walks as file_walks
from tests.simulation.pictures import mutants, scenarios, walks

KINDS = {
    "pictures": Kind(scenarios.pairs, scenarios.trios, walks.scenario_of, mutants.MUTANTS),
    "files": Kind(
        file_scenarios.pairs,
        file_scenarios.trios,
        file_walks.scenario_of,
        [*file_mutants.MUTANTS, *mutants_of_lists.MUTANTS],
    ),
}


def scenario(name: str) -> Scenario:
    """Return the cast called ``name``; LookupError if there is none."""
    found = {cast.name: cast for cast in all_scenarios()}
    return found[name]


def all_scenarios() -> Iterator[Scenario]:
    """Yield the casts of all kinds that are explored completely."""
    for kind in KINDS.values():
        yield from [*kind.pairs(), *kind.trios()]
