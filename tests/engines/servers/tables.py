"""ministack (S3, DynamoDB, SQS, SNS) and dynalite (DynamoDB), in folders of their own."""

import shutil
import sys
from pathlib import Path

from tests.engines.servers.daemon import HOST, VAR, Daemon, accepts, apt_install, free_port, run

HERE = Path(__file__).parent
STAMP = "made-from"
MINISTACK = Daemon("ministack", VAR / "run")
DYNALITE = Daemon("dynalite", VAR / "run")


def install_ministack() -> None:
    """Make its virtual environment, unless it was made from the same pins."""
    folder, pins = VAR / "ministack", HERE / "ministack.txt"
    if _is_made_from(folder, pins):
        return
    shutil.rmtree(folder, ignore_errors=True)
    run(sys.executable, "-m", "venv", folder)
    run(folder / "bin/pip", "install", "-qq", "--disable-pip-version-check", "-r", pins)
    (folder / STAMP).write_text(pins.read_text())


def start_ministack(*, access_key: str, secret_key: str) -> str:
    """Start it empty, with one account whose signatures it checks; return its URL."""
    port = free_port()
    environment = {
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "PERSIST_STATE": "0",
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
    }
    MINISTACK.start([VAR / "ministack/bin/ministack"], environment)
    MINISTACK.wait_until(lambda: accepts(port))
    return f"http://{HOST}:{port}"


def install_dynalite() -> None:
    """Make its node folder, unless it was made from the same lock file."""
    if not shutil.which("npm"):
        apt_install("nodejs", "npm")
    folder, lock = VAR / "dynalite", HERE / "dynalite" / "package-lock.json"
    if _is_made_from(folder, lock):
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(HERE / "dynalite" / "package.json", folder)
    shutil.copy(lock, folder)
    run("npm", "ci", "--prefix", folder, "--no-audit", "--no-fund")
    (folder / STAMP).write_text(lock.read_text())


def start_dynalite() -> str:
    """Start it empty; return its URL."""
    port = free_port()
    program = VAR / "dynalite/node_modules/dynalite/cli.js"
    options = ["--host", HOST, "--port", str(port), "--createTableMs", "0"]
    DYNALITE.start(["node", program, *options])
    DYNALITE.wait_until(lambda: accepts(port))
    return f"http://{HOST}:{port}"


def _is_made_from(folder: Path, pins: Path) -> bool:
    """Return whether ``folder`` was made from ``pins``, and completely."""
    stamp = folder / STAMP
    return stamp.exists() and stamp.read_text() == pins.read_text()
