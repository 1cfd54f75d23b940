"""The properties of the protocol, checked on stored state and on answers."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import permutations
from typing import NamedTuple

from avatars.references import Avatar, Reference
from avatars.services import PURPOSE, confirm_upload
from tests.simulation.clock import at
from tests.simulation.machine import Machine, Move, State
from tests.simulation.memory import StoredObject
from tests.simulation.processes import (
    DECODED,
    Process,
    Reply,
    Request,
    Script,
    World,
    in_words,
    unpack,
)
from tests.simulation.storage import Storage
from tests.sweeps import sweep_all
from uploads.keys import AVATARS_PREFIX
from uploads.tokens import Upload, sign_upload
from web.errors import UserFacingError


class Violation(Exception):
    """A property that does not hold; the message begins with its name."""

    @property
    def kind(self) -> str:
        """Return the name of the property."""
        return str(self).partition(":")[0]


SWEEP = "sweep"


class Claim(NamedTuple):
    """An answer to a user: their picture, its upload, and when they asked."""

    owner: str
    key: str | None
    upload_id: str
    asked_at: datetime

    def __str__(self) -> str:
        return f"{self.owner} has {self.key or 'no picture'}"


def check(storage: Storage) -> None:
    """Raise Violation unless the properties of every instant hold."""
    for problem in _problems(storage):
        raise Violation(problem)


def check_reply(process: str, reply: Reply, storage: Storage) -> None:
    """Raise Violation unless a process's last answer is true of ``storage``."""
    if reply.error:
        raise Violation(f"Errors: {process} raised {reply.error!r}")
    if isinstance(reply.value, Claim):
        avatar = storage.table.read(reply.value.owner).avatar
        truth = (avatar.avatar_key, avatar.upload_id) if avatar else (None, "")
        if truth != (reply.value.key, reply.value.upload_id):
            raise Violation(f"Answers: {process} says {reply.value}, and the item names {truth}")


def check_removed(claim: Claim, storage: Storage) -> None:
    """Raise Violation if the user's picture is one uploaded before the removal."""
    avatar = storage.table.read(claim.owner).avatar
    if avatar and _upload_of(storage.bucket.objects[avatar.avatar_key])[1] <= claim.asked_at:
        raise Violation(
            f"Case 19: {claim.owner} removed the picture, and {avatar.avatar_key} is there"
        )


def check_not_lost(before: Storage, after: Storage) -> None:
    """Raise Violation if a sweep took the picture of a user who has an account.

    A revision names the process that wrote it.
    """
    for owner, found in after.table.items.items():
        was = before.table.read(owner)
        swept = found.revision != was.revision and str(found.revision).startswith(SWEEP)
        if swept and owner in after.accounts and found.avatar != was.avatar:
            raise Violation(f"Loss: a sweep took {owner}'s picture {was.live_key}")


def check_end(storage: Storage, under_way: Sequence[Request], *, now: datetime) -> None:
    """Raise Violation unless the properties of the end hold, in any order of late requests.

    Up to three late requests are tried in every order.
    """
    _check_replays(storage, now=now)
    swept = _swept(storage, now=now)
    for order in permutations(under_way) if len(under_way) < 4 else [under_way]:
        late = swept.copy()
        for request in order:
            late.perform(request, now=now)
            try:
                check(late)
            except Violation as violation:
                late_one = f"after a last sweep, once the late {in_words(request)} has arrived"
                raise Violation(f"{violation}, {late_one}") from violation
        _swept(late, now=now)


