"""``make test-engines``: install, start, ask, stop; compare docs/engines.md with what came out.

``python -m tests.engines serve`` starts the engines, says how to point tests at them, and stops
them on Ctrl-C.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.engines import recording, table
from tests.engines.elsewhere import FILES
from tests.engines.engines import VARIABLE
from tests.engines.known import KNOWN, names_of
from tests.engines.servers import radosgw, tables
from tests.engines.servers.daemon import ROOT, VAR, EngineError
from tests.functional.embedded.builders import ACCESS_KEY, SECRET_KEY


def _start_radosgw() -> str:
    return radosgw.start(access_key=ACCESS_KEY, secret_key=SECRET_KEY)


RECORD = VAR / "record.json"
ENGINES = {
    "radosgw": (radosgw.install, _start_radosgw, radosgw.stop),
    "ministack": (tables.install_ministack, tables.start_ministack, tables.MINISTACK.stop),
    "dynalite": (tables.install_dynalite, tables.start_dynalite, tables.DYNALITE.stop),
}


def main(words: list[str]) -> int:
    """Return the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the engines are stopped
    with running() as urls:
        if words == ["serve"]:
            return serve(urls)
        complete = urls.keys() == ENGINES.keys()
        if not complete and os.environ.get("CI") == "true":
            return 1
        failed = ask(urls) + (ask_elsewhere(urls["radosgw"]) if "radosgw" in urls else 0)
        failed += ask_template() if "ministack" in urls else 0
    if failed:
        return 1
    return compare() if complete else 0


@contextmanager
def running() -> Iterator[dict[str, str]]:
    """Give the URLs of all engines that can be had, and stop them in the end."""
    VAR.mkdir(parents=True, exist_ok=True)
    urls = {}
    try:
        for name, (install, start, _) in ENGINES.items():
            began = time.monotonic()
            try:
                install()
                urls[name] = start()
            except EngineError as error:
                say(f"{name} is LEFT OUT: {error}")
            else:
                say(f"{name} is at {urls[name]} after {time.monotonic() - began:.0f} s")
        yield urls
    finally:
        for _, _, stop in ENGINES.values():
            stop()


def ask(urls: dict[str, str]) -> int:
    """Run the suite on the embedded server and on ``urls``; return pytest's exit status."""
    engines = ",".join(f"{name}={url}" for name, url in urls.items())
    record = {VARIABLE: engines, recording.VARIABLE: str(RECORD)}
    return pytest("-p", "tests.engines.recording", "tests/engines", env=record)


def ask_elsewhere(url: str) -> int:
    """Run the product's own tests with their bucket at ``url``; return pytest's exit status."""
    bucket = {
        "TEST_S3_ENDPOINT_URL": url,
        "TEST_S3_ACCESS_KEY": ACCESS_KEY,
        "TEST_S3_SECRET_KEY": SECRET_KEY,
    }
    return pytest(*FILES, env=bucket)


def ask_template() -> int:
    """Deploy infra/triphase.yaml to a ministack of its own; return pytest's exit status."""
    return pytest("-m", "engines", "tests/infra", env={})


def pytest(*words: str, env: dict[str, str]) -> int:
    """Run pytest in one process: only one bucket at a time may have lifecycle rules."""
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", *words]
    return subprocess.run(  # noqa: S603 (our own command)
        command, env={**os.environ, **env}, cwd=ROOT, check=False
    ).returncode


def compare() -> int:
    """Write docs/engines.md anew; return 1 if that changed it, or if known.py names no check."""
    results = recording.read(RECORD)
    asked = {(row.engine, name) for row in results for name in names_of(row.check)}
    unknown = {(known.engine, check) for known in KNOWN for check in known.checks} - asked
    if unknown:
        say(f"tests/engines/known.py names what nobody asks: {sorted(unknown)}")
        return 1
    made = table.page(results)
    if table.PAGE.exists() and table.PAGE.read_text() == made:
        return 0
    table.PAGE.write_text(made)
    say("docs/engines.md was not what this run gave. It has been written anew: look, and commit.")
    return 1


def serve(urls: dict[str, str]) -> int:
    """Keep the engines running until Ctrl-C."""
    say(f"{VARIABLE}={','.join(f'{name}={url}' for name, url in urls.items())}")
    say(f"TEST_S3_ACCESS_KEY={ACCESS_KEY} TEST_S3_SECRET_KEY={SECRET_KEY}")
    say("Ctrl-C stops them.")
    try:
        signal.pause()
    except KeyboardInterrupt:
        return 0
    return 0


def say(text: str) -> None:
    print(f"triphase: {text}", file=sys.stderr, flush=True)


sys.exit(main(sys.argv[1:]))
