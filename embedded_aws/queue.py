"""A queue of moto's that stays quick when it is long.

moto looks at every message of a queue several times for each one that is sent, received or deleted:
2,000 messages took two minutes. What it looks for is counted here only when somebody asks, and a
search ends at the first hit.
"""

from collections.abc import Callable, Iterator
from typing import Any

from moto.sqs.exceptions import ReceiptHandleIsInvalid
from moto.sqs.models import Message, Queue


class QuickQueue(Queue):
    """A queue that does the same, without reading all of its messages each time."""

    @property
    def messages(self) -> Any:
        """The messages that can be received now."""
        return _Receivable(self._messages)

    @property
    def approximate_number_of_messages(self) -> Any:
        return _Count(lambda: len(self.messages))

    @property
    def approximate_number_of_messages_delayed(self) -> Any:
        return _Count(lambda: sum(message.delayed for message in self._messages))

    @property
    def approximate_number_of_messages_not_visible(self) -> Any:
        return _Count(lambda: sum(not message.visible for message in self._messages))

    def delete_message(self, receipt_handle: str) -> None:
        if receipt_handle in self.deleted_messages:
            return
        for message in self._messages:
            if message.had_receipt_handle(receipt_handle):
                self._messages.remove(message)
                self.pending_messages.discard(message)
                self.deleted_messages.update(filter(None, message.all_receipt_handles))
                return
        raise ReceiptHandleIsInvalid


class _Receivable:
    """The messages of a list that are visible, found as far as they are asked for."""

    def __init__(self, messages: list[Message]) -> None:
        self._messages = messages

    def __iter__(self) -> Iterator[Message]:
        for message in list(self._messages):
            if message.visible and not message.delayed:
                yield message

    def __bool__(self) -> bool:
        return any(True for _ in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Count:
    """A number that is counted when it is written out."""

    def __init__(self, count: Callable[[], int]) -> None:
        self._count = count

    def __str__(self) -> str:
        return str(self._count())
