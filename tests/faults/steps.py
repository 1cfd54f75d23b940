"""States to start from, and assertions that hold in every state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from avatars.references import Stores
from avatars.services import PURPOSE
from aws.policies import pending_metadata, pending_tags
from pictures import images
from tests.builders import picture_bytes
from tests.faults.proxy import Asked, Fault, Plan, Reach
from tests.faults.weather import FAULTS
from tests.functional.steps import (
    Permission,
    Response,
    error_code,
    put_object,
    write_item,
)
from tests.sweeps import sweep_all
from uploads.sweeping import Finding
from uploads.tokens import new_upload, sign_upload

RED = picture_bytes(colour="#ff0000", size=(64, 64))
PICTURE = images.normalise(RED)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

FAULT_IDS = [fault.name for fault in FAULTS]
# One of each kind: in `make test` only a confirm meets all of them.
FEW = {"error-in-200", "reset-after", "silent-before", "late"}
each_fault = pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=fault.name, marks=[pytest.mark.thorough] * (fault.name not in FEW))
        for fault in FAULTS
    ],
)
# What the SDK repeats: struck once, the product's caller does not notice.
REPEATED = {
    "internal-error",
    "slow-down",
    "throughput-exceeded",
    "throttled",
    "noise",
    "reset-before",
    "reset-after",
}
# Those that are also had from one request onward: then nobody can read what became of it.
LASTING = {"internal-error", "reset-after", "page-in-200", "page-after", "nothing-in-200"}
# Those that are had once even where that is much like anywhere else.
ONCE = {"internal-error", "reset-after", "late"}


# --- States ---


def arrived(owner_id: str, body: bytes = RED) -> Permission:
    """Return a permission whose file is in the bucket, made without phase 1."""
    upload = new_upload(owner_id, now=timezone.now())
    token = sign_upload(upload, purpose=PURPOSE)
    put_object(
        upload.pending_key,
        body,
        ContentType="image/png",
        Metadata=pending_metadata(owner_id, token),
        Tagging=urlencode(pending_tags(token)),
    )
    return Permission("", {}, upload.pending_key, token, "", 0)


def give_picture(owner_id: str) -> str:
    """Let the owner's item name a new object; return its key."""
    key = f"avatars/{owner_id}/{timezone.now().timestamp()}.webp"
    put_object(key)
    write_item(owner_id, key, now=LONG_AGO)
    return key


def sweep(stores: Stores, *, gone: set[str] | None = None) -> list[Finding]:
    """Sweep without a grace period, as if every owner but those ``gone`` had an account."""
    return list(sweep_all(stores, lambda ids: set(ids) - (gone or set()), delete=True))


# --- Faults, one after another ---


class Strike(NamedTuple):
    """A request to strike, and how far the fault reaches."""

    number: int
    reach: Reach
    asked: list[Asked]  # the requests without a fault

    def assert_struck(self, plan: Plan) -> None:
        """Assert that the fault has struck the request that it was planned for."""
        assert plan.struck, self
        assert plan.asked[: self.number] == self.asked[: self.number], self


def strikes(
    fault: Fault, record: Callable[[], Plan], *, stops_at_once: bool = False
) -> Iterator[Strike]:
    """Yield each request that ``fault`` can strike, with each reach.

    ``record`` runs the same steps without a fault, so that no request is left out when the product
    changes. What stops at the first failure needs less: lasting faults look the same to it, and one
    that comes once is repeated by the SDK as anywhere else.
    """
    asked = record().asked
    reaches: Iterable[Reach] = Reach if fault.name in LASTING else (Reach.FIRST, Reach.ALL)
    if stops_at_once:
        reaches = (Reach.FIRST, Reach.ALL) if fault.name in ONCE else (Reach.ALL,)
    for number, request in enumerate(asked, 1):
        if request.service in fault.services:
            for reach in reaches:
                yield Strike(number, reach, asked)


def every_strike(record: Callable[[], Plan]) -> Iterator[tuple[Fault, Strike]]:
    """Yield each fault with each of its strikes, for what stops at the first failure."""
    for fault in FAULTS:
        for strike in strikes(fault, record, stops_at_once=True):
            yield fault, strike


def is_saved(fault: Fault, strike: Strike) -> bool:
    """Return whether the SDK's next attempt must have succeeded."""
    return strike.reach is Reach.FIRST and fault.name in REPEATED


# --- What must hold ---


def assert_clear(answer: Response, *, saved: bool = False) -> None:
    """Assert success, or an error of the API's shape that asks to try again."""
    if answer.status_code != 200:
        assert not saved, answer.content
        assert (answer.status_code, error_code(answer)) == (503, "unavailable"), answer.content
