"""A table whose items each have a key and a ``revision``: reads, and one conditional write.

A key is the hash key alone, or hash and range key, as the model has them.

Every write is conditional on the revision that was read before it. A write has three outcomes:
done, RevisionMoved, OutcomeUnknown.
"""

import json
import logging
import random
import sys
import time
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import structlog
from botocore.exceptions import BotoCoreError
from django.conf import settings
from pynamodb.connection import TableConnection
from pynamodb.exceptions import (
    AttributeDeserializationError,
    AttributeNullError,
    PynamoDBException,
    UpdateError,
)
from pynamodb.models import Model

from aws.deadlines import in_time
from aws.errors import OutcomeUnknown, RevisionMoved, StorageUnavailable

logger = logging.getLogger(__name__)
events = structlog.stdlib.get_logger(__name__)

READ_BATCH = 100  # what one BatchGetItem takes
SCAN_PAGE = 1000  # items a request
FIRST_PAUSE = 0.05  # seconds, at most
UNREADABLE = (
    AttributeDeserializationError,
    AttributeNullError,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
)


class ItemModel(Model):
    """A PynamoDB model whose client believes whole answers of DynamoDB only."""

    @classmethod
    def _get_connection(cls) -> TableConnection:
        """Return the connection.

        PynamoDB may make a client anew, so each is told; a second time changes nothing.
        """
        connection = super()._get_connection()
        connection.connection.client.meta.events.register_first(
            "needs-retry.dynamodb", _fail_unless_whole, unique_id="fail-unless-whole"
        )
        return connection


class ConnectionSettings:
    """The part of ``Meta`` that all models share.

    PynamoDB gives the figures to botocore, in standard mode: bounded attempts with jitter.
    """

    region = settings.AWS_REGION
    host = settings.AWS_DYNAMODB_ENDPOINT_URL
    aws_access_key_id = settings.AWS_ACCESS_KEY_ID
    aws_secret_access_key = settings.AWS_SECRET_ACCESS_KEY
    aws_session_token = settings.AWS_SESSION_TOKEN
    connect_timeout_seconds = settings.AWS_CONNECT_SECONDS
    read_timeout_seconds = settings.AWS_READ_SECONDS
    max_retry_attempts = settings.AWS_ATTEMPTS - 1
    max_pool_connections = settings.AWS_POOL_CONNECTIONS


# Stands for the revision of an item that has none, or one that is not a text. It is made anew in
# each process, so no item can hold it.
FOREIGN_REVISION = f"foreign {uuid.uuid4().hex}"


class Revised(Protocol):
    """A value that stands for an item; ``revision`` is None where there is no item."""

    @property
    def revision(self) -> str | None: ...


Value = TypeVar("Value", bound=Revised)
Key = TypeVar("Key", bound="str | tuple[str, str]")


class Codec(Protocol[Value, Key]):
    """How the items of a kind are read and written."""

    @property
    def model(self) -> type[ItemModel]: ...

    def key(self, value: Value) -> Key:
        """Return the key of the item that ``value`` stands for."""

    def absent(self, key: Key) -> Value:
        """Return the value of an item that is not there."""

    def decode(self, item: Any) -> Value:
        """Return the value of an item, an instance of ``model``.

        Raises ValueError if a fact is missing, or of another type than ``encode`` writes.
        """

    def unreadable(self, key: Key, *, revision: str, texts: Mapping[str, str]) -> Value:
        """Return the value of an item that cannot be decoded; ``texts`` holds its text attributes.

        It can be replaced like any other.
        """

    def encode(self, value: Value) -> Mapping[str, Any]:
        """Return every attribute but the key's by name; None where it is to be removed."""


@dataclass(frozen=True)
class QueryPage(Generic[Value]):
    """One page of a query; ``next_after`` is a range key, empty on the last page."""

    values: list[Value]
    next_after: str


