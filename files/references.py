"""What the items of the files' table mean to the services.

| item | key | what it says |
| --- | --- | --- |
| entry | ``O#<owner>`` / ``F#<upload id>`` | what became of one object: ready, refused or deleted |
| name | ``O#<owner>`` / ``N#<name>`` | the file of a name, and its versions in order |
| pointer | ``A#<file id>`` / ``A`` | whose file an id is, and by which name |
| usage | ``O#<owner>`` / ``Q`` | the bytes and files of an owner (``aws.tally``) |

Every write of the first three has a condition on the revision that was read before it. An entry
and a name, once written, are never removed, so a request that comes late finds them.
"""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

from aws.table import Table
from aws.tally import Tally
from files.models import FileItem, UsageItem
from uploads.keys import FILES_PREFIX, PREVIEWS_PREFIX, prefix_of

ENTRY, NAME, USAGE = "F#", "N#", "Q"
OWNER, POINTER = "O#", "A#"
ItemKey = tuple[str, str]


class State(StrEnum):
    """Where an entry is on its one way: none, ready or refused or deleted; ready, deleted."""

    READY = "ready"
    REFUSED = "refused"
    DELETED = "deleted"


@dataclass(frozen=True)
class Item:
    """What all items have: a revision, None where there is no item.

    Of an ``unreadable`` item nothing else is known; nothing it may name is deleted.
    """

    revision: str | None = None
    updated_at: datetime | None = None
    unreadable: bool = False

    def _next(self, now: datetime, **changes: Any) -> Self:
        changes = {"unreadable": False, **changes}
        return replace(self, revision=uuid.uuid4().hex, updated_at=now, **changes)


@dataclass(frozen=True)
class Entry(Item):
    """One object and what became of it; ``state`` is None where there is no item.

    ``version`` and ``file_id`` are None until it is entered under its name. ``size`` in bytes.
    """

    owner_id: str = ""
    upload_id: str = ""
    state: State | None = None
    reason: str | None = None
    name: str | None = None
    size: int | None = None
    content_type: str | None = None
    etag: str | None = None
    created_at: datetime | None = None
    attempt: str | None = None  # the attempt to accept the object that put the entry
    file_id: str | None = None
    version: int | None = None
    superseded: bool = False
    notified_at: datetime | None = None
    processed_at: datetime | None = None
    digest: str | None = None
    digest_kind: str | None = None
    true_type: str | None = None
    restores: str | None = None  # the id of the file that a copy is a version of, and no other
    width: int | None = None
    height: int | None = None
    preview_key: str | None = None
    preview_problem: str | None = None  # why a picture has no preview, a code

    @property
    def key(self) -> str:
        """The key of its object."""
        return file_key(self.owner_id, self.upload_id)

    @property
    def is_ready(self) -> bool:
        """Whether its object is a file."""
        return self.state is State.READY

    @property
    def is_final(self) -> bool:
        """Whether it stays as it is for good, and its object goes."""
        return self.state in {State.REFUSED, State.DELETED}

    @property
    def is_placed(self) -> bool:
        """Whether it is entered under its name."""
        return self.file_id is not None and self.version is not None

    @property
    def preview_prefix(self) -> str:
        """The prefix of its previews, of which it names one at most."""
        return f"{prefix_of(PREVIEWS_PREFIX, self.owner_id)}{self.upload_id}/"

    def deleted(self, *, now: datetime) -> Self:
        """Return the last entry of its object: it accepts nothing any more, and tells nothing."""
        bare = type(self)(
            owner_id=self.owner_id,
            upload_id=self.upload_id,
            state=State.DELETED,
            created_at=self.created_at or now,
            attempt=self.attempt,
            file_id=self.file_id,
            version=self.version,
        )
        return bare._next(now)

    def changed(self, *, now: datetime, **facts: Any) -> Self:
        """Return the next entry, with other ``facts``."""
        return self._next(now, **facts)


@dataclass(frozen=True)
class Name(Item):
    """The file of a name: its id, and the upload ids of its versions in order.

    Once ``closed`` the file is deleted, and the next upload begins another one under the name.
    """

    owner_id: str = ""
    name: str = ""
    file_id: str | None = None
    versions: tuple[str, ...] = ()
    closed: bool = False

    def begun(self, file_id: str, upload_id: str, *, now: datetime) -> Self:
        """Return the name with a new file, whose version 0 is ``upload_id``."""
        return self._next(now, file_id=file_id, versions=(upload_id,), closed=False)

    def appended(self, upload_id: str, *, now: datetime) -> Self:
        """Return the name with one more version."""
        return self._next(now, versions=(*self.versions, upload_id))

    def closing(self, *, now: datetime) -> Self:
        """Return the name without a file."""
        return self._next(now, closed=True)


