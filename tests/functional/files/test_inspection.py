"""What staff sees of files: in the bucket, in the table, in the admin."""

import html
from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.models import User
from aws.bucket import live_bucket
from files.items import State
from tests.builders import make_user
from tests.functional.files.steps import MIB, Uploader, put
from tests.functional.steps import put_object, signed_in


def staff() -> Client:
    """Return a signed-in administrator."""
    return signed_in(make_user("chief", is_staff=True, is_superuser=True))


def states(page: str, name: str = "data-state") -> list[str]:
    """Return the states on a page, in order."""
    return [piece.partition('"')[0] for piece in page.split(f'{name}="')[1:]]


def test_bucket_page_says_what_each_object_of_files_is(anna: Uploader) -> None:
    anna.upload("a.txt")
    arrived = anna.uploaded("b.txt")
    ended = anna.begin("c.txt")
    anna.ask("abort", upload_token=ended.upload_token)
    put(ended.url, b"hello", ended.headers)
    put_object(f"previews/{anna.owner_id}/{arrived.id}/x.webp")
    put_object(f"files/{anna.owner_id}/strange")
    page = staff().get(reverse("inspection-bucket"), {"prefix": "files/"}).content.decode()
    assert states(page) == ["live", "arrived", "orphan", "arrived"]
    page = staff_page("inspection-bucket", prefix="previews/")
    assert states(page) == ["orphan"]


def staff_page(route: str, **query: str) -> str:
    """Return an inspection page, as in the demo everybody sees it."""
    return Client().get(reverse(route), query).content.decode()


def test_bucket_page_shows_open_multiparts(anna: Uploader, settings: Any) -> None:
    settings.FILE_MULTIPART_BYTES = 6 * MIB
    issued = anna.begin(size=7 * MIB)
    page = staff_page("inspection-bucket")
    assert f"<bdi>files/{anna.owner_id}/{issued.id}</bdi>" in page


def test_table_page_says_what_each_item_of_files_is(anna: Uploader) -> None:
    anna.upload("<b>a</b>.txt")
    bad = anna.uploaded("me.png", b"<html><script>", content_type="image/png")
    anna.confirm(bad)
    assert anna.entry(bad.id).state is State.REFUSED
    page = staff_page("inspection-files")
    assert sorted(states(page, "data-kind")) == ["entry", "entry", "name", "pointer", "usage"]
    assert sorted(states(page)) == ["live", "live", "live", "live", "refused"]
    assert "<b>a</b>.txt" not in page
    assert html.escape("<b>a</b>.txt") in page
    only = staff_page("inspection-files", owner=anna.owner_id)
    assert len(states(only)) == 4


def test_table_page_shows_a_ghost(anna: Uploader) -> None:
    anna.upload("a.txt")
    live_bucket().delete(anna.keys())
    assert "ghost" in states(staff_page("inspection-files"))


def test_table_page_leads_through_all_items(anna: Uploader) -> None:
    for number in range(20):
        anna.upload(f"{number}.txt")
    first = Client().get(reverse("inspection-files"))
    seen = states(first.content.decode())
    after = first.context["next_after"]
    assert len(seen) == 50
    rest = staff_page("inspection-files", after=after)
    assert len(seen) + len(states(rest)) == 61


def test_staff_deletes_a_file_in_the_admin(anna: Uploader) -> None:
    file, chief = anna.upload("a.txt"), staff()
    change = reverse("admin:accounts_user_change", args=[anna.user.pk])
    delete = reverse("admin:delete-file", args=[anna.user.pk, file["id"]])
    assert delete in chief.get(change).content.decode()
    assert "a.txt" in chief.get(delete).content.decode()
    assert chief.post(delete)["Location"] == change
    assert anna.files() == []
    anna.assert_in_order()
    assert chief.get(delete).status_code == 404


def test_files_go_with_the_account(anna: Uploader, django_capture_on_commit_callbacks: Any) -> None:
    anna.upload("a.txt")
    delete = reverse("admin:accounts_user_delete", args=[anna.user.pk])
    with django_capture_on_commit_callbacks(execute=True):
        staff().post(delete, {"post": "yes"})
    assert not User.objects.filter(username="anna").exists()
    anna.assert_closed()
