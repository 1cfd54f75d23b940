"""Share links: what each opens, how often, and that all that is wrong looks the same."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from assets.items import link_key, listing_key, live_downloads, live_links, live_listings
from assets.links import count_download, create_link
from assets.tokens import digest_of
from aws.bucket import live_bucket
from aws.errors import OutcomeUnknown, StorageUnavailable
from files.blocking import block_version
from files.references import live_items
from files.stores import live_stores
from inspection.closing import close_everything
from tests.builders import make_user
from tests.functional.assets.steps import Program, content
from tests.functional.files.steps import MIB, Uploader
from tests.functional.steps import Response, error_code, signed_in

BODY = bytes(range(256)) * 4096


class Shared:
    """A file of anna's with a link, and what others can do with that."""

    def __init__(
        self, anna: Uploader, name: str = "x.bin", body: bytes = BODY, **wishes: Any
    ) -> None:
        self.anna, self.owner = anna, Program(anna.user)
        self.file_id = self.owner.store(name, body, "?private=1")["id"]
        self.links = reverse("file-links", args=[self.file_id])
        answer = self.made(**wishes)
        assert answer.status_code == 201, answer.content
        self.link, self.token, self.url = (answer.json()[part] for part in ("link", "token", "url"))
        self.path = f"/asset-token/{self.token}"
        self.page = f"/s/{self.token}"

    def made(self, **wishes: Any) -> Response:
        """Ask for another link."""
        return self.owner.client.post(
            self.links, wishes, content_type="application/json", headers=self.owner.headers
        )

    def listed(self) -> list[dict[str, Any]]:
        """Return the file's links as its owner sees them."""
        found: list[dict[str, Any]] = self.owner.get(self.links).json()["links"]
        return found

    @property
    def downloads(self) -> int:
        """How often the link was used."""
        return int(self.listed()[-1]["downloads"])

    def revoke(self) -> Response:
        """Revoke the link."""
        return self.owner.ask("POST", f"{self.links}{self.link['id']}/revoke/")


@pytest.fixture
def shared(anna: Uploader) -> Shared:
    """Return a file with a link."""
    return Shared(anna)


def fetched(path: str, **headers: str) -> Response:
    """Get a path as a stranger."""
    return Program().get(path, **headers)


# --- Making and using ---


def test_link_opens_the_newest_version(shared: Shared) -> None:
    assert shared.url == f"http://testserver{shared.page}"
    answer = fetched(shared.path)
    assert (answer.status_code, content(answer)) == (200, BODY)
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    shared.owner.store("x.bin", b"newer", "?private=1")
    assert content(fetched(shared.path)) == b"newer"
    assert shared.downloads == 2


def test_link_comes_with_the_file_that_is_stored(program: Program) -> None:
    answer = program.ask("POST", "/asset/a.txt?token=1&expiry=5&private=1", b"hello")
    token, asset = answer.json()["token"], answer.json()["asset"]
    assert token.keys() == {"token", "expiry", "asset_id"}
    assert token["asset_id"] == asset["id"]
    assert 0 < token["expiry"] - timezone.now().timestamp() <= 300
    assert content(fetched(f"/asset-token/{token['token']}")) == b"hello"


def test_url_of_the_link_alone_is_answered_to_who_accepts_text(program: Program) -> None:
    answer = program.ask("PUT", "/asset/a.txt?token=1", b"x", headers={"accept": "text/plain"})
    path = answer.content.decode().strip().removeprefix("http://testserver")
    assert path.startswith("/asset-token/trl_")
    assert content(fetched(path)) == b"x"


def test_token_is_stored_nowhere(shared: Shared) -> None:
    digest = digest_of(shared.token)
    assert shared.link["id"] == digest
    everything = repr(list(live_items().scan())) + repr(live_links().read(link_key(digest)))
    assert shared.token[4:] not in everything
    assert len(shared.token) == 4 + 43


