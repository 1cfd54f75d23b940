"""Fixtures of the queue and the topic that the settings name."""

import pytest

from avatars.references import Stores
from aws.queue import SqsQueue, live_queue
from aws.topic import live_topic
from tests.arrivals import arrivals

__all__ = ["arrivals"]


@pytest.fixture
def queue(aws: Stores) -> SqsQueue:
    """Return the queue that the settings name, as ``provision`` makes it, empty."""
    for made_once in (live_queue, live_topic):
        made_once.cache_clear()
    made = SqsQueue("triphase-events")
    for message in made.receive(limit=10, wait=0, hide=60):
        made.delete(message)  # the test event that S3 sends when it is told to tell the queue
    return made
