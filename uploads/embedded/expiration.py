"""When a bucket's lifecycle rules make an object expire, as S3 tells it in its answers.

AWS: "Setting lifecycle configuration on a bucket", "Lifecycle rules: Based on an object's age" and
the header x-amz-expiration of "PutObject". Whole days, rounded up to the next midnight UTC. Written
apart from `uploads.lifecycle`, so that tests can compare the two.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Rule:
    """An enabled rule that expires objects: its name, which ones, after how many days."""

    name: str
    days: int
    prefix: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def reaches(self, key: str, tags: Mapping[str, str]) -> bool:
        return key.startswith(self.prefix) and self.tags.items() <= tags.items()

    def due(self, written_at: datetime) -> datetime:
        """The first midnight UTC that is at least `days` after `written_at` (UTC)."""
        due = written_at + timedelta(days=self.days)
        midnight = due.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight if midnight == due else midnight + timedelta(days=1)


def expiration(
    rules: Iterable[Rule], *, key: str, tags: Mapping[str, str], written_at: datetime
) -> str:
    """The header's value for the rule that comes first, "" if none reaches the object."""
    reaching = [rule for rule in rules if rule.reaches(key, tags)]
    if not reaching:
        return ""
    first = min(reaching, key=lambda rule: rule.days)
    date = format_datetime(first.due(written_at), usegmt=True)
    return f'expiry-date="{date}", rule-id="{quote(first.name, safe="")}"'
