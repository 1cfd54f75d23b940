"""Ways to break a rule of files."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from files import accepting, closing, deleting, library, placing, services, sweeping
from files.items import Item
from tests.simulation.memory import MemoryItems
from tests.simulation.mutant import Patch


def do_nothing(*_: object, **__: object) -> None:
    pass


def unconditional(kind: type[Item]) -> Patch:
    """Drop the condition of every write of items of a kind."""
    conditional = MemoryItems.replace

    def write_over(table: MemoryItems[Any], before: Any, after: Any) -> None:
        if isinstance(after, kind):
            table.items[table.codec.key(after)] = after
        else:
            conditional(table, before, after)

    return patch.object(MemoryItems, "replace", write_over)


def removing(kind: type[Item], is_over: Callable[[Any], bool]) -> Patch:
    """Remove items of a kind where the product marks them."""
    mark = MemoryItems.replace

    def remove(table: MemoryItems[Any], before: Any, after: Any) -> None:
        mark(table, before, after)
        if isinstance(after, kind) and is_over(after):
            del table.items[table.codec.key(after)]

    return patch.object(MemoryItems, "replace", remove)


@contextmanager
def wherever(name: str, stand_in: Callable[..., Any]) -> Iterator[None]:
    """Replace a function in every module that has it."""
    with ExitStack() as patches:
        for module in (accepting, closing, deleting, library, placing, services, sweeping):
            if hasattr(module, name):
                patches.enter_context(patch.object(module, name, stand_in))
        yield
