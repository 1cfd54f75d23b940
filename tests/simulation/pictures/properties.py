"""The properties of the protocol, checked on stored state and on answers."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import NamedTuple

from django.utils import timezone

from avatars.references import Avatar, Reference
from avatars.services import PURPOSE, confirm_upload
from tests.simulation.checker import End, Rules, Violation
from tests.simulation.clock import at
from tests.simulation.memory import StoredObject
from tests.simulation.processes import Reply
from tests.simulation.simulated import DECODED
from tests.simulation.storage import Storage
from tests.simulation.worlds import World
from tests.sweeps import sweep_all
from uploads.keys import AVATARS_PREFIX
from uploads.tokens import Upload, sign_upload
from web.errors import UserFacingError

SWEEP = "sweep"


class Claim(NamedTuple):
    """An answer to a user: their picture, its upload, and when they asked."""

    owner: str
    key: str | None
    upload_id: str
    asked_at: datetime

    def __str__(self) -> str:
        return f"{self.owner} has {self.key or 'no picture'}"


class PictureRules(Rules):
    """P1 to P5, that nothing is lost, and that no removed picture comes back."""

    def check(self, storage: Storage) -> None:
        """Check what holds at every instant."""
        for problem in _problems(storage):
            raise Violation(problem)

    def check_change(self, actor: str, before: Storage, after: Storage) -> None:
        """Raise Violation if a sweep took the picture of a user who has an account.

        A revision names the process that wrote it.
        """
        for owner, found in after.table.items.items():
            was = before.table.read(owner)
            swept = found.revision != was.revision and str(found.revision).startswith(SWEEP)
            if swept and owner in after.accounts and found.avatar != was.avatar:
                raise Violation(f"Loss: a sweep took {owner}'s picture {was.live_key}")

    def check_reply(self, process: str, reply: Reply, storage: Storage) -> None:
        """Raise Violation unless a process's last answer is true of ``storage``."""
        if reply.error:
            raise Violation(f"Errors: {process} raised {reply.error!r}")
        if isinstance(reply.value, Claim):
            avatar = storage.table.read(reply.value.owner).avatar
            truth = (avatar.avatar_key, avatar.upload_id) if avatar else (None, "")
            if truth != (reply.value.key, reply.value.upload_id):
                raise Violation(
                    f"Answers: {process} says {reply.value}, and the item names {truth}"
                )

    def is_promise(self, reply: Reply) -> bool:
        """Return whether a user was told that they have no picture."""
        return isinstance(reply.value, Claim) and reply.value.key is None

    def check_promise(self, reply: Reply, storage: Storage) -> None:
        """Raise Violation if the user's picture is one uploaded before the removal."""
        claim = reply.value
        avatar = storage.table.read(claim.owner).avatar
        if avatar and _upload_of(storage.bucket.objects[avatar.avatar_key])[1] <= claim.asked_at:
            raise Violation(
                f"Case 19: {claim.owner} removed the picture, and {avatar.avatar_key} is there"
            )

    def check_end(self, end: End) -> None:
        """Check the properties of the end, in any order of late requests."""
        _check_replays(end)
        _swept(end).whatever_arrives(_swept)


def sweeping(world: World) -> None:
    """Sweep with no grace period."""
    existing, now = world.accounts.existing_accounts, timezone.now()
    for _finding in sweep_all(world.stores, existing, now=now, delete=True):
        pass


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


def _swept(end: End) -> End:
    """Return what there is after a sweep, which must leave no object without an item."""
    end, _ = end.after(f"{SWEEP} at last", sweeping)
    swept = end.storage
    named = {found.live_key for found in swept.table.items.values()}
    for key in swept.bucket.objects:
        if key.startswith(AVATARS_PREFIX) and key not in named:
            raise Violation(f"P2: after a sweep {key} is still there, and no item names it")
    for owner, found in swept.table.items.items():
        if found.avatar and owner not in swept.accounts:
            raise Violation(f"P2: after a sweep {owner}, whose account is gone, has a picture")
    return end


def _check_replays(end: End) -> None:
    """Confirm every live picture's upload again: same answer, nothing written."""
    for owner, found in end.storage.table.items.items():
        if found.avatar:
            upload = Upload(owner, found.avatar.upload_id, at(end.minute))
            try:
                after, again = end.after(f"replay {owner} {upload.id}", partial(confirming, upload))
            except UserFacingError as error:
                raise Violation(f"P4: a replay of {upload.id} is answered {error}") from error
            if again != found.avatar:
                raise Violation(f"P4: a replay of {upload.id} is answered {again}")
            if after != end:
                raise Violation(f"P4: a replay of {upload.id} changes what is stored")


def confirming(upload: Upload, world: World) -> Avatar:
    """Confirm ``upload``."""
    return confirm_upload(
        owner_id=upload.owner_id,
        key=upload.pending_key,
        upload_token=sign_upload(upload, purpose=PURPOSE),
        stores=world.stores,
    )
