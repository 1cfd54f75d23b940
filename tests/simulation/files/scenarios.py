"""The small sets of concurrent processes that are explored completely."""

from collections.abc import Sequence
from functools import partial

from tests.simulation.casts import Scenario, named
from tests.simulation.files.properties import FileRules
from tests.simulation.files.scripts import (
    abort,
    acceptor,
    close,
    confirm,
    confirmed,
    consumer,
    delete,
    delete_one,
    replace,
    replace_by,
    restore,
    send_parts,
    sweep,
    upload,
    upload_again,
)
from tests.simulation.files.uploads import ANNA, BAD, Sending
from tests.simulation.worlds import Script

A, B, C, D = map(Sending, "ABCD")  # versions of one file, in the order in which they arrive
FALSE = Sending("A", body=BAD)
PICTURE = Sending("A", name="me.png", content_type="image/png")
LARGE = Sending("A", body=b"in parts", multipart_id="multipart 1")
OTHERS = [Sending(letter, name=f"{letter}.txt") for letter in "EFG"]

CONFIRM_A, CONFIRM_B, CONFIRM_C = (partial(confirm, one) for one in (A, B, C))
UPLOAD_A, DELETE_A = partial(upload, A), partial(delete, A)


def cast(
    name: str, scripts: Sequence[Script], before: Sequence[Script] = (), **facts: tuple[str, ...]
) -> Scenario:
    """Return a scenario of ``scripts``, after those ``before`` have run one after the other."""
    first = {f"before, {name}": script for name, script in named(before).items()}
    return Scenario(name, named(scripts), FileRules(), facts.get("owners", (ANNA,)), first)


def sent(*uploads: Sending) -> list[Script]:
    """Return what sends objects, of which only their events know."""
    return [partial(upload, one) for one in uploads]


def accepted(*uploads: Sending) -> list[Script]:
    """Return what makes files."""
    return [*sent(*uploads), *(partial(confirmed, one) for one in uploads)]


def pairs() -> list[Scenario]:
    """Return the scenarios that are explored completely with faults."""
    return [
        cast("file: upload, consumer, confirm", [UPLOAD_A, acceptor, CONFIRM_A]),
        cast(
            "file: two confirms, upload again",
            [CONFIRM_A, CONFIRM_A, partial(upload_again, A)],
            sent(A),
        ),
        cast("file: upload, consumer, sweep", [UPLOAD_A, acceptor, sweep]),
        cast("file: confirm, sweep", [CONFIRM_A, sweep], sent(A)),
        cast("file: bad, consumer, confirm", [consumer, partial(confirm, FALSE)], sent(FALSE)),
        cast("file: room for one", [CONFIRM_A, CONFIRM_B], [*accepted(*OTHERS), *sent(A, B)]),
        cast(
            "file: abort, confirm",
            [partial(abort, LARGE), partial(confirm, LARGE)],
            [partial(send_parts, LARGE)],
        ),
        cast("file: abort, upload, consumer", [partial(abort, A), UPLOAD_A, consumer]),
        cast("file: close, confirm", [partial(close, ANNA), CONFIRM_A], sent(A)),
        cast("file: close, upload, consumer", [partial(close, ANNA), UPLOAD_A, consumer]),
        cast("file: picture, consumer, sweep", [consumer, sweep], accepted(PICTURE)),
        cast(
            "file: picture, consumer, delete",
            [consumer, partial(delete, PICTURE)],
            accepted(PICTURE),
        ),
        cast("file: picture, two consumers", [consumer, consumer], accepted(PICTURE)),
        *pairs_of_deletions(),
        *pairs_of_versions(),
    ]


def pairs_of_deletions() -> list[Scenario]:
    """Return those in which a whole file is deleted."""
    again = partial(upload_again, A)
    return [
        cast("file: upload again, delete, consumer", [again, DELETE_A, consumer], accepted(A)),
        cast("file: delete, late confirm", [DELETE_A, CONFIRM_A], accepted(A)),
        cast("file: delete, sweep, confirm", [DELETE_A, sweep, CONFIRM_A], accepted(A)),
        cast("file: delete, confirm of the next", [DELETE_A, CONFIRM_B], [*accepted(A), *sent(B)]),
        cast("file: first confirm, delete", [CONFIRM_A, DELETE_A], sent(A)),
    ]


def pairs_of_versions() -> list[Scenario]:
    """Return those in which versions of one file come or go."""
    delete_0, delete_1 = partial(delete_one, A, 0), partial(delete_one, A, 1)
    return [
        cast("file: two versions", [CONFIRM_A, CONFIRM_B], sent(A, B)),
        cast("file: delete version, next one", [delete_0, CONFIRM_B], [*accepted(A), *sent(B)]),
        cast("file: delete last, next one", [delete_1, CONFIRM_C], [*accepted(A, B), *sent(C)]),
        cast("file: delete, restore", [DELETE_A, partial(restore, A, 0)], accepted(A)),
        cast("file: delete both versions", [delete_0, delete_1], accepted(A, B)),
        cast(
            "file: delete the last of all, next one",
            [partial(delete_one, A, 2), partial(confirm, D)],
            [*accepted(A, B, C), partial(delete_one, A, 0), partial(delete_one, A, 1), *sent(D)],
        ),
        cast(
            "file: one version more than may be",
            [CONFIRM_C, partial(confirm, D)],
            [*accepted(A, B), *sent(C, D)],
        ),
    ]


def trios() -> list[Scenario]:
    """Return the scenarios that are explored completely without faults."""
    return [
        cast("file: upload, two consumers", [UPLOAD_A, consumer, consumer]),
        cast("file: picture, consumer, two sweeps", [consumer, sweep, sweep], accepted(PICTURE)),
        cast("file: confirm sleeps", [CONFIRM_A, partial(replace, A, B)], sent(A, B)),
        cast(
            "file: restore, begun anew",
            [partial(restore, A, 0), partial(replace_by, A, B)],
            [*accepted(A), *sent(B)],
        ),
    ]
