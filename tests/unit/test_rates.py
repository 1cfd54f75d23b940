"""Counting rates: several at once, in this process, in redis, and while redis is down."""

import logging
import socket
from datetime import UTC, datetime, timedelta

import fakeredis
import pytest
import time_machine
from limits.errors import ConfigurationError
from limits.storage import RedisStorage
from pytest_django.fixtures import Settings

from config.checks import limits_can_be_counted
from web import rates
from web.rates import Allowance, Counter, open_storage, seconds_to_wait

KIM, PAT = ("kim",), ("pat",)
TODAY = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def closed_port() -> int:
    """Return a local port on which no process listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_redis(monkeypatch: pytest.MonkeyPatch) -> fakeredis.FakeServer:
    """Start a redis in memory, which serves every URL from now on."""
    server = fakeredis.FakeServer()
    monkeypatch.setattr("redis.from_url", lambda url, **options: fakeredis.FakeRedis(server=server))
    return server


def count_in(monkeypatch: pytest.MonkeyPatch, url: str) -> Counter:
    """Count in the storage at ``url`` for the rest of the test."""
    counter = Counter(open_storage(url))
    monkeypatch.setattr(rates, "_counter", lambda: counter)
    return counter


@pytest.fixture(autouse=True)
def counting_here(monkeypatch: pytest.MonkeyPatch) -> None:
    count_in(monkeypatch, "memory://")


# --- Several rates ---


@pytest.mark.case(9)
def test_request_waits_until_the_rate_that_refuses_it_allows_it() -> None:
    both = [Allowance("2/minute;3/day", KIM)]
    with time_machine.travel(TODAY, tick=False) as clock:
        assert [seconds_to_wait(both) for _ in range(3)] == [0, 0, 60]
        clock.shift(timedelta(seconds=61))
        assert seconds_to_wait(both) == 0, "the third of the day"

        assert seconds_to_wait(both) == 24 * 3600 - 61


@pytest.mark.case(9)
def test_wait_is_the_longest_when_several_rates_refuse_a_request() -> None:
    """A client that comes back after the shorter wait would be refused again."""
    both = [Allowance("1/minute", KIM), Allowance("1/hour", ("address",))]
    with time_machine.travel(TODAY, tick=False):
        assert [seconds_to_wait(both) for _ in range(2)] == [0, 3600]


@pytest.mark.case(9)
@pytest.mark.parametrize(("passed", "wait"), [(0.5, 60), (59.5, 1), (60, 1)])
def test_wait_is_rounded_up_and_never_zero_when_a_request_is_refused(
    passed: float, wait: int
) -> None:
    """Zero would let the request through."""
    rate = [Allowance("1/minute", KIM)]
    with time_machine.travel(TODAY, tick=False) as clock:
        assert seconds_to_wait(rate) == 0
        clock.shift(timedelta(seconds=passed))

        assert seconds_to_wait(rate) == wait


@pytest.mark.case(9)
def test_refused_request_is_counted_by_none_of_its_rates() -> None:
    """A request that the user's rate refuses does not use up the address's rate."""
    kim = [Allowance("1/minute", KIM), Allowance("3/minute", ("address",))]
    pat = [Allowance("5/minute", PAT), Allowance("3/minute", ("address",))]
    assert seconds_to_wait(kim) == 0
    for _ in range(20):
        assert seconds_to_wait(kim) > 0

    assert [seconds_to_wait(pat) > 0 for _ in range(3)] == [False, False, True]


@pytest.mark.case(9)
def test_request_refused_by_the_address_does_not_use_up_the_user() -> None:
    """A request that the address's rate refuses does not use up the user's rate."""
    crowd = [Allowance("1/minute", ("address",))]
    kim = [Allowance("2/day", KIM), *crowd]
    with time_machine.travel(TODAY, tick=False) as clock:
        assert seconds_to_wait(crowd) == 0
        for _ in range(5):
            assert seconds_to_wait(kim) == 60
        clock.shift(timedelta(seconds=61))
        assert seconds_to_wait(kim) == 0
        clock.shift(timedelta(seconds=61))
        assert seconds_to_wait(kim) == 0, "the second of two"


# --- Redis ---


@pytest.mark.case(9)
def test_rates_are_counted_for_all_processes_when_there_is_a_redis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two counters stand for two processes."""
    start_redis(monkeypatch)
    rates = [Allowance("2/minute;10/day", KIM)]
    for _ in range(2):
        count_in(monkeypatch, "redis://127.0.0.1")
        assert seconds_to_wait(rates) == 0

    count_in(monkeypatch, "redis://127.0.0.1")

    assert 1 <= seconds_to_wait(rates) <= 60
    assert seconds_to_wait([Allowance("2/minute;10/day", PAT)]) == 0


