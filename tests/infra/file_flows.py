"""Everything that a site does with files on its bucket and its table, in sequence."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from django.test import Client, override_settings
from django.urls import reverse

from accounts.models import User
from aws.bucket import live_bucket
from tests.builders import picture_bytes
from tests.functional.assets.steps import Program, content
from tests.functional.files.steps import MIB, Issued, Uploader, put
from tests.functional.steps import get, put_object

LARGE = b"x" * (6 * MIB)


def take_files(anna: Uploader, work: Callable[[list[str]], None]) -> None:
    """Go through all that a user does with files.

    ``work`` is told of new objects by their keys, and has the consumer work on its queue. Some
    files are left, and an upload in parts.
    """
    upload_by_put(anna)
    stream(anna)
    with override_settings(FILE_MULTIPART_BYTES=6 * MIB, FILE_DIGEST_BYTES=4):
        large = upload_in_parts(anna)
        cancel_uploads_in_parts(anna)
        anna.begin("left.bin", size=len(LARGE), content_type="application/octet-stream")
        work([key_of(anna, large)])
    complete_by_events(anna, work)


def upload_by_put(anna: Uploader) -> None:
    """Upload versions of a file, look at it, delete one, then all; cancel another file."""
    cancelled = anna.uploaded("cancelled.txt")
    assert anna.ask("abort", upload_token=cancelled.upload_token).status_code == 200
    file = anna.upload("notes.txt", b"first")
    assert anna.upload("notes.txt", b"second")["version"] == 1
    for path in (reverse("files"), reverse("file", args=[file["id"]])):
        assert anna.browser.get(path).status_code == 200
        assert anna.get(path).status_code == 200
    assert anna.get(reverse("files-progress"), uploads=cancelled.id).status_code == 200
    for version, body in enumerate((b"first", b"second")):
        found = anna.get(reverse("file-download", args=[file["id"]]), version=str(version))
        assert get(found.headers["Location"]).data == body
    assert anna.post(reverse("file-restore", args=[file["id"], 0])).json()["file"]["version"] == 2
    assert anna.post(reverse("file-delete-version", args=[file["id"], 1])).status_code == 200
    assert anna.post(reverse("file-delete", args=[file["id"]])).status_code == 200


def stream(anna: Uploader) -> None:
    """Store files through the site, once by one request, and share one by a link."""
    program = Program(anna.user)
    headers = {"idempotency-key": "once"}
    for _again in range(2):
        assert program.ask("PUT", "/asset/s.txt", b"hello", headers=headers).status_code == 200
    asset = program.store("large.dat", LARGE)
    assert content(program.get(f"/asset/{asset['id']}")) == LARGE
    links = reverse("file-links", args=[asset["id"]])
    made = program.ask("POST", links, b"{}", content_type="application/json").json()
    path = reverse("asset-token", args=[made["token"]])
    for _again in range(2):
        content(program.client.get(path))
    assert len(program.get(links).json()["links"]) == 1
    revoke = reverse("revoke-link", args=[asset["id"], made["link"]["id"]])
    assert program.ask("POST", revoke).status_code == 200
    assert program.get(path).status_code == 204


def upload_in_parts(anna: Uploader) -> Issued:
    """Upload a file in parts, and ask in between how far it is."""
    issued = anna.uploaded("large.bin", LARGE, content_type="application/octet-stream")
    assert issued.mode == "multipart"
    state = anna.ask("state", upload_token=issued.upload_token).json()
    assert [part["number"] for part in state["parts"]] == [1]
    confirmed = anna.confirm(issued)
    assert confirmed.status_code == 200, confirmed.content
    return issued


def cancel_uploads_in_parts(anna: Uploader) -> None:
    """Cancel one by its token, and one that only the bucket knows of."""
    for name in ("cancelled.bin", "forgotten.bin"):
        issued = anna.begin(name, size=len(LARGE), content_type="application/octet-stream")
        anna.send_parts(issued, LARGE, [1])
        page = anna.browser.get(reverse("files")).content.decode()
        assert issued.id in page
        if name == "cancelled.bin":
            answer = anna.ask("abort", upload_token=issued.upload_token)
        else:
            answer = anna.post(reverse("files-end-unfinished", args=[issued.id]))
        assert answer.status_code == 200, answer.content


def complete_by_events(anna: Uploader, work: Callable[[list[str]], None]) -> None:
    """Upload pictures that get previews, of which one is deleted, and a file that is refused."""
    kept, deleted, refused = (
        anna.uploaded(name, body, content_type="image/png")
        for name, body in (
            ("kept.png", picture_bytes()),
            ("deleted.png", picture_bytes()),
            ("false.png", b"<html><script>"),
        )
    )
    work([key_of(anna, issued) for issued in (kept, deleted, refused)])
    assert anna.entry(refused.id).reason == "false_type"
    assert anna.entry(kept.id).preview_key
    file = next(each for each in anna.files() if each["name"] == "deleted.png")
    assert get(file["preview_url"]).status == 200
    assert anna.post(reverse("file-delete", args=[file["id"]])).status_code == 200


def leave_a_mess_of_files(
    anna: Uploader, apart: Callable[[], AbstractContextManager[None]]
) -> None:
    """Leave an object without an entry, an entry without an object, and what has ended."""
    anna.uploaded("lost.txt", b"its event was lost")
    late = anna.begin("late.txt")
    assert anna.ask("abort", upload_token=late.upload_token).status_code == 200
    assert put(late.url, b"hello", late.headers).status == 200
    ghost = anna.uploaded("ghost.txt")
    assert anna.confirm(ghost).status_code == 200
    with apart():
        live_bucket().delete([key_of(anna, ghost)])
        put_object(f"previews/{anna.owner_id}/{late.id}/{'0' * 32}.webp")


def inspect_files(staff: Client, user: User) -> None:
    """Request the page of items, and the user's page in the admin; delete a file there."""
    for query in ({}, {"owner": str(user.pk)}):
        page = staff.get(reverse("inspection-files"), query)
        assert str(user.pk) in page.content.decode()
    page = staff.get(reverse("admin:accounts_user_change", args=[user.pk]))
    assert "kept.png" in page.content.decode()


def delete_by_staff(staff: Client, anna: Uploader) -> None:
    """Delete a file in the admin."""
    [file] = [each for each in anna.files() if each["name"] == "large.bin"]
    path = reverse("admin:delete-file", args=[anna.user.pk, file["id"]])
    assert staff.get(path).status_code == 200
    assert staff.post(path).status_code == 302
    assert "large.bin" not in [each["name"] for each in anna.files()]


def key_of(anna: Uploader, issued: Issued) -> str:
    """Return the key of an upload's object."""
    return f"files/{anna.owner_id}/{issued.id}"
