"""What the inspection pages call the states of objects and items, and a page of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PAGE_SIZE = 50

LABELS: dict[str, str | Promise] = {
    "live": _("Live"),
    "pending": _("Pending"),
    "arrived": _("Arrived"),
    "orphan": _("Orphan"),
    "unknown": _("Unknown"),
    "ghost": _("Ghost"),
    "empty": _("No picture"),
    "closed": _("Account deleted"),
    "refused": _("Refused"),
    "deleted": _("Deleted"),
    "strange": _("Strange"),
}


@dataclass(frozen=True)
class Page:
    """One page of rows; ``next_after`` is empty on the last one."""

    rows: Sequence[Any]
    next_after: str
