"""The queue of events of objects and the topic of notices, without SQS and SNS."""

from dataclasses import dataclass

from sortedcontainers import SortedDict

Message = tuple[str, int]  # the key of an object that came to be, and for which time


@dataclass
class MemoryQueue:
    """All messages that were ever sent, and whether each still waits.

    Delivery is at least once, in any order: a message that was received stays for the next one who
    asks, until it is acknowledged.
    """

    messages: "SortedDict[Message, bool]"

    @property
    def pending(self) -> list[Message]:
        """The messages that nobody has acknowledged."""
        return [message for message, waits in self.messages.items() if waits]

    def send(self, key: str) -> None:
        """Send the event of the object at ``key``."""
        earlier = sum(1 for sent, _ in self.messages if sent == key)
        self.messages[key, earlier] = True

    def receive(self, number: int = 0) -> Message | None:
        """Return a message; None if there is none. ``number`` chooses which."""
        pending = self.pending
        return pending[number % len(pending)] if pending else None

    def acknowledge(self, message: Message) -> None:
        """Delete a message that was received."""
        self.messages[message] = False


@dataclass
class MemoryTopic:
    """The ids of all messages that were ever published."""

    published: "SortedDict[str, None]"

    def publish(self, message_id: str) -> None:
        """Tell all who have subscribed."""
        self.published[message_id] = None