@dataclass(frozen=True)
class Pointer(Item):
    """Whose file an id is, and by which name; it may be older or younger than the file."""

    file_id: str = ""
    owner_id: str | None = None
    name: str | None = None

    def to(self, owner_id: str, name: str, *, now: datetime) -> Self:
        """Return the pointer to the file of a name."""
        return self._next(now, owner_id=owner_id, name=name)


@dataclass(frozen=True)
class Usage(Item):
    """What an owner uses; it is changed by ``aws.tally`` alone, and has no revision."""

    owner_id: str = ""
    bytes_used: int = 0
    file_count: int = 0
    closed_at: datetime | None = None


def file_key(owner_id: str, upload_id: str) -> str:
    """Return the only key that an upload can ever write."""
    return f"{prefix_of(FILES_PREFIX, owner_id)}{upload_id}"


# --- How they are stored ---

Value = TypeVar("Value", bound=Item)


class ItemCodec(Generic[Value]):
    """How the items of one kind are read and written: each fact is an attribute of its name."""

    model = FileItem
    kind: type[Value]
    needed: ClassVar[tuple[str, ...]]  # facts that no item is without
    in_key: ClassVar[tuple[str, ...]]  # facts that the key holds

    def decode(self, item: FileItem) -> Value:
        """Return the value of ``item``; raises ValueError if it has not what this code writes."""
        absent = self.absent((item.pk, item.sk))
        stored = {name: getattr(item, name) for name in self._stored}
        if missing := [name for name in self.needed if stored[name] is None]:
            raise ValueError(f"without {', '.join(missing)}")
        given = {name: value for name, value in stored.items() if value is not None}
        return replace(absent, **self.read(given))

    def encode(self, value: Value) -> dict[str, Any]:
        """Return the attributes of ``value``."""
        facts = asdict(value)
        return {name: self.written(facts[name]) for name in self._stored}

    def unreadable(self, key: ItemKey, *, revision: str, texts: Mapping[str, str]) -> Value:
        """Return the value of an item that cannot be decoded."""
        return replace(self.absent(key), revision=revision, unreadable=True)

    def absent(self, key: ItemKey) -> Value:
        """Return the value of an item that is not there."""
        raise NotImplementedError

    def read(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Return ``facts`` in the types of the value."""
        return facts

    def written(self, fact: Any) -> Any:
        """Return a fact as its attribute takes it; None, and False, too, is no attribute."""
        if isinstance(fact, tuple):
            return list(fact)
        return None if fact is False else fact

    @property
    def _stored(self) -> list[str]:
        left_out = {"unreadable", *self.in_key}
        return [field.name for field in fields(self.kind) if field.name not in left_out]


class EntryCodec(ItemCodec[Entry]):
    """Entries."""

    kind = Entry
    needed = ("revision", "state", "created_at")
    in_key = ("owner_id", "upload_id")

    def key(self, entry: Entry) -> ItemKey:
        """Return its owner and its upload id."""
        return entry_key(entry.owner_id, entry.upload_id)

    def absent(self, key: ItemKey) -> Entry:
        """Return the entry of an object that has none."""
        return Entry(owner_id=key[0].removeprefix(OWNER), upload_id=key[1].removeprefix(ENTRY))

    def read(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Return ``facts`` with the state in its type; a ready entry needs all of its facts."""
        state = State(facts["state"])
        if state is State.READY and not {"name", "size", "content_type"} <= facts.keys():
            raise ValueError("ready without name, size or content_type")
        for number in ("size", "version", "width", "height"):
            if not isinstance(facts.get(number, 0), int):
                raise ValueError(f"{number} is not a whole number")  # noqa: TRY004
        return facts | {"state": state}


class NameCodec(ItemCodec[Name]):
    """Names."""

    kind = Name
    needed = ("revision", "file_id", "versions")
    in_key = ("owner_id", "name")

    def key(self, name: Name) -> ItemKey:
        """Return its owner and the name itself."""
        return name_key(name.owner_id, name.name)

    def absent(self, key: ItemKey) -> Name:
        """Return a name that no file ever had."""
        return Name(owner_id=key[0].removeprefix(OWNER), name=key[1].removeprefix(NAME))

    def read(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Return ``facts`` with the versions in their type."""
        return facts | {"versions": tuple(facts["versions"])}


class UsageCodec(ItemCodec[Usage]):
    """What owners use."""

    kind = Usage
    needed = ()
    in_key = ("owner_id",)

    def key(self, usage: Usage) -> ItemKey:
        """Return its owner."""
        return usage_key(usage.owner_id)

    def absent(self, key: ItemKey) -> Usage:
        """Return the usage of an owner who has none."""
        return Usage(owner_id=key[0].removeprefix(OWNER))


class PointerCodec(ItemCodec[Pointer]):
    """Pointers."""

    kind = Pointer
    needed = ("revision", "owner_id", "name")
    in_key = ("file_id",)

    def key(self, pointer: Pointer) -> ItemKey:
        """Return the file id."""
        return pointer_key(pointer.file_id)

    def absent(self, key: ItemKey) -> Pointer:
        """Return the pointer of an id that no file has."""
        return Pointer(file_id=key[0].removeprefix(POINTER))


class AnyCodec:
    """Items of all kinds, for those who look at the whole table; a kind is told by the key."""

    model = FileItem

    def key(self, item: Item) -> ItemKey:
        """Return the key of any item."""
        codec: Any = next(codec for codec in CODECS if isinstance(item, codec.kind))
        return cast(ItemKey, codec.key(item))

    def absent(self, key: ItemKey) -> Item:
        """Return what stands for no item at ``key``."""
        absent: Item = codec_for(key).absent(key)
        return absent

    def decode(self, item: FileItem) -> Item:
        """Return the value of an item of any kind."""
        value: Item = codec_for((item.pk, item.sk)).decode(item)
        return value

    def unreadable(self, key: ItemKey, *, revision: str, texts: Mapping[str, str]) -> Item:
        """Return the value of an item that cannot be decoded."""
        value: Item = codec_for(key).unreadable(key, revision=revision, texts=texts)
        return value

    def encode(self, value: Item) -> dict[str, Any]:
        """Return the attributes of any value."""
        return codec_for(self.key(value)).encode(value)


CODECS: list[ItemCodec[Any]] = [EntryCodec(), NameCodec(), UsageCodec(), PointerCodec()]


def codec_for(key: ItemKey) -> ItemCodec[Any]:
    """Return the codec of the item at ``key``; of an odd one, that of entries."""
    if key[0].startswith(POINTER):
        return CODECS[3]
    if key[1].startswith(NAME):
        return CODECS[1]
    return CODECS[2] if key[1] == USAGE else CODECS[0]


def entry_key(owner_id: str, upload_id: str) -> ItemKey:
    """Return the key of the entry of an object."""
    return f"{OWNER}{owner_id}", f"{ENTRY}{upload_id}"


def name_key(owner_id: str, name: str) -> ItemKey:
    """Return the key of a name."""
    return f"{OWNER}{owner_id}", f"{NAME}{name}"


def pointer_key(file_id: str) -> ItemKey:
    """Return the key of the pointer to a file."""
    return f"{POINTER}{file_id}", "A"


def usage_key(owner_id: str) -> ItemKey:
    """Return the key of what an owner uses."""
    return f"{OWNER}{owner_id}", USAGE


EntryTable = Table[Entry, ItemKey]
NameTable = Table[Name, ItemKey]
PointerTable = Table[Pointer, ItemKey]


@cache
def live_entries() -> EntryTable:
    """Return the entries of the table that the settings name."""
    return EntryTable(EntryCodec())


@cache
def live_items() -> "Table[Item, ItemKey]":
    """Return the items of all kinds in the table that the settings name."""
    return Table[Item, ItemKey](AnyCodec())


@cache
def live_names() -> NameTable:
    """Return the names of the table that the settings name."""
    return NameTable(NameCodec())


@cache
def live_pointers() -> PointerTable:
    """Return the pointers of the table that the settings name."""
    return PointerTable(PointerCodec())


@cache
def live_usage() -> Tally:
    """Return what owners use, in the table that the settings name."""
    return Tally(UsageItem, ("bytes_used", "file_count"))
