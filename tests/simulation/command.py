"""The simulation by hand: ``make simulate``, or ``python -m tests.simulation --help``."""

import argparse
import secrets
import sys
from collections.abc import Sequence
from contextlib import nullcontext

from rich.progress import Progress

from tests.simulation.explore import Explorer, Found
from tests.simulation.mutants import MUTANTS
from tests.simulation.processes import simulated
from tests.simulation.scenarios import pairs, scenario, trios
from tests.simulation.story import story
from tests.simulation.walk import begin, shrink, walk


def main(arguments: Sequence[str] | None = None) -> int:
    """Walk, or explore; return 1 if a property was violated, and tell how."""
    options = _parser().parse_args(arguments)
    mutants = {mutant.name: mutant.broken for mutant in MUTANTS}
    if options.mutant and options.mutant not in mutants:
        sys.exit(f"There is no mutant {options.mutant!r}. There are: {', '.join(mutants)}.")
    with simulated(), mutants[options.mutant]() if options.mutant else nullcontext():
        if options.scenario:
            return _explore(options.scenario, faults=options.faults)
        if options.seed is not None:
            return _walk(options.seed)
        return _walks(options.steps)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000, help="walk at least so many steps")
    parser.add_argument("--seed", type=int, help="take one walk: that of this seed")
    parser.add_argument("--scenario", help="explore all schedules of one small cast")
    parser.add_argument("--faults", type=int, default=1, help="how many faults, when exploring")
    parser.add_argument("--mutant", help="break a rule, and see what comes of it")
    return parser


def _explore(name: str, *, faults: int) -> int:
    try:
        machine = scenario(name).machine()
    except LookupError:
        names = "; ".join(cast.name for cast in [*pairs(), *trios()])
        sys.exit(f"There is no scenario {name!r}. There are: {names}.")
    explorer = Explorer(machine, machine.begin(faults=faults))
    try:
        print(explorer.run(most=10_000_000).in_words())
    except Found as found:
        print(story(machine, explorer.first, found.moves), found, sep="\n")
        return 1
    return 0


def _walks(steps: int) -> int:
    first_seed = secrets.randbelow(10**9)
    with Progress() as progress:
        task = progress.add_task("steps", total=steps)
        taken = 0
        for seed in range(first_seed, sys.maxsize):
            walked = walk(*begin(seed), seed=seed)
            taken += len(walked.moves)
            progress.update(task, completed=taken)
            if walked.violation or taken >= steps:
                break
    print(f"{taken:,} steps in {seed - first_seed + 1} walks, seeds {first_seed} to {seed}")
    return _walk(seed) if walked.violation else 0


def _walk(seed: int) -> int:
    machine, first = begin(seed)
    walked = walk(machine, first, seed=seed)
    print(f"{len(walked.moves)} steps, seed {seed}")
    if not walked.violation:
        print("Every property holds.")
        return 0
    shortest = shrink(machine, first, walked)
    print(story(machine, first, shortest.moves), shortest.violation, sep="\n")
    print(f"Replay: make simulate SEED={seed}")
    return 1
