"""Numbers that many add to at once: each change is one update with a bound, sent once.

An addition must not be repeated by the SDK, which cannot know whether the first was carried out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pynamodb.exceptions import AttributeDeserializationError, UpdateError

from aws.deadlines import in_time
from aws.errors import LimitReached, OutcomeUnknown, RevisionMoved, StorageUnavailable
from aws.table import ItemModel, translated


@dataclass(frozen=True)
class Counts:
    """The numbers of an item; ``moves`` is how often they were changed.

    Once ``closed_at`` is set nothing more is added within bounds.
    """

    key: tuple[str, str]
    numbers: Mapping[str, int]
    moves: int = 0
    updated_at: datetime | None = None
    closed_at: datetime | None = None


class Tally:
    """Items that hold the numbers called ``names``. Its methods may be called by many threads."""

    def __init__(self, model: type[ItemModel], names: Sequence[str]) -> None:
        self._model = model
        self._names = names
        self._attributes: Any = model.get_attributes()

    @in_time("dynamodb")
    def read(self, key: tuple[str, str]) -> Counts:
        """Return the numbers at ``key``, strongly consistent; zeros where there is no item."""
        with translated():
            answer = self._model._get_connection().get_item(*key, consistent_read=True)
            raw = answer.get("Item")
            if not raw:
                return Counts(key, dict.fromkeys(self._names, 0))
            try:
                item: Any = self._model.from_raw_data(
                    {name: raw[name] for name in self._attributes if name in raw}
                )
            except (AttributeDeserializationError, ValueError) as error:
                raise StorageUnavailable from error
            numbers = {name: int(getattr(item, name) or 0) for name in self._names}
            return Counts(key, numbers, int(item.moves or 0), item.updated_at, item.closed_at)

    def add(
        self,
        key: tuple[str, str],
        amounts: Mapping[str, int],
        *,
        now: datetime,
        at_most: Mapping[str, int] | None = None,
        before: str = "",
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Add ``amounts``, under the condition that no number gets above ``at_most``.

        With bounds nothing is added to a closed item, either, and with ``before`` only to an item
        that has an attribute of this name, a time that is still to come. ``facts`` are set along
        with it. Raises LimitReached, and OutcomeUnknown if the addition may have been carried out,
        or may still be.
        """
        bounds = {name: most - amounts[name] for name, most in (at_most or {}).items()}
        if any(bound < 0 for bound in bounds.values()):
            raise LimitReached
        condition: Any = None
        for name, bound in bounds.items():
            attribute = self._attributes[name]
            within = attribute.does_not_exist() | (attribute <= bound)
            condition = within if condition is None else condition & within
        if at_most is not None:
            still_open = self._attributes["closed_at"].does_not_exist()
            condition = still_open if condition is None else condition & still_open
        if before:
            condition = (self._attributes[before] > now) & condition
        actions = [self._attributes[name].add(amount) for name, amount in amounts.items()]
        actions += [self._attributes[name].set(fact) for name, fact in (facts or {}).items()]
        self._send(key, [*actions, *self._moved(now)], condition, LimitReached)

    def close(self, key: tuple[str, str], *, now: datetime, known_by: str = "") -> None:
        """Let nothing more be added within bounds; raises OutcomeUnknown.

        With ``known_by`` only an item that has such an attribute is closed, else LimitReached is
        raised; without, one that is not there is made.
        """
        condition = self._attributes[known_by].exists() if known_by else None
        actions = [self._attributes["closed_at"].set(now), *self._moved(now)]
        self._send(key, actions, condition, LimitReached)

    def correct(self, before: Counts, numbers: Mapping[str, int], *, now: datetime) -> None:
        """Set the numbers, if nothing was added since ``before``.

        Raises RevisionMoved and OutcomeUnknown.
        """
        moves = self._attributes["moves"]
        unchanged = moves == before.moves if before.moves else moves.does_not_exist()
        actions = [self._attributes[name].set(number) for name, number in numbers.items()]
        self._send(before.key, [*actions, *self._moved(now)], unchanged, RevisionMoved)

    def _moved(self, now: datetime) -> list[Any]:
        return [self._attributes["moves"].add(1), self._attributes["updated_at"].set(now)]

    def _send(
        self, key: tuple[str, str], actions: list[Any], condition: Any, refusal: type[Exception]
    ) -> None:
        try:
            self._update(key, actions, condition, refusal)
        except StorageUnavailable as error:
            raise OutcomeUnknown from error

    @in_time("dynamodb")
    def _update(
        self, key: tuple[str, str], actions: list[Any], condition: Any, refusal: type[Exception]
    ) -> None:
        with translated():
            try:
                self._model(*key).update(actions=actions, condition=condition)
            except UpdateError as error:
                if error.cause_response_code == "ConditionalCheckFailedException":
                    raise refusal from error
                raise