class Checker:
    """Checks moves; unchanged parts are not checked again."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._checked: set[int] = set()
        self._ends: set[tuple[int, tuple[int, ...]]] = set()

    def check(self, before: State, move: Move, after: State) -> None:
        """Raise Violation unless all properties hold after ``move``."""
        machine = self.machine
        if after.storage not in self._checked:
            check(machine.storage(after))
            self._checked.add(after.storage)
        if after.storage != before.storage:
            check_not_lost(machine.storage(before), machine.storage(after))
        for process, name in enumerate(machine.names):
            reply = machine.reply(after, process)
            if reply and not machine.reply(before, process):
                check_reply(name, reply, machine.storage(after))
            if reply and isinstance(reply.value, Claim) and reply.value.key is None:
                check_removed(reply.value, machine.storage(after))
        if machine.at_rest(after):
            self._check_end(after)

    def _check_end(self, state: State) -> None:
        end = state.storage, state.under_way
        if end not in self._ends:
            under_way = [self.machine.requests.values[number] for number in state.under_way]
            check_end(self.machine.storage(state), under_way, now=at(state.minute + 1))
            self._ends.add(end)


def sweeping(world: World, *, now: datetime) -> None:
    """Sweep with no grace period."""
    for _finding in sweep_all(world.stores, world.accounts.existing_accounts, now=now, delete=True):
        pass


def undisturbed(name: str, script: Script, storage: Storage, *, now: datetime) -> object:
    """Run ``script`` on ``storage`` with no other process; return its result."""
    process = Process(name, script, now=now)
    while process.waiting:
        strand, request = next(iter(process.waiting.items()))
        process.answer(strand, storage.perform(request, now=now), now=now)
        check(storage)
    assert process.reply
    return unpack(process.reply)


def picture_of(owner: str, issued_at: datetime) -> bytes:
    """Return a body that names the owner of an upload and the time it was issued."""
    return f"picture of {owner} issued {issued_at.isoformat()}".encode()


# --- At every instant ---


def _problems(storage: Storage) -> Iterator[str]:
    for reference in storage.table.items.values():
        if reference.avatar:
            yield from _problems_of_picture(reference, reference.avatar.avatar_key, storage)
    for key, found in storage.bucket.objects.items():
        if key.startswith(AVATARS_PREFIX) and not found.body.startswith(DECODED):
            yield f"P5: {key} holds what a user sent"


def _problems_of_picture(reference: Reference, key: str, storage: Storage) -> Iterator[str]:
    owner = reference.owner_id
    found = storage.bucket.objects.get(key)
    if not found:
        yield f"P1: {owner}'s item names {key}, which is not there"
        return
    uploader, issued_at = _upload_of(found)
    if found.tags or not key.startswith(AVATARS_PREFIX):
        yield f"P1: {owner}'s item names {key}, which will expire"
    if uploader != owner:
        yield f"P3: {owner}'s picture is an upload of {uploader}"
    elif reference.refuses(issued_at):
        yield f"Case 19: {owner}'s picture comes from an upload that was revoked"


def _upload_of(found: StoredObject) -> tuple[str, datetime]:
    """Return the owner of an object's upload, and when it was issued."""
    _, _, upload = found.body.decode().partition("picture of ")
    owner, _, issued_at = upload.partition(" issued ")
    return owner, datetime.fromisoformat(issued_at)


# --- In the end ---


def _swept(storage: Storage, *, now: datetime) -> Storage:
    """Return ``storage`` after a sweep, which must leave no object without an item."""
    swept = storage.copy()
    undisturbed(f"{SWEEP} at last", partial(sweeping, now=now), swept, now=now)
    check_not_lost(storage, swept)
    named = {found.live_key for found in swept.table.items.values()}
    for key in swept.bucket.objects:
        if key.startswith(AVATARS_PREFIX) and key not in named:
            raise Violation(f"P2: after a sweep {key} is still there, and no item names it")
    for owner, found in swept.table.items.items():
        if found.avatar and owner not in swept.accounts:
            raise Violation(f"P2: after a sweep {owner}, whose account is gone, has a picture")
    return swept


def _check_replays(storage: Storage, *, now: datetime) -> None:
    """Confirm every live picture's upload again: same answer, nothing written."""
    for owner, found in storage.table.items.items():
        if found.avatar:
            upload = Upload(owner, found.avatar.upload_id, now)
            after = storage.copy()
            try:
                again = undisturbed("replay", partial(confirming, upload), after, now=now)
            except UserFacingError as error:
                raise Violation(f"P4: a replay of {upload.id} is answered {error}") from error
            if again != found.avatar:
                raise Violation(f"P4: a replay of {upload.id} is answered {again}")
            if after.key() != storage.key():
                raise Violation(f"P4: a replay of {upload.id} changes what is stored")


def confirming(upload: Upload, world: World) -> Avatar:
    """Confirm ``upload``."""
    return confirm_upload(
        owner_id=upload.owner_id,
        key=upload.pending_key,
        upload_token=sign_upload(upload, purpose=PURPOSE),
        stores=world.stores,
    )
