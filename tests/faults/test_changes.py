"""A removal, the closing of an owner, and phase 1; each fault strikes each of their requests."""

import pytest

from avatars.references import Stores
from avatars.services import close_owner
from aws.errors import StorageUnavailable
from tests.builders import make_user
from tests.faults.conftest import Road
from tests.faults.proxy import Fault, Plan
from tests.faults.steps import (
    arrived,
    assert_clear,
    each_fault,
    every_strike,
    give_picture,
    is_saved,
    strikes,
    sweep,
)
from tests.faults.truth import assert_no_ghost, assert_no_orphan, keys_under, named_keys
from tests.functional.steps import begin, error_code, item_of, post_json, signed_in

pytestmark = pytest.mark.django_db


@pytest.mark.case(24, 25)
@each_fault
def test_removal_leaves_no_ghost_and_can_be_repeated_when_a_request_fails(
    aws: Stores, road: Road, fault: Fault
) -> None:
    user = make_user()
    browser = signed_in(user)

    def record() -> Plan:
        give_picture(str(user.pk))
        with road.planned() as plan:
            assert post_json(browser, "remove-avatar", {}).status_code == 200
        return plan

    for strike in strikes(fault, record):
        key = give_picture(str(user.pk))

        with road.planned(fault, strike.number, strike.reach) as plan:
            answer = post_json(browser, "remove-avatar", {})

        strike.assert_struck(plan)
        assert_no_ghost()
        assert_clear(answer, saved=is_saved(fault, strike))
        plan.deliver_late()
        assert_no_ghost()
        assert answer.status_code != 200 or named_keys() == set()
        assert post_json(browser, "remove-avatar", {}).status_code == 200
        assert key not in named_keys()
    sweep(aws)
    assert keys_under("avatars/") == named_keys() == set()


@pytest.mark.case(19, 24)
@each_fault
def test_owner_is_closed_by_the_sweep_at_the_latest_when_a_request_fails(
    aws: Stores, road: Road, fault: Fault
) -> None:
    owners = []

    def owner_with_everything() -> str:
        user = make_user()
        arrived(str(user.pk))
        give_picture(str(user.pk))
        owners.append(user)
        return str(user.pk)

    def record() -> Plan:
        owner_id = owner_with_everything()
        with road.planned() as plan:
            close_owner(owner_id=owner_id, stores=aws)
        return plan

    for strike in strikes(fault, record, stops_at_once=True):
        owner_id = owner_with_everything()

        with road.planned(fault, strike.number, strike.reach) as plan:
            try:
                close_owner(owner_id=owner_id, stores=aws)
            except StorageUnavailable:
                assert not is_saved(fault, strike)

        strike.assert_struck(plan)
        assert_no_ghost()
        plan.deliver_late()
        assert_no_ghost()
    sweep(aws, gone={str(user.pk) for user in owners})
    assert keys_under("avatars/") == set()
    assert all(item_of(user).closed_at for user in owners)
    assert_no_orphan()


@pytest.mark.case(24, 27)
def test_phase_1_answers_clearly_when_a_request_fails(aws: Stores, road: Road) -> None:
    browser = signed_in(make_user())

    def record() -> Plan:
        with road.planned() as plan:
            assert begin(browser).status_code == 201
        return plan

    for fault, strike in every_strike(record):
        with road.planned(fault, strike.number, strike.reach) as plan:
            answer = begin(browser)

        strike.assert_struck(plan)
        if answer.status_code != 201:
            assert not is_saved(fault, strike)
            assert (answer.status_code, error_code(answer)) == (503, "unavailable")
    assert begin(browser).status_code == 201
