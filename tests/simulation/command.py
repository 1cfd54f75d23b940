"""The simulation by hand: ``make simulate``, or ``python -m tests.simulation --help``."""

import argparse
import secrets
import sys
from collections.abc import Sequence
from contextlib import nullcontext

from rich.progress import Progress

from tests.simulation.explore import Found, explorer_of
from tests.simulation.kinds import KINDS, all_scenarios, scenario
from tests.simulation.simulated import simulated
from tests.simulation.story import story
from tests.simulation.walk import begin, shrink, walk

PICTURES = "pictures"


def main(arguments: Sequence[str] | None = None) -> int:
    """Walk, or explore; return 1 if a property was violated, and tell how."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.faults is not None and not options.scenario:
        parser.error("--faults is for a --scenario; walks meet faults anyway.")
    mutants = {mutant.name: mutant.broken for kind in KINDS.values() for mutant in kind.mutants}
    if options.mutant and options.mutant not in mutants:
        sys.exit(f"There is no mutant {options.mutant!r}. There are: {', '.join(mutants)}.")
    with simulated(), mutants[options.mutant]() if options.mutant else nullcontext():
        if options.scenario:
            faults = 1 if options.faults is None else options.faults
            return _explore(options.scenario, faults=faults)
        if options.seed is not None:
            return _walk(options)
        return _walks(options)


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number.")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--steps", type=_whole, default=100_000, help="walk at least so many steps (100000)"
    )
    what.add_argument("--seed", type=_whole, help="take one walk: that of this seed")
    what.add_argument("--scenario", help="explore all schedules of one small cast")
    parser.add_argument(
        "--faults", type=_whole, help="how many faults, when exploring a scenario (1)"
    )
    parser.add_argument("--kind", choices=KINDS, default=PICTURES, help="what is uploaded on walks")
    parser.add_argument("--mutant", help="break a rule, and see what comes of it")
    return parser


def _explore(name: str, *, faults: int) -> int:
    try:
        cast = scenario(name)
    except LookupError:
        names = "; ".join(cast.name for cast in all_scenarios())
        sys.exit(f"There is no scenario {name!r}. There are: {names}.")
    explorer = explorer_of(cast, faults=faults)
    try:
        print(explorer.run(most=10_000_000).in_words())
    except Found as found:
        print(story(explorer.machine, explorer.first, found.moves), found, sep="\n")
        return 1
    return 0


def _walks(options: argparse.Namespace) -> int:
    first_seed = secrets.randbelow(10**9)
    with Progress() as progress:
        task = progress.add_task("steps", total=options.steps)
        taken = 0
        for seed in range(first_seed, sys.maxsize):
            walked = walk(begin(KINDS[options.kind].walk(seed)), seed=seed)
            taken += len(walked.moves)
            progress.update(task, completed=taken)
            if walked.violation or taken >= options.steps:
                break
    print(f"{taken:,} steps in {seed - first_seed + 1} walks, seeds {first_seed} to {seed}")
    options.seed = seed
    return _walk(options) if walked.violation else 0


def _walk(options: argparse.Namespace) -> int:
    kind, seed, mutant = options.kind, options.seed, options.mutant
    start = begin(KINDS[kind].walk(seed))
    walked = walk(start, seed=seed)
    print(f"{len(walked.moves)} steps, seed {seed}")
    if not walked.violation:
        print("Every property holds.")
        return 0
    shortest = shrink(start, walked)
    print(story(start.machine, start.first, shortest.moves), shortest.violation, sep="\n")
    of_kind = f" KIND={kind}" if kind != PICTURES else ""
    print(f"Replay: make simulate SEED={seed}{of_kind}" + (f" MUTANT={mutant}" if mutant else ""))
    return 1
