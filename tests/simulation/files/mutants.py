"""The protocol of files with one rule broken at a time, which the simulation must find.

Each mutant replaces one function of the product by one that leaves a rule out. Those of room and
names are in ``mutants_of_lists.py``.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from django.utils import timezone

from aws.bucket import ListedObject
from aws.direct import ObjectFacts
from aws.errors import ObjectMissing, StorageUnavailable
from files import accepting, arrivals, deleting, processors, services
from files import closing as end_of_owner
from files.items import Entry, State, entry_key
from files.stores import FileStores
from files.sweeping import FileSweep
from tests.simulation.files import scripts
from tests.simulation.files.breaking import removing, unconditional, wherever
from tests.simulation.memory import MemoryBucket
from tests.simulation.mutant import Mutant, Patch
from uploads import notifying
from uploads.sweeping import Finding, Kind, Outcome
from uploads.writing import write

# --- The object, before it has an entry ---


def tag_taken_off_last() -> Patch:
    """Accept first, and take the tag off after that."""
    accept = accepting._finished

    def late(entry: Entry, *, stores: FileStores) -> Entry:
        found = accept(entry, stores=stores)
        with suppress(ObjectMissing):
            stores.bucket.untag(entry.key)
        return found

    def tagged(key: str, *, stores: FileStores) -> ObjectFacts | None:
        with suppress(ObjectMissing):
            return stores.bucket.head(key)
        return None

    return patch.multiple(accepting, _finished=late, _stable_facts=tagged)


def facts_before_the_tag_is_off() -> Patch:
    """Ask for the facts, and take the tag off after that."""

    def early(key: str, *, stores: FileStores) -> ObjectFacts | None:
        try:
            found = stores.bucket.head(key)
            stores.bucket.untag(key)
        except ObjectMissing:
            return None
        return found

    return patch.object(accepting, "_stable_facts", early)


def written_again_by_the_same_url() -> Patch:
    """Sign no ``If-None-Match``, so that a URL writes as often as it is used."""
    put = MemoryBucket.put_once

    def again(bucket: MemoryBucket, key: str, headers: Any, body: bytes) -> None:
        put(bucket, key, {**headers, "If-None-Match": ""}, body)

    return patch.object(MemoryBucket, "put_once", again)


def facts_of_the_client() -> Patch:
    """Believe what the client says of its object."""
    stable = accepting._stable_facts

    def said(key: str, *, stores: FileStores) -> ObjectFacts | None:
        found = stable(key, stores=stores)
        return found and replace(found, etag="755f85c2723bb39381c7379a604160d8")  # of "good"

    return patch.object(accepting, "_stable_facts", said)


def content_not_judged() -> Patch:
    """Accept any content under any type."""
    return patch.object(accepting, "contradicts", lambda declared, name, found: False)


def missing_object_not_expected() -> Patch:
    """Let an object that goes between two requests end the attempt."""

    def blind(entry: Entry, *, stores: FileStores) -> str:
        try:
            return true_type(entry, stores=stores)
        except ObjectMissing as error:
            raise LookupError from error

    true_type = accepting._true_type
    return patch.object(accepting, "_true_type", blind)


# --- The entry ---


def entry_put_without_a_condition() -> Patch:
    """Write entries over whatever is there."""
    return unconditional(Entry)


def deleted_on_unknown_put() -> Patch:
    """Take an unknown outcome of the put for a failure, and delete the object."""
    put = accepting._put

    def certain(before: Entry, judged: Entry, *, stores: FileStores) -> Entry:
        try:
            return put(before, judged, stores=stores)
        except StorageUnavailable:
            stores.bucket.delete([before.key])
            raise

    return patch.object(accepting, "_put", certain)


def acknowledged_before() -> Patch:
    """Acknowledge an event, and accept its object after that."""
    handle = scripts.handle

    def early(message: tuple[str, int], world: Any) -> None:
        world.queue.acknowledge(message)
        handle(message, world)

    return patch.object(scripts, "handle", early)


def topic_told_after_the_note() -> Patch:
    """Note that the topic was told, and tell it after that."""
    publish = notifying.publish

    def nothing(message: Any) -> None:
        pass

    def noted(entry: Entry, *, stores: FileStores) -> Entry:
        after = note(entry, stores=stores)
        publish({"id": f"file.{entry.state}:{entry.upload_id}"})
        return after

    note = arrivals._noted
    return patch.multiple(arrivals, _noted=noted, notifying=_Notifying(nothing))


class _Notifying:
    """The module of notices, with another way to publish."""

    def __init__(self, publish: Any) -> None:
        self.publish = publish
        self.message, self.Event = notifying.message, notifying.Event


def preview_kept_by_a_second_attempt() -> Patch:
    """Name the preview of an attempt that the sweep has fenced."""

    def again(
        entry: Entry, facts: processors.Facts, _checksum: object, *, stores: FileStores
    ) -> None:
        preview_key = arrivals._stored_preview(entry, facts.preview, stores=stores)
        while entry.is_ready and not entry.processed_at:
            now, key = timezone.now(), entry_key(entry.owner_id, entry.upload_id)
            after = entry.changed(now=now, processed_at=now, preview_key=preview_key)
            entry = write(stores.entries, key, entry, after).value

    return patch.object(arrivals, "_keep", again)


# --- The end of a file ---


def object_deleted_first() -> Patch:
    """Delete the object, and mark the entry after that."""
    delete = deleting.delete_entry

    def early(entry: Entry, *, stores: FileStores) -> Entry:
        stores.bucket.delete([entry.key])
        return delete(entry, stores=stores)

    return wherever("delete_entry", early)


def entry_removed_instead_of_marked() -> Patch:
    """Remove the entry of a deleted file."""
    return removing(Entry, lambda entry: entry.state is State.DELETED)


def object_deleted_on_unknown_outcome() -> Patch:
    """Delete the object although it is not known whether the entry was marked."""
    delete = deleting.delete_entry

    def careless(entry: Entry, *, stores: FileStores) -> Entry:
        try:
            return delete(entry, stores=stores)
        except StorageUnavailable:
            stores.bucket.delete([entry.key])
            raise

    return wherever("delete_entry", careless)


def aborted_without_a_mark() -> Patch:
    """Abort by deleting what is there, and leave no entry."""

    def unmarked(*, owner_id: str, upload_id: str, multipart_id: str, stores: FileStores) -> None:
        entry = stores.entries.read(entry_key(owner_id, upload_id))
        if multipart_id:
            stores.bucket.abort_multipart(entry.key, upload_id=multipart_id)
        if not entry.is_ready:
            stores.bucket.delete([entry.key])

    return patch.object(services, "end_upload", unmarked)


def owner_closed_without_marks() -> Patch:
    """Delete the objects of an owner who is gone, and mark only what is ready."""

    def unmarked(entry: Entry, *, stores: FileStores, even_blocked: bool = False) -> Entry:
        if not entry.is_ready:
            return entry
        return deleting.delete_entry(entry, stores=stores, even_blocked=even_blocked)

    return patch.object(end_of_owner, "delete_entry", unmarked)


def accepted_after_the_end_of_the_owner() -> Patch:
    """Delete all files of an owner who is gone, and go on accepting others."""

    def closing(*, owner_id: str, stores: FileStores) -> None:
        end_of_owner._end_uploads(owner_id, stores=stores)
        end_of_owner._delete_objects(owner_id, stores=stores)
        end_of_owner._delete_entries(owner_id, stores=stores)

    return patch.object(scripts, "close_owner", closing)


# --- The sweep ---


def swept_without_looking() -> Patch:
    """Delete every object that is no file, whatever its entry says."""

    def unseen(sweep: FileSweep, found: ListedObject, entry: Entry) -> Iterator[Finding]:
        if not entry.is_ready:
            yield from sweep.delete(Kind.ORPHAN, sweep.take([found]))

    return patch.object(FileSweep, "_object", unseen)


def lost_events_not_swept() -> Patch:
    """Leave objects alone that have no entry."""
    look = FileSweep._object

    def shy(sweep: FileSweep, found: ListedObject, entry: Entry) -> Iterator[Finding]:
        if entry.state is not None:
            yield from look(sweep, found, entry)

    return patch.object(FileSweep, "_object", shy)


def preview_swept_without_a_fence() -> Patch:
    """Delete a preview that no entry names yet, and write no fence."""
    return patch.object(FileSweep, "write", lambda *_: Outcome.MENDED)


AGAIN = "file: two confirms, upload again"
MUTANTS = [
    Mutant(tag_taken_off_last, "file: confirm, sweep", "P1", 0),
    Mutant(facts_before_the_tag_is_off, AGAIN, "Facts", 0),
    Mutant(written_again_by_the_same_url, AGAIN, "P1", 0),
    Mutant(facts_of_the_client, AGAIN, "Facts", 0),
    Mutant(content_not_judged, "file: bad, consumer, confirm", "Facts", 0),
    Mutant(missing_object_not_expected, "file: bad, consumer, confirm", "Errors", 0),
    Mutant(entry_put_without_a_condition, "file: abort, confirm", "No revival", 0),
    Mutant(deleted_on_unknown_put, AGAIN, "Lost"),
    Mutant(acknowledged_before, "file: picture, two consumers", "Lost"),
    Mutant(topic_told_after_the_note, "file: picture, two consumers", "Lost"),
    Mutant(preview_kept_by_a_second_attempt, "file: picture, consumer, sweep", "P1", 0),
    Mutant(object_deleted_first, "file: delete, late confirm", "P1", 0),
    Mutant(entry_removed_instead_of_marked, "file: delete, late confirm", "Versions", 0),
    Mutant(object_deleted_on_unknown_outcome, "file: delete, late confirm", "P1"),
    Mutant(aborted_without_a_mark, "file: abort, confirm", "Answers", 0),
    Mutant(owner_closed_without_marks, "file: close, confirm", "Lost", 0),
    Mutant(accepted_after_the_end_of_the_owner, "file: close, upload, consumer", "No revival", 0),
    Mutant(swept_without_looking, "file: confirm, sweep", "Lost", 0),
    Mutant(lost_events_not_swept, "file: confirm, sweep", "P2"),
    Mutant(preview_swept_without_a_fence, "file: picture, consumer, sweep", "P1", 0),
]
