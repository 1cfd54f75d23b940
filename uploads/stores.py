"""What the services of a kind of upload work on: a bucket, references, and calls left for later.

The protocols name all that the services ask of S3 and DynamoDB; the simulation of the protocol
runs the same services on in-memory ones.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from aws.bucket import FetchedObject, Listing, live_bucket
from aws.deadlines import later
from aws.policies import Policy, PresignedPost

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Value = TypeVar("Value")
Value_contra = TypeVar("Value_contra", contravariant=True)


class Bucket(Protocol):
    """What the services ask of S3. Every method may raise StorageUnavailable."""

    def presigned_post(self, policy: Policy, *, seconds: int, now: Any) -> PresignedPost: ...
    def fetch(self, key: str, *, max_bytes: int) -> FetchedObject: ...
    def tags(self, key: str) -> dict[str, str]: ...
    def put(self, key: str, body: bytes, *, content_type: str, cache_control: str) -> None: ...
    def delete(self, keys: Sequence[str]) -> None: ...
    def discard(self, keys: Sequence[str]) -> None: ...
    def exists(self, key: str) -> bool: ...
    def list_page(self, *, prefix: str = "", after: str = "", limit: int = 1000) -> Listing: ...


class Listed(Protocol):
    """The part of it that a sweep of any kind asks."""

    def delete(self, keys: Sequence[str]) -> None: ...
    def exists(self, key: str) -> bool: ...
    def list_page(self, *, prefix: str = "", after: str = "", limit: int = 1000) -> Listing: ...


class Replaced(Protocol[Value_contra]):
    """A table with one conditional write."""

    def replace(self, before: Value_contra, after: Value_contra) -> None: ...


class References(Protocol[Value]):
    """What the services ask of DynamoDB. Reads may raise StorageUnavailable."""

    def read(self, key: str) -> Value: ...
    def read_many(self, keys: Collection[str]) -> dict[str, Value]: ...
    def scan(self, *, after: str | None = None, limit: int | None = None) -> Iterator[Value]: ...
    def replace(self, before: Value, after: Value) -> None: ...


class Answer(Protocol[T_co]):
    """The result of a call that is under way."""

    def result(self) -> T_co: ...
    def cancel(self) -> object: ...


class Later(Protocol):
    """Begins a call of a store's method and returns at once."""

    def __call__(
        self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Answer[T]: ...


@dataclass
class Stores(Generic[Value]):
    """The bucket, the references of one kind, and how a call to either is left for later."""

    bucket: Bucket
    references: References[Value]
    later: Later


def stores_with(references: References[Value]) -> Stores[Value]:
    """Return ``references`` with the bucket that the settings name."""
    return Stores(live_bucket(), references, later)
