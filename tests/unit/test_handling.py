"""Each new object in a message is told to the function of its prefix."""

from typing import Any

import pytest
from django.db import IntegrityError, OperationalError
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from aws.errors import OutcomeUnknown, StorageUnavailable
from tests.arrivals import PATH, Arrivals
from tests.events import USELESS, body, enveloped, of_bucket, record
from uploads.handling import Handled, concerns_us, handle

OUTAGES = [StorageUnavailable(), OutcomeUnknown(), OperationalError("down")]
FAULTS = [ValueError("no"), IntegrityError("twice"), RecursionError()]


@pytest.mark.case(44)
@pytest.mark.parametrize("useless", USELESS.values(), ids=USELESS)
def test_message_is_done_and_nobody_is_told_when_it_is(
    arrivals: Arrivals, useless: str | bytes
) -> None:
    with capture_logs() as logs:
        assert handle(useless) == Handled(ignored=1)

    assert arrivals.keys == []
    assert [log["event"] for log in logs] == ["event_ignored"]
    assert not concerns_us(useless)


@pytest.mark.parametrize("key", ["filesx/a", "file", "pending/files/a", "/files/a", "Files/a"])
def test_nobody_is_told_of_a_key_under_another_prefix(arrivals: Arrivals, key: str) -> None:
    text = body(record(key))

    assert handle(text) == Handled(ignored=1)
    assert arrivals.keys == []
    assert not concerns_us(text)


def test_each_function_is_told_of_its_own_prefix(arrivals: Arrivals, settings: Settings) -> None:
    settings.ARRIVALS = {"files/": PATH, "others/": "builtins.len"}

    assert handle(body(record("files/a"), record("others/b"), record("rest/c"))) == Handled(
        done=2, ignored=1
    )
    assert arrivals.keys == ["files/a"]


def test_all_records_of_a_message_are_done(arrivals: Arrivals) -> None:
    text = enveloped(body(*(record(f"files/a/{number}") for number in range(20))))

    assert handle(text) == Handled(done=20)
    assert arrivals.keys == [f"files/a/{number}" for number in range(20)]
    assert concerns_us(text)


@pytest.mark.case(43)
def test_key_is_told_as_it_is_in_the_bucket(arrivals: Arrivals) -> None:
    handle(body(record("files/a b+c%2Bü")))

    assert arrivals.keys == ["files/a b+c%2Bü"]


@pytest.mark.case(45)
@pytest.mark.parametrize("error", [*OUTAGES, *FAULTS], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_others_are_done_when_one_record_fails(
    arrivals: Arrivals, error: Exception, place: int
) -> None:
    keys = ["files/a/0", "files/a/1", "files/a/2"]
    arrivals.fail(keys[place], error=error)

    with capture_logs() as logs:
        handled = handle(body(*map(record, keys)))

    assert handled == Handled(done=2, failed=1, outage=error in OUTAGES)
    assert arrivals.entries == {*keys} - {keys[place]}
    assert [log["event"] for log in logs] == ["event_failed"]


@pytest.mark.case(45)
def test_others_are_done_when_one_record_is_bad(arrivals: Arrivals) -> None:
    text = body(record("files/a/0"), of_bucket("another", "files/a/1"), record("files/a/2"))

    assert handle(text) == Handled(done=2, ignored=1)
    assert arrivals.keys == ["files/a/0", "files/a/2"]


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
def test_fault_in_the_code_is_logged_with_its_traceback(
    arrivals: Arrivals, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    arrivals.fail("files/a", error=error)

    handle(body(record("files/a")))

    [found] = caplog.records
    details: Any = found.msg
    assert details["event"] == "event_failed"
    assert details["exc_info"]
