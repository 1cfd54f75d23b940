"""Random walks through schedules that are too many to visit completely."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from tests.simulation.machine import MINUTE, START, UNSTARTED, Machine, Move, State
from tests.simulation.network import DONE
from tests.simulation.processes import Script
from tests.simulation.properties import Checker, Violation
from tests.simulation.scenarios import (
    Scenario,
    change,
    confirm,
    delete,
    remove,
    script_name,
    steal,
    sweep,
    upload,
    upload_again,
)

OWNERS = ("anna", "ann", "cleo", "dora", "emil")
OPERATIONS = 50
AT_ONCE = 5
FAULTS = 10**9


@dataclass(frozen=True)
class Walked:
    """The moves of one walk; ``violation`` is what the last move led to, or None."""

    moves: list[Move]
    violation: Violation | None = None


def scenario_of(seed: int) -> Scenario:
    """Return the random operations of five users that ``seed`` determines."""
    dice = random.Random(seed)
    uploads = [upload(f"{owner}{number}", owner=owner) for owner in OWNERS for number in range(2)]
    operations: list[Callable[[], Script]] = [
        *[lambda: partial(confirm, dice.choice(uploads))] * 3,
        *[lambda: partial(change, dice.choice(OWNERS))] * 3,
        lambda: partial(upload_again, dice.choice(uploads)),
        lambda: partial(steal, dice.choice(uploads), dice.choice(OWNERS)),
        lambda: partial(remove, dice.choice(OWNERS)),
        lambda: sweep,
    ]
    scripts = [dice.choice(operations)() for _ in range(OPERATIONS - 2)]
    for owner in dice.sample(OWNERS, 2):
        scripts.insert(dice.randrange(OPERATIONS // 2, OPERATIONS), partial(delete, owner))
    processes = {
        f"{script_name(script)} ({number})": script for number, script in enumerate(scripts, 1)
    }
    return Scenario(f"walk {seed}", processes, owners=OWNERS)


def begin(seed: int) -> tuple[Machine, State]:
    """Return the machine and the first state of the walk of ``seed``."""
    machine = scenario_of(seed).machine()
    return machine, machine.begin(faults=FAULTS, started=False)


def walk(machine: Machine, first: State, *, seed: int) -> Walked:
    """Make random moves until nothing can happen any more, or to the first violation."""
    dice = random.Random(seed)
    return _follow(machine, first, lambda state: _choose(machine, state, dice))


def replay(machine: Machine, first: State, moves: Sequence[Move]) -> Walked:
    """Make those of ``moves`` that are possible, then run every process to its end."""
    planned = iter(moves)

    def next_move(state: State) -> Move | None:
        possible = (move for move in planned if _is_possible(machine, state, move))
        return next(possible, None) or next(_requests(machine, state), None)

    return _follow(machine, first, next_move)


def shrink(machine: Machine, first: State, walked: Walked) -> Walked:
    """Return a shorter walk that violates the same property."""
    shortest = walked
    size = len(walked.moves)
    while size:
        for start in range(len(shortest.moves) - size, -1, -size):
            rest = [*shortest.moves[:start], *shortest.moves[start + size :]]
            shortest = _shorter(shortest, replay(machine, first, rest))
        size //= 2
    for index, move in enumerate(shortest.moves):
        if move.fate is not DONE:
            tamer = [*shortest.moves]
            tamer[index] = move._replace(fate=DONE)
            shortest = _shorter(shortest, replay(machine, first, tamer))
    return shortest


def _follow(machine: Machine, state: State, next_move: Callable[[State], Move | None]) -> Walked:
    checker = Checker(machine)
    moves: list[Move] = []
    while move := next_move(state):
        moves.append(move)
        before, state = state, machine.after(state, move)
        try:
            checker.check(before, move, state)
        except Violation as violation:
            return Walked(moves, violation)
    return Walked(moves)


def _shorter(found: Walked, tried: Walked) -> Walked:
    """Return ``tried`` if it violates what ``found`` does, with fewer moves or fewer faults."""
    if tried.violation and found.violation and tried.violation.kind == found.violation.kind:
        return min(found, tried, key=_length)
    return found


def _length(walked: Walked) -> tuple[int, int]:
    return len(walked.moves), sum(move.fate is not DONE for move in walked.moves)


# --- Moves ---


def _choose(machine: Machine, state: State, dice: random.Random) -> Move | None:
    """Return a random move; None once every process has ended."""
    requests = list(_requests(machine, state))
    running = len({move.process for move in requests})
    chance = dice.random()
    if UNSTARTED in state.nodes and (not running or (running < AT_ONCE and chance < 0.1)):
        return Move(state.nodes.index(UNSTARTED), START)
    if not requests:
        return None
    if chance < 0.12:
        return Move(MINUTE)
    others = [move for move in machine.moves(state) if move.process < 0]
    if others and chance < 0.18:
        return dice.choice(others)
    move = dice.choice(requests)
    return _with_a_fault(machine, state, move, dice) if chance > 0.94 else move


def _with_a_fault(machine: Machine, state: State, move: Move, dice: random.Random) -> Move:
    kinds = [other for other in machine.moves(state) if other[:2] == move[:2]]
    return dice.choice(kinds)


def _requests(machine: Machine, state: State) -> Iterator[Move]:
    """Yield the moves that answer a request without a fault."""
    for process, node in enumerate(state.nodes):
        for strand, _ in machine.waiting(node):
            yield Move(process, strand)


def _is_possible(machine: Machine, state: State, move: Move) -> bool:
    if move.process >= 0 and move.strand == START:
        return state.nodes[move.process] == UNSTARTED
    return move.process == MINUTE or move in machine.moves(state)
