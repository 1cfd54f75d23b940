"""Fixtures of the queue and the topic that the settings name."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings
from moto.backends import get_backend
from moto.server import ThreadedMotoServer

from aws import clients
from aws.queue import SqsQueue, live_queue
from tests.queues import make_queue


@pytest.fixture(scope="session")
def messaging() -> Iterator[None]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    made = (clients.queue_client, clients.waiting_queue_client, clients.topic_client)
    with override_settings(AWS_SQS_ENDPOINT_URL=url, AWS_SNS_ENDPOINT_URL=url):
        for each in made:
            each.cache_clear()
            each()
        yield
    for each in made:
        each.cache_clear()
    server.stop()


@pytest.fixture
def queue(messaging: None) -> SqsQueue:
    """Return the queue that the settings name, empty, with an empty one for its dead letters."""
    for name in ("sqs", "sns"):
        backends: Any = get_backend(name)
        for backend in list(backends.values()):
            backend.reset()
    make_queue("triphase-events")
    live_queue.cache_clear()
    return SqsQueue("triphase-events")
