"""The tables of files, one for each kind of item; all of them are the same DynamoDB table."""

from functools import cache

from aws.table import Table
from aws.tally import Tally
from files.codecs import AnyCodec, EntryCodec, NameCodec, PointerCodec
from files.items import Entry, Item, ItemKey, Name, Pointer
from files.models import UsageItem

EntryTable = Table[Entry, ItemKey]
NameTable = Table[Name, ItemKey]
PointerTable = Table[Pointer, ItemKey]


@cache
def live_entries() -> EntryTable:
    """Return the entries of the table that the settings name."""
    return EntryTable(EntryCodec())


@cache
def live_items() -> Table[Item, ItemKey]:
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
