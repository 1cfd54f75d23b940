"""The demo's commands."""

import io
import json
import os
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from pytest_django.fixtures import Settings

from accounts.keys import key_of
from accounts.models import User
from avatars.errors import UploadRevoked
from avatars.references import Stores
from avatars.services import adopt_picture, close_owner, remove_picture
from demo.portraits import portrait
from demo.users import PASSWORD, administrators_key
from tests.functional.steps import assert_in_order, bucket_keys, item_of, live_key

pytestmark = pytest.mark.django_db

SECONDS = 120  # until something is taken for stuck


@pytest.fixture(autouse=True)
def fast_passwords(settings: Settings) -> None:
    """Use a fast password hash: Django tests the real ones."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def seed() -> list[str]:
    """Run the command; return its lines."""
    stdout = io.StringIO()
    call_command("seed_demo", stdout=stdout)
    return stdout.getvalue().splitlines()


def digests() -> dict[str, str]:
    """Return the digest of each user's picture."""
    found = {}
    for user in User.objects.all():
        avatar = item_of(user).avatar
        found[user.username] = avatar.digest if avatar else ""
    return found


def test_nobody_is_made_when_the_demo_is_off(aws: Stores, settings: Settings) -> None:
    settings.DEMO = False

    with pytest.raises(CommandError, match="set DEMO=true"):
        seed()

    assert not User.objects.exists()
    assert bucket_keys() == []


def test_three_users_with_pictures_are_made(aws: Stores) -> None:
    lines = seed()

    users = User.objects.order_by("date_joined")
    assert len(users) == len(lines) == 3
    assert [user.is_superuser for user in users] == [True, False, False]
    for user, line in zip(users, lines, strict=True):
        assert user.username in line
        assert user.display_name in line
        assert "made account and picture" in line
        assert_in_order(user)
        assert live_key(user)
    assert len(set(digests().values())) == 3
    assert len(bucket_keys()) == 3


def test_users_can_log_in_with_the_password_told(aws: Stores) -> None:
    lines = seed()

    user = User.objects.order_by("date_joined")[0]
    request = RequestFactory().post("/login/")
    assert PASSWORD in lines[0]
    assert authenticate(request, username=user.username, password=PASSWORD) == user


def test_nothing_is_changed_when_seeded_again(aws: Stores) -> None:
    seed()
    before = [item_of(user) for user in User.objects.order_by("date_joined")]
    keys = bucket_keys()

    lines = seed()

    assert all(line.endswith("there already") for line in lines)
    assert [item_of(user) for user in User.objects.order_by("date_joined")] == before
    assert bucket_keys() == keys


def test_only_what_is_missing_is_made_when_seeded_again(aws: Stores) -> None:
    seed()
    before = digests()
    first, second, _third = User.objects.order_by("date_joined")
    remove_picture(owner_id=str(first.pk), stores=aws)
    second.delete()

    lines = seed()

    assert [line.partition(": ")[2] for line in lines] == [
        "made picture",
        "made account and picture",
        "there already",
    ]
    assert digests() == before, "the same pictures as before"


def test_no_picture_is_adopted_when_the_account_was_closed(aws: Stores) -> None:
    close_owner(owner_id="gone", stores=aws)

    with pytest.raises(UploadRevoked):
        adopt_picture(owner_id="gone", body=portrait(1), stores=aws)

    assert bucket_keys() == []


def test_portraits_are_the_same_each_time_and_all_differ() -> None:
    assert portrait(1) == portrait(1)
    assert len({portrait(number) for number in range(6)}) == 6


def test_each_start_has_a_new_key_in_place_of_the_last(aws: Stores) -> None:
    seed()
    first, second = administrators_key(), administrators_key()

    assert key_of(first) is None
    key = key_of(second)
    assert key is not None
    assert key.owner == User.objects.order_by("date_joined")[0]
    assert key.scopes == "read write share"


