"""Ceph's object gateway from Debian's packages, run by docker/store/start.sh as in its container.

Only what tests need is otherwise: free ports of 127.0.0.1, a folder of its own, and no clock.
"""

import json
import shutil
from collections.abc import Mapping

from tests.engines.servers.daemon import (
    HOST,
    ROOT,
    VAR,
    Daemon,
    EngineError,
    apt_install,
    free_port,
    run,
)

PACKAGES = ("ceph-mon", "ceph-osd", "radosgw", "ceph-common")
PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph", "monmaptool")
VERSION = "16.2."  # that of Debian 12; docs/engines.md says what it does
SCRIPT = ROOT / "docker" / "store" / "start.sh"
PATIENCE = 310  # seconds: the script gives up by itself before that
ASKED = Daemon("radosgw", VAR / "run")
# Nothing vanishes but when a test says so: `run_lifecycle`.
NO_CLOCK = "rgw enable lc threads = false"
# The gateway's own clock, on which five seconds are a day.
FAST_CLOCK = "rgw lc debug interval = 5"
SETTINGS = """\
[client.rgw]
{clock}
# Else the monitor ends where little of the disk is free.
[mon.a]
mon data avail crit = 1
"""


def install() -> None:
    """Install the programs, in the version that was tested."""
    if not all(shutil.which(program) for program in PROGRAMS):
        apt_install(*PACKAGES)
    version = run("radosgw", "--version").split()[2]
    if not version.startswith(VERSION):
        raise EngineError(f"radosgw is {version}; the suite knows {VERSION}x, of Debian 12")


def start(*, access_key: str, secret_key: str) -> str:
    """Start a fresh one with one user; return its URL."""
    forget(ASKED)
    return start_with(ASKED, fresh_settings(ASKED, access_key=access_key, secret_key=secret_key))


def stop() -> None:
    """End what was started."""
    forget(ASKED)


def forget(store: Daemon) -> None:
    """End the store, if it runs, and remove what it has kept."""
    store.stop()
    shutil.rmtree(VAR / store.name, ignore_errors=True)


def fresh_settings(
    store: Daemon, *, access_key: str, secret_key: str, clock: str = NO_CLOCK
) -> dict[str, str]:
    """Return the script's environment, with unused ports."""
    return {
        "S3_ACCESS_KEY": access_key,
        "S3_SECRET_KEY": secret_key,
        "STORE_ADDRESS": HOST,
        "STORE_DATA": str(VAR / store.name),
        "STORE_GIGABYTES": "4",
        "STORE_MONITOR_PORT": str(free_port()),
        "STORE_PORT": str(free_port()),
        "STORE_SETTINGS": SETTINGS.format(clock=clock),
    }


def start_with(store: Daemon, settings: Mapping[str, str]) -> str:
    """Start the store on the data that it has kept, if any; return its URL."""
    store.start(["bash", SCRIPT], settings)
    store.wait_until(lambda: b"S3 answers on port" in store.log.read_bytes(), PATIENCE)
    return f"http://{HOST}:{settings['STORE_PORT']}"


def run_lifecycle(bucket: str) -> None:
    """Carry out the rules of ``bucket`` now, taking a second for a day.

    The command takes one bucket of each of its lists, so this must be the only one with rules.
    """
    listed = json.loads(_admin("lc", "list"))
    others = [entry["bucket"] for entry in listed if entry["bucket"].split(":")[1] != bucket]
    if others or not listed:
        raise EngineError(f"rules must be on {bucket} alone, not on {others}")
    _admin("lc", "process", "--rgw-lc-debug-interval=1")


def _admin(*words: str) -> str:
    configuration = VAR / ASKED.name / "ceph.conf"
    return run("radosgw-admin", "-c", configuration, "-n", "client.rgw", "--admin-socket=", *words)
