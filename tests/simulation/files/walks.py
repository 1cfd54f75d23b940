"""Random operations of several users, too many to visit all their schedules."""

import random
from collections.abc import Callable
from functools import partial

from tests.simulation.casts import Scenario
from tests.simulation.files.scenarios import cast, sent
from tests.simulation.files.scripts import (
    abort,
    change,
    close,
    confirm,
    consumer,
    delete_any,
    delete_any_version,
    restore_any,
    sweep,
    upload,
    upload_again,
)
from tests.simulation.files.uploads import BAD, GOOD, Sending
from tests.simulation.worlds import Script

OWNERS = ("anna", "ann", "cleo")
OPERATIONS = 50
NAMES = ("a.txt", "me.png")
BODIES = (GOOD, GOOD, BAD, b"in parts")  # the last one is large
ENDS = ("confirm", "confirm", "leave", "abort")


def scenario_of(seed: int) -> Scenario:
    """Return the random operations of three users that ``seed`` determines."""
    dice = random.Random(seed)
    uploads = [
        Sending(letter, owner=dice.choice(OWNERS), name=dice.choice(NAMES)) for letter in "ABCDEFGH"
    ]
    arrived, other = uploads[:4], uploads[4:]

    def changing() -> Script:
        owner, name = dice.choice(OWNERS), dice.choice(NAMES)
        return partial(change, owner, name, dice.choice(BODIES), dice.choice(ENDS))

    def of_page(script: Callable[..., object]) -> Script:
        return partial(script, dice.choice(OWNERS), dice.randrange(3))

    operations: list[Callable[[], Script]] = [
        *[changing] * 4,
        *[lambda: consumer] * 3,
        *[lambda: partial(confirm, dice.choice(uploads))] * 2,
        lambda: partial(upload, dice.choice(other)),
        lambda: partial(upload_again, dice.choice(uploads)),
        lambda: partial(abort, dice.choice(uploads)),
        lambda: of_page(delete_any),
        lambda: of_page(delete_any_version),
        lambda: of_page(restore_any),
        lambda: sweep,
    ]
    scripts = [dice.choice(operations)() for _ in range(OPERATIONS - 1)]
    gone = partial(close, dice.choice(OWNERS))
    scripts.insert(dice.randrange(OPERATIONS // 2, OPERATIONS), gone)
    return cast(f"walk {seed}", scripts, sent(*arrived), owners=OWNERS)
