"""The parameters of a request that stores an asset, each refused by its name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from files.items import OPEN
from web.errors import BadRequest

YES, NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


@dataclass(frozen=True)
class Wishes:
    """What is asked for beside the file: a link that lives ``minutes``, and who may read it."""

    token: bool
    minutes: int | None
    private: bool

    @property
    def access(self) -> str | None:
        """What the entry says of who may read."""
        return None if self.private else OPEN


def wishes_of(given: Mapping[str, str]) -> Wishes:
    """Return what ``token``, ``expiry`` (minutes) and ``private`` say; raises BadRequest."""
    return Wishes(
        token=yes_or_no(given, "token"),
        minutes=minutes(given),
        private=yes_or_no(given, "private"),
    )


def yes_or_no(given: Mapping[str, str], name: str) -> bool:
    """Return a parameter as yes or no; without it, no."""
    value = given.get(name, "").strip().lower()
    if value not in YES | NO:
        raise BadRequest(_("%s must be 1 or 0.") % name)
    return value in YES


def minutes(given: Mapping[str, str]) -> int | None:
    """Return ``expiry``, None without it."""
    value = given.get("expiry", "").strip()
    if not value:
        return None
    number = int(value) if re.fullmatch(r"[0-9]{1,9}", value) else 0
    return checked_minutes(number, "expiry")


def checked_minutes(number: int | None, name: str) -> int | None:
    """Return how long a link is to live, None for the default; raises BadRequest."""
    most = settings.LINK_MAX_MINUTES
    if number is not None and not 1 <= number <= most:
        text = _("%(name)s must be a number of minutes from 1 to %(most)s.")
        raise BadRequest(text % {"name": name, "most": most})
    return number


def version_of(given: Mapping[str, str]) -> int | None:
    """Return ``version``, None for the newest; -1 for what no version can be."""
    value = given.get("version", "")
    if not value:
        return None
    return int(value) if re.fullmatch(r"[0-9]{1,9}", value) else -1
