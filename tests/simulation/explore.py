"""Visit every schedule, breadth first, so that the first violation found is a shortest one."""

import gc
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.simulation.casts import Scenario
from tests.simulation.checker import Checker, Rules, Violation
from tests.simulation.machine import Machine, Move, State


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
    """All states that a machine can be in, each visited once, and numbered as they were found.

    A state is left out if it was visited with more faults left: all that can follow was seen there.
    """

    machine: Machine
    rules: Rules
    first: State
    states: list[State] = field(default_factory=list)
    came_from: "array[int]" = field(default_factory=lambda: array("q"))  # a state, by its number
    by_move: list[Move] = field(default_factory=list)

    def run(self, *, most: int) -> Explored:
        """Visit all states; raise Found at the first violation.

        OverflowError if there are more than ``most``.
        """
        with _without_garbage_collection():
            return self._run(most)

    def _run(self, most: int) -> Explored:
        checker = Checker(self.machine, self.rules, faults=self.first.faults_left)
        numbers = {self.first: 0}
        visited = {self.first[:-1]: self.first.faults_left}
        self.states, self.by_move = [self.first], [Move(0)]
        self.came_from = array("q", [-1])
        following, ends = array("q"), array("q")  # the successors of all, and where each one's end
        for number, state in enumerate(self.states):  # which grows meanwhile
            for move in self.machine.moves(state):
                after = self.machine.after(state, move)
                try:
                    checker.check(state, move, after)
                except Violation as violation:
                    raise Found(violation, [*self._moves_to(number), move]) from violation
                after = checker.settled(after)
                if visited.get(after[:-1], -1) > after.faults_left:
                    continue
                visited[after[:-1]] = after.faults_left
                following.append(numbers.setdefault(after, len(self.states)))
                if following[-1] == len(self.states):
                    self.states.append(after)
                    self.came_from.append(number)
                    self.by_move.append(move)
            ends.append(len(following))
            if len(self.states) > most:
                raise OverflowError(f"more than {most:,} states")
        return Explored(len(self.states), len(following), _schedules(following, ends))

    def _moves_to(self, number: int) -> list[Move]:
        moves = []
        while number:
            moves.append(self.by_move[number])
            number = self.came_from[number]
        return moves[::-1]


def explorer_of(cast: Scenario, *, faults: int) -> Explorer:
    """Return the explorer of all schedules of ``cast`` with up to so many ``faults``."""
    machine = cast.machine()
    return Explorer(machine, cast.rules, machine.begin(faults=faults))


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Turn the collector off: states form no cycles, and it takes a third of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _schedules(following: "array[int]", ends: "array[int]") -> int:
    """Return how many paths lead from the first state to an end; no path is a circle."""
    ways: list[int] = [0] * len(ends)
    stack = [0]
    while stack:
        state = stack[-1]
        successors = following[ends[state - 1] if state else 0 : ends[state]]
        missing = [after for after in successors if not ways[after]]
        if missing:
            stack.extend(missing)
        else:
            stack.pop()
            ways[state] = sum(ways[after] for after in successors) or 1
    return ways[0]
