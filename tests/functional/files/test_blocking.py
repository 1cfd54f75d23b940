"""Takedown: a version that staff blocks cannot be read, and stays until staff decides."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from aws.bucket import live_bucket
from files.arrivals import take_in
from files.blocking import block_version, take_down, unblock_version
from files.errors import NoSuchFile
from files.items import State, entry_key
from files.library import find_shared_version
from files.references import live_entries
from files.stores import FileStores, live_stores
from inspection.closing import close_everything
from tests.builders import make_user, picture_bytes
from tests.functional.files.steps import Uploader, swept
from tests.functional.steps import Response, error_code, signed_in


def blocked(anna: Uploader, name: str = "a.txt", version: int = 0) -> str:
    """Upload a file and have a version blocked; return its id."""
    file_id = str(anna.upload(name)["id"])
    block_version(owner_id=anna.owner_id, file_id=file_id, version=version, stores=live_stores())
    return file_id


def page_of(file_id: str) -> str:
    """Return the path of a file's page."""
    return reverse("file", args=[file_id])


REFUSED: list[Callable[[Uploader, str], Response]] = [
    lambda anna, file: anna.get(f"{page_of(file)}download/"),
    lambda anna, file: anna.get(f"{page_of(file)}download/", version="0"),
    lambda anna, file: anna.post(f"{page_of(file)}versions/0/restore/"),
    lambda anna, file: anna.post(f"{page_of(file)}versions/0/delete/"),
    lambda anna, file: anna.post(f"{page_of(file)}delete/"),
]


@pytest.mark.parametrize("ask", REFUSED)
def test_owner_neither_reads_nor_deletes_what_is_blocked(
    anna: Uploader, ask: Callable[[Uploader, str], Response]
) -> None:
    file_id = blocked(anna)
    answer = ask(anna, file_id)
    assert (answer.status_code, error_code(answer)) == (409, "blocked")
    assert len(anna.keys()) == 1
    anna.assert_in_order()


def test_owner_is_told_what_is_blocked(anna: Uploader) -> None:
    file_id = blocked(anna)
    assert [file["state"] for file in anna.files()] == ["blocked"]
    assert anna.get(page_of(file_id)).json()["file"]["state"] == "blocked"
    page = anna.browser.get(page_of(file_id)).content.decode()
    assert "An administrator has blocked this version" in page
    assert f"{page_of(file_id)}download/" not in page
    assert f'"{page_of(file_id)}delete/"' not in page
    assert anna.browser.get(f"{page_of(file_id)}delete/").status_code == 409
    anna.upload("a.txt", b"another version")
    page = anna.browser.get(page_of(file_id)).content.decode()
    assert f"{page_of(file_id)}download/" in page
    assert f'"{page_of(file_id)}delete/"' not in page, "it would take the blocked version along"
    assert error_code(anna.post(f"{page_of(file_id)}delete/")) == "blocked"


def test_other_versions_stay_readable(anna: Uploader) -> None:
    anna.upload("a.txt", b"first")
    file_id = blocked(anna, version=1)
    assert anna.get(f"{page_of(file_id)}download/", version="0").status_code == 302
    assert anna.post(f"{page_of(file_id)}versions/0/delete/").status_code == 200
    anna.assert_in_order()


def test_preview_goes_and_does_not_come_back(anna: Uploader) -> None:
    issued = anna.uploaded("a.png", picture_bytes(), content_type="image/png")
    file = anna.confirm(issued).json()["file"]
    take_in(owner_id=anna.owner_id, upload_id=issued.id, stores=live_stores())
    preview = anna.entry(issued.id).preview_key
    assert preview is not None
    block_version(owner_id=anna.owner_id, file_id=file["id"], version=0, stores=live_stores())
    assert anna.entry(issued.id).preview_key is None
    assert not live_bucket().exists(preview)
    assert anna.files()[0]["preview_url"] is None


def test_no_preview_is_made_of_what_is_blocked(anna: Uploader) -> None:
    issued = anna.uploaded("a.png", picture_bytes(), content_type="image/png")
    file = anna.confirm(issued).json()["file"]
    block_version(owner_id=anna.owner_id, file_id=file["id"], version=0, stores=live_stores())
    take_in(owner_id=anna.owner_id, upload_id=issued.id, stores=live_stores())
    entry = anna.entry(issued.id)
    assert entry.digest is not None
    assert entry.preview_key is None
    assert not live_bucket().list_page(prefix=entry.preview_prefix).objects


