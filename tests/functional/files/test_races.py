"""Many at once: versions, confirms, quotas."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from aws.errors import OutcomeUnknown
from files import accepting
from files.accepting import accept
from files.items import Entry, entry_key, file_key
from files.library import delete_file, delete_version
from files.stores import FileStores
from tests.functional.files.steps import Uploader


def at_once(*calls: Any) -> list[Any]:
    """Make all calls at the same time; return their results, or what they raised."""
    with ThreadPoolExecutor(len(calls)) as threads:
        futures = [threads.submit(call) for call in calls]
    return [future.exception() or future.result() for future in futures]


@pytest.mark.case(42)
def test_one_upload_is_accepted_once_by_many(anna: Uploader, file_stores: FileStores) -> None:
    issued = anna.uploaded("a.txt")

    def take() -> Entry:
        return accept(owner_id=anna.owner_id, upload_id=issued.id, stores=file_stores)

    found = at_once(*[take] * 16)
    assert {entry.upload_id for entry in found} == {issued.id}
    assert {(entry.version, entry.file_id) for entry in found} == {(0, found[0].file_id)}
    assert anna.name("a.txt").versions == (issued.id,)
    anna.assert_in_order()


def test_versions_have_no_gaps_when_many_come_at_once(
    anna: Uploader, file_stores: FileStores
) -> None:
    issued = [anna.uploaded("a.txt", b"x" * (1 + number)) for number in range(30)]

    def take(upload_id: str) -> Entry:
        return accept(owner_id=anna.owner_id, upload_id=upload_id, stores=file_stores)

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(take, [one.id for one in issued]))
    assert sorted(entry.version or 0 for entry in found) == list(range(30))
    assert len({entry.file_id for entry in found}) == 1
    assert len(anna.files()) == 1
    assert anna.files()[0]["version"] == 29
    anna.assert_in_order()


def test_quota_holds_when_many_come_at_once(
    anna: Uploader, file_stores: FileStores, settings: Any
) -> None:
    issued = [anna.uploaded(f"{number}.txt", b"hello") for number in range(12)]
    settings.FILE_QUOTA_BYTES = 22

    def take(upload_id: str) -> Entry:
        return accept(owner_id=anna.owner_id, upload_id=upload_id, stores=file_stores)

    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(take, [one.id for one in issued]))
    assert sum(entry.is_ready for entry in found) == 4
    anna.assert_in_order()


def test_name_is_in_order_when_versions_come_and_go_at_once(
    anna: Uploader, file_stores: FileStores
) -> None:
    anna.upload("a.txt", b"0")
    for round_number in range(6):
        issued = [anna.uploaded("a.txt", b"x" * (2 + number)) for number in range(3)]
        current = anna.files()[0]

        def remove(current: dict[str, Any] = current, whole: int = round_number % 2) -> None:
            if whole:
                delete_file(owner_id=anna.owner_id, file_id=current["id"], stores=file_stores)
            else:
                delete_version(
                    owner_id=anna.owner_id,
                    file_id=current["id"],
                    version=current["version"],
                    stores=file_stores,
                )

        takes = [
            lambda upload_id=one.id: accept(
                owner_id=anna.owner_id, upload_id=upload_id, stores=file_stores
            )
            for one in issued
        ]
        results = at_once(*takes, remove)
        assert not [error for error in results if isinstance(error, Exception)], results
        name = anna.name("a.txt")
        keys = [entry_key(anna.owner_id, upload_id) for upload_id in name.versions]
        entries = [file_stores.entries.read(key) for key in keys]
        ready = [entry for entry in entries if entry.is_ready]
        assert len(anna.files()) == 1
        assert [entry.superseded for entry in ready] == [True] * (len(ready) - 1) + [False]
        assert all(entries[entry.version or 0] == entry for entry in ready)
        assert set(anna.keys()) == {file_key(anna.owner_id, entry.upload_id) for entry in ready}
        anna.assert_in_order()


@pytest.mark.parametrize("end", ["refused", "deleted"])
def test_confirm_tells_what_became_of_an_object_that_goes_while_it_is_judged(
    anna: Uploader, file_stores: FileStores, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """Another attempt refuses the object, or its owner cancels the upload."""
    issued = anna.uploaded("me.png", b"<html><script>", content_type="image/png")
    read = file_stores.bucket.read

    def overtaken(key: str, *, start: int, length: int) -> bytes:
        monkeypatch.setattr(file_stores.bucket, "read", read)
        if end == "deleted":
            anna.ask("abort", upload_token=issued.upload_token)
        else:
            accept(owner_id=anna.owner_id, upload_id=issued.id, stores=file_stores)
        return read(key, start=start, length=length)

    monkeypatch.setattr(file_stores.bucket, "read", overtaken)
    assert anna.confirm(issued).json()["error"]["code"] == end
    assert (anna.keys(), anna.entry(issued.id).state) == ([], end)
    anna.assert_in_order()


def test_file_stays_counted_when_the_answer_to_its_put_is_lost_and_another_enters_it(
    anna: Uploader, file_stores: FileStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = anna.uploaded("a.txt")
    replace = file_stores.entries.replace

    def lost(before: Entry, after: Entry) -> None:
        monkeypatch.setattr(file_stores.entries, "replace", replace)
        replace(before, after)
        accept(owner_id=anna.owner_id, upload_id=issued.id, stores=file_stores)
        raise OutcomeUnknown

    monkeypatch.setattr(file_stores.entries, "replace", lost)
    assert anna.confirm(issued).status_code == 200
    assert anna.used() == {"bytes_used": 5, "file_count": 1}
    anna.assert_in_order()


def test_file_is_ready_when_a_slow_attempt_for_it_holds_the_last_room(
    anna: Uploader, file_stores: FileStores, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FILE_QUOTA_BYTES = 5
    issued = anna.uploaded("a.txt", b"hello")
    other = threading.Event()
    put = accepting._put

    def slow(*arguments: Any, **options: Any) -> Entry:
        assert other.wait(30)
        return put(*arguments, **options)

    def pause(_seconds: float) -> None:
        other.set()
        slow_attempt.result(30)

    def take() -> Entry:
        return accept(owner_id=anna.owner_id, upload_id=issued.id, stores=file_stores)

    monkeypatch.setattr(accepting, "_put", slow)
    with ThreadPoolExecutor(2) as threads:
        slow_attempt = threads.submit(take)
        while anna.used()["file_count"] == 0:
            assert not slow_attempt.done()
        monkeypatch.setattr("files.accepting.time.sleep", pause)
        assert threads.submit(take).result(30).is_ready
    anna.assert_in_order()