@pytest.fixture
def kept_signals() -> Iterator[None]:
    """Restore the signal handlers that ``rundemo`` replaces."""
    signs = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    before = [signal.getsignal(sign) for sign in signs]
    yield
    for sign, handler in zip(signs, before, strict=True):
        signal.signal(sign, handler)


@pytest.mark.parametrize("name", ["PORT", "EMBEDDED_AWS_PORT"])
def test_demo_says_which_port_is_busy_and_what_to_do(
    settings: Settings, kept_signals: None, name: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
        probe.close()
        port = busy.getsockname()[1]
        settings.DEBUG = True
        settings.PORT = settings.EMBEDDED_AWS_PORT = free
        setattr(settings, name, port)

        with pytest.raises(CommandError, match=rf"Port {port} is busy.*{name}="):
            call_command("rundemo", stdout=io.StringIO())


def test_demo_says_so_when_its_two_ports_are_one(settings: Settings, kept_signals: None) -> None:
    settings.DEBUG = True
    settings.PORT = settings.EMBEDDED_AWS_PORT

    with pytest.raises(CommandError, match="must differ"):
        call_command("rundemo", stdout=io.StringIO())


def test_demo_does_not_start_beside_a_real_bucket(settings: Settings, kept_signals: None) -> None:
    settings.EMBEDDED_AWS = False

    with pytest.raises(CommandError, match="unset AWS_STORAGE_BUCKET_NAME"):
        call_command("rundemo", stdout=io.StringIO())


def free_ports() -> tuple[int, int]:
    """Return two ports on which no process listens."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        return one.getsockname()[1], other.getsockname()[1]


@contextmanager
def running_demo(database: Path, *ports: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run ``rundemo``, and kill it at the end."""
    names = ("PORT", "EMBEDDED_AWS_PORT")
    own = {
        "PATH": os.defpath,
        "SECRET_KEY": "only-for-tests",
        "DATABASE_URL": f"sqlite:///{database}",
    }
    with subprocess.Popen(
        [sys.executable, "manage.py", "rundemo"],
        cwd=settings.BASE_DIR,
        env=own | {name: str(port) for name, port in zip(names, ports, strict=True)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as demo:
        try:
            yield demo
        finally:
            demo.kill()


def output_until(demo: "subprocess.Popen[bytes]", text: bytes) -> bytes:
    """Return what the demo and its children write until ``text``, or until all have ended."""
    assert demo.stdout
    output = b""
    while text not in output:
        readable, _, _ = select.select([demo.stdout], [], [], SECONDS)
        assert readable, output.decode()
        if not (read := os.read(demo.stdout.fileno(), 10_000)):
            break
        output += read
    return output


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not there")
def test_line_that_the_demo_prints_uploads_as_it_is(tmp_path: Path) -> None:
    with running_demo(tmp_path / "db.sqlite3", *free_ports()) as demo:
        printed = output_until(demo, b"Ctrl-C ends it").decode()
        line = next(line for line in printed.splitlines() if line.startswith("  curl "))

        command = [*shlex.split(line), "--silent", "--noproxy", "*"]
        done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, check=True)  # noqa: S603

    answer = json.loads(done.stdout)
    assert answer["asset"]["name"] == "README.md"
    assert answer["token"]["token"].startswith("trl_")


@pytest.mark.parametrize(
    "said",
    [b"Demo users", b"Ctrl-C ends it", b"Working on the queue triphase-events"],
    ids=["starting", "serving", "consuming"],
)
def test_children_end_when_the_demo_is_killed(tmp_path: Path, said: bytes) -> None:
    """They hold its output open, the autoreloader's child included, for as long as they run."""
    ports = free_ports()
    with running_demo(tmp_path / "db.sqlite3", *ports) as demo:
        assert said in output_until(demo, said)

        demo.kill()

        output_until(demo, b"never written")
    for port in ports:
        socket.create_server(("127.0.0.1", port)).close()
