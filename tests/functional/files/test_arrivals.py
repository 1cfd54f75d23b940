"""What is done about a new object: it is accepted, told of, and worked on."""

import hashlib
import io
from typing import Any

import pytest
from PIL import Image

from aws.bucket import live_bucket
from aws.errors import StorageUnavailable
from files import processors
from files.arrivals import arrived
from files.items import State
from files.library import delete_file
from files.processors import Facts
from files.stores import FileStores
from tests.builders import picture_bytes
from tests.functional.files.steps import Uploader, put, swept
from tests.functional.steps import body_of, bucket_keys, put_object


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return the messages that the topic is told."""
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr("uploads.notifying.publish", messages.append)
    return messages


def key_of(uploader: Uploader, upload_id: str) -> str:
    return f"files/{uploader.owner_id}/{upload_id}"


def test_file_is_ready_when_only_the_event_comes(
    anna: Uploader, told: list[dict[str, Any]]
) -> None:
    issued = anna.uploaded("a.txt", b"hello")
    arrived(key_of(anna, issued.id))
    [file] = anna.files()
    assert file["sha256"] == hashlib.sha256(b"hello").hexdigest()
    assert [(one["event"], one["file"]["name"]) for one in told] == [("file.ready", "a.txt")]
    assert told[0]["id"] == f"file.ready:{issued.id}"
    anna.assert_in_order()


@pytest.mark.case(42)
def test_nothing_changes_when_the_event_comes_again(
    anna: Uploader, told: list[dict[str, Any]]
) -> None:
    issued = anna.uploaded("a.txt", b"hello")
    arrived(key_of(anna, issued.id))
    before = anna.entry(issued.id)
    arrived(key_of(anna, issued.id))
    assert anna.entry(issued.id) == before
    assert len(told) == 1
    anna.assert_in_order()


@pytest.mark.case(42)
def test_deleted_file_stays_deleted_when_its_event_comes_late(
    anna: Uploader, file_stores: FileStores, told: list[dict[str, Any]]
) -> None:
    issued = anna.uploaded("a.txt", b"hello")
    file = anna.confirm(issued).json()["file"]
    delete_file(owner_id=anna.owner_id, file_id=file["id"], stores=file_stores)
    arrived(key_of(anna, issued.id))
    assert (anna.files(), told) == ([], [])
    anna.assert_in_order()


@pytest.mark.case(46)
def test_there_is_no_entry_when_the_object_is_gone(anna: Uploader) -> None:
    issued = anna.begin("a.txt")
    arrived(key_of(anna, issued.id))
    assert anna.entry(issued.id).state is None


@pytest.mark.parametrize("key", ["files/", "files/x", "files/x/y", "files/x/y/z", "files/../a"])
def test_strange_key_is_left_alone(anna: Uploader, key: str) -> None:
    put_object(key)
    arrived(key)
    assert bucket_keys() == [key]


def test_topic_is_told_of_a_refused_file(anna: Uploader, told: list[dict[str, Any]]) -> None:
    issued = anna.uploaded("me.png", b"<html><script>", content_type="image/png")
    arrived(key_of(anna, issued.id))
    [message] = told
    assert (message["event"], message["file"]["reason"]) == ("file.refused", "false_type")
    assert anna.entry(issued.id).state is State.REFUSED
    anna.assert_in_order()


def test_topic_is_told_again_when_it_did_not_answer(
    anna: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = anna.uploaded("a.txt", b"hello")

    def down(_message: object) -> None:
        raise StorageUnavailable

    with monkeypatch.context() as patched:
        patched.setattr("uploads.notifying.publish", down)
        with pytest.raises(StorageUnavailable):
            arrived(key_of(anna, issued.id))
    messages: list[object] = []
    monkeypatch.setattr("uploads.notifying.publish", messages.append)
    assert [file["name"] for file in anna.files()] == ["a.txt"]
    arrived(key_of(anna, issued.id))
    assert len(messages) == 1


def test_picture_has_a_preview_and_its_size(anna: Uploader, told: list[dict[str, Any]]) -> None:
    body = picture_bytes(size=(1200, 800), kind="JPEG")
    issued = anna.uploaded("me.jpg", body, content_type="image/jpeg")
    arrived(key_of(anna, issued.id))
    entry = anna.entry(issued.id)
    assert (entry.width, entry.height) == (1200, 800)
    [key] = bucket_keys("previews/")
    assert entry.preview_key == key
    assert key.startswith(f"previews/{anna.owner_id}/{issued.id}/")
    with Image.open(io.BytesIO(body_of(key))) as preview:
        assert (preview.format, max(preview.size)) == ("WEBP", 512)
    [file] = anna.files()
    assert key in file["preview_url"]


def test_file_stays_when_a_processor_fails_and_is_worked_on_next_time(
    anna: Uploader, told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = anna.uploaded("a.txt", b"hello")

    def broken(*_: object, **__: object) -> Facts:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(processors, "process", broken)
        with pytest.raises(RuntimeError):
            arrived(key_of(anna, issued.id))
    assert [file["sha256"] for file in anna.files()] == [None]
    arrived(key_of(anna, issued.id))
    assert anna.files()[0]["sha256"]
    assert len(told) == 1


def test_own_preview_goes_when_another_attempt_was_first(
    anna: Uploader, told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = picture_bytes()
    issued = anna.uploaded("me.png", body, content_type="image/png")
    process = processors.process

    def overtaken(*arguments: Any, **options: Any) -> Facts:
        monkeypatch.setattr(processors, "process", process)
        arrived(key_of(anna, issued.id))
        return process(*arguments, **options)

    monkeypatch.setattr(processors, "process", overtaken)
    arrived(key_of(anna, issued.id))
    assert bucket_keys("previews/") == [anna.entry(issued.id).preview_key]


def test_preview_goes_when_the_file_was_deleted_meanwhile(
    anna: Uploader,
    file_stores: FileStores,
    told: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    issued = anna.uploaded("me.png", picture_bytes(), content_type="image/png")
    process = processors.process

    def slow(*arguments: Any, **options: Any) -> Facts:
        facts = process(*arguments, **options)
        [file] = anna.files()
        delete_file(owner_id=anna.owner_id, file_id=file["id"], stores=file_stores)
        return facts

    monkeypatch.setattr(processors, "process", slow)
    arrived(key_of(anna, issued.id))
    assert bucket_keys() == []
    anna.assert_in_order()


def test_preview_is_there_when_the_sweep_took_the_first_one_meanwhile(
    anna: Uploader, file_stores: FileStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = anna.uploaded("me.png", picture_bytes(), content_type="image/png")
    put = file_stores.bucket.put

    def slow(key: str, body: bytes, *, content_type: str, cache_control: str) -> None:
        monkeypatch.setattr(file_stores.bucket, "put", put)
        put(key, body, content_type=content_type, cache_control=cache_control)
        swept(file_stores)
        assert bucket_keys("previews/") == []

    monkeypatch.setattr(file_stores.bucket, "put", slow)
    arrived(key_of(anna, issued.id))
    assert bucket_keys("previews/") == [anna.entry(issued.id).preview_key]


def test_work_ends_quietly_when_the_object_was_deleted_meanwhile(
    anna: Uploader,
    file_stores: FileStores,
    told: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    issued = anna.uploaded("a.txt", b"hello")
    process = processors.process

    def late(*arguments: Any, **options: Any) -> Facts:
        [file] = anna.files()
        delete_file(owner_id=anna.owner_id, file_id=file["id"], stores=file_stores)
        return process(*arguments, **options)

    monkeypatch.setattr(processors, "process", late)
    arrived(key_of(anna, issued.id))
    assert anna.entry(issued.id).state is State.DELETED
    anna.assert_in_order()


def test_large_file_has_the_digest_of_s3_and_says_so(
    anna: Uploader, told: list[dict[str, Any]], settings: Any
) -> None:
    settings.FILE_DIGEST_BYTES = 4
    issued = anna.uploaded("a.txt", b"hello")
    arrived(key_of(anna, issued.id))
    entry = anna.entry(issued.id)
    checksum = live_bucket().checksum(entry.key)
    assert (entry.digest_kind, entry.digest) == (
        (checksum.kind, checksum.value) if checksum else (None, None)
    )
    assert entry.processed_at
    assert anna.files()[0]["sha256"] is None


def test_browser_alone_completes_when_no_consumer_runs(anna: Uploader) -> None:
    issued = anna.uploaded("a.txt", b"hello")
    assert anna.confirm(issued).json()["file"]["state"] == "ready"
    put_again = put(issued.url, b"HELLO", issued.headers)
    assert put_again.status == 412
    anna.assert_in_order()
