"""What the services of files work on; the protocols name every request they can make."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Protocol, TypeVar

from aws.bucket import Listing, live_bucket
from aws.deadlines import later
from aws.direct import Checksum, NewObject, ObjectFacts, PresignedRequest
from aws.multipart import OpenPage, Part, PartsPage
from aws.table import QueryPage
from aws.tally import Counts
from files.items import Entry, Item, ItemKey, Name, Pointer
from files.references import live_entries, live_names, live_pointers, live_usage
from uploads.stores import Later

Value = TypeVar("Value", bound=Item)


class FileBucket(Protocol):
    """What the services ask of S3. Every method may raise StorageUnavailable."""

    def presigned_put(
        self, wanted: NewObject, *, tags: Mapping[str, str], seconds: int, now: datetime
    ) -> PresignedRequest: ...
    def presigned_part(
        self, key: str, *, upload_id: str, number: int, size: int, seconds: int, now: datetime
    ) -> PresignedRequest: ...
    def presigned_download(
        self, key: str, *, disposition: str, content_type: str, seconds: int, now: datetime
    ) -> str: ...
    def begin_multipart(self, wanted: NewObject) -> str: ...
    def parts(self, key: str, *, upload_id: str) -> list[Part]: ...
    def parts_page(self, key: str, *, upload_id: str, after: int = 0) -> PartsPage: ...
    def complete(self, key: str, *, upload_id: str, parts: Sequence[Part], size: int) -> None: ...
    def abort_multipart(self, key: str, *, upload_id: str) -> None: ...
    def open_multiparts(
        self, *, prefix: str, after: tuple[str, str] | None = None, limit: int = 1000
    ) -> OpenPage: ...
    def untag(self, key: str) -> None: ...
    def head(self, key: str) -> ObjectFacts: ...
    def read(self, key: str, *, start: int, length: int) -> bytes: ...
    def checksum(self, key: str) -> Checksum | None: ...
    def copy(self, source: str, wanted: NewObject) -> None: ...
    def put(self, key: str, body: bytes, *, content_type: str, cache_control: str) -> None: ...
    def exists(self, key: str) -> bool: ...
    def delete(self, keys: Sequence[str]) -> None: ...
    def list_page(self, *, prefix: str = "", after: str = "", limit: int = 1000) -> Listing: ...


class Items(Protocol[Value]):
    """What the services ask of the items of one kind. Reads may raise StorageUnavailable."""

    def read(self, key: ItemKey) -> Value: ...
    def read_many(self, keys: Collection[ItemKey]) -> dict[ItemKey, Value]: ...
    def query(
        self, hash_key: str, *, prefix: str, after: str = "", limit: int, descending: bool = False
    ) -> QueryPage[Value]: ...
    def replace(self, before: Value, after: Value) -> None: ...


class Usage(Protocol):
    """What the services ask of the numbers of an owner."""

    def read(self, key: ItemKey) -> Counts: ...
    def add(
        self,
        key: ItemKey,
        amounts: Mapping[str, int],
        *,
        now: datetime,
        at_most: Mapping[str, int] | None = None,
    ) -> None: ...
    def close(self, key: ItemKey, *, now: datetime) -> None: ...
    def correct(self, before: Counts, numbers: Mapping[str, int], *, now: datetime) -> None: ...


@dataclass
class FileStores:
    """The bucket, the items of each kind, and how a call to any of them is left for later."""

    bucket: FileBucket
    entries: Items[Entry]
    names: Items[Name]
    pointers: Items[Pointer]
    usage: Usage
    later: Later | Any


@cache
def live_stores() -> FileStores:
    """Return the stores that the settings name: one object for the whole process."""
    return FileStores(
        live_bucket(), live_entries(), live_names(), live_pointers(), live_usage(), later
    )
