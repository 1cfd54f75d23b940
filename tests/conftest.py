"""Fixtures of all tests: the embedded AWS of this process, emptied before each use."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import hypothesis
import pytest
import time_machine
from django.conf import settings
from django.db import connections
from django.test import override_settings

from avatars.references import Stores, live_stores
from aws import clients
from aws.queue import SqsQueue, live_queue
from aws.topic import live_topic
from embedded_aws.server import EmbeddedAWS
from inspection import health
from tests.arrivals import arrivals
from tests.builders import at_once
from tests.engines import elsewhere
from uploads.provisioning import provision
from web import rates

__all__ = ["arrivals"]

# How long an example takes says nothing on a busy machine.
hypothesis.settings.register_profile("tests", deadline=None, max_examples=60)
hypothesis.settings.load_profile("tests")


LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect the tests at another time than they run.

    On a slow machine minutes pass between the two. A value that a test module takes from the clock
    while it is imported, in a list of parameters say, is too old then; here it always is.
    """
    with time_machine.travel(LONG_AGO):
        return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    """Deselect tests that make no sense with a bucket on another engine."""
    if elsewhere.is_elsewhere():
        elsewhere.leave_out(items, config)


@pytest.fixture(scope="session", autouse=True)
def urls_of_the_demo() -> None:
    """Load the URLs once, before a test turns the demo off: some exist in the demo only."""
    import_module(settings.ROOT_URLCONF)


@pytest.fixture(scope="session", autouse=True)
def uncollected_static_files() -> Iterator[None]:
    """Serve static files without ``collectstatic``."""
    with override_settings(WHITENOISE_AUTOREFRESH=True):
        yield


@pytest.fixture(scope="session", autouse=True)
def health_unremembered() -> Iterator[None]:
    """Have every request of /readyz check anew, whatever the test before has left."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(health, "GOOD_FOR_SECONDS", 0)
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep SQLite's test database in a file: one in memory refuses instead of waiting its turn,
    and a page of a browser test may still be loading a picture when the next test begins."""
    default = connections["default"]
    if default.vendor == "sqlite":
        name = tmp_path_factory.mktemp("database") / "test.sqlite3"
        default.settings_dict["TEST"]["NAME"] = str(name)


@pytest.fixture(scope="session")
def embedded_aws() -> Iterator[EmbeddedAWS]:
    """Return the running embedded AWS of this process."""
    server = EmbeddedAWS(
        port=settings.EMBEDDED_AWS_PORT,
        access_key=str(settings.AWS_ACCESS_KEY_ID),
        secret_key=str(settings.AWS_SECRET_ACCESS_KEY),
        region=settings.AWS_REGION,
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def provisioned(embedded_aws: EmbeddedAWS) -> Any:
    """Return the embedded AWS as ``provision`` sets it up; once, as each time takes 50 ms."""
    embedded_aws.reset()
    if not elsewhere.is_elsewhere():
        list(provision(change=True))
    return embedded_aws.snapshot()


@pytest.fixture
def aws(embedded_aws: EmbeddedAWS, provisioned: Any, monkeypatch: pytest.MonkeyPatch) -> Stores:
    """Return stores on an empty, provisioned bucket and table; background work runs at once."""
    embedded_aws.restore(provisioned)
    if elsewhere.is_elsewhere():
        elsewhere.make_ready()
    rates.forget_all()
    # Made now, from the settings of the run: a test may change them before it uses a client, and
    # one of another test may have forgotten those made before.
    for made_once in (
        clients.client,
        clients.browser_client,
        clients.unsigned_client,
        clients.queue_client,
        clients.waiting_queue_client,
        clients.topic_client,
    ):
        made_once()
    monkeypatch.setattr(live_stores(), "later", at_once)
    return replace(live_stores())


@pytest.fixture
def queue(aws: Stores) -> SqsQueue:
    """Return the queue of events as ``provision`` makes it, empty."""
    for made_once in (live_queue, live_topic):
        made_once.cache_clear()
    made = SqsQueue("triphase-events")
    for message in made.receive(limit=10, wait=0, hide=60):
        made.delete(message)  # the test event that S3 sends when it is told to tell the queue
    return made