@pytest.mark.case(9)
def test_rates_hold_in_this_process_when_redis_is_down(
    monkeypatch: pytest.MonkeyPatch, closed_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A flood is neither let through nor answered by a 500 while redis is down."""
    count_in(monkeypatch, f"redis://:hunter2@127.0.0.1:{closed_port}")

    with caplog.at_level(logging.WARNING):
        waits = [seconds_to_wait([Allowance("2/minute", KIM)]) for _ in range(3)]

    assert waits[:2] == [0, 0]
    assert 1 <= waits[2] <= 60
    assert caplog.text.count("rates_counted_in_this_process") == 1, "said once, not per request"
    assert "hunter2" not in caplog.text


@pytest.mark.case(9)
def test_request_is_not_kept_waiting_when_redis_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A redis that accepts the connection and never answers is asked once, with a time-out."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(0)
        count_in(monkeypatch, f"redis://127.0.0.1:{silent.getsockname()[1]}")
        for _ in range(3):
            assert seconds_to_wait([Allowance("9/minute", KIM)]) == 0
        silent.accept()[0].close()

        with pytest.raises(BlockingIOError):  # there was no second attempt
            silent.accept()


@pytest.mark.case(9)
def test_redis_is_given_half_a_second_to_connect_and_to_answer() -> None:
    """The client's own default is ten times that."""
    storage = open_storage("redis://127.0.0.1")

    assert isinstance(storage, RedisStorage)
    connection = storage.storage.connection_pool.make_connection()
    assert (connection.socket_connect_timeout, connection.socket_timeout) == (0.5, 0.5)


@pytest.mark.case(9)
def test_redis_counts_again_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.rates.PAUSE_SECONDS", 0)
    rates = [Allowance("2/minute", KIM)]
    server = start_redis(monkeypatch)
    count_in(monkeypatch, "redis://127.0.0.1")
    assert seconds_to_wait(rates) == 0, "the first in redis"
    server.connected = False
    assert seconds_to_wait(rates) == 0, "the first in this process"

    server.connected = True

    assert seconds_to_wait(rates) == 0, "the second in redis"
    assert 1 <= seconds_to_wait(rates) <= 60


# --- Storages that cannot be ---


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis",
        "mongodb://:hunter2@127.0.0.1",
        "memcached://127.0.0.1:11211",
        "async+redis://:hunter2@127.0.0.1",
        "redis://:hunter2@127.0.0.1:port",
        "redis://:hunter2@[",
    ],
)
def test_storage_is_refused_at_start_when_it_cannot_be_used(settings: Settings, url: str) -> None:
    settings.RATE_LIMIT_STORAGE = url

    (problem,) = limits_can_be_counted(None)

    assert problem.id == "triphase.E003"
    assert problem.msg.startswith("RATE_LIMIT_STORAGE cannot be used: it ")
    assert "hunter2" not in problem.msg
    with pytest.raises(ConfigurationError):
        open_storage(url)


@pytest.mark.parametrize("url", ["memory://", "redis://127.0.0.1", "rediss://:x@127.0.0.1:1/2"])
def test_storage_is_no_error_when_it_can_be_used(settings: Settings, url: str) -> None:
    settings.RATE_LIMIT_STORAGE = url

    assert limits_can_be_counted(None) == []
