"""The sweep and its command: what is found, what is put right, what is left alone."""

import io
import json
import threading
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
import time_machine
from django.core.management import CommandError, call_command, execute_from_command_line
from django.db import OperationalError

from accounts.models import User
from accounts.selectors import existing_owners
from avatars.references import Reference, Stores
from avatars.services import close_owner, remove_picture
from aws.bucket import ListedObject, Listing, S3Bucket
from aws.deadlines import in_time, later
from aws.errors import OutcomeUnknown, StorageUnavailable
from tests.builders import make_user
from tests.functional.steps import (
    assert_in_order,
    broken,
    bucket_keys,
    item_of,
    live_key,
    meddle,
    own_threads,
    promoted_keys,
    put_object,
    record_requests,
    serve_with,
    signed_in,
    upload_picture,
    uploaded,
    write_item,
)
from tests.sweeps import sweep_all
from uploads.management.commands.sweep import Command
from uploads.sweeping import Outcome

pytestmark = pytest.mark.django_db

IN_TWO_DAYS = timedelta(days=2)  # by then the lifecycle has taken what was pending
NOBODY = "00000000-0000-4000-8000-000000000000"


class Ran(NamedTuple):
    """The output and exit status of the command."""

    status: int
    output: str
    error: str

    @property
    def lines(self) -> list[tuple[str, str, str]]:
        """Return outcome, kind and name of each finding."""
        return [
            (words[0], words[1], words[2])
            for line in self.output.splitlines()
            if len(words := line.split(maxsplit=2)) == 3 and words[0] in list(Outcome)
        ]

    @property
    def summary(self) -> dict[str, Any]:
        """Return the summary from its JSON."""
        found: dict[str, Any] = json.loads(self.output)
        return found


def sweep(*arguments: str) -> Ran:
    """Run the command."""
    stdout = io.StringIO()
    try:
        call_command("sweep", *arguments, stdout=stdout)
    except CommandError as error:
        return Ran(error.returncode, stdout.getvalue(), str(error))
    except SystemExit as error:
        return Ran(int(error.code or 0), stdout.getvalue(), "")
    return Ran(0, stdout.getvalue(), "")


def put_orphan(owner_id: object, name: str = "orphan.webp") -> str:
    """Put an object that no item names. The owner "!a" sorts before all users."""
    key = f"avatars/{owner_id}/{name}"
    put_object(key, b"x" * 100)
    return key


def make_member() -> User:
    """Return a user with a picture."""
    user = make_user()
    upload_picture(signed_in(user))
    return user


# --- Refused ---


