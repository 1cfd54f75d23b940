"""The pages and the health checks; each fault strikes each of their requests."""

from collections.abc import Iterable

import pytest
from django.test import Client
from django.urls import reverse

from avatars.references import Stores
from tests.builders import make_user
from tests.faults.conftest import Road
from tests.faults.proxy import Plan, Reach
from tests.faults.steps import arrived, every_strike, give_picture, is_saved
from tests.functional.steps import signed_in
from tests.functional.test_outage import SORRY

pytestmark = pytest.mark.django_db


@pytest.mark.case(27)
@pytest.mark.parametrize("route", ["users", "inspection-bucket", "inspection-table"])
def test_page_is_shown_or_says_what_is_wrong_when_a_request_fails(
    aws: Stores, road: Road, route: str
) -> None:
    user = make_user(username="pat")
    browser = signed_in(user)
    arrived(str(user.pk))
    give_picture(str(user.pk))

    def record() -> Plan:
        with road.planned() as plan:
            assert SORRY not in browser.get(reverse(route)).content.decode()
        return plan

    for fault, strike in every_strike(record):
        with road.planned(fault, strike.number, strike.reach) as plan:
            answer = browser.get(reverse(route))

        assert plan.struck, strike
        assert answer.status_code == 200
        page = answer.content.decode()
        assert "</html>" in page
        assert not (is_saved(fault, strike) and SORRY in page)
        if strike.reach is Reach.ALL and fault.name in {"internal-error", "reset-before"}:
            assert SORRY in page


@pytest.mark.case(27)
def test_readiness_is_answered_when_a_request_fails(aws: Stores, road: Road) -> None:
    """A HEAD has no body, so a 200 from another server cannot be told from the bucket's."""

    def record() -> Plan:
        with road.planned() as plan:
            assert Client().get("/readyz").status_code == 200
        return plan

    for fault, strike in every_strike(record):
        with road.planned(fault, strike.number, strike.reach) as plan:
            answer = Client().get("/readyz")

        strike.assert_struck(plan)
        assert_ready(answer.status_code, answer.json().values())
        assert not (is_saved(fault, strike) and answer.status_code != 200)
        assert Client().get("/ping").status_code == 200


def assert_ready(status: int, answers: Iterable[str]) -> None:
    """Assert that the status agrees with the parts that are reported."""
    assert set(answers) <= {"ok", "unavailable"}
    assert status == (200 if set(answers) == {"ok"} else 503)


@pytest.mark.case(27)
def test_picture_or_placeholder_is_served_when_the_item_cannot_be_read(
    aws: Stores, road: Road
) -> None:
    user = make_user()
    give_picture(str(user.pk))
    path, browser = reverse("picture", args=[user.pk]), signed_in(user)

    def record() -> Plan:
        with road.planned() as plan:
            assert browser.get(path).status_code == 302
        return plan

    for fault, strike in every_strike(record):
        with road.planned(fault, strike.number, strike.reach) as plan:
            answer = browser.get(path)

        strike.assert_struck(plan)
        assert answer.status_code in {200, 302}
        assert answer.status_code == 302 or not is_saved(fault, strike)
