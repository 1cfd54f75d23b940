"""The lifecycle rules of the bucket: what was never confirmed expires by itself.

So do old versions, where the bucket keeps them: deleting an object there only hides it. The rules
are the same for every bucket, since a bucket may be switched to versions at any time.
"""

from datetime import datetime
from typing import Any

from django.conf import settings

from aws.bucket import ListedObject
from aws.lifecycle import expires_at
from aws.policies import PENDING_TAG
from uploads.keys import PENDING_PREFIX

PENDING_DAYS = 1
# For how long a version that was replaced or deleted can still be restored: as long as the table.
REMOVED_DAYS = 35


def lifecycle_rules() -> list[Any]:
    """Return the rules the bucket must have, in the shape of the API.

    By prefix and by tag, each on its own: under ``pending/`` everything goes, whatever its
    tags; elsewhere whatever still carries ``Status=Pending``. Parts of an unfinished multipart
    upload cannot be chosen by tag, nor can the marker that a deletion leaves in place of an
    object. Where rules overlap, S3 takes the shortest time.
    Source: Amazon S3 User Guide, "Lifecycle configuration elements" and "How Amazon S3 handles
    conflicts in lifecycle configurations".
    """
    key, value = PENDING_TAG
    return [
        _expiry("expire-pending-prefix", {"Prefix": PENDING_PREFIX}),
        _expiry("expire-pending-tag", {"Tag": {"Key": key, "Value": value}}),
        {
            "ID": "abort-unfinished-multiparts",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": settings.FILE_UPLOAD_DAYS},
        },
        {
            "ID": "expire-old-versions",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": REMOVED_DAYS},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
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
        "NoncurrentVersionExpiration": {"NoncurrentDays": PENDING_DAYS},
    }
