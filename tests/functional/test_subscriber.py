"""The subscriber in docs/events.md, run as it stands there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.conf import settings as django_settings

from aws.queue import SqsQueue
from tests.queues import bodies, subscribe
from tests.waiting import wait_until
from uploads.notifying import Event, message, publish

DOCS = (django_settings.BASE_DIR / "docs" / "events.md").read_text()
[PROGRAM] = re.findall(r"^```python\n(.*?)^```$", DOCS, flags=re.MULTILINE | re.DOTALL)
NAME = "my-files"


@pytest.fixture
def subscriber(queue: SqsQueue) -> Iterator["subprocess.Popen[str]"]:
    """Return the program, subscribed to the topic, as it runs."""
    subscribe(NAME, django_settings.EVENTS_TOPIC)
    variables = {
        "AWS_ENDPOINT_URL": str(django_settings.AWS_SQS_ENDPOINT_URL),
        "AWS_ACCESS_KEY_ID": str(django_settings.AWS_ACCESS_KEY_ID),
        "AWS_SECRET_ACCESS_KEY": str(django_settings.AWS_SECRET_ACCESS_KEY),
        "AWS_DEFAULT_REGION": django_settings.AWS_REGION,
    }
    with subprocess.Popen(  # noqa: S603 (our own program)
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        yield running
        running.kill()


def tell(event: Event, name: str) -> None:
    publish(
        message(
            event,
            owner_id="o1",
            upload_id=f"upload of {name}",
            occurred_at=datetime.now(UTC),
            file={"name": name},
        )
    )


def test_subscriber_prints_each_file_once(subscriber: "subprocess.Popen[str]") -> None:
    assert subscriber.stdout

    for _copy in range(3):
        tell(Event.READY, "größe.txt")
    tell(Event.REFUSED, "bad.exe")
    printed = {subscriber.stdout.readline(), subscriber.stdout.readline()}
    tell(Event.READY, "last.txt")

    assert printed == {"file.ready größe.txt\n", "file.refused bad.exe\n"}
    assert subscriber.stdout.readline() == "file.ready last.txt\n"
    wait_until(lambda: not bodies(NAME))
    assert subscriber.poll() is None
