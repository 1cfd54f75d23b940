"""``consume_events`` as a process: how it ends, and how it waits for a queue."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from aws.clients import queue_client
from aws.queue import QueueSize, SqsQueue
from aws.queue_features import queue_url
from tests.functional.steps import provision, put_object
from tests.queues import bodies
from tests.taken import HOLD, entries
from tests.waiting import PATIENCE, wait_until

NAME = "triphase-events"
Process = subprocess.Popen[bytes]


@pytest.fixture
def hold(tmp_path: Path) -> Path:
    """Return the file that holds the work back for as long as it is there."""
    path = tmp_path / "hold"
    path.touch()
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return the file with what the consumer writes."""
    return tmp_path / "log"


@contextmanager
def consuming(hold: Path, log: Path) -> Iterator[Process]:
    """Run a consumer of the product; kill it at the end if it still runs."""
    variables = {
        "DJANGO_SETTINGS_MODULE": "tests.consumer_site",
        "DATABASE_URL": "sqlite:////nowhere/unused.sqlite3",
        "EVENTS_WORKERS": "1",
        HOLD: str(hold),
    }
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "consume_events"],
            cwd=django_settings.BASE_DIR,
            env={**os.environ, **variables},
            stdout=written,
            stderr=written,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait(PATIENCE)


def wait_until_in_hand(hold: Path) -> None:
    """Return once a record is worked on, and held back."""
    wait_until(lambda: Path(f"{hold}.seen").exists())


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_what_is_in_hand_is_finished_and_nothing_more_received_when_it_is_told_to_end(
    queue: SqsQueue, hold: Path, log: Path, sign: signal.Signals
) -> None:
    put_object("files/o/1")
    with consuming(hold, log) as consumer:
        wait_until_in_hand(hold)
        consumer.send_signal(sign)
        wait_until(lambda: "consumer_ending" in log.read_text())
        put_object("files/o/2")
        hold.unlink()

        assert consumer.wait(PATIENCE) == 0

    assert [*entries()] == ["files/o/1"]
    assert queue.size() == QueueSize(waiting=1, hidden=0)
    assert "files/o/2" in bodies(NAME)[0]
    assert "Ended: 1 messages; 1 records done, 0 left out, 0 failed." in log.read_text()


def test_it_ends_at_once_at_the_second_signal_and_the_message_stays(
    queue: SqsQueue, hold: Path, log: Path
) -> None:
    put_object("files/o/1")
    with consuming(hold, log) as consumer:
        wait_until_in_hand(hold)
        consumer.send_signal(signal.SIGTERM)
        wait_until(lambda: "consumer_ending" in log.read_text())
        consumer.send_signal(signal.SIGTERM)

        assert consumer.wait(PATIENCE) == 128 + signal.SIGTERM

    assert entries() == {}
    assert len(bodies(NAME)) == 1


def test_it_ends_when_it_has_nothing_to_do(queue: SqsQueue, hold: Path, log: Path) -> None:
    hold.unlink()
    put_object("files/o/1")
    with consuming(hold, log) as consumer:
        wait_until(lambda: entries() and not bodies(NAME))
        consumer.send_signal(signal.SIGTERM)

        assert consumer.wait(PATIENCE) == 0

    assert "events_consumed" in log.read_text()


def test_it_waits_for_a_queue_that_is_not_there_yet(
    queue: SqsQueue, hold: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uploads.management.commands.provision.PAUSES", ())
    hold.unlink()
    queue_client().delete_queue(QueueUrl=queue_url(NAME))
    with consuming(hold, log) as consumer:
        wait_until(lambda: "queue_missing" in log.read_text())

        assert provision()[0] == 0
        put_object("files/o/1")

        wait_until(lambda: entries() and not bodies(NAME))
        consumer.send_signal(signal.SIGTERM)
        assert consumer.wait(PATIENCE) == 0
    assert log.read_text().count("queue_missing") == 1
    assert "queue_found" in log.read_text()
