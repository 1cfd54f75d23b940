"""The programs of docs/clients.md, run as they stand there, against a site that runs."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from files import services
from files.errors import BadParts
from files.items import State
from tests.builders import make_user
from tests.functional.files.steps import MIB, Uploader
from tests.functional.steps import Asked, body_of, record_requests
from tests.missing import leave_out
from tests.readme import programs
from tests.tls import TlsFront, make_certificate
from web.errors import TooManyRequests

PASSWORD = 'it\'s "a" pass&word=ü+%41'
[PYTHON] = programs("clients.md", "python")
SIGN_IN, HELPERS, ONE_PUT, IN_PARTS, AFTERWARDS = programs("clients.md", "bash")


@pytest.fixture
def anna(site: str) -> Uploader:
    """Return a user who can sign in."""
    return Uploader(make_user("anna", password=PASSWORD))


@pytest.fixture(autouse=True)
def parts(settings: Any) -> None:
    """Have files of a few megabytes sent in parts."""
    settings.FILE_MULTIPART_BYTES = 6 * MIB


@pytest.fixture
def over_https(site: str, settings: Any, tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Return the URL of the site behind a TLS front, and the variables by which it is trusted."""
    settings.SECURE_PROXY_SSL_HEADER = ("wsgi.url_scheme", "http")  # all comes by the front
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    certificate = make_certificate(tmp_path)
    with TlsFront(int(site.rpartition(":")[2]), certificate) as front:
        yield front.url, dict.fromkeys(["CURL_CA_BUNDLE", "SSL_CERT_FILE"], str(certificate))


def file_of(folder: Path, name: str, size: int) -> Path:
    """Return a file of ``size`` bytes, no two stretches of which are alike."""
    path = folder / name
    path.write_bytes(random.Random(size).randbytes(size))
    return path


