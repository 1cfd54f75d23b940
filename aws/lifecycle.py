"""What lifecycle rules mean: which objects a rule is for, and when it makes one expire.

Source: Amazon S3 User Guide, "Examples of S3 Lifecycle configurations" and "Setting lifecycle
configuration rules based on object age".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from aws.features import canonical


@dataclass(frozen=True)
class RuleFilter:
    """Which objects a rule is for: those that meet all its conditions; sizes in bytes."""

    prefix: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    larger_than: int | None = None
    smaller_than: int | None = None

    @classmethod
    def of(cls, rule: Mapping[str, Any]) -> Self:
        """Return the filter of a rule in the shape of the API, in each form it can have.

        Several conditions stand in the filter's ``And``, none means everything. Older tools write
        a prefix beside an empty filter, or beside none.
        """
        said = rule.get("Filter", {})
        said = {**said, **said.get("And", {})}
        tags = [*said.get("Tags", []), *([said["Tag"]] if "Tag" in said else [])]
        return cls(
            prefix=said.get("Prefix") or rule.get("Prefix", ""),
            tags=tuple(sorted((tag["Key"], tag["Value"]) for tag in tags)),
            larger_than=said.get("ObjectSizeGreaterThan"),
            smaller_than=said.get("ObjectSizeLessThan"),
        )

    def takes(self, key: str, *, tags: Mapping[str, str], size: int) -> bool:
        """Return whether the rule is for this object."""
        return (
            key.startswith(self.prefix)
            and all(tags.get(name) == value for name, value in self.tags)
            and (self.larger_than is None or size > self.larger_than)
            and (self.smaller_than is None or size < self.smaller_than)
        )


def expires_at(
    key: str,
    *,
    last_modified: datetime,
    tags: Mapping[str, str],
    size: int,
    rules: Sequence[Any],
) -> datetime | None:
    """Return when the first of ``rules`` to reach the object makes it expire; None if none does.

    Days are whole: the time is rounded up to the next midnight UTC, so that one day means 24 to
    48 hours. The size is in bytes.
    """
    days = [
        rule["Expiration"]["Days"]
        for rule in rules
        if rule["Status"] == "Enabled"
        and "Days" in rule.get("Expiration", {})
        and RuleFilter.of(rule).takes(key, tags=tags, size=size)
    ]
    if not days:
        return None
    due = last_modified + timedelta(days=min(days))
    midnight = due.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == due else midnight + timedelta(days=1)


def canonical_rules(rules: Sequence[Any]) -> Any:
    """Return rules in one shape, so that those which mean the same are equal."""
    return canonical([_canonical_rule(rule) for rule in rules])


def _canonical_rule(rule: Any) -> dict[str, Any]:
    facts = {name: value for name, value in rule.items() if name not in {"Prefix", "Filter"}}
    return {**facts, "Filter": RuleFilter.of(rule)}
