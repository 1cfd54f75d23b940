"""Random walks through schedules that are too many to visit completely."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.simulation.casts import Scenario
from tests.simulation.checker import Checker, Rules, Violation
from tests.simulation.machine import MINUTE, START, UNSTARTED, Machine, Move, State
from tests.simulation.network import DONE

AT_ONCE = 5
FAULTS = 10**9


@dataclass(frozen=True)
class Walked:
    """The moves of one walk; ``violation`` is what the last move led to, or None."""

    moves: list[Move]
    violation: Violation | None = None


class Start(NamedTuple):
    """What a walk begins with."""

    machine: Machine
    rules: Rules
    first: State


def begin(scenario: Scenario) -> Start:
    """Return the start of the walks of ``scenario``: no process has begun."""
    machine = scenario.machine()
    return Start(machine, scenario.rules, machine.begin(faults=FAULTS, started=False))


def walk(start: Start, *, seed: int) -> Walked:
    """Make random moves until nothing can happen any more, or to the first violation."""
    dice = random.Random(seed)
    return _follow(start, lambda state: _choose(start.machine, state, dice))


def replay(start: Start, moves: Sequence[Move]) -> Walked:
    """Make those of ``moves`` that are possible, then run every process to its end."""
    machine, planned = start.machine, iter(moves)

    def next_move(state: State) -> Move | None:
        possible = (move for move in planned if _is_possible(machine, state, move))
        return next(possible, None) or next(_requests(machine, state), None)

    return _follow(start, next_move)


def shrink(start: Start, walked: Walked) -> Walked:
    """Return a shorter walk that violates the same property."""
    shortest = walked
    size = len(walked.moves)
    while size:
        for index in range(len(shortest.moves) - size, -1, -size):
            rest = [*shortest.moves[:index], *shortest.moves[index + size :]]
            shortest = _shorter(shortest, replay(start, rest))
        size //= 2
    for index, move in enumerate(shortest.moves):
        if move.fate is not DONE:
            tamer = [*shortest.moves]
            tamer[index] = move._replace(fate=DONE)
            shortest = _shorter(shortest, replay(start, tamer))
    return shortest


def _follow(start: Start, next_move: Callable[[State], Move | None]) -> Walked:
    machine, rules, state = start
    checker = Checker(machine, rules, faults=state.faults_left)
    moves: list[Move] = []
    while move := next_move(state):
        moves.append(move)
        before, state = state, machine.after(state, move)
        try:
            checker.check(before, move, state)
        except Violation as violation:
            return Walked(moves, violation)
        state = checker.settled(state)
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
