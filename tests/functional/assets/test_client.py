"""The program for the command line, as a process of its own against a site that runs."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from files.stores import FileStores
from tests.builders import make_user, picture_bytes
from tests.functional.assets.steps import Program
from tests.functional.files.steps import MIB, Uploader
from tests.functional.steps import signed_in
from tests.readme import readme

LARGE = bytes(range(256)) * (40 * MIB // 256)


class CommandLine:
    """The program, its user's directories, and its key."""

    def __init__(self, site: str, folder: Path, owner: User) -> None:
        self.folder, self.site = folder, site
        self.owner = Uploader(owner)
        self.program = folder / "triphase.py"
        self.program.write_bytes(Client().get(reverse("client")).content)
        key = Program(owner).headers["authorization"].removeprefix("Bearer ")
        self.variables = {"TRIPHASE_KEY": key, "TRIPHASE_URL": site, "HOME": str(folder)}

    def run(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(  # noqa: S603 (our own program)
            [sys.executable, self.program, *arguments],
            cwd=self.folder,
            env={"PATH": os.defpath, **self.variables, **variables},
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )

    def told(self, *arguments: str) -> str:
        """Return what a command prints that must succeed."""
        done = self.run(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.strip()

    def failed(self, *arguments: str, status: int = 1, **variables: str) -> str:
        """Return what a command says that must fail, in one line."""
        done = self.run(*arguments, **variables)
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    def file(self, name: str, body: bytes = b"hello") -> str:
        """Make a file."""
        (self.folder / name).write_bytes(body)
        return name


@pytest.fixture
def line(
    live_server: LiveServer, settings: Any, file_stores: FileStores, tmp_path: Path
) -> CommandLine:
    """Return the program of a user; files of 20 MB are sent in parts."""
    settings.FILE_MULTIPART_BYTES = 20 * MIB
    return CommandLine(live_server.url, tmp_path, make_user("anna"))


def test_program_asks_the_site_that_gave_it() -> None:
    answer = Client().get(reverse("client"))
    assert b'SITE = "http://testserver"\n' in answer.content
    assert answer["Content-Disposition"] == 'attachment; filename="triphase.py"'


def test_small_file_goes_and_comes_back(line: CommandLine) -> None:
    file_id = line.told("put", line.file("a.txt"), "--name", "notes/ä b.txt")
    assert f"{file_id}              5" in line.told("ls")
    listed = json.loads(line.told("ls", "--json", "notes"))
    assert (listed["name"], listed["content_type"]) == ("notes/ä b.txt", "text/plain")
    assert line.told("get", file_id) == "ä b.txt"
    assert (line.folder / "ä b.txt").read_bytes() == b"hello"
    assert line.told("get", "notes/ä b.txt", "-o", "copy") == "copy"
    line.told("rm", file_id)
    assert line.told("ls") == ""
    line.owner.assert_in_order()


def test_large_file_goes_in_parts_and_goes_on_after_a_cut(line: CommandLine) -> None:
    name = line.file("x.bin", LARGE)
    whole = line.program.read_text()
    sends = "    with ThreadPoolExecutor(AT_ONCE) as threads:"
    cut = whole.replace(sends, f"    missing = [] if numbers else missing[:1]\n{sends}")
    line.program.write_text(cut.replace("6, 60", "1, 60"))
    line.failed("put", name)
    line.program.write_text(whole)
    [remembered] = (line.folder / ".local" / "state" / "triphase").iterdir()
    assert remembered.stat().st_mode & 0o077 == 0
    file_id = line.told("put", name)
    assert not remembered.exists()
    line.owner.assert_in_order()
    assert len(line.owner.keys()) == 1
    begun = line.told("get", file_id, "-o", "y.bin")
    assert (line.folder / begun).read_bytes() == LARGE


def test_download_goes_on_where_it_was(line: CommandLine) -> None:
    file_id = line.told("put", line.file("x.txt", b"0123456789" * 1000))
    whole = line.program.read_text()
    cut = whole.replace("file.write(piece)\n", "file.write(piece[:7])\n")
    line.program.write_text(cut.replace("6, 60", "1, 60"))
    line.failed("get", file_id, "-o", "y.txt")
    line.program.write_text(whole)
    [part] = line.folder.glob(".y.txt.*.part")
    assert part.stat().st_size == 7
    line.told("get", file_id, "-o", "y.txt")
    assert (line.folder / "y.txt").read_bytes() == b"0123456789" * 1000
    assert not list(line.folder.glob(".y.txt.*"))


def test_file_that_is_there_is_not_written_over(line: CommandLine) -> None:
    file_id = line.told("put", line.file("a.txt"))
    line.file("mine.txt", b"mine")
    assert "--force" in line.failed("get", file_id, "-o", "mine.txt")
    assert (line.folder / "mine.txt").read_bytes() == b"mine"
    line.told("get", file_id, "-o", "mine.txt", "--force")
    assert (line.folder / "mine.txt").read_bytes() == b"hello"


def test_link_is_made_and_fetched_without_a_key(line: CommandLine) -> None:
    url = line.told("put", line.file("a.txt"), "--link", "--minutes", "5")
    assert "/s/trl_" in url
    done = line.run("get", url, "-o", "b.txt", TRIPHASE_KEY="")
    assert (done.returncode, done.stderr) == (0, "")
    assert (line.folder / "b.txt").read_bytes() == b"hello"
    file_id = line.owner.files()[0]["id"]
    once = line.told("share", file_id, "--max-downloads", "1")
    line.told("get", once, "-o", "c.txt")
    assert "nothing to be had" in line.failed("get", once, "-o", "d.txt")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["put", "nowhere"], "No such file"),
        (["put", "."], "is no file"),
        (["put", "empty"], "empty"),
        (["put", "page.html"], "not allowed"),
        (["put", "empty", "page.html", "--name", "x"], "for one file"),
        (["get", "0" * 32], "nothing to be had"),
        (["get", "no such name"], "no file of this name"),
        (["rm", "0" * 32], "There is no such file"),
        (["share", "x/../y"], "There is no such"),
        (["--site", "http://example.org", "ls"], "use https"),
        (["--site", "ftp://example.org", "ls"], "no address"),
        (["--site", "http://127.0.0.1:9", "ls"], "connection failed"),
    ],
)
def test_what_fails_is_told_in_a_line(line: CommandLine, arguments: list[str], says: str) -> None:
    line.file("empty", b"")
    line.file("page.html", b"<html>")
    line.program.write_text(line.program.read_text().replace("6, 60", "1, 60"))
    told = line.failed(*arguments)
    assert says in told
    assert told.count("\n") == 1
    line.owner.assert_in_order()