def run(*command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end, on a machine without proxies."""
    known = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return subprocess.run(  # noqa: S603 (our own program)
        command, env={**known, **variables}, capture_output=True, text=True, check=False
    )


def curl(
    site: str, *blocks: str, files: dict[str, Path], **more: str
) -> "subprocess.CompletedProcess[str]":
    """Run blocks of the script, by a user who is called anna."""
    if not shutil.which("curl"):
        leave_out("curl is not there: apt-get install curl")
    paths = {name: str(path) for name, path in files.items()}
    script = "".join([SIGN_IN, HELPERS, *blocks])
    variables = {"SITE": site, "LOGIN": "anna", "PASSWORD": PASSWORD, **paths, **more}
    return run("bash", "-c", script, **variables)


def upload(
    site: str, *paths: Path, password: str = PASSWORD, **more: str
) -> "subprocess.CompletedProcess[str]":
    """Run the program, by a user who is called anna."""
    command = [sys.executable, "-c", PYTHON, site, "anna", *map(str, paths)]
    return run(*command, PASSWORD=password, **more)


def parts_put(asked: list[Asked]) -> int:
    """Return how many bodies the bucket was sent."""
    return sum(request.operation == "PUT" and "/files/" in request.path for request in asked)


def assert_stored(
    uploader: Uploader, file: dict[str, Any], path: Path, *, version: int = 0
) -> None:
    """Assert that a file is ready, as it was printed, and holds what ``path`` holds."""
    upload_id = uploader.name(path.name).versions[version]
    entry = uploader.entry(upload_id)
    assert (entry.state, entry.name, entry.size) == (State.READY, path.name, path.stat().st_size)
    assert (file["id"], file["version"]) == (entry.file_id, version)
    assert sha256(body_of(entry.key)).digest() == sha256(path.read_bytes()).digest()
    uploader.assert_in_order()


def fail_once(
    monkeypatch: pytest.MonkeyPatch, name: str, error: Exception, *, when: Callable[[Any], bool]
) -> None:
    """Have one call of a service fail, the first for which ``when`` holds of its fields."""
    original = getattr(services, name)
    failed: list[bool] = []

    def failing(**fields: Any) -> Any:
        if not failed and when(fields):
            failed.append(True)
            raise error
        return original(**fields)

    monkeypatch.setattr(services, name, failing)


def anything(_: Any) -> bool:
    return True


# --- curl ---


def test_curl_uploads_lists_downloads_and_deletes(
    site: str, anna: Uploader, tmp_path: Path
) -> None:
    small = file_of(tmp_path, 'größe "1" $HOME.txt', 70_000)
    large = file_of(tmp_path, "large.bin", 17 * MIB + 5)
    paths = {"FILE": small, "LARGE": large, "COPY": tmp_path / "copy"}

    done = curl(site, ONE_PUT, IN_PARTS, AFTERWARDS, files=paths)

    assert done.returncode == 0, done.stderr
    first, second, listed, deleted = [
        json.loads(found) for found in done.stdout.replace("}{", "}\n{").splitlines()
    ]
    assert listed["files"] == [first["file"]]
    assert (first["file"]["name"], deleted) == (small.name, {})
    assert paths["COPY"].read_bytes() == small.read_bytes()
    assert_stored(anna, second["file"], large)
    assert [file["name"] for file in anna.files()] == ["large.bin"]
    assert not list(tmp_path.glob("*.json"))


def test_curl_goes_on_with_the_parts_that_are_missing(
    site: str, anna: Uploader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = file_of(tmp_path, "large.bin", 17 * MIB)
    fail_once(monkeypatch, "sign_parts", BadParts(), when=lambda asked: asked["numbers"] == [2])
    asked = record_requests(monkeypatch)

    stopped = curl(site, IN_PARTS, files={"LARGE": large})
    assert (stopped.returncode, parts_put(asked)) == (1, 1)
    assert "bad_parts" in stopped.stderr
    assert anna.files() == []
    done = curl(site, IN_PARTS, files={"LARGE": large})

    assert done.returncode == 0, done.stderr
    assert parts_put(asked) == 2
    assert_stored(anna, json.loads(done.stdout)["file"], large)


def test_curl_asks_again_when_the_site_says_when(
    site: str, anna: Uploader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = file_of(tmp_path, "small.bin", 100)
    fail_once(monkeypatch, "confirm_upload", TooManyRequests(1), when=anything)

    done = curl(site, ONE_PUT, files={"FILE": small})

    assert done.returncode == 0, done.stderr
    assert_stored(anna, json.loads(done.stdout)["file"], small)


def test_curl_signs_in_over_https(
    over_https: tuple[str, dict[str, str]], anna: Uploader, tmp_path: Path
) -> None:
    url, trusted = over_https
    small = file_of(tmp_path, "small.bin", 100)

    done = curl(url, ONE_PUT, files={"FILE": small}, **trusted)

    assert done.returncode == 0, done.stderr
    assert_stored(anna, json.loads(done.stdout)["file"], small)


def test_curl_stops_when_the_password_is_wrong(site: str, anna: Uploader, tmp_path: Path) -> None:
    small = file_of(tmp_path, "small.bin", 100)

    done = curl(site, ONE_PUT, files={"FILE": small}, LOGIN="berta")

    assert (done.returncode, done.stdout) == (1, "")
    assert "berta" in done.stderr
    assert anna.files() == []


# --- Python ---


def test_python_uploads_in_one_request_and_in_parts(
    site: str, anna: Uploader, tmp_path: Path
) -> None:
    small = file_of(tmp_path, "größe.txt", 70_000)
    large = file_of(tmp_path, "large.bin", 33 * MIB + 5)

    done = upload(site, small, large)

    assert done.returncode == 0, done.stderr
    files = [json.loads(line) for line in done.stdout.splitlines()]
    assert files == anna.files()[::-1]
    assert_stored(anna, files[0], small)
    assert_stored(anna, files[1], large)
    assert sorted(tmp_path.iterdir()) == sorted([small, large])


def test_python_goes_on_with_the_parts_that_are_missing(
    site: str, anna: Uploader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = file_of(tmp_path, "large.bin", 33 * MIB)
    fail_once(monkeypatch, "sign_parts", BadParts(), when=lambda asked: asked["numbers"] == [2])
    asked = record_requests(monkeypatch)

    stopped = upload(site, large)
    assert (stopped.returncode, stopped.stdout) == (1, "")
    before = parts_put(asked)
    assert before < 3
    done = upload(site, large)

    assert done.returncode == 0, done.stderr
    assert parts_put(asked) == 3
    assert_stored(anna, json.loads(done.stdout), large)


def test_python_begins_again_when_the_file_is_another_one(
    site: str, anna: Uploader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = file_of(tmp_path, "large.bin", 7 * MIB)
    fail_once(monkeypatch, "confirm_upload", BadParts(), when=anything)
    assert upload(site, large).returncode == 1
    large.write_bytes(large.read_bytes()[::-1] + b"more")

    done = upload(site, large)

    assert done.returncode == 0, done.stderr
    file = json.loads(done.stdout)
    assert (file["version"], file["size"]) == (0, 7 * MIB + 4)


def test_python_begins_again_when_the_upload_was_cancelled(
    site: str, anna: Uploader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = file_of(tmp_path, "large.bin", 7 * MIB)
    fail_once(monkeypatch, "confirm_upload", BadParts(), when=anything)
    assert upload(site, large).returncode == 1
    notes = json.loads((tmp_path / "large.bin.upload.json").read_text())
    assert anna.ask("abort", upload_token=notes["upload_token"]).status_code == 200

    done = upload(site, large)

    assert done.returncode == 0, done.stderr
    assert_stored(anna, json.loads(done.stdout), large)
    assert list(tmp_path.iterdir()) == [large]


def test_python_waits_when_the_site_says_how_long(
    site: str, anna: Uploader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = file_of(tmp_path, "small.bin", 100)
    fail_once(monkeypatch, "begin_upload", TooManyRequests(1), when=anything)

    done = upload(site, small)

    assert done.returncode == 0, done.stderr
    assert_stored(anna, json.loads(done.stdout), small)


def test_python_says_why_when_a_file_is_refused(site: str, anna: Uploader, tmp_path: Path) -> None:
    false = tmp_path / "me.png"
    false.write_bytes(b"<html><script>alert(1)</script>" * 300_000)

    done = upload(site, false)

    assert (done.returncode, done.stdout) == (1, "")
    assert "422" in done.stderr
    assert list(tmp_path.iterdir()) == [false]
    assert anna.files() == []
    anna.assert_in_order()


def test_python_signs_in_over_https(
    over_https: tuple[str, dict[str, str]], anna: Uploader, tmp_path: Path
) -> None:
    url, trusted = over_https
    small = file_of(tmp_path, "small.bin", 100)

    done = upload(url, small, **trusted)

    assert done.returncode == 0, done.stderr
    assert_stored(anna, json.loads(done.stdout), small)


def test_python_stops_when_the_password_is_wrong(site: str, anna: Uploader, tmp_path: Path) -> None:
    done = upload(site, file_of(tmp_path, "small.bin", 100), password="another")

    assert (done.returncode, done.stdout) == (1, "")
    assert "anna" in done.stderr
    assert anna.files() == []
