"""The properties of the protocol of files, checked on stored state, its changes, and answers."""

from collections.abc import Iterator
from functools import partial

from django.conf import settings

from aws.policies import PENDING_TAG
from files import errors
from files.items import Entry, Name, Pointer, State, entry_key, name_key, pointer_key, usage_key
from files.names import decode_name
from files.room import limits
from tests.simulation.checker import End, Rules, Violation
from tests.simulation.files.ends import (
    check_counted,
    check_replays,
    check_settled,
    drained,
    swept,
)
from tests.simulation.files.reading import entries_of, entry_of, names_of, taken_by_owners
from tests.simulation.files.scripts import Claim
from tests.simulation.memory import StoredObject
from tests.simulation.processes import Reply
from tests.simulation.storage import Storage
from uploads.keys import FILES_PREFIX

BEGINS_BAD = b"bad"
# Reasons that lie outside of the object, so that a good one may be refused for them.
NO_FAULT_OF_THE_FILE = {errors.NO_ROOM, errors.TOO_MANY_VERSIONS, errors.CLOSED}


class FileRules(Rules):
    """No ghost, right facts, no revival, nothing lost, quota, versions, and true answers."""

    def check(self, storage: Storage) -> None:
        """Check what holds at every instant."""
        for problem in _problems(storage):
            raise Violation(problem)

    def check_change(self, actor: str, before: Storage, after: Storage) -> None:
        """Check that items only go their one way, and that nothing is lost."""
        for problem in _problems_of_change(actor, before, after):
            raise Violation(problem)

    def check_reply(self, process: str, reply: Reply, storage: Storage) -> None:
        """Raise Violation unless a process's last answer is true of ``storage``."""
        if reply.error:
            raise Violation(f"Errors: {process} raised {reply.error!r}")
        if isinstance(reply.value, Claim) and not _is_true(reply.value, storage):
            raise Violation(f"Answers: {process}: {reply.value}, which is not so")

    def is_promise(self, reply: Reply) -> bool:
        """Return whether all that an owner had is said to be gone."""
        return isinstance(reply.value, Claim) and reply.value.what == "owner gone"

    def check_promise(self, reply: Reply, storage: Storage) -> None:
        """Raise Violation if the owner has a file again."""
        if not _is_true(reply.value, storage):
            raise Violation(f"No revival: {reply.value}, and there is a file again")

    def check_end(self, end: End) -> None:
        """Check what is so at rest, and what consumer and sweep make of it."""
        if end.calm:
            check_settled(end.storage)
            check_counted(end.storage)
        check_replays(end)
        swept(drained(end))
        # The sweep counts anew, since nothing is believed to be late for hours.
        swept(end.without("usage")).whatever_arrives(partial(swept, weeks=2))


# --- At every instant ---


def _problems(storage: Storage) -> Iterator[str]:
    for entry in entries_of(storage):
        if entry.is_ready:
            yield from _problems_of_object(entry, storage.bucket.objects.get(entry.key))
            if entry.preview_key and entry.preview_key not in storage.bucket.objects:
                yield f"P1: the preview of {entry.key} is not there"
            yield from _problems_of_place(entry, storage)
    for name in names_of(storage):
        yield from _problems_of_name(name, storage)
    yield from _problems_of_room(storage)


def _problems_of_object(entry: Entry, found: StoredObject | None) -> Iterator[str]:
    if not found:
        yield f"P1: {entry.key} is ready, and not there"
        return
    if PENDING_TAG in found.tags:
        yield f"P1: {entry.key} is ready, and will expire"
    name = decode_name(dict(found.metadata)["name"])
    facts = len(found.body), found.etag, found.content_type, name
    if (entry.size, entry.etag, entry.content_type, entry.name) != facts:
        yield f"Facts: those of {entry.key} are {facts}, and its entry has others"
    if found.body.startswith(BEGINS_BAD):
        yield f"Facts: {entry.key} is ready, and not what it says"


def _problems_of_place(entry: Entry, storage: Storage) -> Iterator[str]:
    """Yield what is wrong with a ready entry that has its place under a name."""
    if not entry.is_placed:
        return
    if entry.restores and entry.restores != entry.file_id:
        yield f"Versions: {entry.key} restores a file, and is a version of another one"
    name = storage.names.read(name_key(entry.owner_id, entry.name or ""))
    if name.file_id != entry.file_id:
        yield f"Versions: {entry.key} is a version of a file that its name does not have"
    elif name.versions[entry.version : entry.version + 1] != (entry.upload_id,):  # type: ignore[operator]
        yield f"Versions: {entry.key} is not version {entry.version} of {name.versions}"


def _problems_of_name(name: Name, storage: Storage) -> Iterator[str]:
    if len(set(name.versions)) < len(name.versions):
        yield f"Versions: {name.name} has one twice: {name.versions}"
    for upload_id in name.versions:
        state = storage.entries.read(entry_key(name.owner_id, upload_id)).state
        if state not in {State.READY, State.DELETED}:
            yield f"Versions: {name.name} lists {upload_id}, which is {state}"
    pointer: Pointer = storage.pointers.read(pointer_key(name.file_id or ""))
    if (pointer.owner_id, pointer.name) != (name.owner_id, name.name):
        yield f"Versions: the id of {name.name} does not lead to it"


def _problems_of_room(storage: Storage) -> Iterator[str]:
    for owner, taken in taken_by_owners(storage).items():
        counted = storage.usage.read(usage_key(owner)).numbers
        for kind, number in taken.items():
            if number > counted[kind]:
                yield f"Quota: {owner} has {number} {kind}, and {counted[kind]} are counted"
            if number > limits()[kind]:
                yield f"Quota: {owner} has {number} {kind}, which is too much"


