"""A confirm; each fault strikes each of its requests."""

import pytest

from avatars.references import Stores
from tests.builders import make_user
from tests.faults.conftest import Road
from tests.faults.proxy import Fault, Plan, Reach
from tests.faults.steps import (
    FAULT_IDS,
    arrived,
    assert_clear,
    give_picture,
    is_saved,
    strikes,
    sweep,
)
from tests.faults.truth import assert_no_ghost, assert_no_orphan, assert_serves, forget_item
from tests.faults.weather import FAULTS
from tests.functional.steps import confirm, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("decoded_at_once")]


@pytest.mark.case(24, 25, 26)
@pytest.mark.parametrize("has_picture", [False, True], ids=["first", "replacing"])
@pytest.mark.parametrize("fault", FAULTS, ids=FAULT_IDS)
def test_confirm_leaves_no_ghost_and_can_be_repeated_when_a_request_fails(
    aws: Stores, road: Road, fault: Fault, has_picture: bool
) -> None:
    user = make_user()
    browser = signed_in(user)

    if has_picture:
        give_picture(str(user.pk))

    def start_again() -> None:
        if not has_picture:
            forget_item(str(user.pk))

    def record() -> Plan:
        start_again()
        permission = arrived(str(user.pk))
        with road.planned() as plan:
            assert confirm(browser, permission).status_code == 200
        return plan

    for strike in strikes(fault, record, stops_at_once=not has_picture):
        start_again()
        permission = arrived(str(user.pk))

        with road.planned(fault, strike.number, strike.reach) as plan:
            answer = confirm(browser, permission)

        strike.assert_struck(plan)
        assert_no_ghost()
        assert_clear(answer, saved=is_saved(fault, strike))
        if plan.late and strike.reach is Reach.ALL:
            sweep(aws)
        plan.deliver_late()
        assert_no_ghost()
        assert confirm(browser, permission).status_code == 200
        assert_serves(str(user.pk), permission)
        assert_no_ghost()
    sweep(aws)
    assert_no_ghost()
    assert_no_orphan()
