"""All that a script can reach: the gateways of the product, each of whose calls waits."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from avatars.references import Reference, Stores
from aws.errors import StorageUnavailable
from aws.policies import PresignedPost
from tests.simulation.memory import MemoryBucket
from tests.simulation.processes import Process, Request

Script = Callable[["World"], Any]


class World(NamedTuple):
    """All that a process can reach: the content of ``Stores``, and the accounts."""

    bucket: Any
    references: Any
    accounts: Any
    later: Any

    @classmethod
    def of(cls, process: Process) -> "World":
        """Return the world whose requests are those of ``process``."""
        return cls(
            RemoteBucket(process, "bucket"),
            RemoteTable(process, "table"),
            Remote(process, "accounts"),
            process.submit,
        )

    @property
    def stores(self) -> Stores:
        """Return the part that the product's services get."""
        return Stores(self.bucket, self.references, self.later)


def begun(name: str, script: Script, *, now: datetime) -> Process:
    """Return the process ``name``, which has run ``script`` up to its first request."""
    return Process(name, lambda process: script(World.of(process)), now=now)


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