class Table(Generic[Value, Key]):
    """The items of one kind. Its methods may be called from many threads."""

    def __init__(self, codec: Codec[Value, Key]) -> None:
        self._codec = codec
        self._model = codec.model
        named = (codec.model._hash_keyname, codec.model._range_keyname)
        self._key_names = [name for name in named if name]

    @in_time("dynamodb")
    def read(self, key: Key) -> Value:
        """Return the value at ``key``, strongly consistent."""
        with translated():
            answer = self._connection().get_item(**_named(key), consistent_read=True)
            item = answer.get("Item")
            return self._decoded(item) if item else self._codec.absent(key)

    def read_many(self, keys: Collection[Key]) -> dict[Key, Value]:
        """Return the values at ``keys``, strongly consistent, 100 a request."""
        found = {key: self._codec.absent(key) for key in keys}
        wanted = list(found)
        for start in range(0, len(wanted), READ_BATCH):
            for value in self._read_batch(wanted[start : start + READ_BATCH]):
                found[self._codec.key(value)] = value
        return found

    def scan(self, *, after: Key | None = None, limit: int | None = None) -> Iterator[Value]:
        """Yield up to ``limit`` values past that at the key ``after``, in table order."""
        start: Any = self._raw_key(after) if after else None
        left = sys.maxsize if limit is None else limit
        while left > 0:
            found, start = self._scan_page(start, min(left, SCAN_PAGE))
            yield from found
            left = left - len(found) if start else 0

    def replace(self, before: Value, after: Value) -> None:
        """Write ``after`` on the condition that the item still has the revision of ``before``.

        Raises RevisionMoved if it has not, and OutcomeUnknown on any other failure: the SDK
        repeats requests, so even a refusal may follow an attempt that was carried out.
        """
        try:
            self._update(before, after)
        except StorageUnavailable as error:
            raise OutcomeUnknown from error

    @in_time("dynamodb")
    def query(
        self, hash_key: str, *, prefix: str, after: str = "", limit: int, descending: bool = False
    ) -> "QueryPage[Value]":
        """Return values whose range keys begin with ``prefix``, past the range key ``after``.

        In order of the range keys, strongly consistent. One request: at most ``limit`` values and
        1 MB of items; ``next_after`` is empty on the last page.
        """
        hash_name, range_name = self._key_names
        attributes: Any = self._model.get_attributes()
        with translated():
            answer = self._connection().query(
                hash_key,
                attributes[range_name].startswith(prefix) if prefix else None,
                consistent_read=True,
                exclusive_start_key=(
                    {hash_name: {"S": hash_key}, range_name: {"S": after}} if after else None
                ),
                limit=limit,
                scan_index_forward=not descending,
            )
            last = answer.get("LastEvaluatedKey") or {}
            next_after = str(last[range_name]["S"]) if last else ""
            return QueryPage([self._decoded(item) for item in answer["Items"]], next_after)

    @in_time("dynamodb")
    def check(self) -> None:
        """Return if the table answers; else raise StorageUnavailable."""
        with translated():
            probe = ["readiness-probe"] * len(self._key_names)
            self._connection().get_item(**_named(probe), consistent_read=True)

    # --- one request each ---

    @in_time("dynamodb")
    def _read_batch(self, keys: list[Key]) -> list[Value]:
        """Return the values of those of ``keys`` that have an item.

        PynamoDB's own loop asks for unprocessed keys for ever and without a pause.
        """
        name = self._model.Meta.table_name
        wanted: list[Any] = [self._raw_key(key) for key in keys]
        found: list[Value] = []
        for attempt in range(settings.AWS_ATTEMPTS):
            if attempt:
                time.sleep(random.random() * FIRST_PAUSE * 2**attempt)  # noqa: S311 (no secret)
            with translated():
                answer = self._connection().batch_get_item(wanted, consistent_read=True)
                found += [self._decoded(item) for item in answer["Responses"].get(name, [])]
                left = answer.get("UnprocessedKeys", {}).get(name)
            if not left:
                return found
            wanted = left["Keys"]
        raise StorageUnavailable

    @in_time("dynamodb")
    def _scan_page(self, start: Any, limit: int) -> tuple[list[Value], Any]:
        """Return up to ``limit`` values after ``start``, and where to go on, if anywhere."""
        with translated():
            answer = self._connection().scan(
                limit=limit, exclusive_start_key=start, consistent_read=True
            )
            return [self._decoded(item) for item in answer["Items"]], answer.get("LastEvaluatedKey")

    @in_time("dynamodb")
    def _update(self, before: Value, after: Value) -> None:
        with translated():
            try:
                item = self._model(**_named(self._codec.key(after)))
                item.update(actions=self._actions(after), condition=self._unchanged(before))
            except UpdateError as error:
                if error.cause_response_code == "ConditionalCheckFailedException":
                    raise RevisionMoved from error
                raise

    def _unchanged(self, before: Value) -> Any:
        """Return the condition that the item is still the one that ``before`` stands for."""
        attributes: Any = self._model.get_attributes()
        key, revision = attributes[self._key_names[0]], attributes["revision"]
        if before.revision is None:
            return key.does_not_exist()
        if before.revision == FOREIGN_REVISION:
            return key.exists() & ~revision.is_type()
        return revision == before.revision

    def _actions(self, value: Value) -> list[Any]:
        """Return the update that makes the whole item what ``value`` says."""
        attributes = self._model.get_attributes()
        return [
            attributes[name].remove() if fact is None else attributes[name].set(fact)
            for name, fact in self._codec.encode(value).items()
        ]

    def _decoded(self, raw: Any) -> Value:
        """Return the value of one item: one that cannot be read must not take others along."""
        texts = {name: kinds["S"] for name, kinds in raw.items() if "S" in kinds}
        names = [texts[name] for name in self._key_names]
        key: Any = names[0] if len(names) == 1 else tuple(names)
        try:
            return self._codec.decode(self._model.from_raw_data(raw))
        except UNREADABLE as error:
            if (self._model, key) not in _told:
                _told.add((self._model, key))
                events.warning("item_unreadable", key=key, problem=str(error.__cause__ or error))
            revision = texts.get("revision", FOREIGN_REVISION)
            return self._codec.unreadable(key, revision=revision, texts=texts)

    def _raw_key(self, key: Key) -> dict[str, Any]:
        """Return ``key`` in the shape of the API."""
        return {name: {"S": part} for name, part in zip(self._key_names, _parts(key), strict=True)}

    def _connection(self) -> TableConnection:
        return self._model._get_connection()


