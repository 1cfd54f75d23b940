"""Uploads of files from beginning to end, and what becomes of bad ones."""

from typing import Any

import pytest
from django.urls import reverse

from aws.bucket import live_bucket
from aws.clients import client
from files.items import State
from tests.functional.files.steps import MIB, Uploader, put
from tests.functional.steps import details_of, error_code, refusal


def test_file_is_ready_when_its_upload_is_confirmed(anna: Uploader) -> None:
    file = anna.upload("notes.txt", b"hello")
    assert file | {"id": "", "created_at": ""} == {
        "id": "",
        "name": "notes.txt",
        "version": 0,
        "size": 5,
        "content_type": "text/plain",
        "state": "ready",
        "created_at": "",
        "sha256": None,
        "preview_url": None,
    }
    assert anna.files() == [file]
    assert anna.get(reverse("file", args=[file["id"]])).json() == {"file": file}
    anna.assert_in_order()
    [key] = anna.keys()
    assert details_of(key).tags == {}


def test_replay_answers_the_same_when_the_file_is_ready(anna: Uploader) -> None:
    issued = anna.uploaded()
    first, again = anna.confirm(issued), anna.confirm(issued)
    assert first.json() == again.json()
    assert anna.entry(issued.id).revision == anna.entry(issued.id).revision
    anna.assert_in_order()


def test_second_write_is_refused_by_the_bucket(anna: Uploader) -> None:
    issued = anna.uploaded()
    assert refusal(put(issued.url, b"HELLO", issued.headers)) == (412, "PreconditionFailed")


def test_same_name_is_the_next_version(anna: Uploader) -> None:
    first, second = anna.upload("a.txt", b"one"), anna.upload("a.txt", b"two!")
    assert (first["version"], second["version"]) == (0, 1)
    assert first["id"] == second["id"]
    assert anna.files() == [second]
    anna.assert_in_order()


def test_multipart_is_ready_when_all_parts_have_arrived(anna: Uploader, settings: Any) -> None:
    settings.FILE_MULTIPART_BYTES = 6 * MIB
    body = b"a" * (17 * MIB)
    issued = anna.begin("film.bin", size=len(body), content_type="")
    assert (issued.mode, issued.part_size, issued.parts) == ("multipart", 16 * MIB, 2)
    anna.send_parts(issued, body, [2])
    answer = anna.confirm(issued)
    assert (answer.status_code, error_code(answer)) == (409, "incomplete")
    assert answer.json()["error"]["missing"] == [1]
    found = anna.ask("state", upload_token=issued.upload_token).json()
    assert found == {"state": "uploading", "parts": [{"number": 2, "size": MIB}], "file": None}
    anna.send_parts(issued, body, [1])
    file = anna.confirm(issued).json()["file"]
    assert (file["name"], file["size"], file["state"]) == ("film.bin", 17 * MIB, "ready")
    assert anna.confirm(issued).json() == {"file": file}
    anna.assert_in_order()


def test_confirm_before_the_object_arrives_can_be_tried_again(anna: Uploader) -> None:
    issued = anna.begin()
    answer = anna.confirm(issued)
    assert (answer.status_code, error_code(answer)) == (409, "not_uploaded")
    put(issued.url, b"hello", issued.headers)
    assert anna.confirm(issued).status_code == 200


@pytest.mark.case(53)
def test_aborted_upload_stays_deleted_when_its_object_comes_late(anna: Uploader) -> None:
    issued = anna.begin()
    assert anna.ask("abort", upload_token=issued.upload_token).json() == {}
    assert put(issued.url, b"hello", issued.headers).status == 200
    answer = anna.confirm(issued)
    assert (answer.status_code, error_code(answer)) == (410, "deleted")
    assert anna.entry(issued.id).state is State.DELETED
    anna.assert_in_order()


@pytest.mark.case(53)
def test_abort_changes_nothing_when_the_file_is_there(anna: Uploader) -> None:
    issued = anna.uploaded()
    anna.confirm(issued)
    answer = anna.ask("abort", upload_token=issued.upload_token)
    assert (answer.status_code, error_code(answer)) == (409, "already_accepted")
    assert len(anna.files()) == 1
    anna.assert_in_order()


@pytest.mark.case(53)
def test_aborted_multipart_leaves_nothing(anna: Uploader, settings: Any) -> None:
    settings.FILE_MULTIPART_BYTES = 6 * MIB
    issued = anna.begin(size=17 * MIB)
    anna.send_parts(issued, b"a" * (17 * MIB), [2])
    assert anna.ask("abort", upload_token=issued.upload_token).status_code == 200
    anna.assert_in_order()
    assert anna.ask("abort", upload_token=issued.upload_token).status_code == 200


@pytest.mark.case(54)
def test_object_of_another_size_than_declared_is_refused_and_removed(anna: Uploader) -> None:
    issued = anna.begin(size=5)
    assert put(issued.url, b"hello, world", issued.headers).status == 403
    # Past the URL, which S3 would not allow anyone to do.
    found = {"owner": anna.owner_id, "name": "bm90ZXMudHh0", "size": "5"}
    client().put_object(
        Bucket=live_bucket().name,
        Key=f"files/{anna.owner_id}/{issued.id}",
        Body=b"hello, world",
        Metadata=found,
    )
    answer = anna.confirm(issued)
    assert (answer.status_code, error_code(answer)) == (422, "refused")
    assert answer.json()["error"]["reason"] == "wrong_size"
    assert anna.entry(issued.id).state is State.REFUSED
    anna.assert_in_order()


def test_false_content_is_refused_and_removed(anna: Uploader) -> None:
    issued = anna.uploaded("me.png", b"<html><script>", content_type="image/png")
    answer = anna.confirm(issued)
    assert (answer.status_code, error_code(answer)) == (422, "refused")
    assert answer.json()["error"]["reason"] == "false_type"
    anna.assert_in_order()
    assert anna.confirm(issued).json() == answer.json()


@pytest.mark.parametrize("size", [0, -1, 2**63 - 1, 5 * 1024**3 + 1])
def test_size_out_of_bounds_is_refused(anna: Uploader, size: int) -> None:
    answer = anna.ask("begin", name="a.txt", size=size, content_type="text/plain")
    assert (answer.status_code, error_code(answer)) == (400, "bad_size")


def test_quota_refuses_at_the_beginning_and_again_at_the_end(anna: Uploader, settings: Any) -> None:
    settings.FILE_QUOTA_BYTES = 12
    issued = [anna.uploaded(f"{number}.txt", b"hello") for number in range(3)]
    answers = [anna.confirm(one) for one in issued]
    assert [answer.status_code for answer in answers] == [200, 200, 422]
    assert answers[2].json()["error"]["reason"] == "quota_exceeded"
    answer = anna.ask("begin", name="a.txt", size=3, content_type="text/plain")
    assert (answer.status_code, error_code(answer)) == (409, "quota_exceeded")
    anna.assert_in_order()


@pytest.mark.case(48)
def test_token_of_another_user_is_refused(anna: Uploader, berta: Uploader) -> None:
    issued = anna.uploaded()
    for call in ("confirm", "state", "abort"):
        answer = berta.ask(call, upload_token=issued.upload_token)
        assert (answer.status_code, error_code(answer)) == (403, "invalid_token")
    assert anna.entry(issued.id).state is None
    assert anna.confirm(issued).status_code == 200