def test_blocked_version_is_not_shared(anna: Uploader) -> None:
    file_id = blocked(anna)
    with pytest.raises(Exception, match="blocked"):
        find_shared_version(file_id=file_id, version=None, stores=live_stores())


def test_version_can_be_read_again_once_unblocked(anna: Uploader) -> None:
    file_id = blocked(anna)
    unblock_version(owner_id=anna.owner_id, file_id=file_id, version=0, stores=live_stores())
    assert anna.get(f"{page_of(file_id)}download/").status_code == 302
    assert anna.post(f"{page_of(file_id)}delete/").status_code == 200
    anna.assert_in_order()


def test_version_is_deleted_for_good_when_staff_says_so(anna: Uploader) -> None:
    file_id = blocked(anna)
    for _again in range(2):
        take_down(owner_id=anna.owner_id, file_id=file_id, version=0, stores=live_stores())
    assert anna.keys() == []
    assert anna.files() == []
    anna.assert_in_order()


def test_sweep_leaves_evidence(anna: Uploader, file_stores: FileStores) -> None:
    blocked(anna)
    assert swept(file_stores) == []
    assert len(anna.keys()) == 1


def test_evidence_goes_with_the_account(anna: Uploader) -> None:
    blocked(anna)
    close_everything(anna.owner_id)
    anna.assert_closed()


@pytest.mark.parametrize("version", [-1, 1, 10**9])
def test_nothing_is_blocked_when_there_is_no_such_version(anna: Uploader, version: int) -> None:
    file_id = str(anna.upload("a.txt")["id"])
    with pytest.raises(NoSuchFile):
        block_version(
            owner_id=anna.owner_id, file_id=file_id, version=version, stores=live_stores()
        )
    assert anna.files()[0]["state"] == "ready"


def test_version_of_another_owner_is_not_blocked(anna: Uploader, berta: Uploader) -> None:
    file_id = str(anna.upload("a.txt")["id"])
    with pytest.raises(NoSuchFile):
        block_version(owner_id=berta.owner_id, file_id=file_id, version=0, stores=live_stores())


# --- The admin ---


def admin_page(anna: Uploader, file_id: str) -> str:
    """Return the path of the page on which staff blocks versions."""
    return reverse("admin:take-down", args=[anna.user.pk, file_id])


def staff() -> Client:
    """Return a signed-in administrator."""
    return signed_in(make_user("chief", is_staff=True, is_superuser=True))


def test_staff_blocks_unblocks_and_deletes_in_the_admin(anna: Uploader) -> None:
    issued = anna.uploaded("a.txt")
    file_id, chief = anna.confirm(issued).json()["file"]["id"], staff()
    page = admin_page(anna, file_id)
    change = reverse("admin:accounts_user_change", args=[anna.user.pk])
    assert page in chief.get(change).content.decode()
    chief.post(page, {"change": "block", "version": "0"})
    key = entry_key(anna.owner_id, issued.id)
    assert live_entries().read(key).blocked_at
    assert "blocked since" in chief.get(page).content.decode()
    chief.post(page, {"change": "unblock", "version": "0"})
    assert live_entries().read(key).blocked_at is None
    deletion = {"change": "delete", "version": "0"}
    assert "for good?" in chief.post(page, deletion).content.decode()
    assert live_entries().read(key).state is State.READY
    assert chief.post(page, {**deletion, "version": "7"}).status_code == 404
    assert chief.post(page, {**deletion, "sure": "1"})["Location"] == change
    assert live_entries().read(key).state is State.DELETED
    assert chief.get(page).status_code == 404


@pytest.mark.parametrize(
    "form", [{}, {"change": "block"}, {"change": "burn", "version": "0"}, {"version": "0"}]
)
def test_form_of_the_admin_is_refused_when_it_makes_no_sense(
    anna: Uploader, form: dict[str, str]
) -> None:
    file_id = str(anna.upload("a.txt")["id"])
    assert staff().post(admin_page(anna, file_id), form).status_code == 400
    assert anna.files()[0]["state"] == "ready"


def test_staff_without_the_right_blocks_nothing(anna: Uploader) -> None:
    file_id = str(anna.upload("a.txt")["id"])
    viewer = signed_in(make_user("viewer", is_staff=True))
    answer = viewer.post(admin_page(anna, file_id), {"change": "block", "version": "0"})
    assert answer.status_code == 403
    assert anna.files()[0]["state"] == "ready"
