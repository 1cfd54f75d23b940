"""How the engines' own processes end."""

import os
from collections.abc import Iterator
from pathlib import Path
from select import select

import pytest

from tests.engines.servers.daemon import Daemon, EngineError

# Starts another process, says which, and waits for it.
PARENT = ["sh", "-c", "sleep 600 & echo $!; wait"]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon("parent", tmp_path)
    yield daemon
    daemon.kill()


def ends(process: int) -> bool:
    """Return whether the process of a pidfd ends within seconds."""
    return bool(select([process], [], [], 10)[0])


def test_what_a_process_started_ends_with_it_when_it_is_killed(daemon: Daemon) -> None:
    daemon.start(PARENT)
    daemon.wait_until(lambda: daemon.log.read_text().endswith("\n"))
    child = os.pidfd_open(int(daemon.log.read_text()))

    daemon.kill()

    assert not daemon.is_alive()
    assert ends(child)
    os.close(child)


def test_process_is_let_be_when_it_only_has_the_number_of_the_one_started(daemon: Daemon) -> None:
    (daemon.folder / "parent.pid").write_text(f"{os.getpid()} 1")

    daemon.stop()

    assert not daemon.is_alive()


def test_engine_is_said_to_be_absent_when_its_program_is(daemon: Daemon) -> None:
    with pytest.raises(EngineError, match="nowhere is not installed"):
        daemon.start(["nowhere"])


def test_engine_is_said_not_to_start_when_its_process_ends(daemon: Daemon) -> None:
    daemon.start(["sh", "-c", "echo no room"])

    with pytest.raises(EngineError, match="no room"):
        daemon.wait_until(lambda: False)
