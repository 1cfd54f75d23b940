"""A server process killed at each request of a confirm, before and after AWS carried it out."""

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.urls import reverse

from avatars.references import Stores
from tests.builders import make_user
from tests.faults.conftest import Road
from tests.faults.nursery import HOST, Child, Member, Nursery, nursery
from tests.faults.proxy import Fault, Plan, Proxy
from tests.faults.steps import arrived, give_picture, strikes, sweep
from tests.faults.truth import assert_no_ghost, assert_no_orphan, assert_serves
from tests.faults.weather import FAULTS
from tests.functional.steps import Permission, confirm, signed_in

HELD = [fault for fault in FAULTS if fault.name in {"silent-before", "silent-after"}]
PATIENCE = 60  # seconds


@pytest.fixture(scope="module")
def servers(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Return servers of the site that reach AWS through the proxy."""
    database = tmp_path_factory.mktemp("servers") / "db.sqlite3"
    with nursery(aws_port=proxy.port, database=database) as running:
        yield running


@pytest.mark.case(23)
@pytest.mark.django_db
@pytest.mark.parametrize("has_picture", [False, True], ids=["first", "replacing"])
@pytest.mark.parametrize("fault", HELD, ids=["before", "after"])
def test_no_ghost_comes_and_confirm_can_be_repeated_when_the_server_is_killed(
    aws: Stores, road: Road, proxy: Proxy, servers: Nursery, fault: Fault, has_picture: bool
) -> None:
    for strike in strikes(fault, lambda: _whole_confirm(road), stops_at_once=True):
        member = servers.member()
        if has_picture:
            give_picture(member.owner_id)
        permission = arrived(member.owner_id)

        with servers.server() as server, proxy.planned(fault, strike.number) as plan:
            _confirm_until_killed(server, member, permission, plan)

        assert plan.struck, strike
        assert_no_ghost()
        with servers.server() as server:
            assert _confirm_at(server, member, permission) == 200
        assert_serves(member.owner_id, permission)
        assert_no_ghost()
        sweep(aws)
        assert_no_ghost()
        assert_no_orphan()


def _whole_confirm(road: Road) -> Plan:
    """Return the requests of a confirm that runs to its end."""
    user = make_user()
    permission = arrived(str(user.pk))
    with road.planned() as plan:
        assert confirm(signed_in(user), permission).status_code == 200
    return plan


def _confirm_until_killed(
    server: Child, member: Member, permission: Permission, plan: Plan
) -> None:
    """Confirm at ``server``, and kill it once the proxy holds the planned request."""
    with ThreadPoolExecutor(1) as beside:
        answer = beside.submit(_confirm_at, server, member, permission)
        assert plan.held.wait(PATIENCE)
        server.kill()
        try:
            status = answer.result(PATIENCE)
        except (ConnectionError, http.client.HTTPException):
            return
    assert status == 200, "what came after the answer was held"


def _confirm_at(server: Child, member: Member, permission: Permission) -> int:
    """Ask ``server`` for phase 3 as a browser does; return the status."""
    token = "c" * 32
    headers = {
        "Content-Type": "application/json",
        "Cookie": f"sessionid={member.session}; csrftoken={token}",
        "X-CSRFToken": token,
    }
    body = {"key": permission.key, "upload_token": permission.upload_token}
    connection = http.client.HTTPConnection(HOST, server.port, timeout=PATIENCE)
    try:
        connection.request("POST", reverse("confirm-upload"), json.dumps(body), headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
