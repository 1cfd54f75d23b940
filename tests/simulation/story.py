"""A schedule as text: each request, its fate, and the state that it leaves."""

from collections.abc import Iterator, Sequence

from tests.simulation.machine import ARRIVAL, EXPIRY, MINUTE, START, Machine, Move, State
from tests.simulation.words import contents, in_words, short


def story(machine: Machine, first: State, moves: Sequence[Move]) -> str:
    """Return a numbered line for each move, and the stored state after each change."""
    return "\n".join(_lines(machine, first, moves))


def _lines(machine: Machine, first: State, moves: Sequence[Move]) -> Iterator[str]:
    width = max(map(len, [*machine.names, "lifecycle"]))
    state = first
    yield from _changes({}, contents(machine.storage(first)))
    for number, move in enumerate(moves, 1):
        after = machine.after(state, move)
        yield f"{number:3}. {machine.actor(move):{width}}  {_event(machine, state, move)}"
        yield from _changes(*(contents(machine.storage(at)) for at in (state, after)))
        reply = machine.reply(after, move.process) if move.process >= 0 else None
        if reply and not machine.reply(state, move.process):
            yield f"     {'':{width}}  ends: {short(str(reply.error or reply.value))}"
        state = after
    yield "In the end there is:"
    yield from _changes({}, contents(machine.storage(state)))


def _event(machine: Machine, state: State, move: Move) -> str:
    if move.process == MINUTE:
        return "a minute goes by"
    if move.process == EXPIRY:
        return short(f"{move.subject} expires")
    if move.process == ARRIVAL:
        return f"what was late arrives: {in_words(machine.requests.values[int(move.subject)])}"
    if move.strand == START:
        return "begins"
    number = dict(machine.waiting(state.nodes[move.process]))[move.strand]
    words = in_words(machine.requests.values[number])
    return f"{words}: {move.fate.story}" if move.fate.story else words


def _changes(before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    for name in sorted(before.keys() - after.keys()):
        yield f"       - {name}"
    for name in sorted(after):
        if before.get(name) != after[name]:
            yield f"       + {name}{after[name]}"
