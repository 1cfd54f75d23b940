"""What a consumer in a process of its own is told to do: it makes one entry for each object.

As acceptance does, it looks at the object, and then writes on the condition that there is no entry.
The entry is an item of the table of avatars, whose hash key is the object's key.
"""

import os
import time
from pathlib import Path

from django.utils import timezone

from avatars.references import live_references
from aws.bucket import live_bucket

HOLD = "TEST_HOLD"  # a file: while it is there, no entry is made
POLL = 0.01  # seconds


def arrived(key: str) -> None:
    """Make the entry of ``key``, if there is the object, and none yet."""
    hold = os.environ.get(HOLD)
    while hold and Path(hold).exists():
        Path(f"{hold}.seen").touch()
        time.sleep(POLL)
    if live_bucket().exists(key):
        make_entry(key)


def make_entry(key: str) -> None:
    """Write the entry of ``key`` if there is none."""
    before = live_references().read(key)
    if before.revision is None:
        live_references().replace(before, before.emptied(now=timezone.now()))


def entries() -> dict[str, str | None]:
    """Return the revision of each entry by its key: another write would make it another one."""
    return {found.owner_id: found.revision for found in live_references().scan()}
