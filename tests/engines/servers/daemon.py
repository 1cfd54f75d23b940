"""A process that is started here, answers on 127.0.0.1, and is ended by its pid alone."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
VAR = ROOT / "var" / "engines"
HOST = "127.0.0.1"
PATIENCE = 60  # seconds that a busy machine may take to start or end something
POLL = 0.1  # seconds

_started: "list[subprocess.Popen[bytes]]" = []  # Python warns of one that runs and is forgotten


class EngineError(Exception):
    """An engine cannot be installed or started; the text says why."""


@dataclass(frozen=True)
class Daemon:
    """A process called ``name``; its pid and what it prints are kept in ``folder``."""

    name: str
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def _pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    def start(self, command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> None:
        """Run ``command`` in a session of its own, so that Ctrl-C leaves the end to ``stop``."""
        self.stop()
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            try:
                process = subprocess.Popen(  # noqa: S603 (our own command)
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **(env or {})},
                    start_new_session=True,
                )
            except FileNotFoundError:
                raise EngineError(f"{command[0]} is not installed") from None
        _started.append(process)
        self._pid_file.write_text(f"{process.pid} {_started_at(process.pid)}")

    def wait_until(self, ready: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Return when ``ready``; EngineError if the process has ended, or takes too long."""
        deadline = time.monotonic() + patience
        while not ready():
            if not self.is_alive() or time.monotonic() > deadline:
                last = self.log.read_text(errors="replace")[-1000:]
                raise EngineError(f"{self.name} does not start; {self.log} ends with:\n{last}")
            time.sleep(POLL)

    def stop(self) -> None:
        """Have the process end what it started, and itself, if it still is the one started here."""
        if pid := self._pid():
            os.kill(pid, signal.SIGTERM)
            self._wait_for_end()
        self.kill()

    def kill(self) -> None:
        """End the process and all that it started at once."""
        if pid := self._pid():
            os.killpg(pid, signal.SIGKILL)  # its session is its own, and so is its group
            self._wait_for_end()
        self._pid_file.unlink(missing_ok=True)

    def _wait_for_end(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while self.is_alive() and time.monotonic() < deadline:
            time.sleep(POLL)

    def is_alive(self) -> bool:
        return self._pid() is not None

    def _pid(self) -> int | None:
        """The pid, if the process with that number is the one started here and still runs."""
        try:
            pid, started_at = self._pid_file.read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        return int(pid) if _started_at(int(pid)) == started_at else None


def _started_at(pid: int) -> str:
    """Return when the kernel started the process; "" if there is none or it waits to be reaped.

    Pid and start together name one process for ever; a pid alone is used again. Source: proc(5),
    the fields after the name, which may itself hold spaces and brackets.
    """
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if state == "Z" else fields[18]


def run(*command: str | Path, env: Mapping[str, str] | None = None) -> str:
    """Return what a command prints; EngineError with the end of its output if it fails."""
    try:
        done = subprocess.run(  # noqa: S603 (our own command)
            command,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise EngineError(f"{command[0]} is not installed") from None
    if done.returncode:
        last = (done.stderr or done.stdout)[-1000:]
        raise EngineError(f"{' '.join(map(str, command))} failed:\n{last}")
    return done.stdout


def apt_install(*packages: str) -> None:
    """Install Debian packages; EngineError where this user or this system cannot."""
    if os.geteuid() != 0:
        raise EngineError(f"only root can install them: apt-get install {' '.join(packages)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", env=quiet)
    run("apt-get", "install", "--yes", "--no-install-recommends", *packages, env=quiet)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    """Return whether a process listens on ``port``."""
    try:
        with socket.create_connection((HOST, port), timeout=2):
            return True
    except OSError:
        return False
