"""Visit every schedule, breadth first, so that the first violation found is a shortest one."""

import gc
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.simulation.machine import Machine, Move, State
from tests.simulation.properties import Checker, Violation


@dataclass(frozen=True)
class Explored:
    """How much was visited: distinct states, moves between them, and the ways through them."""

    states: int
    moves: int
    schedules: int

    def in_words(self) -> str:
        """Return all three figures as text."""
        return f"{self.states:,} states, {self.moves:,} moves, {self.schedules:,} schedules"


class Found(Exception):
    """A violation, and the moves that lead to it."""

    def __init__(self, violation: Violation, moves: list[Move]) -> None:
        super().__init__(str(violation))
        self.moves = moves


@dataclass
class Explorer:
    """All states that a machine can be in, each visited once."""

    machine: Machine
    first: State
    came_from: dict[State, tuple[State, Move]] = field(default_factory=dict)

    def run(self, *, most: int) -> Explored:
        """Visit all states; raise Found at the first violation.

        OverflowError if there are more than ``most``.
        """
        with _without_garbage_collection():
            return self._run(most)

    def _run(self, most: int) -> Explored:
        checker = Checker(self.machine)
        successors: dict[State, list[State]] = {}
        waiting = deque([self.first])
        while waiting:
            state = waiting.popleft()
            successors[state] = following = []
            for move in self.machine.moves(state):
                after = self.machine.after(state, move)
                try:
                    checker.check(state, move, after)
                except Violation as violation:
                    raise Found(violation, [*self._moves_to(state), move]) from violation
                following.append(after)
                if after != self.first and after not in self.came_from:
                    self.came_from[after] = state, move
                    waiting.append(after)
            if len(self.came_from) > most:
                raise OverflowError(f"more than {most:,} states")
        moves = sum(map(len, successors.values()))
        return Explored(len(successors), moves, _schedules(self.first, successors))

    def _moves_to(self, state: State) -> list[Move]:
        moves = []
        while state != self.first:
            state, move = self.came_from[state]
            moves.append(move)
        return moves[::-1]


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Turn the collector off: states form no cycles, and it takes a third of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _schedules(first: State, successors: dict[State, list[State]]) -> int:
    """Return how many paths lead from ``first`` to an end; no path is a circle."""
    ways: dict[State, int] = {}
    stack = [first]
    while stack:
        state = stack[-1]
        missing = [after for after in successors[state] if after not in ways]
        if missing:
            stack.extend(missing)
        else:
            stack.pop()
            ways[state] = sum(ways[after] for after in successors[state]) or 1
    return ways[first]
