"""Code as a process that stops at every request it makes.

A process is a function that is given itself. Each call of ``ask`` becomes a Request that waits for
its answer; what the function leaves to the background runs beside it, as a strand of the same
process. Between two answers a process only computes, and all that it takes from outside (ids, the
time) is given to it, so the answers alone decide what it does.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from greenlet import greenlet


class Request(NamedTuple):
    """A call of a gateway: the store, its method, and the arguments in a form that has a hash."""

    store: str
    method: str
    args: tuple[Any, ...]
    kwargs: tuple[tuple[str, Any], ...]


class Reply(NamedTuple):
    """The result of a call: a value, or an error that it raises."""

    value: Any = None
    error: Exception | None = None


class Process:
    """One run of a script. ``waiting`` holds the request of each of its strands."""

    current: "Process | None" = None

    def __init__(self, name: str, script: Callable[["Process"], Any], *, now: datetime) -> None:
        self.name = name
        self.now = now
        self.waiting: dict[int, Request] = {}
        self.strands: list[Strand] = []
        self._ready: deque[tuple[Strand, Any]] = deque()
        self._ids = 0
        self._main = self.submit(script, self)
        self._settle()

    @property
    def reply(self) -> Reply | None:
        """Return the script's value or error; None until it has ended."""
        return self._main.reply

    def key(self) -> object:
        """Return a value that is equal for runs of one script that will continue equally.

        Strands share nothing but their results, so the answers of each decide; the first one alone
        draws ids. Once the script has ended, only the strands count that still run, each known by
        its call (the keyword arguments are stores).
        """
        if not self.reply:
            return tuple(tuple(strand.told) for strand in self.strands)
        alive = [self.strands[number] for number in self.waiting]
        return repr(self.reply), tuple(
            sorted((strand.call, tuple(strand.told)) for strand in alive)
        )

    def answer(self, strand: int, reply: Reply, *, now: datetime) -> None:
        """Give a strand ``reply``, and run the process until all its strands wait."""
        del self.waiting[strand]
        self.now = now
        self.strands[strand].told.append(repr((reply, now)))
        self._ready.append((self.strands[strand], reply))
        self._settle()

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Strand":
        """Run a call in a strand of its own: this is the background of ``Stores``."""
        strand = Strand(
            self, lambda: call(*args, **kwargs), repr((getattr(call, "__name__", call), args))
        )
        self.strands.append(strand)
        self._ready.append((strand, None))
        return strand

    def ask(self, request: Request) -> Any:
        """Wait for the answer to ``request``."""
        number = [strand.run for strand in self.strands].index(greenlet.getcurrent())
        self.waiting[number] = request
        return unpack(self.pause())

    def pause(self) -> Any:
        """Wait until this strand is woken."""
        return self._hub.switch()

    def wake(self, strands: "Iterable[Strand]") -> None:
        """Let paused strands go on."""
        self._ready.extend((strand, None) for strand in strands)

    def new_id(self) -> str:
        """Return an id drawn by the script itself, which ``key`` relies on."""
        assert greenlet.getcurrent() is self.strands[0].run
        self._ids += 1
        return f"{self.name}.{self._ids}"

    def new_number(self) -> int:
        """Return a number that no other process draws."""
        digest = hashlib.sha256(self.new_id().encode()).digest()
        return int.from_bytes(digest[:10])

    def _settle(self) -> None:
        """Run all strands that can run."""
        self._hub = greenlet.getcurrent()
        before, Process.current = Process.current, self
        try:
            while self._ready:
                strand, value = self._ready.popleft()
                strand.run.parent = self._hub
                strand.run.switch(value)
        finally:
            Process.current = before


class Strand:
    """A thread of its process that has, like a Future, a result."""

    def __init__(self, process: Process, work: Callable[[], Any], call: str) -> None:
        self.reply: Reply | None = None
        self.call = call
        self.told: list[str] = []
        self.run = greenlet(lambda _: self._end(_reply_of(work)))
        self._process = process
        self._waiting: list[Strand] = []

    def result(self) -> Any:
        """Return the result, or raise it, once it is there.

        No time passes in the simulation: a result that takes too long is a lost request.
        """
        if self.reply is None:
            here = greenlet.getcurrent()
            self._waiting += [strand for strand in self._process.strands if strand.run is here]
            self._process.pause()
        assert self.reply
        return unpack(self.reply)

    def cancel(self) -> bool:
        """Return False: the call has begun."""
        return False

    def _end(self, reply: Reply) -> None:
        self.reply = reply
        self._process.wake(self._waiting)


def unpack(reply: Reply) -> Any:
    """Return the value of ``reply``, or raise its error."""
    if reply.error:
        raise reply.error.with_traceback(None)
    return reply.value


def _reply_of(call: Callable[[], Any]) -> Reply:
    try:
        return Reply(call())
    except Exception as error:  # noqa: BLE001 (told to whoever asks for the result)
        return Reply(error=error)
