"""Ceph's object gateway from Debian's packages, as small as it goes.

One monitor, one OSD that keeps its data in memory, one gateway. The cluster is made anew each
time, so nothing of an earlier run can matter. ``auth none`` needs no keys: every socket is on
127.0.0.1.
"""

import json
import shutil
from pathlib import Path

from tests.engines.servers.daemon import (
    HOST,
    VAR,
    Daemon,
    EngineError,
    accepts,
    apt_install,
    free_port,
    run,
)

PACKAGES = ("ceph-mon", "ceph-osd", "radosgw", "ceph-common")
PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph", "monmaptool")
VERSION = "16.2."  # that of Debian 12; docs/engines.md says what it does
FOLDER = VAR / "radosgw"
CONFIGURATION = FOLDER / "ceph.conf"
CLUSTER = "5e3f7f5c-6a0e-4a57-9f0e-0d5a1c7a0001"  # any UUID
DISK = "5e3f7f5c-6a0e-4a57-9f0e-0d5a1c7a0002"

# In the order of their start.
DAEMONS = [Daemon(name, VAR / "run") for name in ("ceph-mon", "ceph-osd", "radosgw")]


def install() -> None:
    """See to it that the programs are there, in the version that was looked at."""
    if not all(shutil.which(program) for program in PROGRAMS):
        apt_install(*PACKAGES)
    version = run("radosgw", "--version").split()[2]
    if not version.startswith(VERSION):
        raise EngineError(f"radosgw is {version}; the suite knows {VERSION}x, of Debian 12")


def start(*, access_key: str, secret_key: str) -> str:
    """Start a fresh cluster with one user; return the gateway's URL."""
    stop()
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name in ("run", "mon", "osd", "rgw"):
        (FOLDER / name).mkdir(parents=True)
    monitor_port, gateway_port = free_port(), free_port()
    CONFIGURATION.write_text(_configuration(monitor_port, gateway_port))
    monitor, disk, gateway = DAEMONS
    _make_monitor(monitor_port)
    monitor.start(["ceph-mon", "-c", CONFIGURATION, "-f", "-i", "a"])
    monitor.wait_until(lambda: _says("quorum_status", '"quorum_names":["a"]'))
    _ceph("osd", "new", DISK, "0")
    run("ceph-osd", "-c", CONFIGURATION, "-i", "0", "--mkfs", "--osd-uuid", DISK)
    disk.start(["ceph-osd", "-c", CONFIGURATION, "-f", "-i", "0"])
    disk.wait_until(lambda: _says("osd stat", "1 up"))
    gateway.start(["radosgw", "-c", CONFIGURATION, "-f", "-n", "client.rgw"])
    gateway.wait_until(lambda: accepts(gateway_port))
    keys = (f"--access-key={access_key}", f"--secret-key={secret_key}")
    _admin("user", "create", "--uid=tests", "--display-name=tests", *keys)
    return f"http://{HOST}:{gateway_port}"


def stop() -> None:
    """End what was started, the gateway first."""
    for daemon in reversed(DAEMONS):
        daemon.stop()


def run_lifecycle(bucket: str) -> None:
    """Carry out the rules of ``bucket`` now, taking a second for a day.

    The gateway's own clock is off, so that nothing vanishes but when a test says so. The command
    takes one bucket of each of its lists, so this must be the only one with rules.
    """
    listed = json.loads(_admin("lc", "list"))
    others = [entry["bucket"] for entry in listed if entry["bucket"].split(":")[1] != bucket]
    if others or not listed:
        raise EngineError(f"rules must be on {bucket} alone, not on {others}")
    _admin("lc", "process", "--rgw-lc-debug-interval=1")


def _make_monitor(port: int) -> None:
    address = f"[v2:{HOST}:{port}]"
    plan = FOLDER / "monmap"
    run("monmaptool", "--create", "--fsid", CLUSTER, "--addv", "a", address, plan)
    run("ceph-mon", "-c", CONFIGURATION, "-i", "a", "--mkfs", "--monmap", plan)


def _ceph(*words: str) -> str:
    return run("ceph", "-c", CONFIGURATION, "--connect-timeout", "10", *words)


def _says(question: str, answer: str) -> bool:
    try:
        return answer in _ceph(*question.split())
    except EngineError:
        return False


def _admin(*words: str) -> str:
    return run("radosgw-admin", "-c", CONFIGURATION, "-n", "client.rgw", "--admin-socket=", *words)


def _configuration(monitor_port: int, gateway_port: int) -> str:
    def path(name: str) -> Path:
        return FOLDER / name

    return f"""\
[global]
fsid = {CLUSTER}
mon host = [v2:{HOST}:{monitor_port}]
public addr = {HOST}
cluster addr = {HOST}
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
ms bind ipv6 = false
auth cluster required = none
auth service required = none
auth client required = none
# With "auth none" the gateway's first connection hangs for 300 seconds in the default mode.
ms mon client mode = crc
run dir = {path("run")}
admin socket = {path("run")}/$name.asok
log file =
log to stderr = true
mon cluster log file = {path("run")}/cluster.log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail warn = 1
mon data avail crit = 1

[mon.a]
mon data = {path("mon")}

[osd]
osd data = {path("osd")}
osd objectstore = memstore
memstore device bytes = 4294967296
osd crush initial weight = 1
crush location = root=default host=localhost
osd op num shards = 2
osd op num threads per shard = 1

[client.rgw]
rgw data = {path("rgw")}
rgw frontends = beast endpoint={HOST}:{gateway_port}
rgw thread pool size = 64
rgw enable usage log = false
rgw enable ops log = false
rgw enable lc threads = false
"""
