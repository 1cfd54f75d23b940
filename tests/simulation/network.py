"""What the network can do to a request, and to the process that sent it."""

from typing import NamedTuple

from aws.errors import OutcomeUnknown, StorageUnavailable
from tests.simulation.processes import Reply, Request
from tests.simulation.storage import WRITES


class Fate(NamedTuple):
    """What happens to a request, and to the process that sent it."""

    story: str
    arrives: bool
    arrives_later: bool = False  # a copy stays under way, to arrive at any time or never
    sender: str = "told"  # told the answer | given up on it | repeating (the SDK) | dead


DONE = Fate("", arrives=True)
LOST = Fate("never arrives, the sender gives up", arrives=False, sender="given up")
DIES_BEFORE = Fate("the sender dies before", arrives=False, sender="dead")
FAULTS_OF_A_READ = (LOST, DIES_BEFORE)
FAULTS_OF_A_WRITE_SENT_ONCE = (
    LOST,
    DIES_BEFORE,
    Fate("the answer is lost, the sender gives up", arrives=True, sender="given up"),
    Fate("is late, the sender gives up", arrives=False, arrives_later=True, sender="given up"),
    Fate("the sender dies after", arrives=True, sender="dead"),
    Fate("is late, the sender dies", arrives=False, arrives_later=True, sender="dead"),
)
FAULTS_OF_A_WRITE = (
    *FAULTS_OF_A_WRITE_SENT_ONCE,
    Fate("the answer is lost, the SDK repeats it", arrives=True, sender="repeating"),
    Fate("is late, the SDK repeats it", arrives=False, arrives_later=True, sender="repeating"),
)
# Writes after which a gateway tells that it does not know what became of them.
OUTCOMES = {"replace", "add", "close", "correct", "copy"}


def fates(request: Request, *, faults_left: int) -> tuple[Fate, ...]:
    """Return the possible fates of ``request``. The accounts' database has no network faults.

    What a tally is asked is sent once: an addition that is repeated would count twice.
    """
    if faults_left < 1:
        return (DONE,)
    if request.store == "accounts":
        return (DONE, DIES_BEFORE)
    if request.method not in WRITES:
        return (DONE, *FAULTS_OF_A_READ)
    once = request.store == "usage"
    return (DONE, *(FAULTS_OF_A_WRITE_SENT_ONCE if once else FAULTS_OF_A_WRITE))


def failure(request: Request) -> Reply:
    """Return the gateways' error for a request whose answer never came."""
    error = OutcomeUnknown if request.method in OUTCOMES else StorageUnavailable
    return Reply(error=error())
