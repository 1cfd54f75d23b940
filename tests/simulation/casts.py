"""What a run begins with: the stored state, the processes that work on it, and their rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.simulation.checker import Rules
from tests.simulation.machine import Machine
from tests.simulation.mutant import Mutant
from tests.simulation.storage import Storage
from tests.simulation.worlds import Script


@dataclass(frozen=True)
class Scenario:
    """Accounts, what was done ``before``, and the processes that then run."""

    name: str
    processes: dict[str, Script]
    rules: Rules
    owners: tuple[str, ...]
    before: dict[str, Script] = field(default_factory=dict)

    def machine(self) -> Machine:
        """Return the machine of this scenario."""
        machine = Machine(self.processes, Storage.empty(self.owners))
        for name, script in self.before.items():
            machine.prepare(name, script)
        return machine


@dataclass(frozen=True)
class Kind:
    """A kind of upload: what is explored completely, random walks by seed, and broken rules.

    Two processes are explored with faults, three without.
    """

    pairs: Callable[[], list[Scenario]]
    trios: Callable[[], list[Scenario]]
    walk: Callable[[int], Scenario]
    mutants: list[Mutant]


def named(scripts: Sequence[Script]) -> dict[str, Script]:
    """Return ``scripts`` by name, numbered where two have the same."""
    names = [script_name(script) for script in scripts]
    return {
        name if names.count(name) == 1 else f"{name} ({number})": script
        for number, (name, script) in enumerate(zip(names, scripts, strict=True), 1)
    }


def script_name(script: Script) -> str:
    """Return the name of a script with its arguments."""
    function = script.func if isinstance(script, partial) else script
    words = [str(getattr(word, "id", word)) for word in arguments(script)]
    return " ".join([function.__name__.replace("_", " "), *words])


def arguments(script: Script) -> tuple[Any, ...]:
    """Return the arguments of a script."""
    return script.args if isinstance(script, partial) else ()
