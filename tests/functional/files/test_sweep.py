"""The sweep of files: what crashes left is finished, what has ended is deleted."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from aws.bucket import live_bucket
from files.items import Item, State, entry_key, usage_key
from files.library import delete_file
from files.models import FileItem
from files.references import live_entries, live_usage
from files.stores import FileStores
from files.sweeping import AT_REST, FileSweep
from tests.functional.files.steps import MIB, Uploader, put, swept
from tests.functional.steps import bucket_keys, put_object
from uploads.errors import WrongPlace
from uploads.sweeping import Finding, Options, Progress


def test_nothing_is_found_when_all_is_in_order(anna: Uploader, file_stores: FileStores) -> None:
    anna.upload("a.txt"), anna.upload("a.txt"), anna.upload("b.txt")
    assert swept(file_stores, later=AT_REST) == []
    anna.assert_in_order()


def test_object_is_accepted_when_its_event_was_lost(
    anna: Uploader, file_stores: FileStores
) -> None:
    anna.uploaded("a.txt")
    assert swept(file_stores, delete=False) == [("arrived", "found")]
    assert anna.files() == []
    assert swept(file_stores, grace=timedelta(hours=1)) == []
    assert swept(file_stores) == [("arrived", "mended")]
    assert [file["name"] for file in anna.files()] == ["a.txt"]
    anna.assert_in_order()
    assert swept(file_stores) == []


def test_bad_object_is_refused_and_deleted_when_its_event_was_lost(
    anna: Uploader, file_stores: FileStores
) -> None:
    issued = anna.uploaded("me.png", b"<html><script>", content_type="image/png")
    assert swept(file_stores) == [("arrived", "mended")]
    assert anna.entry(issued.id).state is State.REFUSED
    anna.assert_in_order()


def test_object_goes_when_its_entry_is_final(anna: Uploader, file_stores: FileStores) -> None:
    issued = anna.begin()
    anna.ask("abort", upload_token=issued.upload_token)
    put(issued.url, b"hello", issued.headers)
    assert swept(file_stores, delete=False) == [("orphan", "found")]
    assert swept(file_stores) == [("orphan", "mended")]
    anna.assert_in_order()


def test_entry_is_deleted_when_its_object_is_missing(
    anna: Uploader, file_stores: FileStores
) -> None:
    kept = anna.upload("b.txt")
    anna.upload("a.txt")
    live_bucket().delete([anna.keys()[-1]])
    assert swept(file_stores) == [("ghost", "mended"), ("unsettled", "mended")]
    assert anna.files() == [kept]
    anna.assert_in_order()


def test_sweep_stops_when_most_objects_are_missing(anna: Uploader, file_stores: FileStores) -> None:
    for number in range(12):
        anna.upload(f"{number}.txt")
    live_bucket().delete(anna.keys())
    with pytest.raises(WrongPlace):
        swept(file_stores)


def test_entry_is_placed_when_a_crash_left_it_without_a_name(
    anna: Uploader, file_stores: FileStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = anna.uploaded("a.txt")
    with monkeypatch.context() as patched:
        patched.setattr("files.accepting.place", lambda entry, **_: entry)
        anna.confirm(issued)
    assert anna.files() == []
    assert swept(file_stores) == [("unsettled", "mended")]
    assert [file["version"] for file in anna.files()] == [0]
    anna.assert_in_order()


def test_deletion_is_finished_when_a_crash_left_versions(
    anna: Uploader, file_stores: FileStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = anna.upload("a.txt")
    with monkeypatch.context() as patched:
        patched.setattr("files.library.delete_versions", lambda name, **_: None)
        delete_file(owner_id=anna.owner_id, file_id=file["id"], stores=file_stores)
    assert swept(file_stores) == [("unsettled", "mended")]
    assert anna.files() == []
    anna.assert_in_order()


def test_usage_is_counted_anew_when_its_owner_is_at_rest(
    anna: Uploader, file_stores: FileStores
) -> None:
    anna.upload("a.txt", b"hello")
    key = usage_key(anna.owner_id)
    live_usage().add(key, {"bytes_used": 100, "file_count": 1}, now=timezone.now())
    assert swept(file_stores) == []
    assert swept(file_stores, later=AT_REST) == [("miscounted", "mended")]
    anna.assert_in_order()


def test_usage_is_left_when_it_changed_since_it_was_read(
    anna: Uploader, file_stores: FileStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna.upload("a.txt", b"hello")
    key, more = usage_key(anna.owner_id), {"bytes_used": 100, "file_count": 1}
    live_usage().add(key, more, now=timezone.now())
    count = FileSweep._counted

    def slow(sweep: FileSweep, owner_id: str) -> dict[str, int]:
        live_usage().add(key, more, now=timezone.now())
        return count(sweep, owner_id)

    monkeypatch.setattr(FileSweep, "_counted", slow)
    assert swept(file_stores, later=AT_REST) == [("miscounted", "changed")]
    assert anna.used() == {"bytes_used": 205, "file_count": 3}


def test_previews_go_when_no_entry_names_them(anna: Uploader, file_stores: FileStores) -> None:
    issued = anna.uploaded("a.txt")
    anna.confirm(issued)
    before = anna.entry(issued.id)
    named = f"previews/{anna.owner_id}/{issued.id}/a.webp"
    live_entries().replace(before, before.changed(now=timezone.now(), preview_key=named))
    put_object(named)
    put_object(f"previews/{anna.owner_id}/{issued.id}/b.webp")
    put_object(f"previews/{anna.owner_id}/{issued.id}/c.webp")
    fenced = anna.entry(issued.id).revision
    assert swept(file_stores) == [("orphan", "mended")] * 2
    assert bucket_keys("previews/") == [named]
    assert anna.entry(issued.id).revision != fenced


def test_open_multipart_is_ended_when_it_is_old(
    anna: Uploader, file_stores: FileStores, settings: Any
) -> None:
    settings.FILE_MULTIPART_BYTES = 6 * MIB
    issued = anna.begin(size=7 * MIB)
    assert swept(file_stores, later=timedelta(days=6)) == []
    assert swept(file_stores, later=timedelta(days=7, minutes=1)) == [("expired", "mended")]
    assert anna.entry(issued.id).state is State.DELETED
    anna.assert_in_order()


def test_owner_is_closed_when_the_account_is_gone(
    anna: Uploader, berta: Uploader, file_stores: FileStores, settings: Any
) -> None:
    settings.FILE_MULTIPART_BYTES = 6 * MIB
    anna.upload("a.txt"), berta.upload("b.txt")
    anna.begin(size=7 * MIB)
    late = anna.begin("late.txt")
    assert swept(file_stores, existing={berta.owner_id}) == [("gone", "mended")]
    assert anna.keys() == []
    put(late.url, b"hello", late.headers)
    assert anna.confirm(late).json()["error"]["reason"] == "closed"
    assert anna.keys() == []
    berta.assert_in_order()
    assert swept(file_stores, existing={berta.owner_id}) == []


def test_strange_keys_are_reported_and_stay(anna: Uploader, file_stores: FileStores) -> None:
    strange = [f"files/{anna.owner_id}/x", "files/y", f"files/{anna.owner_id}/{'0' * 8}/z"]
    for key in strange:
        put_object(key)
    assert swept(file_stores) == [("strange", "found")] * 3
    assert bucket_keys("files/") == sorted(strange)


def test_unreadable_entry_is_reported_and_protects_its_object(
    anna: Uploader, file_stores: FileStores
) -> None:
    issued = anna.uploaded("a.txt")
    anna.confirm(issued)
    damage(anna, issued.id)
    assert swept(file_stores) == [("strange", "found")]
    assert len(anna.keys()) == 1


def damage(uploader: Uploader, upload_id: str) -> None:
    """Write something into an entry that this code never writes."""
    item = FileItem(*entry_key(uploader.owner_id, upload_id))
    item.update(actions=[FileItem.state.set("odd")])


def test_memory_of_items_is_that_of_a_batch(file_stores: FileStores) -> None:
    taken = 0

    def endless() -> Iterator[Item]:
        nonlocal taken
        while True:
            taken += 1
            yield Item(revision="1", unreadable=True)

    options = Options(now=timezone.now(), grace=timedelta())
    sweep = FileSweep(file_stores, options, Progress(), items=endless, existing_owners=set)
    found: Iterator[Finding] = sweep.findings()
    next(found)
    assert taken == 100


def test_name_is_closed_when_a_crash_left_it_open_without_a_version(
    anna: Uploader, file_stores: FileStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = anna.upload("a.txt")
    with monkeypatch.context() as patched:
        patched.setattr("files.library.close_name", lambda name, **_: None)
        anna.post(reverse("file-delete-version", args=[file["id"], 0]))
    assert swept(file_stores) == [("unsettled", "mended")]
    assert anna.name("a.txt").closed
    assert swept(file_stores) == []
