"""The command ``sweep``: its arguments, its dry run, its reports."""

import io
from datetime import UTC, datetime

import pytest
import time_machine
from django.core.management import call_command, execute_from_command_line

from avatars.references import Stores
from avatars.services import remove_picture
from tests.builders import make_user
from tests.functional.steps import (
    assert_in_order,
    bucket_keys,
    live_key,
    promoted_keys,
    put_object,
    record_requests,
    signed_in,
    uploaded,
    write_item,
)
from tests.functional.sweeping import (
    IN_TWO_DAYS,
    NOBODY,
    everything,
    make_member,
    put_orphan,
    sweep,
)
from uploads.management.commands.sweep import Command

pytestmark = pytest.mark.django_db

NO_NUMBER, NO_KEY = "is not a whole number", "is not a key of avatars/"
SENSELESS = {
    ("--grace", "-1"): NO_NUMBER,
    ("--grace", "soon"): NO_NUMBER,
    ("--limit", "0"): NO_NUMBER,
    ("--limit", "1.5"): NO_NUMBER,
    ("--after", "zzz"): NO_KEY,
    ("--after", "/avatars/a/x"): NO_KEY,
    ("--after", "pending/a/x"): NO_KEY,
}


@pytest.mark.case(39)
@pytest.mark.parametrize(("arguments", "reason"), SENSELESS.items())
def test_sweep_is_refused_when_an_argument_makes_no_sense(
    aws: Stores, arguments: tuple[str, str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No picture lies after a key that is none, and the sweep would report that all is well."""
    key = put_orphan(NOBODY)

    with pytest.raises(SystemExit, match="2"):
        execute_from_command_line(["manage.py", "sweep", "--delete", *arguments])

    assert f"{arguments[1]!r} {reason}" in capsys.readouterr().err
    assert bucket_keys() == [key]


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


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_limit_is_exact_over_all_kinds(aws: Stores, limit: int) -> None:
    ghost, member = make_member(), make_member()
    aws.bucket.delete([live_key(ghost)])
    orphans = [put_orphan(make_user().pk, name) for name in ("a", "b")]
    put_object("pending/x/y")

    with time_machine.travel(IN_TWO_DAYS):
        ran = sweep("--delete", "--limit", str(limit))

    assert len(ran.lines) == min(limit, 4)
    assert ran.lines[0] == ("mended", "ghost", str(ghost.pk))
    assert promoted_keys(member) == [live_key(member)]
    assert len(bucket_keys("avatars/")) == 1 + max(0, len(orphans) - max(0, limit - 1))
    assert len(bucket_keys("pending/")) == (1 if limit < 4 else 0)


def test_limit_is_exact_when_accounts_are_gone(aws: Stores) -> None:
    for owner in ("gone-1", "gone-2", "gone-3"):
        write_item(owner, now=datetime(2026, 1, 1, tzinfo=UTC))

    assert sweep("--delete", "--limit", "1").lines == [("mended", "gone", "gone-1")]
    closed = [item.owner_id for item in aws.references.scan() if item.closed_at]
    assert closed == ["gone-1"]


def test_limit_is_exact_within_one_owner(aws: Stores) -> None:
    user = make_member()
    keys = [put_orphan(user.pk, f"0{number}") for number in range(5)]

    ran = sweep("--delete", "--grace", "0", "--limit", "2")

    assert [name for _, _, name in ran.lines] == keys[:2]
    assert promoted_keys(user) == sorted([*keys[2:], live_key(user)])


def test_nothing_more_is_asked_when_the_limit_is_reached(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in [make_member() for _ in range(3)]:
        aws.bucket.delete([live_key(user)])
    asked = record_requests(monkeypatch)

    assert len(sweep("--limit", "1").lines) == 1

    # The objects of a batch are asked for together.
    assert [request.operation for request in asked] == ["GET", "Scan", *3 * ["HEAD"], "GetItem"]


@pytest.mark.case(39)
@pytest.mark.parametrize("last", [0, 2], ids=["at the end of an owner", "in the middle of one"])
def test_sweep_goes_on_behind_a_key(aws: Stores, last: int) -> None:
    user = make_member()
    keys = [put_orphan("!a"), *(put_orphan(user.pk, f"!{number}") for number in range(3))]

    ran = sweep("--delete", "--grace", "0", "--after", keys[last])

    assert [name for _, _, name in ran.lines] == keys[last + 1 :]
    assert bucket_keys() == [*keys[: last + 1], live_key(user)]


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
@pytest.mark.parametrize(
    ("stream", "arguments", "shown"),
    [(Terminal, [], True), (Terminal, ["--json"], False), (io.StringIO, [], False)],
    ids=["a terminal", "a terminal and JSON", "a log"],
)
def test_progress_is_shown_when_somebody_is_looking_at(
    aws: Stores,
    monkeypatch: pytest.MonkeyPatch,
    stream: type[io.StringIO],
    arguments: list[str],
    shown: bool,
) -> None:
    """A log would hold a line for each step."""
    monkeypatch.setenv("TERM", "xterm")
    put_orphan(make_member().pk)
    errors = stream()
    monkeypatch.setattr("sys.stderr", errors)

    call_command(Command(stdout=io.StringIO()), "--delete", "--grace", "0", *arguments)

    assert ("3 examined, 1 found" in errors.getvalue()) == shown
    assert (" examined, " in errors.getvalue()) == shown


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
