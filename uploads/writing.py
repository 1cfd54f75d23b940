"""One conditional write, and what it came to."""

from typing import Generic, NamedTuple, Protocol, TypeVar

from aws.errors import OutcomeUnknown, RevisionMoved, StorageUnavailable


class Revised(Protocol):
    """A value that stands for an item; ``revision`` is fresh at every write."""

    @property
    def revision(self) -> str | None: ...


Value = TypeVar("Value", bound=Revised)
Key_contra = TypeVar("Key_contra", contravariant=True)


class Writable(Protocol[Value, Key_contra]):
    """A table that is read, and written under a condition."""

    def read(self, key: Key_contra, /) -> Value: ...
    def replace(self, before: Value, after: Value, /) -> None: ...


class Written(NamedTuple, Generic[Value]):
    """The value after an attempt to write it, and whether it is the one of this attempt."""

    value: Value
    mine: bool


def write(
    table: Writable[Value, Key_contra], key: Key_contra, before: Value, after: Value
) -> Written[Value]:
    """Write ``after`` over ``before``, the value at ``key``; return the one that is there then.

    Raises StorageUnavailable if the outcome cannot be known: a copy of the request may still
    arrive, so the caller must delete nothing.
    """
    try:
        table.replace(before, after)
    except RevisionMoved:
        current = table.read(key)
    except OutcomeUnknown as error:
        current = table.read(key)
        if current.revision == before.revision:
            raise StorageUnavailable from error
    else:
        current = after
    # Revisions are never used twice: if the item has it, this attempt wrote it.
    return Written(current, mine=current.revision == after.revision)
