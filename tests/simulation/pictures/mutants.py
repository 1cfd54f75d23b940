"""The protocol with one rule broken at a time, which the simulation must find.

Each mutant replaces one function of the product by one that leaves a rule out.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from avatars import services
from avatars.references import Avatar, Reference, Stores
from avatars.services import WriteResult
from avatars.sweeping import AvatarSweep
from aws.bucket import FetchedObject, ListedObject
from aws.errors import OutcomeUnknown, RevisionMoved, StorageUnavailable
from pictures import images
from tests.simulation.memory import MemoryReferences
from tests.simulation.mutant import Mutant, Patch
from tests.simulation.worlds import RemoteBucket
from uploads import tokens
from uploads.keys import AVATARS_PREFIX, prefix_of
from uploads.sweeping import Finding, Kind, Outcome, Sweep
from uploads.tokens import Upload

# --- The key, the condition, the order ---


def key_derived_from_the_upload() -> Patch:
    """Promote to a key that every attempt of one upload shares."""
    make = services._avatar

    def derived(picture: images.Picture, upload: Upload) -> Avatar:
        return replace(make(picture, upload), avatar_key=f"avatars/{upload.owner_id}/{upload.id}")

    return patch.object(services, "_avatar", derived)


def pending_object_promoted_as_it_is() -> Patch:
    """Point the item at the pending object, without a copy."""
    make = services._avatar

    def pending(picture: images.Picture, upload: Upload) -> Avatar:
        return replace(make(picture, upload), avatar_key=upload.pending_key)

    return patch.object(services, "_avatar", pending)


def condition_dropped() -> Patch:
    """Write the item without a condition."""

    def unconditional(table: MemoryReferences, before: Reference, after: Reference) -> None:
        table.items[after.owner_id] = after

    return patch.object(MemoryReferences, "replace", unconditional)


def revision_not_fresh() -> Patch:
    """Derive the revision from what is written, so that an old value has its old revision."""

    def derived(before: Reference, now: Any, **changes: Any) -> Reference:
        after = replace(before, updated_at=now, **changes)
        return replace(after, revision=str(after.live_key))

    return patch.object(Reference, "_next", derived)


def deleted_before_the_update() -> Patch:
    """Delete the old picture, then point the item at the new one."""
    update = services._replace

    def early(before: Reference, after: Reference, *, stores: Stores) -> WriteResult:
        if before.live_key:
            stores.bucket.delete([before.live_key])
        return update(before, after, stores=stores)

    return patch.object(services, "_replace", early)


def all_others_deleted() -> Patch:
    """Clean up by deleting all objects of the owner but the new picture."""
    update = services._replace

    def tidy(before: Reference, after: Reference, *, stores: Stores) -> WriteResult:
        result = update(before, after, stores=stores)
        if result.written:
            stores.later(delete_others, after, stores)
        return result

    def delete_others(live: Reference, stores: Stores) -> None:
        found = stores.bucket.list_page(prefix=prefix_of(AVATARS_PREFIX, live.owner_id)).objects
        stores.bucket.delete([row.key for row in found if row.key != live.live_key])

    return patch.object(services, "_replace", tidy)


# --- What an attempt to write came to ---


def deleted_on_unknown_outcome() -> Patch:
    """Take an unknown outcome for a failure, and delete the promoted object."""

    def certain(before: Reference, after: Reference, *, stores: Stores) -> WriteResult:
        try:
            stores.references.replace(before, after)
        except (RevisionMoved, OutcomeUnknown):
            current = stores.references.read(after.owner_id)
            return WriteResult(current, written=current.revision == after.revision)
        return WriteResult(after, written=True)

    return patch.object(services, "_replace", certain)


def own_repeat_taken_for_another() -> Patch:
    """Take a failed condition for another request's update without reading the item."""

    def blind(before: Reference, after: Reference, *, stores: Stores) -> WriteResult:
        try:
            stores.references.replace(before, after)
        except RevisionMoved:
            return WriteResult(before, written=False)
        except OutcomeUnknown as error:
            raise StorageUnavailable from error
        return WriteResult(after, written=True)

    return patch.object(services, "_replace", blind)


def failure_taken_for_success() -> Patch:
    """Report success, whatever the outcome of the update."""

    def hopeful(before: Reference, after: Reference, *, stores: Stores) -> WriteResult:
        with suppress(RevisionMoved, OutcomeUnknown):
            stores.references.replace(before, after)
        return WriteResult(after, written=True)

    return patch.object(services, "_replace", hopeful)


# --- Replays, owners, content ---


def replay_not_recognised() -> Patch:
    """Promote at every confirm, also at a repeated one."""
    return patch.object(services, "_confirmed_already", lambda reference, upload: None)


def owner_not_checked() -> Patch:
    """Let any user confirm any upload."""
    return patch.multiple(services, open_token=_open_any_token, _check_pending=_check_nothing)


def _open_any_token(token: str, *, purpose: str, owner_id: str, now: datetime) -> Upload:
    owner, upload_id, issued = tokens._signer(purpose).unsign_object(token)
    return Upload(owner, upload_id, datetime.fromtimestamp(issued / 1000, UTC))


def _check_nothing(pending: FetchedObject, **_expected: object) -> None:
    pass


def served_as_sent() -> Patch:
    """Promote the bytes without decoding them."""
    return patch.object(
        images, "normalise", lambda body: images.Picture(body, 512, 512, digest="0")
    )


# --- Removal and deletion ---


