"""``make test-engines``: install, start, ask, stop; compare docs/engines.md with what came out.

``python -m tests.engines serve`` starts the engines, says how to point tests at them, and stops
them on Ctrl-C.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.engines import recording, table
from tests.engines.elsewhere import FILES, OVER_TLS, SUITE_OVER_TLS
from tests.engines.engines import VARIABLE
from tests.engines.known import KNOWN, names_of
from tests.engines.servers import radosgw, tables
from tests.engines.servers.daemon import ROOT, VAR, EngineError
from tests.functional.embedded.builders import ACCESS_KEY, SECRET_KEY
from tests.tls import TlsFront, make_certificate


def _start_radosgw() -> str:
    return radosgw.start(access_key=ACCESS_KEY, secret_key=SECRET_KEY)


def _start_ministack() -> str:
    return tables.start_ministack(access_key=ACCESS_KEY, secret_key=SECRET_KEY)


RECORD = VAR / "record.json"
ENGINES = {
    "radosgw": (radosgw.install, _start_radosgw, radosgw.stop),
    "ministack": (tables.install_ministack, _start_ministack, tables.MINISTACK.stop),
    "dynalite": (tables.install_dynalite, tables.start_dynalite, tables.DYNALITE.stop),
}


def main(words: list[str]) -> int:
    """Return the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the engines are stopped
    with running() as urls:
        if words == ["serve"]:
            return serve(urls)
        left_out = ", ".join(name for name in ENGINES if name not in urls)
        if left_out and os.environ.get("CI") == "true":
            say(f"CI asks all engines or none: {left_out} was left out.")
            return 1
        failed = ask(urls)
        if "radosgw" in urls:
            failed += ask_elsewhere(urls["radosgw"]) + ask_over_tls(urls["radosgw"])
        failed += ask_for_more(urls)
    if failed:
        return 1
    if left_out:
        say(f"All asked are as expected. docs/engines.md was NOT compared, for want of {left_out}.")
        return 0
    return compare()


@contextmanager
def running() -> Iterator[dict[str, str]]:
    """Give the URLs of all engines that can be had, and stop them in the end."""
    VAR.mkdir(parents=True, exist_ok=True)
    urls = {}
    with (VAR / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"triphase: another run has the engines in {VAR}: let it end, or stop it.")
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
            # A second Ctrl-C would leave behind what is not stopped yet.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            for _, _, stop in ENGINES.values():
                stop()


def ask(urls: dict[str, str]) -> int:
    """Run the suite on the embedded server and on ``urls``; return pytest's exit status."""
    record = {recording.VARIABLE: str(RECORD)}
    return pytest("-p", "tests.engines.recording", "tests/engines", env=suite_on(urls) | record)


def ask_elsewhere(url: str) -> int:
    """Run the product's own tests with their bucket at ``url``; return pytest's exit status."""
    return pytest(*FILES, env=bucket_at(url))


def ask_over_tls(url: str) -> int:
    """Run the checks of S3, and the product's own, by way of a TLS front before ``url``.

    Return the sum of pytest's exit statuses. It comes after the same over HTTP: what it provisions
    stays on the bucket.
    """
    certificate = make_certificate(VAR)
    trusted = {"TEST_CERTIFICATE": str(certificate)}
    with TlsFront(int(url.rpartition(":")[2]), certificate) as front:
        suite = suite_on({"radosgw": front.url}) | trusted
        failed = pytest("-k", "radosgw", *SUITE_OVER_TLS, env=suite)
        return failed + pytest(*OVER_TLS, env=bucket_at(front.url) | trusted)


def ask_for_more(urls: dict[str, str]) -> int:
    """Run what starts an engine of its own, where it can be had; return pytest's exit status."""
    files = {"radosgw": "tests/engines/test_store.py", "ministack": "tests/infra"}
    at_hand = [path for name, path in files.items() if name in urls]
    return pytest("-m", "engines", *at_hand, env={}) if at_hand else 0


def pytest(*words: str, env: dict[str, str]) -> int:
    """Run pytest in one process: only one bucket at a time may have lifecycle rules."""
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", *words]
    process = subprocess.Popen(command, env={**os.environ, **env}, cwd=ROOT)  # noqa: S603 (ours)
    try:
        return process.wait()
    except SystemExit:
        process.send_signal(signal.SIGINT)  # it would not clean up on the signal that came here
        process.wait()
        raise


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
    command = f"{sys.executable} -m pytest"
    say("To ask them what is in a file of the suite:")
    say(f"  {words_of(suite_on(urls))} {command} tests/engines/test_post.py")
    if "radosgw" in urls:
        say("To run the product's own tests with their bucket on radosgw (they leave rules on it,")
        say("with which the suite's test_provisioning.py fails until this is started anew):")
        say(f"  {words_of(bucket_at(urls['radosgw']))} {command} {FILES[0]}")
    say("Ctrl-C stops them.")
    try:
        signal.pause()
    except KeyboardInterrupt:
        return 0
    return 0


def suite_on(urls: dict[str, str]) -> dict[str, str]:
    """Return the variable by which the suite finds the engines."""
    return {VARIABLE: ",".join(f"{name}={url}" for name, url in urls.items())}


def bucket_at(url: str) -> dict[str, str]:
    """Return the variables by which the product's tests find their bucket."""
    return {
        "TEST_S3_ENDPOINT_URL": url,
        "TEST_S3_ACCESS_KEY": ACCESS_KEY,
        "TEST_S3_SECRET_KEY": SECRET_KEY,
    }


def words_of(environment: dict[str, str]) -> str:
    """Return the variables as a shell reads them."""
    return " ".join(f"{name}={value}" for name, value in environment.items())


def say(text: str) -> None:
    print(f"triphase: {text}", file=sys.stderr, flush=True)


sys.exit(main(sys.argv[1:]))