def _parts(key: str | Sequence[str]) -> Sequence[str]:
    return (key,) if isinstance(key, str) else key


def _named(key: str | Sequence[str]) -> dict[str, Any]:
    """Return ``key`` as the arguments of PynamoDB."""
    return dict(zip(("hash_key", "range_key"), _parts(key), strict=False))


_told: set[tuple[type[ItemModel], Any]] = set()  # unreadable items: one line in the log for each


@contextmanager
def translated() -> Iterator[None]:
    """Turn PynamoDB's errors into StorageUnavailable, and those of the SDK that it lets through.

    It does not translate what goes wrong while a client is made: credentials cannot be had.
    """
    try:
        yield
    except (PynamoDBException, BotoCoreError) as error:
        raise StorageUnavailable from error
    except UNREADABLE as error:
        # Not an answer of DynamoDB: reading on would only guess.
        logger.exception("The table gave something that cannot be read.")
        raise StorageUnavailable from error


def _fail_unless_whole(response: tuple[Any, Any] | None, **_: object) -> None:
    """Make a failure of a 200 whose body is not a whole answer of DynamoDB.

    botocore takes it for an empty answer, which for an item reads as "there is none"; the product
    would then delete what the item names.
    """
    if response and response[0].status_code < 300 and not _is_answer(response[0].content):
        response[0].status_code = 500


def _is_answer(body: bytes) -> bool:
    """Return whether ``body`` is one JSON object, and not that of an error."""
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and "__type" not in answer
