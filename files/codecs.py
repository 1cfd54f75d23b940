"""How the items of files are stored: each fact is an attribute of its name."""

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any, ClassVar, Generic, TypeVar, cast

from files.items import (
    ENTRY,
    LINK,
    NAME,
    OTHERS,
    OWNER,
    POINTER,
    USAGE,
    Entry,
    Item,
    ItemKey,
    Name,
    Other,
    Pointer,
    State,
    Usage,
    entry_key,
    name_key,
    pointer_key,
    usage_key,
)
from files.models import FileItem

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


class OtherCodec(ItemCodec[Other]):
    """Items that this app does not know."""

    kind = Other
    needed = ()
    in_key = ("key",)

    def key(self, other: Other) -> ItemKey:
        """Return the key."""
        return other.key

    def absent(self, key: ItemKey) -> Other:
        """Return what stands for no item."""
        return Other(key=key)


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


CODECS: list[ItemCodec[Any]] = [
    *(EntryCodec(), NameCodec(), UsageCodec(), PointerCodec(), OtherCodec()),
]


def codec_for(key: ItemKey) -> ItemCodec[Any]:
    """Return the codec of the item at ``key``; of an odd one, that of entries."""
    if key[0].startswith(OTHERS) or key[1].startswith(LINK):
        return CODECS[4]
    if key[0].startswith(POINTER):
        return CODECS[3]
    if key[1].startswith(NAME):
        return CODECS[1]
    return CODECS[2] if key[1] == USAGE else CODECS[0]
