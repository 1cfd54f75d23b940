"""A sweep; each fault strikes each of its requests."""

import pytest

from avatars.references import Stores
from aws.errors import StorageUnavailable
from tests.faults.conftest import Road
from tests.faults.proxy import Fault, Plan
from tests.faults.steps import each_fault, give_picture, is_saved, strikes, sweep
from tests.faults.truth import assert_no_ghost, keys_under, named_keys
from tests.functional.steps import put_object

pytestmark = pytest.mark.django_db

ORPHAN = "avatars/kim/orphan.webp"


@pytest.mark.case(24, 38)
@each_fault
def test_sweep_deletes_no_live_picture_and_can_be_repeated_when_a_request_fails(
    aws: Stores, road: Road, fault: Fault
) -> None:
    """Owners without an account are left out: test_changes.py closes them."""
    live = give_picture("kim")

    def record() -> Plan:
        put_object(ORPHAN)
        with road.planned() as plan:
            sweep(aws)
        assert keys_under("avatars/") == {live}
        return plan

    for strike in strikes(fault, record, stops_at_once=True):
        put_object(ORPHAN)

        with road.planned(fault, strike.number, strike.reach) as plan:
            try:
                sweep(aws)
            except StorageUnavailable:
                assert not is_saved(fault, strike)

        strike.assert_struck(plan)
        assert_no_ghost()
        assert named_keys() == {live}
        plan.deliver_late()
        assert_no_ghost()
        sweep(aws)
        assert keys_under("avatars/") == named_keys() == {live}
