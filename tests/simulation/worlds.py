"""All that a script can reach: the gateways of the product, each of whose calls waits."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from avatars.references import Reference, Stores
from aws.direct import NewObject, PresignedRequest
from aws.errors import StorageUnavailable
from aws.policies import PresignedPost
from aws.tally import Counts
from files.codecs import AnyCodec
from files.items import ItemKey
from files.stores import FileStores
from files.sweeping import SCAN_BATCH
from tests.simulation.memory import MemoryBucket
from tests.simulation.processes import Process, Request

Script = Callable[["World"], Any]


class World(NamedTuple):
    """All that a process can reach: what the stores of each kind hold, queue and accounts."""

    bucket: Any
    references: Any
    entries: Any
    names: Any
    pointers: Any
    usage: Any
    items: Any
    queue: Any
    accounts: Any
    later: Any

    @classmethod
    def of(cls, process: Process) -> "World":
        """Return the world whose requests are those of ``process``."""

        def remote(name: str) -> Remote:
            return Remote(process, name)

        return cls(
            bucket=RemoteBucket(process, "bucket"),
            references=RemoteTable(process, "table"),
            entries=RemoteItems(process, "entries"),
            names=RemoteItems(process, "names"),
            pointers=RemoteItems(process, "pointers"),
            usage=remote("usage"),
            items=RemoteTable(process, "items", page=SCAN_BATCH),
            queue=remote("queue"),
            accounts=remote("accounts"),
            later=process.submit,
        )

    @property
    def stores(self) -> Stores:
        """Return the part that the services of pictures get."""
        return Stores(self.bucket, self.references, self.later)

    @property
    def file_stores(self) -> FileStores:
        """Return the part that the services of files get."""
        return FileStores(
            self.bucket, self.entries, self.names, self.pointers, self.usage, self.later
        )


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
    """A bucket whose calls wait for answers; signing takes no request."""

    def exists(self, key: str) -> bool:
        """Return whether there is an object at ``key``."""
        return bool(self._ask("exists", key))

    def discard(self, keys: Sequence[str]) -> None:
        """Delete ``keys``; a failure is the sweep's business."""
        with suppress(StorageUnavailable):
            self._ask("delete", keys)

    def presigned_post(self, *args: Any, **options: Any) -> PresignedPost:
        """Return the form for a policy."""
        return self._signing.presigned_post(*args, **options)

    def presigned_put(self, *args: Any, **options: Any) -> PresignedRequest:
        """Return the request for an object."""
        return self._signing.presigned_put(*args, **options)

    @property
    def _signing(self) -> MemoryBucket:
        return MemoryBucket.empty(lambda: self._process.now)


class RemoteTable(Remote):
    """A table whose calls wait for answers.

    A scan asks for one item at a time, so that as much as possible can happen in between, or for a
    whole ``page``.
    """

    def __init__(self, process: Process, store: str, *, page: int = 1) -> None:
        super().__init__(process, store)
        self._page = page

    def scan(self) -> Iterator[Any]:
        """Yield all items."""
        after = None
        while found := self.scan_page(after=after, limit=self._page):
            yield from found
            if len(found) < self._page:
                return
            after = codec_key(found[-1])


class RemoteItems(Remote):
    """Items of one kind, whose calls wait for answers.

    What is read in one request need not have been there at one moment: it is asked one by one.
    """

    def read_many(self, keys: Collection[ItemKey]) -> dict[ItemKey, Any]:
        """Return the values at ``keys``."""
        return {key: self._ask("read", key) for key in keys}


def codec_key(item: Any) -> Any:
    """Return the key of an item of either table."""
    return item.owner_id if isinstance(item, Reference) else AnyCodec().key(item)


class FrozenDict(dict[Any, Any]):
    """A dictionary that has a hash, since nobody changes it."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self.items()))


def frozen(value: Any) -> Any:
    """Return ``value`` in a form that has a hash."""
    if isinstance(value, NewObject):
        return replace(value, metadata=frozen(value.metadata))
    if isinstance(value, Counts):
        return replace(value, numbers=frozen(value.numbers))
    if isinstance(value, dict):
        return FrozenDict(value)
    if isinstance(value, set):
        return tuple(sorted(value))
    return tuple(value) if isinstance(value, list) else value