def removal_forgets_when() -> Patch:
    """Empty the item without revoking the uploads under way."""
    return patch.object(Reference, "removed", lambda before, *, now: before.emptied(now=now))


def removal_deletes_first() -> Patch:
    """Delete the object, then empty the item."""
    leave = services._take_away

    def early(owner_id: str, *, close: bool, stores: Stores) -> None:
        if key := stores.references.read(owner_id).live_key:
            stores.bucket.delete([key])
        leave(owner_id, close=close, stores=stores)

    return patch.object(services, "_take_away", early)


def fence_reopens() -> Patch:
    """Forget at a fence that the account is gone."""
    fenced = Reference.fenced

    def open_again(before: Reference, *, now: datetime) -> Reference:
        return replace(fenced(before, now=now), closed_at=None)

    return patch.object(Reference, "fenced", open_again)


def removal_reopens() -> Patch:
    """Forget at a removal that the account is gone."""
    removed = Reference.removed

    def open_again(before: Reference, *, now: datetime) -> Reference:
        return replace(removed(before, now=now), closed_at=None)

    return patch.object(Reference, "removed", open_again)


def prefix_without_a_slash() -> Patch:
    """Delete all that begins like the owner's id, other owners' objects included."""
    delete = services.delete_prefix

    def too_much(prefix: str, *, stores: Stores) -> None:
        delete(prefix.rstrip("/"), stores=stores)

    return patch.object(services, "delete_prefix", too_much)


def any_upload_counts_as_confirmed() -> Patch:
    """Take the present picture for that of the upload being confirmed."""
    return patch.object(services, "_confirmed_already", lambda reference, upload: reference.avatar)


def owner_left_open() -> Patch:
    """Delete the objects of a deleted user, and let the item accept the next one."""
    return patch.object(Reference, "closed", lambda before, *, now: before.emptied(now=now))


# --- The sweep ---


def swept_without_a_fence() -> Patch:
    """Delete what looks like an orphan, without writing a fence."""
    return patch.object(Sweep, "write", lambda *_: Outcome.MENDED)


def fence_not_waited_for() -> Patch:
    """Delete although the outcome of the fence is unknown."""

    def careless(sweep: Sweep, references: Any, before: Reference, after: Reference) -> Outcome:
        try:
            references.replace(before, after)
        except OutcomeUnknown:
            return Outcome.MENDED
        except RevisionMoved:
            return Outcome.CHANGED
        return Outcome.MENDED

    return patch.object(Sweep, "write", careless)


def fence_without_another_look() -> Patch:
    """Delete what no item named when the page was read, even if an item names it by now."""

    def stale(
        sweep: AvatarSweep, owner_id: str, orphans: list[ListedObject], *, close: bool
    ) -> Iterator[Finding]:
        references = sweep.stores.references
        before = references.read(owner_id)
        after = before.fenced(now=sweep.options.now)
        if sweep.write(references, before, after) is Outcome.MENDED:
            sweep.bucket.delete([found.key for found in orphans])
        yield from (
            Finding(Kind.ORPHAN, found.key, found.size, Outcome.MENDED) for found in orphans
        )

    return patch.object(AvatarSweep, "_remove", stale)


def live_pictures_swept() -> Patch:
    """Empty the items whose objects exist, instead of those whose objects are missing."""
    exists = RemoteBucket.exists

    def opposite(bucket: RemoteBucket, key: str) -> bool:
        return not exists(bucket, key)

    return patch.object(RemoteBucket, "exists", opposite)


def nothing_swept() -> Patch:
    """List, and delete nothing."""
    return patch.object(AvatarSweep, "_remove", lambda *args, **options: iter(()))


MUTANTS = [
    Mutant(key_derived_from_the_upload, "two uploads", "P1"),
    Mutant(condition_dropped, "two uploads, a picture before", "P1"),
    Mutant(deleted_before_the_update, "two uploads, a picture before", "P1"),
    Mutant(deleted_on_unknown_outcome, "two uploads", "P1"),
    Mutant(swept_without_a_fence, "confirm, sweep", "P1"),
    Mutant(pending_object_promoted_as_it_is, "two uploads", "P1"),
    Mutant(revision_not_fresh, "confirm, sweep", "P1"),
    Mutant(all_others_deleted, "two uploads", "P1"),
    Mutant(own_repeat_taken_for_another, "one upload twice", "P1"),
    Mutant(failure_taken_for_success, "two uploads", "Answers"),
    Mutant(replay_not_recognised, "one upload twice", "P4"),
    Mutant(owner_not_checked, "two owners, a thief", "P3"),
    Mutant(served_as_sent, "two uploads", "P5"),
    Mutant(removal_forgets_when, "confirm, remove", "Case 19"),
    Mutant(removal_deletes_first, "confirm, remove, a picture before", "P1"),
    Mutant(owner_left_open, "confirm, delete", "P1"),
    Mutant(fence_not_waited_for, "confirm, sweep", "P1"),
    Mutant(fence_without_another_look, "confirm, sweep", "P1"),
    Mutant(fence_reopens, "confirm, delete, sweep", "P1", 0),
    Mutant(removal_reopens, "later upload, delete, remove", "P1", 0),
    Mutant(prefix_without_a_slash, "another owner goes", "P1", 0),
    Mutant(any_upload_counts_as_confirmed, "two uploads", "Answers"),
    Mutant(live_pictures_swept, "confirm, sweep, a picture before", "Loss"),
    Mutant(nothing_swept, "two uploads", "P2"),
]
