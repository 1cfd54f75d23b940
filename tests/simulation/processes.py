"""The product's own code as a process that stops at every request it makes.

A process is a function that is given ``Stores``. Each call of a gateway becomes a Request that
waits for its answer; what the function leaves to the background runs beside it, as a strand of
the same process. Between two answers a process only computes, and all that it takes from outside
(ids, the time) is given to it, so the answers alone decide what it does.
"""

import logging
import secrets
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import patch

from django.utils import timezone
from greenlet import greenlet

from avatars.references import Reference, Stores
from aws.errors import StorageUnavailable
from aws.policies import PresignedPost
from pictures import images
from pictures.errors import BadImage
from tests.simulation.memory import MemoryBucket

Script = Callable[["World"], Any]


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


class World(NamedTuple):
    """All that a process can reach: the content of ``Stores``, and the accounts."""

    bucket: Any
    references: Any
    accounts: Any
    later: Any

    @property
    def stores(self) -> Stores:
        """Return the part that the product's services get."""
        return Stores(self.bucket, self.references, self.later)


class Process:
    """One run of a script. ``waiting`` holds the request of each of its strands."""

    current: "Process | None" = None

    def __init__(self, name: str, script: Script, *, now: datetime) -> None:
        self.name = name
        self.now = now
        self.waiting: dict[int, Request] = {}
        self.strands: list[Strand] = []
        self._ready: deque[tuple[Strand, Any]] = deque()
        self._ids = 0
        world = World(
            RemoteBucket(self, "bucket"),
            RemoteTable(self, "table"),
            Remote(self, "accounts"),
            self.submit,
        )
        self._main = self.submit(script, world)
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


class Remote:
    """A gateway whose every call waits for an answer."""

    def __init__(self, process: Process, store: str) -> None:
        self._process = process
        self._store = store

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def ask(*args: Any, **kwargs: Any) -> Any:
            return self._ask(method, *args, **kwargs)

        return ask

    def _ask(self, method: str, *args: Any, **kwargs: Any) -> Any:
        named = tuple(sorted((name, frozen(value)) for name, value in kwargs.items()))
        request = Request(self._store, method, tuple(map(frozen, args)), named)
        return self._process.ask(request)


class RemoteBucket(Remote):
    """A bucket whose calls wait for answers; signing a policy takes no request."""

    def exists(self, key: str) -> bool:
        """Return whether there is an object at ``key``."""
        return bool(self._ask("exists", key))

    def discard(self, keys: Sequence[str]) -> None:
        """Delete ``keys``; a failure is the sweep's business."""
        with suppress(StorageUnavailable):
            self._ask("delete", keys)

    def presigned_post(self, *args: Any, **options: Any) -> PresignedPost:
        """Return the form for a policy."""
        return MemoryBucket.empty(lambda: self._process.now).presigned_post(*args, **options)


class RemoteTable(Remote):
    """A table whose calls wait for answers.

    A scan asks for one item at a time, so that as much as possible can happen in between.
    """

    def scan(self, *, after: str | None = None, limit: int | None = None) -> Iterator[Reference]:
        """Yield the items after the key ``after``."""
        while found := self.scan_page(after=after, limit=1):
            yield from found
            after = found[-1].owner_id


def frozen(value: Any) -> Any:
    """Return ``value`` in a form that has a hash."""
    if isinstance(value, dict):
        return tuple(value.items())
    return tuple(value) if isinstance(value, list | set) else value


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


# --- Requests in words ---

AWS_NAMES = {
    "fetch": "GetObject",
    "tags": "GetObjectTagging",
    "put": "PutObject",
    "delete": "DeleteObjects",
    "exists": "HeadObject",
    "list_page": "ListObjectsV2",
    "post": "POST Object",
    "read": "GetItem",
    "read_many": "BatchGetItem",
    "scan_page": "Scan",
    "replace": "UpdateItem",
}


def in_words(request: Request) -> str:
    """Return ``request`` under AWS's name for it."""
    if request.store == "accounts":
        return f"{request.method.replace('_', ' ')} {_plain(request.args[0])}"
    name = AWS_NAMES[request.method]
    if request.method == "replace":
        before, after = request.args
        names = after.avatar.avatar_key if after.avatar else "no picture"
        return f"{name} {after.owner_id}: {names}, if the revision is {before.revision}"
    if request.method == "post":
        return f"{name} {dict(request.args[0])['key']}"
    return f"{name} {_plain(request.args[0] if request.args else dict(request.kwargs))}"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={part}" for name, part in value.items())
    return ", ".join(value) if isinstance(value, tuple) else str(value)


# --- What a process draws from outside ---


@contextmanager
def simulated() -> Iterator[None]:
    """Give processes ids and times of their own, a stand-in for decoding, and no logs."""
    with ExitStack() as patches:
        patches.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)
        for target, name, stand_in in (
            (uuid, "uuid4", lambda: SimpleNamespace(hex=_current().new_id())),
            (secrets, "token_hex", lambda size=None: _current().new_id()),
            (timezone, "now", lambda: _current().now),
            (images, "normalise", _normalise),
        ):
            patches.enter_context(patch.object(target, name, stand_in))
        yield


def _current() -> Process:
    assert Process.current
    return Process.current


DECODED = b"decoded: "


def _normalise(body: bytes) -> images.Picture:
    if not body.startswith(b"picture"):
        raise BadImage
    return images.Picture(DECODED + body, 512, 512, digest=body.decode())