def test_owner_sees_all_links_and_counts(shared: Shared) -> None:
    shared.made(minutes=5, max_downloads=2, password="x")
    content(fetched(shared.path))
    newest, oldest = shared.listed()
    assert (newest["max_downloads"], newest["has_password"]) == (2, True)
    assert (oldest["downloads"], oldest["state"]) == (1, "live")
    assert "token" not in newest


@pytest.mark.parametrize(
    "wishes",
    [
        {"minutes": 0},
        {"minutes": -1},
        {"minutes": 10**9},
        {"minutes": "5"},
        {"minutes": 1.5},
        {"minutes": True},
        {"minutes": None},
        {"max_downloads": 0},
        {"max_downloads": 10**7},
        {"password": "x" * 129},
        {"password": None},
        {"colour": "red"},
        [],
    ],
)
def test_link_is_not_made_when_a_wish_makes_no_sense(shared: Shared, wishes: Any) -> None:
    answer = shared.owner.client.post(
        shared.links, wishes, content_type="application/json", headers=shared.owner.headers
    )
    assert (answer.status_code, error_code(answer)) == (400, "bad_request")
    assert len(shared.listed()) == 1


def test_file_has_no_more_links_than_there_may_be(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assets.links.MAX_LINKS", 1)
    answer = shared.made()
    assert (answer.status_code, error_code(answer)) == (409, "too_many_links")


# --- What opens nothing ---

ENDS: dict[str, Callable[[Shared], object]] = {
    "revoked": lambda shared: shared.revoke(),
    "file deleted": lambda shared: shared.owner.ask("DELETE", f"/asset/{shared.file_id}"),
    "account inactive": lambda shared: User.objects.update(is_active=False),
    "account deleted": lambda shared: shared.anna.user.delete(),
    "owner closed": lambda shared: close_everything(shared.anna.owner_id),
    "blocked": lambda shared: block_version(
        owner_id=shared.anna.owner_id, file_id=shared.file_id, version=0, stores=live_stores()
    ),
    "object gone": lambda shared: live_bucket().delete(shared.anna.keys()),
}


def assert_nothing_opens(path: str, page: str) -> None:
    """Assert that every way of a link answers as if there had never been one."""
    for method in ("GET", "HEAD", "POST"):
        answer = Program().ask(method, path)
        assert (answer.status_code, content(answer)) == (204, b""), method
    never = Client().get("/s/trl_never")
    answer = Client().get(page)
    assert (answer.status_code, never.status_code) == (404, 404)
    assert answer.content == never.content
    assert Client().post(page).status_code == 404


@pytest.mark.case(50)
@pytest.mark.parametrize("end", [name for name in ENDS if name != "object gone"])
def test_link_opens_nothing_once_it_has_ended(shared: Shared, end: str) -> None:
    """Its owner's rights have ended, or its file is gone: File Browser CVE-2026-35604."""
    ENDS[end](shared)
    assert_nothing_opens(shared.path, shared.page)


@pytest.mark.case(50)
def test_link_opens_nothing_once_it_is_over(anna: Uploader) -> None:
    shared = Shared(anna, minutes=1)
    with time_machine.travel(timezone.now() + timedelta(seconds=61), tick=True):
        assert_nothing_opens(shared.path, shared.page)
        assert shared.listed()[0]["state"] == "expired"


@pytest.mark.case(50)
def test_link_opens_nothing_once_it_is_used_up(anna: Uploader) -> None:
    """A limit of one gives exactly one: Zipline #874."""
    shared = Shared(anna, max_downloads=1)
    assert content(fetched(shared.path)) == BODY
    assert_nothing_opens(shared.path, shared.page)
    assert shared.listed()[0]["state"] == "used_up"


@pytest.mark.case(50)
@pytest.mark.parametrize(
    "token", ["x", "trl_" + "A" * 43, "trl_" + "A" * 5000, "%00", "é", "../x", "S", "trl_\n"]
)
def test_guessed_token_opens_nothing(shared: Shared, token: str) -> None:
    assert fetched(f"/asset-token/{token}").status_code in {204, 404}
    assert fetched(f"/asset-token/{shared.link['id']}").status_code == 204


def test_nothing_is_counted_when_the_object_is_gone(shared: Shared) -> None:
    ENDS["object gone"](shared)
    assert fetched(shared.path).status_code == 204
    assert shared.downloads == 0


# --- Counting ---


def test_looking_counts_nothing(anna: Uploader) -> None:
    """Programs that show previews of links look at them, too: Plik #604."""
    shared = Shared(anna, max_downloads=1)
    for _again in range(3):
        assert fetched(shared.page).status_code == 200
        assert Program().ask("HEAD", shared.page).status_code == 200
        assert Program().ask("HEAD", shared.path).status_code == 200
        for header in ("sec_purpose", "purpose"):
            answer = fetched(shared.path, **{header: "prefetch;prerender"})
            assert (answer.status_code, answer["Cache-Control"]) == (503, "no-store")
        etag = Program().ask("HEAD", shared.path)["ETag"]
        assert fetched(shared.path, if_none_match=etag).status_code == 304
        assert fetched(shared.path, range=f"bytes={len(BODY)}-").status_code == 416
        assert fetched(shared.path, if_match='"x"').status_code == 412
    assert shared.downloads == 0
    assert content(fetched(shared.path)) == BODY


def test_button_takes_a_download(anna: Uploader) -> None:
    shared = Shared(anna, max_downloads=1)
    stranger = Client()
    answer = stranger.post(shared.page)
    assert answer.status_code == 303
    assert answer["Referrer-Policy"] == "no-referrer"
    assert shared.downloads == 1
    assert content(stranger.get(answer["Location"])) == BODY
    assert shared.downloads == 1
    assert_nothing_opens(shared.path, shared.page)


def test_ranges_and_resumes_of_one_download_count_once(anna: Uploader) -> None:
    shared = Shared(anna, max_downloads=1)
    browser = Client()
    first = browser.get(shared.path)
    next(first.streaming_content)  # type: ignore[attr-defined]
    content(first)
    cookie = browser.cookies["grant"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (shared.path, True, "Lax")
    for start in (10, MIB // 2):
        answer = browser.get(shared.path, headers={"range": f"bytes={start}-"})
        assert (answer.status_code, content(answer)) == (206, BODY[start:])
    assert shared.downloads == 1
    assert fetched(shared.path, range="bytes=10-").status_code == 204


def test_each_range_without_a_grant_counts(anna: Uploader) -> None:
    """Otherwise a limit could be passed chunk by chunk: Gokapi CVE-2026-30961."""
    shared = Shared(anna, max_downloads=2)
    assert content(fetched(shared.path, range="bytes=0-9")) == BODY[:10]
    assert content(fetched(shared.path, range="bytes=10-19")) == BODY[10:20]
    assert fetched(shared.path, range="bytes=20-29").status_code == 204


def test_grant_gives_no_endless_copies(anna: Uploader) -> None:
    shared = Shared(anna, max_downloads=1)
    browser = Client()
    path = browser.post(shared.page)["Location"]
    for _copy in range(3):
        assert content(browser.get(path)) == BODY
    assert browser.get(path).status_code == 204


def test_grant_is_of_one_link_and_one_version(anna: Uploader) -> None:
    shared, other = Shared(anna, max_downloads=1), Shared(anna, "y.bin", max_downloads=1)
    browser = Client()
    query = browser.post(shared.page)["Location"].partition("?")[2]
    content(browser.get(f"{other.path}?{query}"))
    assert other.downloads == 1
    shared.owner.store("x.bin", b"newer", "?private=1")
    assert browser.get(f"{shared.path}?{query}").status_code == 204
    for forged in ("grant=x", "grant=", "grant=" + "x" * 3000, query[:-1]):
        assert browser.get(f"{shared.path}?{forged}").status_code == 204


@pytest.mark.parametrize("end", ["revoked", "file deleted", "blocked", "account inactive"])
def test_grant_ends_with_its_link(shared: Shared, end: str) -> None:
    """At once: a presigned URL could not be revoked (Supabase #45841)."""
    browser = Client()
    path = browser.post(shared.page)["Location"]
    ENDS[end](shared)
    assert browser.get(path).status_code == 204


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limit", [1, 10])
def test_limit_is_exact_however_many_download_at_once(anna: Uploader, limit: int) -> None:
    made = create_link(
        owner_id=anna.owner_id,
        file_id=str(anna.upload("a.txt")["id"]),
        minutes=5,
        max_downloads=limit,
        password="",
        stores=live_stores(),
    )

    def take(_number: int) -> bool:
        try:
            count_download(made.link)
        except Exception:  # noqa: BLE001 (whatever it is, nothing was given)
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(200) as threads:
        assert sum(threads.map(take, range(200))) == limit
    assert live_links().read(link_key(made.link.digest)).downloads == limit


def test_nothing_is_given_when_the_count_is_not_known(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_args: Any, **_facts: Any) -> None:
        raise OutcomeUnknown

    monkeypatch.setattr(live_downloads(), "add", lose)
    answer = fetched(shared.path)
    assert (answer.status_code, error_code(answer)) == (503, "unavailable")


def test_nothing_is_counted_when_the_store_does_not_answer(
    anna: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = Shared(anna, max_downloads=1)

    def fail(*_args: Any, **_facts: Any) -> None:
        raise StorageUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(live_bucket(), "open_range", fail)
        assert fetched(shared.path).status_code == 503
    assert shared.downloads == 0
    assert content(fetched(shared.path)) == BODY


# --- Passwords ---


@pytest.fixture
def locked(anna: Uploader, settings: Any) -> Shared:
    """Return a file whose link has a password."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return Shared(anna, password="ö p", max_downloads=2)


def test_password_opens_the_page_and_the_download(locked: Shared) -> None:
    """It stands in no address (Zipline #817), and the limit holds with it (Zipline #584)."""
    browser = Client()
    assert b'type="password"' in browser.get(locked.page).content
    location = browser.post(locked.page, {"password": "ö p"})["Location"]
    assert "password" not in location
    assert content(browser.get(location)) == BODY
    answer = Program().ask(
        "POST", locked.path, '{"password": "ö p"}'.encode(), content_type="application/json"
    )
    assert content(answer) == BODY
    assert Client().post(locked.page, {"password": "ö p"}).status_code == 404


@pytest.mark.parametrize("wrong", ["", "o p", "ö", "x" * 5000])
def test_wrong_password_opens_and_counts_nothing(locked: Shared, wrong: str) -> None:
    """On no route: FileBrowser Quantum CVE-2026-27611, Flare CVE-2026-30230."""
    assert Client().post(locked.page, {"password": wrong}).status_code == 403
    answer = Client().post(locked.path, {"password": wrong})
    assert (answer.status_code, error_code(answer)) == (401, "wrong_password")
    for query in ("", f"?password={wrong}", "?password=%C3%B6%20p"):
        for headers in ({}, {"range": "bytes=0-1"}, {"if_range": "x"}):
            answer = fetched(f"{locked.path}{query}", **headers)
            assert (answer.status_code, error_code(answer)) == (401, "wrong_password")
    assert Program().ask("HEAD", locked.path).status_code == 401
    assert locked.downloads == 0


def test_guesses_are_counted_before_the_password_is_looked_at(
    locked: Shared, settings: Any
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "link-password": "3/minute"}
    for _guess in range(3):
        assert Client().post(locked.page, {"password": "no"}).status_code == 403
    assert Client().post(locked.page, {"password": "ö p"}).status_code == 429
    answer = Client().post(locked.path, {"password": "ö p"})
    assert (answer.status_code, error_code(answer)) == (429, "too_many_requests")
    assert locked.downloads == 0


# --- Whose links ---


def test_links_of_another_are_not_there(shared: Shared) -> None:
    """Nothing is revoked by its id alone, or by a prefix: File Browser CVE-2025-64523, -54097."""
    berta = Program(make_user("berta"))
    mine = Shared(Uploader(make_user("carla")), "z.bin")
    revoke = f"{shared.links}{shared.link['id']}/revoke/"
    for method, path in (("GET", shared.links), ("POST", revoke)):
        answer = berta.ask(method, path)
        assert (answer.status_code, error_code(answer)) == (404, "no_such_file")
    answer = berta.client.post(
        shared.links, {}, content_type="application/json", headers=berta.headers
    )
    assert error_code(answer) == "no_such_file"
    for link_id in (shared.link["id"], shared.link["id"][:10], "x", ""):
        answer = mine.owner.ask("POST", f"{mine.links}{link_id}/revoke/")
        assert answer.status_code == 404
    assert [link["state"] for link in shared.listed()] == ["live"]


@pytest.mark.parametrize("scope", ["read", "write"])
def test_key_must_be_one_to_share(anna: Uploader, scope: str) -> None:
    shared = Shared(anna)
    program = Program(anna.user, scope)
    for method, path in (
        ("GET", shared.links),
        ("POST", shared.links),
        ("POST", f"{shared.links}{shared.link['id']}/revoke/"),
    ):
        assert error_code(program.ask(method, path)) == "scope_missing"


def test_revoking_again_changes_nothing(shared: Shared) -> None:
    assert [shared.revoke().status_code for _again in range(2)] == [200, 200]
    assert shared.listed()[0]["state"] == "revoked"


def test_link_is_listed_before_it_works(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that its owner cannot see must not exist: Nextcloud CVE-2026-45285."""

    def fail(*_args: Any) -> None:
        raise OutcomeUnknown

    with monkeypatch.context() as patched:
        patched.setattr(live_links(), "replace", fail)
        assert error_code(shared.made()) == "unavailable"
    hash_key, prefix = listing_key(shared.anna.owner_id, shared.file_id)
    assert len(live_listings().query(hash_key, prefix=prefix, limit=9).values) == 2
    assert len(shared.listed()) == 1
    with monkeypatch.context() as patched:
        patched.setattr(live_listings(), "replace", fail)
        assert error_code(shared.made()) == "unavailable"
    assert sum(repr(item).count("S#") for item in live_items().scan()) == 1


# --- Pages of the owner ---


def test_owner_makes_sees_and_revokes_links_on_a_page(shared: Shared) -> None:
    browser = signed_in(shared.anna.user)
    answer = browser.post(shared.links, {"minutes": "60", "max_downloads": "3", "password": ""})
    page = answer.content.decode()
    url = answer.context["url"]
    assert url in page
    assert "<svg" in page
    assert 'style="' not in page
    assert url not in browser.get(shared.links).content.decode()
    newest = shared.listed()[0]
    revoke = reverse("revoke-link", args=[shared.file_id, newest["id"]])
    assert revoke in browser.get(shared.links).content.decode()
    assert browser.post(revoke)["Location"] == shared.links
    assert shared.listed()[0]["state"] == "revoked"
    assert shared.links in browser.get(reverse("file", args=[shared.file_id])).content.decode()


@pytest.mark.parametrize(
    "form",
    [
        {"minutes": "5"},
        {"minutes": ""},
        {"minutes": "60", "max_downloads": "0"},
        {"minutes": "60", "max_downloads": "x"},
        {"minutes": "60", "password": "x" * 129},
    ],
)
def test_bad_form_makes_no_link(shared: Shared, form: dict[str, str]) -> None:
    answer = signed_in(shared.anna.user).post(shared.links, form)
    assert answer.status_code == 400
    assert b"field-error" in answer.content
    assert len(shared.listed()) == 1


def test_name_of_a_file_is_text_on_its_page(anna: Uploader) -> None:
    """File names and SVG ran as scripts elsewhere: Gokapi CVE-2026-28683, CVE-2025-48494."""
    shared = Shared(anna, "%3Cimg%20src=x%20onerror=alert(1)%3E.bin")
    page = fetched(shared.page).content.decode()
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;.bin" in page


def test_inspection_page_shows_links_without_harm(shared: Shared) -> None:
    page = Client().get(reverse("inspection-files")).content.decode()
    assert shared.token not in page
    assert page.count('data-kind="other"') == 2
