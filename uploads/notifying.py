"""Tells a topic what became of each file: one JSON message, which docs/events.md documents.

At least once: a message that may not have been sent is sent again, under the same id.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import structlog

from aws.errors import TopicMissing
from aws.topic import live_topic

logger = structlog.stdlib.get_logger(__name__)

VERSION = 1


class Event(StrEnum):
    """What became of a file; an upload meets one of them."""

    READY = "file.ready"
    REFUSED = "file.refused"


def message(
    event: Event,
    *,
    owner_id: str,
    upload_id: str,
    occurred_at: datetime,
    file: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the message; the same facts make the same one, at any time.

    ``file`` is what the routes of files answer, with a ``reason`` where it was refused.
    """
    return {
        "version": VERSION,
        "id": f"{event}:{upload_id}",
        "event": str(event),
        "occurred_at": occurred_at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "owner_id": owner_id,
        "upload_id": upload_id,
        "file": dict(file),
    }


def publish(message: Mapping[str, Any]) -> None:
    """Send ``message`` to the topic; do nothing where the settings name none.

    Nor where there is none of that name: nobody can have subscribed to it. Raises
    StorageUnavailable if it may not have been sent.
    """
    topic = live_topic()
    if topic is None:
        return
    try:
        topic.publish(json.dumps(message), attributes={"event": str(message["event"])})
    except TopicMissing:
        logger.warning("topic_missing", topic=topic.name)
