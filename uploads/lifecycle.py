"""The bucket's lifecycle: the rules that expire what nobody confirmed, and when they do.

Source: Amazon S3 User Guide, "Examples of S3 Lifecycle configurations" and "Setting lifecycle
configuration rules based on object age".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from uploads.policies import PENDING_TAG
from uploads.tokens import PENDING_PREFIX

if TYPE_CHECKING:  # the embedded AWS needs this module, and no bucket
    from uploads.bucket import ListedObject

PENDING_DAYS = 1


@dataclass(frozen=True)
class RuleFilter:
    """Which objects a rule is for: those that meet all its conditions; sizes in bytes."""

    prefix: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    larger_than: int | None = None
    smaller_than: int | None = None

    @classmethod
    def of(cls, rule: Mapping[str, Any]) -> Self:
        """Return the filter of a rule in the shape of the API, whoever wrote it.

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


def lifecycle_rules() -> list[Any]:
    """Return the rules the bucket must have, in the shape of the API.

    By prefix and by tag, each on its own: under ``pending/`` everything goes, whatever its
    tags; elsewhere whatever still carries ``Status=Pending``. Parts of an unfinished multipart
    upload cannot be chosen by tag.
    """
    key, value = PENDING_TAG
    return [
        _expiry("expire-pending-prefix", {"Prefix": PENDING_PREFIX}),
        _expiry("expire-pending-tag", {"Tag": {"Key": key, "Value": value}}),
        {
            "ID": "abort-unfinished-multiparts",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": PENDING_DAYS},
        },
    ]


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


def expires_by_own_rules(found: "ListedObject") -> datetime | None:
    """Return when `lifecycle_rules` make a listed object expire; listings tell no tags."""
    return expires_at(
        found.key,
        last_modified=found.last_modified,
        tags={},
        size=found.size,
        rules=lifecycle_rules(),
    )


def _expiry(name: str, chosen: dict[str, Any]) -> dict[str, Any]:
    return {
        "ID": name,
        "Status": "Enabled",
        "Filter": chosen,
        "Expiration": {"Days": PENDING_DAYS},
    }