@pytest.mark.parametrize(
    "arguments", [["--grace", "-1"], ["--grace", "soon"], ["--limit", "0"], ["--limit", "1.5"]]
)
def test_sweep_is_refused_when_an_argument_makes_no_sense(
    aws: Stores, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    key = put_orphan(NOBODY)

    with pytest.raises(SystemExit, match="2"):
        execute_from_command_line(["manage.py", "sweep", "--delete", *arguments])

    assert f"{arguments[1]!r} is not a whole number" in capsys.readouterr().err
    assert bucket_keys() == [key]


@pytest.mark.case(39)
@pytest.mark.parametrize("after", ["zzz", "/avatars/a/x", "pending/a/x"])
def test_sweep_is_refused_when_told_to_go_on_where_no_picture_can_be(
    aws: Stores, after: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No picture lies after such a key, and the sweep would report that all is well."""
    key = put_orphan(NOBODY)

    with pytest.raises(SystemExit, match="2"):
        execute_from_command_line(["manage.py", "sweep", "--delete", "--after", after])

    assert "is not a key of avatars/" in capsys.readouterr().err
    assert bucket_keys() == [key]


# --- A dry run ---


def test_nothing_is_found_when_all_is_in_order(aws: Stores) -> None:
    make_member()
    uploaded(signed_in(make_user()))
    without = make_member()
    remove_picture(owner_id=str(without.pk), stores=aws)

    ran = sweep("--grace", "0")

    assert (ran.status, ran.output) == (0, "Nothing to sweep.\n")


def one_of_each_kind(stores: Stores) -> list[tuple[str, str]]:
    """Make one finding of each kind; return kinds and names, in order."""
    user, ghost, gone, strange = make_member(), make_member(), make_member(), make_user()
    orphan = put_orphan(user.pk)
    stores.bucket.delete([live_key(ghost)])
    owner_id = str(gone.pk)
    gone.delete()
    write_item(str(strange.pk), "https://evil.example/x.webp", now=datetime.now(UTC))
    put_object("pending/a/x")
    return sorted(
        [
            ("orphan", orphan),
            ("ghost", str(ghost.pk)),
            ("gone", owner_id),
            ("strange", str(strange.pk)),
            ("expired", "pending/a/x"),
        ]
    )


def everything(stores: Stores) -> tuple[list[ListedObject], dict[str, Reference]]:
    """Return the content of bucket and table."""
    items = {reference.owner_id: reference for reference in stores.references.scan()}
    return stores.bucket.list_page().objects, items


def test_dry_run_changes_nothing_and_asks_for_nothing_that_writes(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = one_of_each_kind(aws)
    before = everything(aws)
    asked = record_requests(monkeypatch)

    with time_machine.travel(IN_TWO_DAYS):
        ran = sweep()

    assert {request.operation for request in asked} == {
        *("GET", "HEAD"),
        *("Scan", "GetItem", "BatchGetItem"),
    }
    assert ran.status == 1, "something is left"
    assert sorted(ran.lines) == [("found", *found) for found in wrong]
    assert "This was a dry run: --delete mends all but strange ones." in ran.output
    assert everything(aws) == before


def test_everything_but_what_is_strange_is_mended_as_the_dry_run_said(aws: Stores) -> None:
    wrong = one_of_each_kind(aws)

    with time_machine.travel(IN_TWO_DAYS):
        ran, again = sweep("--delete"), sweep("--delete")

    mended = [("mended", *found) for found in wrong if found[0] != "strange"]
    strange = [("found", *found) for found in wrong if found[0] == "strange"]
    assert sorted(ran.lines) == sorted([*mended, *strange])
    assert (again.status, again.lines) == (1, strange)
    objects, items = everything(aws)
    assert [found.key for found in objects] == [
        reference.live_key for reference in items.values() if reference.live_key
    ]


# --- Kinds ---


def test_orphan_goes_and_the_live_picture_stays(aws: Stores) -> None:
    user = make_member()
    key, revision = live_key(user), item_of(user).revision
    orphans = [put_orphan(user.pk, "a"), put_orphan(user.pk, "z")]

    ran = sweep("--delete", "--grace", "0")

    assert ran.status == 0
    assert ran.lines == [("mended", "orphan", name) for name in orphans]
    assert bucket_keys() == [live_key(user)] == [key]
    assert item_of(user).revision != revision, "fenced first"


@pytest.mark.case(35)
def test_item_is_fenced_before_its_orphans_are_deleted_in_one_request(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the objects deleted first, an item could still come to name one of them."""
    user = make_member()
    put_orphan(user.pk, "a"), put_orphan(user.pk, "b")
    asked = record_requests(monkeypatch)

    sweep("--delete", "--grace", "0")

    writes = [found.operation for found in asked if found.operation in {"UpdateItem", "POST"}]
    assert writes == ["UpdateItem", "POST"]
    assert_in_order(user)


@pytest.mark.case(24, 35)
def test_orphan_stays_when_nobody_knows_whether_the_fence_was_written(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next sweep writes another fence, and deletes the orphan."""
    user = make_member()
    key = put_orphan(user.pk)
    references = broken(aws.references, replace=OutcomeUnknown())
    serve_with(monkeypatch, replace(aws, references=references))

    ran = sweep("--delete", "--grace", "0")

    assert (ran.status, ran.lines) == (1, [("changed", "orphan", key)])
    assert sorted([key, live_key(user)]) == promoted_keys(user)
    serve_with(monkeypatch, aws)
    assert sweep("--delete", "--grace", "0").status == 0
    assert_in_order(user)


def test_orphan_goes_when_its_owner_has_no_item(aws: Stores) -> None:
    """A confirm died between PUT and update; a late copy of its update must fail."""
    user = make_user()
    key = put_orphan(user.pk)

    assert sweep("--delete", "--grace", "0").lines == [("mended", "orphan", key)]

    assert bucket_keys() == []
    item = item_of(user)
    assert item.revision
    assert (item.avatar, item.closed_at) == (None, None)


@pytest.mark.parametrize("owner_id", [NOBODY, "nobody at all", "%2e%2e", "<b>"])
def test_orphan_goes_for_ever_when_its_owner_has_no_account(aws: Stores, owner_id: str) -> None:
    put_orphan(owner_id)

    sweep("--delete", "--grace", "0")

    assert bucket_keys() == []
    assert aws.references.read(owner_id).closed_at


@pytest.mark.parametrize("key", ["avatars/loose.webp", "avatars//x.webp", "avatars/a/b/c/d.webp"])
def test_orphan_goes_when_its_key_has_another_shape(aws: Stores, key: str) -> None:
    put_object(key)

    assert sweep("--delete", "--grace", "0").status == 0

    assert bucket_keys() == []


@pytest.mark.case(37)
def test_prefixes_are_not_confused_when_one_owner_id_begins_like_another(aws: Stores) -> None:
    write_item("a", "avatars/a/x.webp", now=datetime.now(UTC))
    put_object("avatars/a/x.webp")
    write_item("ab", "avatars/ab/x.webp", now=datetime.now(UTC))
    put_object("avatars/ab/x.webp")
    stray = ["avatars/a-b/x.webp", "avatars/a.webp", "avatars/aa/x.webp"]
    for key in [*stray, "avatarsa/x.webp", "avatar/x.webp", "other/avatars/a/x.webp"]:
        put_object(key)

    findings = list(sweep_all(aws, delete=True))

    assert sorted(finding.name for finding in findings) == sorted(stray)
    assert bucket_keys("avatars/") == ["avatars/a/x.webp", "avatars/ab/x.webp"]
    assert len(bucket_keys()) == 5, "nothing outside avatars/ is touched"


@pytest.mark.case(37)
def test_objects_of_one_owner_go_when_the_account_is_closed_and_no_other(aws: Stores) -> None:
    for key in ("avatars/a/x", "avatars/ab/x", "pending/a/x", "pending/ab/x"):
        put_object(key)

    close_owner(owner_id="a", stores=aws)

    assert bucket_keys() == ["avatars/ab/x", "pending/ab/x"]


def test_item_is_emptied_when_it_is_a_ghost(aws: Stores) -> None:
    user, other = make_member(), make_member()
    aws.bucket.delete([live_key(user)])

    assert sweep("--delete").lines == [("mended", "ghost", str(user.pk))]

    assert live_key(other)

    item = item_of(user)
    assert (item.avatar, item.removed_at) == (None, None)
    upload_picture(signed_in(user))
    assert_in_order(user)


@pytest.mark.case(36)
def test_item_stays_when_it_was_repointed_while_the_sweep_took_it_for_a_ghost(
    aws: Stores,
) -> None:
    """The scan returned an item that named a deleted object; a confirm has replaced it since."""
    user = make_member()
    references = meddle(
        aws.references,
        before={"read": lambda: upload_picture(signed_in(user))},
    )
    aws.bucket.delete([live_key(user)])

    findings = list(sweep_all(replace(aws, references=references), delete=True))

    assert findings == []
    assert live_key(user)


def test_item_is_closed_and_its_objects_go_when_the_account_is_gone(aws: Stores) -> None:
    user = make_member()
    uploaded(signed_in(user))
    owner_id = str(user.pk)
    user.delete()

    assert sweep("--delete").lines == [("mended", "gone", owner_id)]

    assert bucket_keys() == []
    item = aws.references.read(owner_id)
    assert item.closed_at
    assert item.avatar is None
    assert sweep("--delete").status == 0
    assert aws.references.read(owner_id) == item, "and it is left alone from then on"


@pytest.mark.case(21)
def test_item_is_reported_and_nothing_deleted_when_its_key_is_strange(aws: Stores) -> None:
    """The object that a strange item names stays, even if it lies under ``avatars/``."""
    user, other = make_user(), make_user()
    named = put_orphan(other.pk, "named-by-somebody-else.webp")
    write_item(str(user.pk), named, now=datetime.now(UTC))
    before = aws.references.read(str(user.pk))

    ran = sweep("--delete", "--grace", "0")

    assert ran.status == 1
    assert ran.lines == [("found", "strange", str(user.pk))]
    assert bucket_keys() == [named]
    assert item_of(user) == before


@pytest.mark.case(21)
@pytest.mark.parametrize("alive", [True, False])
@pytest.mark.parametrize(
    "key",
    ["https://evil.example/x.webp", "pending/x/y", "avatars/", "avatars/b/x", "avatars/x", "x"],
)
def test_strange_key_and_what_it_names_stay_when_an_orphan_of_its_owner_goes(
    aws: Stores, key: str, alive: bool
) -> None:
    """This holds with and without an account, and in the next sweep as well."""
    user = make_user()
    owner_id = str(user.pk)
    put_object(key)
    orphan = put_orphan(owner_id)
    write_item(owner_id, key, now=datetime.now(UTC))
    before = aws.references.read(owner_id)
    if not alive:
        user.delete()

    first, second = sweep("--delete", "--grace", "0"), sweep("--delete", "--grace", "0")

    strange = ("found", "strange", owner_id)
    assert (first.status, first.lines) == (1, [strange, ("mended", "orphan", orphan)])
    assert (second.status, second.lines) == (1, [strange])
    assert bucket_keys() == [key]
    after = aws.references.read(owner_id)
    assert (after.avatar, after.closed_at) == (before.avatar, None)


@pytest.mark.case(8)
def test_pending_goes_when_its_lifecycle_is_over(aws: Stores) -> None:
    """Where no lifecycle rule runs, the sweep deletes expired uploads, and those without tags."""
    permission = uploaded(signed_in(make_user()))
    put_object("pending/without/tags")
    keys = sorted([permission.key, "pending/without/tags"])

    assert sweep("--delete").status == 0
    assert bucket_keys() == keys, "not yet"
    with time_machine.travel(datetime.now(UTC) + timedelta(days=2)):
        assert sweep().lines == [("found", "expired", key) for key in keys]
        assert bucket_keys() == keys, "a dry run"
        assert sweep("--delete").lines == [("mended", "expired", key) for key in keys]

    assert bucket_keys() == []


# --- Options ---


def test_orphan_stays_when_younger_than_the_grace_period(aws: Stores) -> None:
    key = put_orphan(make_user().pk)

    assert sweep("--delete").status == 0
    assert sweep("--delete", "--grace", "5").status == 0
    assert bucket_keys() == [key]
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=6)):
        assert sweep("--delete").lines == []
        assert sweep("--delete", "--grace", "5").lines == [("mended", "orphan", key)]

    assert bucket_keys() == []


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_limit_is_exact_over_all_kinds(aws: Stores, limit: int) -> None:
    ghost, member = make_member(), make_member()
    aws.bucket.delete([live_key(ghost)])
    orphans = [put_orphan(make_user().pk, name) for name in ("a", "b")]
    put_object("pending/x/y")

    with time_machine.travel(datetime.now(UTC) + timedelta(days=2)):
        ran = sweep("--delete", "--limit", str(limit))

    assert len(ran.lines) == min(limit, 4)
    assert ran.lines[0] == ("mended", "ghost", str(ghost.pk))
    assert promoted_keys(member) == [live_key(member)]
    assert len(bucket_keys("avatars/")) == 1 + max(0, len(orphans) - max(0, limit - 1))
    assert len(bucket_keys("pending/")) == (1 if limit < 4 else 0)


def test_nothing_more_is_asked_when_the_limit_is_reached(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in [make_member() for _ in range(3)]:
        aws.bucket.delete([live_key(user)])
    asked = record_requests(monkeypatch)

    assert len(sweep("--limit", "1").lines) == 1

    # The objects of a batch are asked for together.
    assert [request.operation for request in asked] == ["GET", "Scan", *3 * ["HEAD"], "GetItem"]


def test_objects_of_a_batch_are_asked_for_side_by_side(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    ghost, *_ = users = [make_member() for _ in range(3)]
    aws.bucket.delete([live_key(ghost)])
    everybody, ask = threading.Barrier(len(users)), S3Bucket.exists

    @in_time("s3")
    def exists(bucket: S3Bucket, key: str) -> bool:
        everybody.wait(timeout=60)
        return bool(ask.__wrapped__(bucket, key))  # type: ignore[attr-defined]

    monkeypatch.setattr(S3Bucket, "exists", exists)
    serve_with(monkeypatch, replace(aws, later=later))

    ran = sweep()

    assert ran.lines == [("found", "ghost", str(ghost.pk))]


def test_rest_of_a_batch_is_not_asked_for_when_a_request_fails(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [make_member() for _ in range(5)]
    asked: list[str] = []
    ended = threading.Event()

    @in_time("s3")
    def exists(_bucket: S3Bucket, key: str) -> bool:
        if asked:
            ended.wait(60)
        asked.append(key)
        raise StorageUnavailable

    monkeypatch.setattr(S3Bucket, "exists", exists)
    serve_with(monkeypatch, replace(aws, later=later))

    with own_threads(monkeypatch, count=1):
        ran = sweep()
        ended.set()

    assert ran.status == 2
    assert len(asked) <= 2 < len(users)  # the second may have begun


def test_limit_is_exact_within_one_owner(aws: Stores) -> None:
    user = make_member()
    keys = [put_orphan(user.pk, f"0{number}") for number in range(5)]

    ran = sweep("--delete", "--grace", "0", "--limit", "2")

    assert [name for _, _, name in ran.lines] == keys[:2]
    assert promoted_keys(user) == sorted([*keys[2:], live_key(user)])


@pytest.mark.case(39)
def test_sweep_goes_on_behind_a_key(aws: Stores) -> None:
    first, second, third = (put_orphan(owner) for owner in ("a", "b", "c"))

    ran = sweep("--delete", "--grace", "0", "--after", first)

    assert [name for _, _, name in ran.lines] == [second, third]
    assert bucket_keys() == [first]


@pytest.mark.case(39)
def test_sweep_goes_on_in_the_middle_of_an_owner(aws: Stores) -> None:
    user = make_member()
    keys = [put_orphan(user.pk, f"0{number}") for number in range(3)]

    ran = sweep("--delete", "--grace", "0", "--after", keys[1])

    assert [name for _, _, name in ran.lines] == [keys[2]]
    assert promoted_keys(user) == sorted([*keys[:2], live_key(user)])


@pytest.mark.case(39)
def test_nothing_is_swept_twice_or_left_out_when_many_short_sweeps_follow_each_other(
    aws: Stores,
) -> None:
    """Each sweep goes on after the key at which the one before stopped."""
    members = [make_member() for _ in range(2)]
    orphans = sorted(put_orphan(user.pk, f"0{n}") for user in members for n in range(3))
    found, after = [], ""

    for _ in range(4):
        ran = sweep("--delete", "--grace", "0", "--limit", "2", "--after", after, "--json")
        found.append(sum(ran.summary["found"].values()))
        after = ran.summary["resume_after"]

    assert found == [2, 2, 2, 0]
    assert not set(orphans) & set(bucket_keys())
    for user in members:
        assert_in_order(user)


class Terminal(io.StringIO):
    """An error stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.case(39)
def test_progress_is_shown_when_somebody_is_looking(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    user = make_member()
    put_orphan(user.pk)

    for arguments, shown in (((), True), (("--json",), False)):
        terminal = Terminal()
        monkeypatch.setattr("sys.stderr", terminal)
        call_command(Command(stdout=io.StringIO()), "--delete", "--grace", "0", *arguments)

        assert ("3 examined, 1 found" in terminal.getvalue()) == shown
        put_orphan(user.pk)


@pytest.mark.case(39)
def test_no_progress_is_shown_when_nobody_is_looking(
    aws: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log would hold a line for each step."""
    put_orphan(make_member().pk)

    sweep("--delete", "--grace", "0")

    assert " examined, " not in capsys.readouterr().err


@pytest.mark.case(39)
def test_every_page_is_swept_when_the_listing_has_many(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The listing has at least six pages of two keys."""
    users = [make_member() for _ in range(3)]
    orphans = sorted(put_orphan(user.pk, f"0{n}") for user in users for n in range(3))
    listed: list[Listing] = []

    class SmallPages:
        def __getattr__(self, name: str) -> object:
            return getattr(aws.bucket, name)

        def list_page(self, *, prefix: str = "", after: str = "", limit: int = 0) -> Listing:
            listed.append(aws.bucket.list_page(prefix=prefix, after=after, limit=2))
            return listed[-1]

    stores = replace(aws, bucket=SmallPages())  # type: ignore[arg-type]  # by __getattr__
    serve_with(monkeypatch, stores)

    ran = sweep("--delete", "--grace", "0")

    assert [name for _, _, name in ran.lines] == orphans
    assert bucket_keys() == sorted(live_key(user) for user in users)
    assert len(listed) >= 6


def test_summary_is_json_when_asked_for(aws: Stores) -> None:
    user = make_member()
    key = put_orphan(user.pk, "zzz")

    dry = sweep("--grace", "0", "--json")
    wet = sweep("--grace", "0", "--json", "--delete")

    assert (dry.status, wet.status) == (1, 0)
    shared = {"found": {"orphan": 1}, "resume_after": key, "failure": ""}
    found = {"dry_run": True, "outcomes": {"found": 1}, "bytes_freed": 0}
    mended = {"dry_run": False, "outcomes": {"mended": 1}, "bytes_freed": 100}
    assert (dry.summary["examined"], wet.summary["examined"]) == (3, 3)
    assert dry.summary == dry.summary | shared | found
    assert wet.summary == wet.summary | shared | mended


def test_bytes_freed_are_told_in_words(aws: Stores) -> None:
    put_object(f"avatars/{make_user().pk}/x", b"x" * 2048)

    assert "Found 1 orphan; 0 left, 2.0 KB freed." in sweep("--delete", "--grace", "0").output


# --- Failures ---


class FailsLater:
    """A gateway with pages of one object, whose method ``name`` fails from the ``nth`` call on."""

    def __init__(self, gateway: object, name: str, nth: int, error: Exception) -> None:
        self._gateway, self._name, self._left, self._error = gateway, name, nth, error

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._gateway, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if name == self._name:
                self._left -= 1
                if self._left <= 0:
                    raise self._error
            return method(*args, **({**kwargs, "limit": 1} if name == "list_page" else kwargs))

        return call


HALF_WAY = {
    "listing": ("bucket", "list_page", 3),  # the first one only looks whether it is there
    "reading a page": ("references", "read_many", 2),
    "reading before the fence": ("references", "read", 2),
    "deleting": ("bucket", "delete", 2),
}


def serve_pages_of_one(
    monkeypatch: pytest.MonkeyPatch, stores: Stores, place: str, name: str, nth: int
) -> None:
    """Make the command work on small pages, until the ``nth`` call of ``name`` fails."""
    gateways: dict[str, Any] = {"bucket": stores.bucket, "references": stores.references}
    gateways["bucket"] = FailsLater(gateways["bucket"], "", 0, StorageUnavailable())
    gateways[place] = FailsLater(gateways[place], name, nth, StorageUnavailable())
    serve_with(monkeypatch, replace(stores, **gateways))


@pytest.mark.case(38)
@pytest.mark.parametrize(("place", "name", "nth"), HALF_WAY.values(), ids=HALF_WAY)
def test_nothing_more_is_deleted_when_a_request_fails_half_way(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, place: str, name: str, nth: int
) -> None:
    """A later sweep that resumes where this one stopped deletes the rest."""
    member = make_member()
    first, second = put_orphan("!a"), put_orphan("!b")
    put_object("pending/x/y")
    serve_pages_of_one(monkeypatch, aws, place, name, nth)

    with time_machine.travel(IN_TWO_DAYS):
        ran = sweep("--delete", "--json")

    assert (ran.status, "Nothing more was deleted." in ran.error) == (2, True)
    assert bucket_keys() == [second, live_key(member), "pending/x/y"]
    assert ran.summary["resume_after"] == first
    assert ran.summary["found"] == {"orphan": 1}
    serve_with(monkeypatch, aws)
    with time_machine.travel(IN_TWO_DAYS):
        assert sweep("--delete", "--after", ran.summary["resume_after"]).status == 0
    assert bucket_keys() == [live_key(member)]


@pytest.mark.case(38)
@pytest.mark.parametrize(("calls", "left"), [(0, 3), (1, 3), (2, 2)])
def test_nothing_more_is_deleted_when_the_database_fails(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, calls: int, left: int
) -> None:
    """Without the database the sweep cannot know which accounts are gone."""
    member = make_member()
    item = item_of(member)
    put_orphan("!a"), put_orphan("!b")
    serve_pages_of_one(monkeypatch, aws, "bucket", "", 0)
    asked: list[object] = []

    def existing(owner_ids: Collection[str]) -> set[str]:
        asked.append(owner_ids)
        if len(asked) > calls:
            raise OperationalError("gone away")
        return existing_owners(owner_ids)

    monkeypatch.setattr("avatars.sweeping.existing_owners", existing)

    ran = sweep("--delete", "--grace", "0")

    assert (ran.status, "the database does not answer" in ran.error) == (2, True)
    assert "Nothing more was deleted." in ran.error
    assert len(bucket_keys()) == left
    assert item_of(member) == item


@pytest.mark.case(38)
@pytest.mark.parametrize("request_name", ["scan", "read_many", "read"])
def test_nothing_is_deleted_when_the_table_does_not_answer(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, request_name: str
) -> None:
    key = put_orphan(make_user().pk)
    references = broken(aws.references, **{request_name: StorageUnavailable()})
    serve_with(monkeypatch, replace(aws, references=references))

    ran = sweep("--delete", "--grace", "0")

    assert ran.status == 2
    assert bucket_keys() == [key]


@pytest.mark.case(38)
def test_nothing_is_fenced_or_deleted_when_the_bucket_cannot_be_listed(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bucket that cannot be listed must not be taken for an empty one."""
    user = make_member()
    item = item_of(user)
    put_orphan(user.pk)
    failing = broken(aws.bucket, list_page=StorageUnavailable(), exists=StorageUnavailable())
    serve_with(monkeypatch, replace(aws, bucket=failing))

    ran = sweep("--delete", "--grace", "0")

    assert ran.status == 2
    assert item_of(user) == item
    assert len(promoted_keys(user)) == 2


@pytest.mark.case(38)
def test_no_item_is_taken_for_a_ghost_when_the_whole_bucket_is_missing(aws: Stores) -> None:
    """A wrong AWS_STORAGE_BUCKET_NAME must not empty every item."""
    user = make_member()
    item = item_of(user)
    missing = replace(aws, bucket=S3Bucket("another-bucket"))

    with pytest.raises(StorageUnavailable):
        list(sweep_all(missing, delete=True))

    assert item_of(user) == item


@pytest.mark.case(38)
def test_failure_is_told_when_the_delete_fails(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = put_orphan(make_user().pk)
    serve_with(monkeypatch, replace(aws, bucket=broken(aws.bucket, delete=StorageUnavailable())))

    ran = sweep("--delete", "--grace", "0")

    assert (ran.status, ran.lines) == (2, [])
    assert bucket_keys() == [key]


@pytest.mark.case(36)
def test_finding_is_left_when_its_item_changed_meanwhile(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The finding is reported as changed, and the exit status is 1."""
    user = make_member()
    key = put_orphan(user.pk)
    references = meddle(aws.references, before={"replace": lambda: upload_picture(signed_in(user))})
    serve_with(monkeypatch, replace(aws, references=references))

    ran = sweep("--delete", "--grace", "0")

    assert (ran.status, ran.lines) == (1, [("changed", "orphan", key)])
    assert key in bucket_keys()
    assert live_key(user)
    assert sweep("--delete", "--grace", "0").status == 0
    assert_in_order(user)


def test_owner_ids_of_any_form_have_no_account(aws: Stores) -> None:
    user = make_user()
    forms = [str(user.pk), str(user.pk).upper(), user.pk.hex, f"{{{user.pk}}}", "", "\x00", "x"]

    assert existing_owners(forms) == {str(user.pk)}


def make_gone_owners(count: int) -> list[str]:
    """Return owners with an open item and no account."""
    owners = [f"gone-{number:02}" for number in range(count)]
    for owner in owners:
        write_item(owner, now=datetime(2026, 1, 1, tzinfo=UTC))
    return owners


@pytest.mark.parametrize("count", [4, 20])
def test_nobody_loses_a_picture_when_the_database_is_another(aws: Stores, count: int) -> None:
    """No owner has an account in that database, and not even the first is closed."""
    owners = make_gone_owners(count)
    before = everything(aws)

    ran = sweep("--delete", "--grace", "0")

    assert (ran.status, "right bucket and database" in ran.error) == (2, True)
    assert everything(aws) == before
    assert sweep("--grace", "0").lines, "a dry run shows them all the same"
    assert sorted(owners) == sorted(before[1])


def test_nobody_loses_a_picture_when_most_accounts_are_gone(aws: Stores) -> None:
    make_member()
    make_gone_owners(20)
    before = everything(aws)

    assert sweep("--delete", "--grace", "0").status == 2

    assert everything(aws) == before


def test_nobody_loses_a_picture_when_the_bucket_is_an_empty_one(aws: Stores) -> None:
    user = make_member()
    item = item_of(user)
    aws.bucket.delete([live_key(user)])

    ran = sweep("--delete")

    assert (ran.status, "right bucket and database" in ran.error) == (2, True)
    assert item_of(user) == item
    assert sweep("--delete", "--force").lines == [("mended", "ghost", str(user.pk))]


def test_nobody_loses_a_picture_when_the_table_is_another(aws: Stores) -> None:
    """Without their items all pictures look like orphans."""
    keys = [put_orphan(f"owner{number:02}") for number in range(11)]

    ran = sweep("--delete", "--grace", "0")

    assert (ran.status, "right bucket and database" in ran.error) == (2, True)
    assert everything(aws)[1] == {}, "not even fenced"
    assert bucket_keys() == keys
    assert sweep("--delete", "--grace", "0", "--force").status == 0
    assert bucket_keys() == []


def test_sweep_goes_on_when_a_few_look_wrong(aws: Stores) -> None:
    """Ten findings do not stop the sweep, even on the smallest site."""
    make_member()
    owners = make_gone_owners(10)

    assert sweep("--delete").status == 0

    assert all(aws.references.read(owner).closed_at for owner in owners)


def test_sweep_goes_on_when_forced_though_most_items_look_wrong(aws: Stores) -> None:
    owners = make_gone_owners(20)

    assert sweep("--delete", "--force").status == 0

    assert all(aws.references.read(owner).closed_at for owner in owners)


def test_picture_is_swept_when_a_closed_item_names_one(aws: Stores) -> None:
    put_object("avatars/gone/x.webp")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    write_item("gone", "avatars/gone/x.webp", now=now, closed_at=now)

    assert sweep("--delete").status == 0

    assert bucket_keys("avatars/") == []
    assert aws.references.read("gone").avatar is None
