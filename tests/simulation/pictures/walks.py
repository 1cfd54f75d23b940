"""Random operations of several users, too many to visit all their schedules."""

import random
from collections.abc import Callable
from functools import partial

from tests.simulation.casts import Scenario
from tests.simulation.pictures.scenarios import (
    cast,
    change,
    confirm,
    delete,
    remove,
    steal,
    sweep,
    upload,
    upload_again,
)
from tests.simulation.worlds import Script

OWNERS = ("anna", "ann", "cleo", "dora", "emil")
OPERATIONS = 50


def scenario_of(seed: int) -> Scenario:
    """Return the random operations of five users that ``seed`` determines."""
    dice = random.Random(seed)
    uploads = [upload(f"{owner}{number}", owner=owner) for owner in OWNERS for number in range(2)]
    operations: list[Callable[[], Script]] = [
        *[lambda: partial(confirm, dice.choice(uploads))] * 3,
        *[lambda: partial(change, dice.choice(OWNERS))] * 3,
        lambda: partial(upload_again, dice.choice(uploads)),
        lambda: partial(steal, dice.choice(uploads), dice.choice(OWNERS)),
        lambda: partial(remove, dice.choice(OWNERS)),
        lambda: sweep,
    ]
    scripts = [dice.choice(operations)() for _ in range(OPERATIONS - 2)]
    for owner in dice.sample(OWNERS, 2):
        scripts.insert(dice.randrange(OPERATIONS // 2, OPERATIONS), partial(delete, owner))
    return cast(f"walk {seed}", scripts, owners=OWNERS)
