"""The bucket's lifecycle: the rules that expire what nobody confirmed, and when they do.

Source: Amazon S3 User Guide, "Examples of S3 Lifecycle configurations" and "Setting lifecycle
configuration rules based on object age".
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from uploads.policies import PENDING_TAG
from uploads.tokens import PENDING_PREFIX

PENDING_DAYS = 1


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
    key: str, *, last_modified: datetime, tags: Mapping[str, str], rules: Sequence[Any]
) -> datetime | None:
    """Return when the first of ``rules`` to reach the object makes it expire; None if none does.

    Days are whole: the time is rounded up to the next midnight UTC, so that one day means 24 to
    48 hours.
    """
    days = [
        rule["Expiration"]["Days"]
        for rule in rules
        if rule["Status"] == "Enabled"
        and "Days" in rule.get("Expiration", {})
        and _chosen(rule.get("Filter", rule), key, tags)
    ]
    if not days:
        return None
    due = last_modified + timedelta(days=min(days))
    midnight = due.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == due else midnight + timedelta(days=1)


def _chosen(chosen: Mapping[str, Any], key: str, tags: Mapping[str, str]) -> bool:
    """Return whether a rule's filter (a prefix, a tag, or ``And`` of both) takes in the object."""
    both = chosen.get("And", chosen)
    wanted = [*both.get("Tags", []), *([both["Tag"]] if "Tag" in both else [])]
    return key.startswith(both.get("Prefix", "")) and all(
        tags.get(tag["Key"]) == tag["Value"] for tag in wanted
    )


def _expiry(name: str, chosen: dict[str, Any]) -> dict[str, Any]:
    return {
        "ID": name,
        "Status": "Enabled",
        "Filter": chosen,
        "Expiration": {"Days": PENDING_DAYS},
    }
