"""What the services work on: a bucket, the references, and somewhere to leave work for later.

The protocols name all that the services ask of S3 and DynamoDB; the simulation of the protocol
runs the same services on in-memory ones.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from typing import Any, ParamSpec, Protocol, TypeVar

from avatars.references import Reference, live_references
from aws.bucket import FetchedObject, Listing, live_bucket
from aws.deadlines import Threads
from aws.policies import Policy, PresignedPost

P = ParamSpec("P")
T = TypeVar("T")


class Bucket(Protocol):
    """What the services ask of S3. Every method may raise StorageUnavailable."""

    def presigned_post(self, policy: Policy, *, seconds: int, now: Any) -> PresignedPost: ...
    def fetch(self, key: str, *, max_bytes: int) -> FetchedObject: ...
    def put(self, key: str, body: bytes, *, content_type: str, cache_control: str) -> None: ...
    def delete(self, keys: Sequence[str]) -> None: ...
    def exists(self, key: str) -> bool: ...
    def list_page(self, *, prefix: str = "", after: str = "", limit: int = 1000) -> Listing: ...


class References(Protocol):
    """What the services ask of DynamoDB. Reads may raise StorageUnavailable."""

    def read(self, owner_id: str) -> Reference: ...
    def read_many(self, owner_ids: Collection[str]) -> dict[str, Reference]: ...
    def scan(self, *, after: str = "", limit: int | None = None) -> Iterator[Reference]: ...
    def replace(self, before: Reference, after: Reference) -> None: ...


class Background(Protocol):
    """Something that calls a function soon, beside the caller."""

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]": ...


@dataclass(frozen=True)
class Stores:
    """The bucket, the references, and the background that requests to them may run in."""

    bucket: Bucket
    references: References
    background: Background


@cache
def live_stores() -> Stores:
    """Return the stores that the settings name."""
    background = Threads(max_workers=16, thread_name_prefix="avatars")
    return Stores(live_bucket(), live_references(), background)