def test_key_is_needed_and_kept_from_others(line: CommandLine) -> None:
    assert "not valid" in line.failed("ls", TRIPHASE_KEY="tri_wrong")
    assert "TRIPHASE_KEY" in line.failed("ls", TRIPHASE_KEY="")
    kept = line.folder / ".config" / "triphase" / "key"
    kept.parent.mkdir(parents=True)
    kept.write_text(line.variables["TRIPHASE_KEY"])
    kept.chmod(0o644)
    assert "chmod 600" in line.failed("ls", TRIPHASE_KEY="")
    kept.chmod(0o600)
    assert line.run("ls", TRIPHASE_KEY="").returncode == 0
    line.failed("fly", status=2)


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
def test_lines_of_the_readme_work_as_they_stand(line: CommandLine) -> None:
    lines = re.findall(r"^curl .+$", readme(), flags=re.MULTILINE)
    line.file("photo.jpg", picture_bytes(kind="JPEG"))
    known = {"KEY": line.variables["TRIPHASE_KEY"], "SITE": line.site, "PATH": os.environ["PATH"]}

    def shell(text: str) -> str:
        done = subprocess.run(  # noqa: S602 (what the README says)
            text, shell=True, cwd=line.folder, env=known, capture_output=True, text=True, check=True
        )
        return done.stdout

    stored = json.loads(shell(lines[0]))
    assert stored["error"] is None, stored
    assert json.loads(shell(lines[1]))["asset"]["version"] == 1
    known |= {"ID": stored["asset"]["id"], "TOKEN": stored["token"]["token"]}
    for text in lines[2:]:
        (line.folder / "photo.jpg").unlink()
        shell(text)
        assert (line.folder / "photo.jpg").read_bytes().startswith(b"\xff\xd8")
    assert len(lines) == 4


def test_lines_of_the_page_are_filled_in(line: CommandLine) -> None:
    page = signed_in(line.owner.user).get(reverse("keys")).content.decode()
    assert "http://testserver/asset/?token=1&amp;expiry=60" in page
    assert "testserver/files/" in page
