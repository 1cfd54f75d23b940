"""All that can happen next: whose request is answered, and what the network does with it.

States are immutable, and results are cached: what a request does to a storage, and what a
process does with a reply. So the product's code runs once for each history of replies, however
many schedules lead there, and a step from state to state is a few look-ups.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from tests.simulation.clock import at
from tests.simulation.network import DONE, Fate, failure, fates
from tests.simulation.processes import Process, Reply, Request, unpack
from tests.simulation.storage import Storage
from tests.simulation.worlds import Script, begun

T = TypeVar("T")


# --- What processes do ---


class Event(NamedTuple):
    """A reply that a strand got, and the minute of that."""

    strand: int
    reply: Reply
    minute: int


class Node:
    """A process after a history of replies."""

    def __init__(self, process: Process, origin: "Origin", history: tuple[Event, ...]) -> None:
        self.key = origin.name, origin.minute, process.key()
        self.waiting = dict(process.waiting)
        self.reply = process.reply
        self.children: dict[object, int] = {}
        self._process: Process | None = process
        self._origin, self._history = origin, history

    def after(self, event: Event) -> "Node":
        """Return the node that ``event`` leads to.

        A process can go on only once; for another event it is run again up to this node.
        """
        process, self._process = self._process, None
        if process is None:
            process = self._origin.run(self._history)
        _tell(process, event)
        return Node(process, self._origin, (*self._history, event))


class Origin(NamedTuple):
    """The script, the name and the start of a process."""

    name: str
    script: Script
    minute: int

    def run(self, history: Sequence[Event]) -> Process:
        """Return the process after ``history``."""
        process = begun(self.name, self.script, now=at(self.minute))
        for event in history:
            _tell(process, event)
        return process


def _tell(process: Process, event: Event) -> None:
    process.answer(event.strand, event.reply, now=at(event.minute))


# --- What can happen ---

UNSTARTED, OVER = -1, -2  # in the place of a node; over: dead, or ended


class State(NamedTuple):
    """A state of the whole system, as numbers of values that the machine has stored."""

    storage: int
    nodes: tuple[int, ...]  # of each process: a node, UNSTARTED or OVER
    under_way: tuple[int, ...]  # requests that may still arrive
    minute: int
    faults_left: int


ARRIVAL, EXPIRY, MINUTE = -1, -2, -3  # in the place of a process
START = -1  # in the place of a strand


class Move(NamedTuple):
    """A step from one state to the next: a request meets its fate, or another event happens."""

    process: int
    strand: int = 0
    fate: Fate = DONE
    subject: int | str = 0  # a request under way, or what expires


class Machine:
    """Everything that a few scripts can do to a storage."""

    def __init__(self, scripts: dict[str, Script], storage: Storage) -> None:
        self.names = list(scripts)
        self.storages: Numbered[Storage] = Numbered(Storage.key)
        self.requests: Numbered[Request] = Numbered(lambda request: request)
        self.nodes: Numbered[Node] = Numbered(lambda node: node.key)
        self._scripts = list(scripts.values())
        self._first = self.storages.number(storage)
        self._starts: dict[tuple[str, int], int] = {}
        self._performed: dict[tuple[int, int, int], tuple[int, tuple[Reply, str]]] = {}
        self._waiting: dict[int, list[tuple[int, int]]] = {}
        self._expirable: dict[int, list[str]] = {}
        self._expired: dict[tuple[int, str], int] = {}
        self._moot: dict[tuple[int, int], bool] = {}

    def prepare(self, name: str, script: Script) -> Any:
        """Run ``script`` before all else, with no other process; return its result."""
        passed, reply = self.undisturbed(self._first, name, script, minute=0)
        self._first = passed[-1] if passed else self._first
        return unpack(reply)

    def begin(self, *, faults: int, started: bool = True) -> State:
        """Return the first state, with all processes started, or none."""
        unstarted = State(self._first, (UNSTARTED,) * len(self.names), (), 1, faults_left=faults)
        state = unstarted
        for process in range(len(self.names)) if started else ():
            state = self.after(state, Move(process, START))
        return state

    def storage(self, state: State) -> Storage:
        """Return what is stored."""
        return self.storages.values[state.storage]

    def reply(self, state: State, process: int) -> Reply | None:
        """Return the result of a process, or None while it runs."""
        node = state.nodes[process]
        return self.nodes.values[node].reply if node >= 0 else None

    def at_rest(self, state: State) -> bool:
        """Return whether no process will send another request."""
        return not any(self.waiting(node) for node in state.nodes)

    def waiting(self, node: int) -> list[tuple[int, int]]:
        """Return the waiting strands of a node, each with the number of its request."""
        if node < 0:
            return []
        if node not in self._waiting:
            self._waiting[node] = [
                (strand, self.requests.number(request))
                for strand, request in self.nodes.values[node].waiting.items()
            ]
        return self._waiting[node]

    def actor(self, move: Move) -> str:
        """Return who makes a move: a process, or what else can happen."""
        others = {ARRIVAL: "network", EXPIRY: "lifecycle", MINUTE: "clock"}
        return others.get(move.process) or self.names[move.process]

    # --- moves ---

    def moves(self, state: State) -> Iterator[Move]:
        """Yield all possible moves but starts and the passing of time, which walks choose."""
        for process, node in enumerate(state.nodes):
            for strand, number in self.waiting(node):
                request = self.requests.values[number]
                for fate in fates(request, faults_left=state.faults_left):
                    yield Move(process, strand, fate)
        for number in dict.fromkeys(state.under_way):
            yield Move(ARRIVAL, subject=number)
        for subject in self._expirable_in(state.storage):
            yield Move(EXPIRY, subject=subject)

    def after(self, state: State, move: Move) -> State:
        """Return the state that ``move`` leads to."""
        if move.process == MINUTE:
            return state._replace(minute=state.minute + 1)
        if move.process == EXPIRY:
            return state._replace(storage=self._expire(state.storage, str(move.subject)))
        if move.process == ARRIVAL:
            storage, _ = self.performed(state.storage, int(move.subject), minute=state.minute)
            return state._replace(storage=storage, under_way=_without(state, move.subject))
        if move.strand == START:
            process = move.process
            node = self._start(self.names[process], self._scripts[process], state.minute)
            return _with_node(state, process, node)
        return self._after_request(state, move)

    def _after_request(self, state: State, move: Move) -> State:
        node, fate = state.nodes[move.process], move.fate
        number = dict(self.waiting(node))[move.strand]
        storage, reply = state.storage, (failure(self.requests.values[number]), "failure")
        if fate.arrives:
            storage, answer = self.performed(storage, number, minute=state.minute)
            reply = answer if fate.sender == "told" else reply
        if fate.sender == "dead":
            node = OVER
        elif fate.sender != "repeating":
            node = self._tell(node, move.strand, reply, state.minute)
        under_way = (*state.under_way, number) if fate.arrives_later else state.under_way
        return _with_node(state, move.process, node)._replace(
            storage=storage,
            under_way=tuple(sorted(under_way)),
            faults_left=state.faults_left - (fate is not DONE),
        )

    def settled(self, state: State, *, keep: Callable[[Reply], bool]) -> State:
        """Return ``state`` without what can make no difference any more.

        That is how processes ended, but for the replies to ``keep``, and late requests whose
        condition cannot hold again.
        """
        nodes = tuple(OVER if self._is_over(node, keep) else node for node in state.nodes)
        moot = [number for number in state.under_way if self._is_moot(state.storage, number)]
        under_way = state.under_way
        if moot:
            under_way = tuple(number for number in under_way if number not in moot)
        return state._replace(nodes=nodes, under_way=under_way)

    def _is_over(self, node: int, keep: Callable[[Reply], bool]) -> bool:
        if node < 0 or self.waiting(node):
            return node == OVER
        reply = self.nodes.values[node].reply
        return reply is not None and not keep(reply)

    def _is_moot(self, storage: int, number: int) -> bool:
        case = storage, number
        if case not in self._moot:
            request = self.requests.values[number]
            self._moot[case] = self.storages.values[storage].is_moot(request)
        return self._moot[case]

    def undisturbed(
        self, storage: int, name: str, script: Script, *, minute: int
    ) -> tuple[list[int], Reply]:
        """Run ``script`` with no other process; return each storage on the way, and its reply."""
        passed, node = [storage], self._start(name, script, minute)
        while waiting := self.waiting(node):
            strand, number = waiting[0]
            storage, reply = self.performed(storage, number, minute=minute)
            node = self._tell(node, strand, reply, minute)
            passed += [storage] if storage != passed[-1] else []
        reply_of_all = self.nodes.values[node].reply
        assert reply_of_all
        return passed[1:], reply_of_all

    # --- what is remembered ---

    def performed(self, storage: int, number: int, *, minute: int) -> tuple[int, tuple[Reply, str]]:
        """Return the storage after a request, and the reply with a text that identifies it."""
        case = storage, number, minute
        if case not in self._performed:
            before = self.storages.values[storage]
            after, reply = before.after(self.requests.values[number], now=at(minute))
            changed = storage if after is before else self.storages.number(after)
            self._performed[case] = changed, (reply, repr(reply))
        return self._performed[case]

    def _tell(self, node: int, strand: int, reply: tuple[Reply, str], minute: int) -> int:
        """Return the node after a reply."""
        children = self.nodes.values[node].children
        case = strand, reply[1], minute
        if case not in children:
            children[case] = self.nodes.number(
                self.nodes.values[node].after(Event(strand, reply[0], minute))
            )
        return children[case]

    def _start(self, name: str, script: Script, minute: int) -> int:
        """Return the first node of a process; ``name`` stands for the script."""
        if (name, minute) not in self._starts:
            origin = Origin(name, script, minute)
            self._starts[name, minute] = self.nodes.number(Node(origin.run(()), origin, ()))
        return self._starts[name, minute]

    def _expirable_in(self, number: int) -> list[str]:
        """Return what the lifecycle may take at any moment."""
        if number not in self._expirable:
            self._expirable[number] = self.storages.values[number].expirable()
        return self._expirable[number]

    def _expire(self, number: int, subject: str) -> int:
        """Return the storage after the lifecycle has taken something."""
        if (number, subject) not in self._expired:
            after = self.storages.values[number].expired(subject)
            self._expired[number, subject] = self.storages.number(after)
        return self._expired[number, subject]


class Numbered(Generic[T]):
    """Values numbered in order of arrival; equal values have one number."""

    def __init__(self, key: Callable[[T], object]) -> None:
        self.values: list[T] = []
        self._key = key
        self._numbers: dict[object, int] = {}

    def number(self, value: T) -> int:
        """Return the number of ``value``."""
        number = self._numbers.setdefault(self._key(value), len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


def _with_node(state: State, process: int, node: int) -> State:
    nodes = (*state.nodes[:process], node, *state.nodes[process + 1 :])
    return state._replace(nodes=nodes)


def _without(state: State, number: int | str) -> tuple[int, ...]:
    """Return the requests under way, less one with this number."""
    under_way = list(state.under_way)
    under_way.remove(int(number))
    return tuple(under_way)
