"""Asserts the properties of a kind of upload after every move, and what comes of all that ends."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

from tests.simulation.machine import Machine, Move, State
from tests.simulation.processes import Reply, unpack
from tests.simulation.storage import Storage
from tests.simulation.words import in_words, short
from tests.simulation.worlds import Script


class Violation(Exception):
    """A property that does not hold; the message begins with its name."""

    def __init__(self, message: str) -> None:
        super().__init__(short(message))

    @property
    def kind(self) -> str:
        """Return the name of the property."""
        return str(self).partition(":")[0]


class Rules:
    """The properties of a kind of upload. Every method that checks raises Violation."""

    def check(self, storage: Storage) -> None:
        """Check what holds at every instant."""

    def check_change(self, actor: str, before: Storage, after: Storage) -> None:
        """Check a change of what is stored; ``actor`` is a process, or what else made it."""

    def check_reply(self, process: str, reply: Reply, storage: Storage) -> None:
        """Check the answer that a process ends with, when it is given."""

    def is_promise(self, reply: Reply) -> bool:
        """Return whether ``check_promise`` is to be asked of an answer for all time."""
        return False

    def check_promise(self, reply: Reply, storage: Storage) -> None:
        """Check an answer that was given earlier."""

    def check_end(self, end: "End") -> None:
        """Check a state in which no process will send another request."""


class Checker:
    """Checks moves; unchanged parts are not checked again."""

    def __init__(self, machine: Machine, rules: Rules, *, faults: int) -> None:
        self.machine = machine
        self.rules = rules
        self._faults = faults
        self._checked: set[int] = set()
        self._ends: set[End] = set()

    def check(self, before: State, move: Move, after: State) -> None:
        """Raise Violation unless all properties hold after ``move``."""
        machine = self.machine
        if after.storage != before.storage:
            self.check_change(machine.actor(move), before.storage, after.storage)
        for process, name in enumerate(machine.names):
            reply = machine.reply(after, process)
            if reply and not machine.reply(before, process):
                self.rules.check_reply(name, reply, machine.storage(after))
            if reply and self.rules.is_promise(reply):
                self.rules.check_promise(reply, machine.storage(after))
        if machine.at_rest(after):
            calm = after.faults_left == self._faults
            end = End(self, after.storage, after.under_way, after.minute + 1, calm=calm)
            if end not in self._ends:
                self.rules.check_end(end)
                self._ends.add(end)

    def settled(self, state: State) -> State:
        """Return ``state`` without what can make no difference any more."""
        return self.machine.settled(state, keep=self.rules.is_promise)

    def check_change(self, actor: str, before: int, after: int) -> None:
        """Check one storage that follows another."""
        storages = self.machine.storages.values
        if after not in self._checked:
            self.rules.check(storages[after])
            self._checked.add(after)
        self.rules.check_change(actor, storages[before], storages[after])


@dataclass(frozen=True)
class End:
    """What is stored when all is at rest, the requests that may still arrive, and the minute.

    It is ``calm`` if nothing went wrong on the way there.
    """

    checker: Checker
    number: int
    under_way: tuple[int, ...]
    minute: int
    calm: bool

    @property
    def storage(self) -> Storage:
        """What is stored."""
        return self.checker.machine.storages.values[self.number]

    def after(self, name: str, script: Script) -> "tuple[End, Any]":
        """Run ``script`` with no other process; return what there is then, and its result.

        ``name`` stands for the script: another one needs another name.
        """
        machine, number = self.checker.machine, self.number
        numbers, reply = machine.undisturbed(number, name, script, minute=self.minute)
        for following in numbers:
            self.checker.check_change(name, number, following)
            number = following
        return replace(self, number=number), unpack(reply)

    def without(self, store: str) -> "End":
        """Return the same, but that nothing of ``store`` may still arrive."""
        requests = self.checker.machine.requests.values
        left = tuple(number for number in self.under_way if requests[number].store != store)
        return replace(self, under_way=left)

    def whatever_arrives(self, then: "Callable[[End], object]") -> None:
        """Call ``then`` with what there is after each late request, in any order of them.

        Up to three late requests are tried in every order.
        """
        late = self.under_way
        for order in permutations(late) if len(late) < 4 else [late]:
            end = self
            for number in order:
                try:
                    end = end._after_request(number)
                    then(end)
                except Violation as violation:
                    request = in_words(self.checker.machine.requests.values[number])
                    story = f"after a last sweep, once the late {request} has arrived"
                    raise Violation(f"{violation}, {story}") from violation

    def _after_request(self, number: int) -> "End":
        after, _ = self.checker.machine.performed(self.number, number, minute=self.minute)
        self.checker.check_change("network", self.number, after)
        return replace(self, number=after)
