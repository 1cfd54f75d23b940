"""Says which objects a lifecycle rule is for.

AWS: "PutBucketLifecycleConfiguration", the elements Filter and And, and the older Prefix.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Chosen:
    """The conditions that an object must meet, all of them. Sizes are in bytes."""

    prefix: str = ""
    tags: frozenset[tuple[str, str]] = frozenset()
    above: float = -1
    below: float = float("inf")

    @classmethod
    def by(cls, rule: Mapping[str, Any]) -> Self:
        """Return the conditions of ``rule``, which has the shape of the API.

        Raises KeyError, TypeError or AttributeError for a bad filter, such as a tag without value.
        """
        conditions = dict(rule.get("Filter") or {})
        conditions.update(conditions.pop("And", {}))
        tags = list(conditions.get("Tags", ()))
        if "Tag" in conditions:
            tags.append(conditions["Tag"])
        return cls(
            prefix=conditions.get("Prefix") or rule.get("Prefix") or "",
            tags=frozenset((tag["Key"], tag["Value"]) for tag in tags),
            above=conditions.get("ObjectSizeGreaterThan", -1),
            below=conditions.get("ObjectSizeLessThan", float("inf")),
        )

    def has(self, key: str, *, tags: Mapping[str, str], size: int) -> bool:
        """Return whether an object meets them."""
        if not key.startswith(self.prefix) or not self.above < size < self.below:
            return False
        return self.tags <= set(tags.items())
