"""The header in which S3 says when a lifecycle rule makes an object expire.

AWS: "Setting lifecycle configuration on a bucket", "Lifecycle rules: Based on an object's age" and
the header ``x-amz-expiration`` of "PutObject". Whole days, rounded up to the next midnight UTC.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from embedded_aws.lifecycle import Chosen


@dataclass(frozen=True, slots=True)
class Rule:
    """An enabled rule that expires objects: its name, its number of days, and which objects."""

    name: str
    days: int
    chosen: Chosen

    def due(self, written_at: datetime) -> datetime:
        """Return the first midnight UTC that is at least ``days`` after ``written_at`` (UTC)."""
        due = written_at + timedelta(days=self.days)
        midnight = due.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight if midnight == due else midnight + timedelta(days=1)


def expiring(rules: Iterable[Any]) -> list[Rule]:
    """Return the enabled rules that expire objects by age; ``rules`` have the shape of the API."""
    return [
        Rule(rule.get("ID", ""), rule["Expiration"]["Days"], Chosen.by(rule))
        for rule in rules
        if rule["Status"] == "Enabled" and "Days" in rule.get("Expiration", {})
    ]


def expiration(
    rules: Iterable[Rule], *, key: str, tags: Mapping[str, str], size: int, written_at: datetime
) -> str:
    """Return the value of the header for the earliest rule, "" if no rule is for the object."""
    applying = [rule for rule in rules if rule.chosen.has(key, tags=tags, size=size)]
    if not applying:
        return ""
    first = min(applying, key=lambda rule: rule.days)
    date = format_datetime(first.due(written_at), usegmt=True)
    return f'expiry-date="{date}", rule-id="{quote(first.name, safe="")}"'
