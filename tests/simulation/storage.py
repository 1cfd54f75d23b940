"""The stored state, and the effect of a request on it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from sortedcontainers import SortedDict

from aws.errors import AlreadyWritten, LimitReached, PartsRefused, RevisionMoved
from aws.policies import PENDING_TAG
from files.codecs import EntryCodec, NameCodec, PointerCodec
from tests.simulation.clock import BEGINNING
from tests.simulation.memory import (
    MemoryBucket,
    MemoryItems,
    MemoryQueue,
    MemoryReferences,
    MemoryTable,
    MemoryTally,
    MemoryTopic,
)
from tests.simulation.processes import Reply, Request
from uploads.keys import FILES_PREFIX, PENDING_PREFIX
from web.errors import UserFacingError

# What each store changes, in the order of ``Storage.parts``.
PARTS = ("objects", "multiparts", "messages", "notices", "references", "items", "usage")
CHANGES: dict[str, set[str]] = {
    "bucket": {"objects", "multiparts", "messages"},
    "queue": {"messages"},
    "topic": {"notices"},
    "table": {"references"},
    "entries": {"items"},
    "names": {"items"},
    "pointers": {"items"},
    "usage": {"usage"},
    "items": set(),
    "accounts": set(),  # kept beside the parts, as is what owners want
}

# Methods that change something.
WRITES = {
    *("put", "delete", "replace", "post", "delete_account", "want_deleted"),
    *("put_once", "put_part", "untag", "copy", "begin_multipart", "complete", "abort_multipart"),
    *("add", "close", "correct", "acknowledge", "publish"),
}
REFUSALS = (UserFacingError, RevisionMoved, AlreadyWritten, PartsRefused, LimitReached)
NUMBERS = ("bytes_used", "file_count")


class Storage:
    """Bucket, queue, topic, tables and accounts at one moment.

    ``deleted`` are the uploads whose files an owner deleted, however little of that is done yet.
    """

    def __init__(
        self,
        accounts: frozenset[str],
        parts: Mapping[str, "SortedDict[Any, Any]"],
        *,
        begun: int = 0,
        deleted: frozenset[str] = frozenset(),
    ) -> None:
        self.now = BEGINNING
        self.accounts = accounts
        self.parts = parts
        self.deleted = deleted
        items = parts["items"]
        self.queue = MemoryQueue(parts["messages"])
        self.topic = MemoryTopic(parts["notices"])
        self.bucket = MemoryBucket(
            lambda: self.now, parts["objects"], parts["multiparts"], begun, self._created
        )
        self.table = MemoryReferences(parts["references"])
        self.entries = MemoryItems(EntryCodec(), items)
        self.names = MemoryItems(NameCodec(), items)
        self.pointers = MemoryItems(PointerCodec(), items)
        self.usage = MemoryTally(NUMBERS, parts["usage"])
        self.items = MemoryTable(items, self.usage)
        self._keys: dict[str, object] = {}

    @classmethod
    def empty(cls, accounts: Iterable[str]) -> Self:
        """Return a storage with accounts only."""
        return cls(frozenset(accounts), {name: SortedDict() for name in PARTS})

    def copy(self, *, but: Iterable[str] = PARTS) -> "Storage":
        """Return a copy that shares all parts ``but`` those that are going to change."""
        parts = {name: part.copy() if name in but else part for name, part in self.parts.items()}
        copy = Storage(self.accounts, parts, begun=self.bucket.begun, deleted=self.deleted)
        copy._keys = {name: key for name, key in self._keys.items() if name not in but}
        return copy

    def key(self) -> object:
        """Return a value that is equal for storages with the same content."""
        for name, part in self.parts.items():
            if name not in self._keys:
                self._keys[name] = tuple(part.items())
        contents = tuple(self._keys[name] for name in PARTS)
        return contents, self.accounts, self.bucket.begun, self.deleted

    def after(self, request: Request, *, now: datetime) -> "tuple[Storage, Reply]":
        """Return what is stored after ``request``, and the reply."""
        after = self.copy(but=CHANGES[request.store]) if request.method in WRITES else self
        return after, after._perform(request, now)

    def _perform(self, request: Request, now: datetime) -> Reply:
        self.now = now
        try:
            reply = Reply(self._method(request)(*request.args, **dict(request.kwargs)))
        except REFUSALS as error:
            return Reply(error=error)
        if request.store == "names" and request.method == "replace" and request.args[1].closed:
            self.deleted |= set(request.args[1].versions)
        return reply

    def _method(self, request: Request) -> Callable[..., Any]:
        if request.store == "accounts":
            return getattr(self, f"_{request.method}")  # type: ignore[no-any-return]
        if request.method == "scan_page":
            scan: Any = getattr(self, request.store).scan
            return lambda after, limit: tuple(scan(after=after, limit=limit))
        method: Callable[..., Any] = getattr(getattr(self, request.store), request.method)
        return method

    def _existing_accounts(self, owner_ids: Sequence[str]) -> frozenset[str]:
        return self.accounts.intersection(owner_ids)

    def _delete_account(self, owner_id: str) -> None:
        self.accounts -= {owner_id}

    def _want_deleted(self, upload_id: str) -> None:
        """Note what an owner is about to ask, which is no request of the product."""
        self.deleted |= {upload_id}

    def _created(self, key: str) -> None:
        """Send the event that S3 sends."""
        if key.startswith(FILES_PREFIX):
            self.queue.send(key)

    # --- lifecycle and network ---

    def expirable(self) -> list[str]:
        """Return what the bucket's lifecycle may take at any moment: objects, open multiparts."""
        objects = [
            key
            for key, found in self.bucket.objects.items()
            if key.startswith(PENDING_PREFIX) or PENDING_TAG in found.tags
        ]
        return objects + [" ".join(place) for place in self.bucket.multiparts]

    def expired(self, subject: str) -> "Storage":
        """Return what is stored after the lifecycle has taken something."""
        after = self.copy(but=CHANGES["bucket"])
        key, _, upload_id = subject.partition(" ")
        if upload_id:
            after.bucket.abort_multipart(key, upload_id=upload_id)
        else:
            after.bucket.delete([key])
        return after

    def is_moot(self, request: Request) -> bool:
        """Return whether a request can have no effect any more, whenever it arrives.

        A revision is never used twice, and an item that was written never disappears.
        """
        if request.method != "replace":
            return False
        before, after = request.args
        store = getattr(self, request.store)
        key = after.owner_id if request.store == "table" else store.codec.key(after)
        current = store.read(key).revision
        return current is not None and current != before.revision
