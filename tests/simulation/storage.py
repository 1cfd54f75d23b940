"""The stored state, and the effect of a request on it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Self

from sortedcontainers import SortedDict

from aws.errors import RevisionMoved
from tests.simulation.clock import BEGINNING
from tests.simulation.memory import MemoryBucket, MemoryReferences
from tests.simulation.processes import Reply, Request
from uploads.keys import PENDING_PREFIX
from web.errors import UserFacingError

WRITES = {"put", "delete", "replace", "post", "delete_account"}  # methods that change it


class Storage:
    """Bucket, table and accounts at one moment."""

    def __init__(
        self, accounts: frozenset[str], objects: SortedDict[str, Any], items: SortedDict[str, Any]
    ) -> None:
        self.now = BEGINNING
        self.bucket = MemoryBucket(lambda: self.now, objects)
        self.table = MemoryReferences(items)
        self.accounts = accounts

    @classmethod
    def empty(cls, accounts: Iterable[str]) -> Self:
        """Return a storage with accounts only."""
        return cls(frozenset(accounts), SortedDict(), SortedDict())

    def copy(self) -> "Storage":
        """Return an independent copy."""
        return Storage(self.accounts, self.bucket.objects.copy(), self.table.items.copy())

    def key(self) -> object:
        """Return a value that is equal for storages with the same content."""
        bucket, table = self.bucket.objects, self.table.items
        return tuple(bucket.items()), tuple(table.items()), self.accounts

    def expirable(self) -> list[str]:
        """Return what the bucket's lifecycle may take at any moment."""
        return list(self.bucket.objects.irange(PENDING_PREFIX, PENDING_PREFIX + "\uffff"))

    def expire(self, subject: str) -> None:
        """Have the lifecycle take something."""
        self.bucket.delete([subject])

    def is_moot(self, request: Request) -> bool:
        """Return whether a request can have no effect any more, whenever it arrives.

        A revision is never used twice, and an item that was written never disappears.
        """
        if request.method != "replace":
            return False
        before, after = request.args
        current = self.table.read(after.owner_id).revision
        return current is not None and current != before.revision

    def perform(self, request: Request, *, now: datetime) -> Reply:
        """Carry ``request`` out."""
        self.now = now
        try:
            return Reply(self._method(request)(*request.args, **dict(request.kwargs)))
        except (UserFacingError, RevisionMoved) as error:
            return Reply(error=error)

    def _method(self, request: Request) -> Callable[..., Any]:
        if request.store == "accounts":
            return getattr(self, f"_{request.method}")  # type: ignore[no-any-return]
        if request.method == "scan_page":
            return lambda after, limit: tuple(self.table.scan(after=after, limit=limit))
        method: Callable[..., Any] = getattr(getattr(self, request.store), request.method)
        return method

    def _existing_accounts(self, owner_ids: Sequence[str]) -> frozenset[str]:
        return self.accounts.intersection(owner_ids)

    def _delete_account(self, owner_id: str) -> None:
        self.accounts -= {owner_id}
