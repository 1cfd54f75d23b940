"""Which objects a lifecycle rule is for.

AWS: "PutBucketLifecycleConfiguration", the elements Filter and And, and the older Prefix.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Chosen:
    """The objects a rule is for: all conditions must hold. Sizes are in bytes."""

    prefix: str = ""
    tags: frozenset[tuple[str, str]] = frozenset()
    above: float = -1
    below: float = float("inf")

    @classmethod
    def by(cls, rule: Mapping[str, Any]) -> Self:
        """Return the objects that `rule`, in the shape of the API, is for.

        KeyError, TypeError or AttributeError if the filter is not one: half a tag, for example.
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
        """Return whether an object is among them."""
        if not key.startswith(self.prefix) or not self.above < size < self.below:
            return False
        return self.tags <= set(tags.items())
