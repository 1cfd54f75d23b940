"""The lifecycle rules of the bucket: what was never confirmed expires by itself."""

from datetime import datetime
from typing import Any

from aws.bucket import ListedObject
from aws.lifecycle import expires_at
from aws.policies import PENDING_TAG
from uploads.keys import PENDING_PREFIX

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


def expires_by_own_rules(found: ListedObject) -> datetime | None:
    """Return when ``lifecycle_rules`` make a listed object expire; listings tell no tags."""
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
