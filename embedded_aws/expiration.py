"""When a bucket's lifecycle rules make an object expire, as S3 tells it in its answers.

AWS: "Setting lifecycle configuration on a bucket", "Lifecycle rules: Based on an object's age" and
the header x-amz-expiration of "PutObject". Whole days, rounded up to the next midnight UTC.
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
    """An enabled rule that expires objects: its name, after how many days, which ones."""

    name: str
    days: int
    chosen: Chosen

    def due(self, written_at: datetime) -> datetime:
        """The first midnight UTC that is at least `days` after `written_at` (UTC)."""
        due = written_at + timedelta(days=self.days)
        midnight = due.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight if midnight == due else midnight + timedelta(days=1)


def expiring(rules: Iterable[Any]) -> list[Rule]:
    """Those of the rules in the shape of the API that are on and expire objects by age."""
    return [
        Rule(rule.get("ID", ""), rule["Expiration"]["Days"], Chosen.by(rule))
        for rule in rules
        if rule["Status"] == "Enabled" and "Days" in rule.get("Expiration", {})
    ]


def expiration(
    rules: Iterable[Rule], *, key: str, tags: Mapping[str, str], size: int, written_at: datetime
) -> str:
    """The header's value for the rule that comes first, "" if none reaches the object."""
    reaching = [rule for rule in rules if rule.chosen.has(key, tags=tags, size=size)]
    if not reaching:
        return ""
    first = min(reaching, key=lambda rule: rule.days)
    date = format_datetime(first.due(written_at), usegmt=True)
    return f'expiry-date="{date}", rule-id="{quote(first.name, safe="")}"'