# --- From one to the next ---

STEPS: dict[State | None, set[State | None]] = {
    None: {State.READY, State.REFUSED, State.DELETED},
    State.READY: {State.DELETED},
    State.REFUSED: set(),
    State.DELETED: set(),
}
FIXED = ("name", "size", "etag", "content_type", "created_at")


def _problems_of_change(actor: str, before: Storage, after: Storage) -> Iterator[str]:
    if before.parts["items"] is not after.parts["items"]:
        for key in before.parts["items"].keys() | after.parts["items"].keys():
            if key[1].startswith("F#"):
                yield from _problems_of_step(
                    before.entries.read(key), after.entries.read(key), after
                )
            elif key[1].startswith("N#"):
                was_name = before.names.read(key)
                yield from _problems_of_list(was_name, after.names.read(key), after)
    if before.parts["objects"] is not after.parts["objects"] and actor != "lifecycle":
        for key in before.bucket.objects.keys() - after.bucket.objects.keys():
            if key.startswith(FILES_PREFIX) and not entry_of(after, key).is_final:
                yield f"Lost: {key} was deleted, and nothing says that it was to be"
    waiting = {key for key, _ in after.queue.pending}
    for key in {key for key, _ in before.queue.pending} - waiting:
        if key in after.bucket.objects and entry_of(after, key).state is None:
            yield f"Lost: the event of {key} was acknowledged, and it has no entry"


def _problems_of_step(was: Entry, entry: Entry, storage: Storage) -> Iterator[str]:
    if entry.state != was.state and entry.state not in STEPS[was.state]:
        yield f"No revival: {entry.key} goes from {was.state} to {entry.state}"
    if (
        was.is_ready
        and entry.is_ready
        and any(getattr(was, fact) != getattr(entry, fact) for fact in FIXED)
    ):
        yield f"Facts: those of {entry.key} change"
    if entry.state is State.DELETED is not was.state and not _is_wanted(entry, was, storage):
        yield f"Lost: {entry.key} was deleted, and its owner did not want that"
    if entry.state is State.REFUSED and was.state is None and _is_good(entry, storage):
        yield f"Lost: {entry.key} was refused as {entry.reason}, and is good"


def _is_wanted(entry: Entry, was: Entry, storage: Storage) -> bool:
    """Return whether the owner asked for it, or nothing was there.

    Or whether there are too many versions, or the file that it was to restore is gone.
    """
    if entry.upload_id in storage.deleted or entry.owner_id not in storage.accounts:
        return True
    if was.state is None:
        return entry.key not in storage.bucket.objects
    name = storage.names.read(name_key(entry.owner_id, was.name or ""))
    if was.is_placed or entry.upload_id in name.versions:
        return False
    is_gone = bool(was.restores) and (name.closed or name.file_id != was.restores)
    return is_gone or _is_full(name)


def _is_full(name: Name) -> bool:
    return len(name.versions) >= settings.FILE_MAX_VERSIONS


def _is_good(entry: Entry, storage: Storage) -> bool:
    found = storage.bucket.objects.get(entry.key)
    is_bad = bool(found and found.body.startswith(BEGINS_BAD))
    return not is_bad and entry.reason not in NO_FAULT_OF_THE_FILE


def _problems_of_list(was: Name, name: Name, storage: Storage) -> Iterator[str]:
    """Yield what is wrong with the next list of a name's versions."""
    for upload_id in set(name.versions) - set(was.versions if name.file_id == was.file_id else ()):
        entry = storage.entries.read(entry_key(name.owner_id, upload_id))
        if not entry.is_ready and name.owner_id in storage.accounts:
            yield f"Versions: {name.name} comes to list {upload_id}, which is {entry.state}"
    if name.revision is None:
        yield f"Versions: the name {was.name} is forgotten"
    elif name.file_id == was.file_id:
        grown = name.versions[: len(was.versions)] == was.versions
        if not grown or (was.closed and (name.versions != was.versions or not name.closed)):
            yield f"Versions: {was.versions} of {was.name} become {name.versions}"
    elif was.revision and not was.closed and not _is_spent(was, storage):
        yield f"Versions: {was.name} becomes another file, and was not deleted"
    elif len(name.versions) != 1:
        yield f"Versions: {was.name} begins with {name.versions}"


def _is_spent(name: Name, storage: Storage) -> bool:
    """Return whether none of the versions is left: its file is over without being closed."""
    keys = [entry_key(name.owner_id, upload_id) for upload_id in name.versions]
    return all(storage.entries.read(key).is_final for key in keys)


# --- Answers ---


def _is_true(claim: Claim, storage: Storage) -> bool:
    """Return whether an answer is so, or was so until the owner changed it."""
    if claim.what == "owner gone":
        return not any(
            entry.is_ready for entry in entries_of(storage) if entry.owner_id == claim.owner
        )
    if claim.what == "file gone":
        mine = [entry for entry in entries_of(storage) if entry.file_id == claim.file_id]
        return not any(entry.is_ready for entry in mine)
    entry = storage.entries.read(entry_key(claim.owner, claim.upload_id))
    if claim.what == "version gone":
        return entry.state is State.DELETED
    if claim.what != State.READY:
        return entry.state == claim.what
    if entry.state is State.DELETED:
        return entry.upload_id in storage.deleted or entry.owner_id not in storage.accounts
    same = ("state", "file_id", "version", *FIXED)
    told = claim.entry
    return bool(told and told.is_placed) and all(
        getattr(entry, fact) == getattr(told, fact) for fact in same
    )
