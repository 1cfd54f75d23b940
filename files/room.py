"""What the files of an owner take up, counted so that it is never too little.

Each attempt to accept an object counts it before it puts the entry, whoever's put wins; the others
give their own back. A crash in between leaves too much, until the sweep counts an owner at rest.
Each change is sent once, and one whose outcome is unknown is left as it may be.
"""

import logging
from collections.abc import Mapping

from django.conf import settings
from django.utils import timezone

from aws.errors import OutcomeUnknown, StorageUnavailable
from files.items import Entry, usage_key
from files.stores import FileStores

logger = logging.getLogger(__name__)


def take_room(entry: Entry, *, stores: FileStores) -> None:
    """Count the file that ``entry`` is about to be.

    Raises LimitReached, and StorageUnavailable if the outcome is unknown: going on could leave a
    file uncounted.
    """
    try:
        stores.usage.add(
            usage_key(entry.owner_id), _amounts(entry), now=timezone.now(), at_most=limits()
        )
    except OutcomeUnknown as error:
        raise StorageUnavailable from error


def give_back(entry: Entry, *, stores: FileStores) -> None:
    """Count the file of ``entry`` no more."""
    amounts = {name: -amount for name, amount in _amounts(entry).items()}
    try:
        stores.usage.add(usage_key(entry.owner_id), amounts, now=timezone.now())
    except OutcomeUnknown:
        logger.warning("Left for the sweep to count: what %s uses", entry.owner_id)


def limits() -> dict[str, int]:
    """Return how much an owner may use."""
    return {"bytes_used": settings.FILE_QUOTA_BYTES, "file_count": settings.FILE_QUOTA_COUNT}


def _amounts(entry: Entry) -> Mapping[str, int]:
    return {"bytes_used": entry.size or 0, "file_count": 1}
