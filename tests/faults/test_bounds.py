"""How long a request can wait for AWS: the arithmetic, and the same on the wire, scaled down."""

import threading
from time import monotonic
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from avatars.models import AvatarItem
from avatars.references import Stores
from avatars.services import WRITE_ATTEMPTS
from aws.bucket import _read_all, live_bucket
from aws.clients import client
from aws.deadlines import in_time
from aws.errors import StorageUnavailable
from config import settings as product
from inspection.labels import PAGE_SIZE
from tests.builders import make_user
from tests.faults.conftest import FIGURES, Clients, Road
from tests.faults.proxy import Plan, Proxy
from tests.faults.steps import RED, arrived, assert_clear, give_picture, strikes, sweep
from tests.faults.truth import assert_no_ghost, assert_no_orphan, assert_serves
from tests.faults.weather import DRIP, FAULTS
from tests.functional.steps import confirm, signed_in

# Calls one after another, at most, that a user waits for; calls side by side count as one.
CALLS = {
    "phase 1": 1,
    "confirm": 4,  # item and upload side by side, PUT, update, the item again
    "removal": 3 * WRITE_ATTEMPTS,  # item, update, the item again
    "users page": 1,
    "table page": 2,
    "bucket page": 4,
    "readiness": 2,
}
BOUNDS = {  # seconds
    "phase 1": 6,
    "confirm": 24,
    "removal": 54,  # 18, if nobody else changes the item again and again
    "users page": 6,
    "table page": 12,
    "bucket page": 24,
    "readiness": 12,
}


@pytest.mark.case(24)
@pytest.mark.parametrize("what", CALLS)
def test_wait_is_bounded_when_every_call_takes_all_its_time(what: str) -> None:
    assert CALLS[what] * product.AWS_CALL_SECONDS <= BOUNDS[what]


def test_figures_fit_each_other() -> None:
    """A call has time for two attempts; each thread that calls AWS has a connection."""
    assert product.AWS_CALL_SECONDS >= 2 * product.AWS_READ_SECONDS
    assert product.AWS_CONNECT_SECONDS < product.AWS_READ_SECONDS
    assert product.AWS_POOL_CONNECTIONS >= 16 + PAGE_SIZE


def test_both_clients_have_the_figures_of_the_settings() -> None:
    table = AvatarItem._get_connection().connection.client
    configs: list[Any] = [client().meta.config, table.meta.config]
    for config in configs:
        assert config.connect_timeout == settings.AWS_CONNECT_SECONDS
        assert config.read_timeout == settings.AWS_READ_SECONDS
        assert config.max_pool_connections == settings.AWS_POOL_CONNECTIONS
        assert config.retries["mode"] == "standard"
        assert config.retries["total_max_attempts"] == settings.AWS_ATTEMPTS


def test_call_is_given_up_when_it_takes_too_long() -> None:
    never = threading.Event()

    with override_settings(AWS_CALL_SECONDS=0.05), pytest.raises(StorageUnavailable):
        in_time("test")(never.wait)(60)

    never.set()


def test_body_is_given_up_when_it_drips_past_the_deadline() -> None:
    """The read time-out never fires, as each read finds a byte."""

    class Dripping:
        looks = 0

        def read1(self, most: int) -> bytes:
            self.looks += 1
            return b"x"

    stream = Dripping()

    with pytest.raises(StorageUnavailable):
        _read_all(stream, 1000, deadline=monotonic() - 1)

    assert stream.looks == 1
    assert _read_all(stream, 1000, deadline=monotonic() + 3600) == b"x" * 1000


@pytest.mark.django_db
def test_body_is_read_whole_or_not_at_all(aws: Stores) -> None:
    key = arrived("kim").key

    assert aws.bucket.fetch(key, max_bytes=len(RED)).body == RED


@pytest.mark.case(24)
@pytest.mark.django_db
@pytest.mark.usefixtures("decoded_at_once")
def test_confirm_is_answered_when_an_answer_drips(aws: Stores, road: Road) -> None:
    """The call is given up; its effect has happened, or happens later."""
    user = make_user()
    browser = signed_in(user)
    give_picture(str(user.pk))

    def record() -> Plan:
        permission = arrived(str(user.pk))
        with road.planned() as plan:
            assert confirm(browser, permission).status_code == 200
        return plan

    for strike in strikes(DRIP, record, stops_at_once=True):
        for seconds in (0.4, 3, 20):  # longer, if the requests before it took all of that
            permission = arrived(str(user.pk))
            with (
                override_settings(AWS_CALL_SECONDS=seconds),
                road.planned(DRIP, strike.number) as plan,
            ):
                answer = confirm(browser, permission)
            if plan.struck:
                break

        assert plan.struck, strike
        assert_clear(answer)
        assert_no_ghost()
        assert confirm(browser, permission).status_code == 200
        assert_serves(str(user.pk), permission)
    sweep(aws)
    assert_no_ghost()
    assert_no_orphan()


@pytest.mark.case(24)
@pytest.mark.django_db
@pytest.mark.parametrize("attempts", [1, 3])
def test_silence_is_borne_as_often_as_the_settings_say(
    aws: Stores, proxy: Proxy, attempts: int
) -> None:
    """Both clients make ``AWS_ATTEMPTS`` attempts, each with its own time-out."""
    figures = {**FIGURES, "AWS_READ_SECONDS": 0.1, "AWS_ATTEMPTS": attempts}
    clients = Clients.made_from(proxy, figures)
    silent = next(fault for fault in FAULTS if fault.name == "silent-before")

    for ask in (live_bucket().check, lambda: aws.references.read("kim")):
        with proxy.planned(silent, 1) as plan, clients.used(), pytest.raises(StorageUnavailable):
            ask()
        assert plan.struck == attempts
