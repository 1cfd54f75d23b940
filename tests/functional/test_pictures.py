"""Showing a picture, and removing it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import User
from avatars.references import Stores
from avatars.selectors import picture_url
from aws.errors import StorageUnavailable
from tests.builders import make_user
from tests.functional.steps import (
    Response,
    body_of,
    broken,
    bucket_keys,
    error_code,
    get,
    item_of,
    live_key,
    picture_path,
    record_requests,
    serve_with,
    signed_in,
    upload_picture,
    write_item,
)

pytestmark = pytest.mark.django_db

NEW_YEAR = datetime(2030, 1, 1, tzinfo=UTC)


def look(browser: Client, user: User) -> Response:
    """Ask for the user's picture."""
    return browser.get(picture_path(user))


def remove(browser: Client, **headers: str) -> Response:
    """Post the form that removes the picture."""
    return browser.post(reverse("remove-avatar"), headers=headers)


# --- Opened directly ---


def test_picture_is_not_served_without_a_signature(aws: Stores) -> None:
    user = make_user()
    upload_picture(signed_in(user))
    url = picture_url(live_key(user)).url

    assert get(url.partition("?")[0]).status == 403
    assert get(url.replace("avatars/", "avatars/x")).status == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_picture_cannot_be_changed_with_its_url(aws: Stores, method: str) -> None:
    user = make_user()
    upload_picture(signed_in(user))
    key = live_key(user)
    before = body_of(key)

    assert get(picture_url(key).url, method).status in {400, 403, 405}

    assert body_of(key) == before


@pytest.mark.case(34)
def test_picture_is_a_picture_and_nothing_else_when_opened_as_a_page(aws: Stores) -> None:
    """It has a fixed type, an origin other than the site's, and bytes that this site wrote."""
    user = make_user()
    avatar = upload_picture(signed_in(user))

    answer = get(avatar["url"])

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.data == body_of(live_key(user))
    assert answer.data[:4] + answer.data[8:12] == b"RIFFWEBP"
    origin = urlsplit(avatar["url"])
    assert f"{origin.scheme}://{origin.netloc}" not in settings.SITE_ORIGINS


@pytest.mark.case(34)
def test_redirect_and_placeholder_say_nosniff(aws: Stores) -> None:
    user, other = make_user(), make_user()
    browser = signed_in(user)
    upload_picture(browser)

    for answer in (look(browser, user), look(browser, other)):
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer["Content-Security-Policy"]


# --- Its URL ---


def test_url_is_the_same_within_a_window_and_another_after(aws: Stores) -> None:
    window = settings.PICTURE_URL_WINDOW_SECONDS
    urls = []
    for seconds in (0, 1, window - 1, window, window + 1):
        with time_machine.travel(NEW_YEAR + timedelta(seconds=seconds), tick=False):
            urls.append(picture_url("avatars/a/x.webp").url)

    assert urls[0] == urls[1] == urls[2] != urls[3] == urls[4]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_url_works_for_one_more_window_and_then_no_more(aws: Stores, share: float) -> None:
    window = settings.PICTURE_URL_WINDOW_SECONDS
    user = make_user()
    upload_picture(signed_in(user))
    made_at = NEW_YEAR + timedelta(seconds=int(share * window))
    with time_machine.travel(made_at, tick=False):
        signed = picture_url(live_key(user))

    assert window <= signed.seconds_left <= 2 * window
    with time_machine.travel(made_at + timedelta(seconds=signed.seconds_left - 1), tick=False):
        assert get(signed.url).status == 200
    with time_machine.travel(made_at + timedelta(seconds=signed.seconds_left), tick=False):
        assert get(signed.url).status == 403


def test_url_never_outlives_the_credentials(aws: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aws.signing.credentials_seconds_left", lambda now: 17)

    assert picture_url("avatars/a/x.webp").seconds_left == 17


def test_redirect_lasts_no_longer_than_its_url_when_that_ends_soon(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user()
    upload_picture(signed_in(user))
    monkeypatch.setattr("aws.signing.credentials_seconds_left", lambda now: 17)

    assert look(Client(), user)["Cache-Control"] == "private, max-age=17"


def test_redirect_leads_to_the_picture_and_may_be_kept_a_minute(aws: Stores) -> None:
    user = make_user()
    upload_picture(signed_in(user))

    answer = look(Client(), user)

    assert answer.status_code == 302
    assert answer["Cache-Control"] == "private, max-age=60"
    assert get(answer["Location"]).data == body_of(live_key(user))
    assert parse_qs(urlsplit(answer["Location"]).query)["X-Amz-Expires"] == ["7200"]


# --- No picture ---


@pytest.mark.case(21)
@pytest.mark.parametrize("key", ["https://evil.example/x", "avatars/other/x.webp", "pending/a/b"])
def test_placeholder_is_drawn_when_the_item_names_something_strange(aws: Stores, key: str) -> None:
    """Only a key that this code can have written is served."""
    user = make_user()
    write_item(str(user.pk), key, now=datetime.now(UTC))

    answer = look(Client(), user)

    assert (answer.status_code, answer["Content-Type"]) == (200, "image/svg+xml")


@pytest.mark.parametrize(
    ("first", "last", "initials"),
    [
        ("", "", "X"),
        ("Ada", "Lovelace", "AL"),
        ("Ada King", "Lovelace", "AL"),
        ("<b>", "&amp", "&lt;&amp;"),
        ("éva", "", "É"),
        (" ", " ", "X"),
    ],
)
def test_placeholder_shows_the_initials_when_there_is_no_picture(
    aws: Stores, first: str, last: str, initials: str
) -> None:
    user = make_user(username="x", first_name=first, last_name=last)

    answer = look(Client(), user)

    assert answer["Content-Type"] == "image/svg+xml"
    assert f">{initials}<" in answer.content.decode().replace("\n", "").replace(" ", "")


def test_placeholder_is_drawn_when_the_table_does_not_answer(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user()
    references = broken(aws.references, read=StorageUnavailable())
    monkeypatch.setattr("avatars.views.live_references", lambda: references)

    assert look(Client(), user)["Content-Type"] == "image/svg+xml"


@pytest.mark.parametrize("name", ["nobody", "..", "%00", "a%0Ab", "\u202e"])
def test_picture_is_not_found_when_nobody_is_called_so(aws: Stores, name: str) -> None:
    assert Client().get(f"/avatars/{name}/").status_code == 404


def test_picture_is_not_found_when_the_account_is_closed(aws: Stores) -> None:
    user = make_user(is_active=False)

    assert look(Client(), user).status_code == 404


def test_picture_is_shown_to_members_only_when_this_is_no_demo(
    aws: Stores, settings: Settings
) -> None:
    settings.DEMO = False
    user = make_user()
    upload_picture(signed_in(user))

    answer = look(Client(), user)

    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("login"))
    assert "X-Amz" in look(signed_in(make_user()), user)["Location"]


# --- Removing ---


def test_picture_is_not_removed_by_somebody_signed_out(aws: Stores) -> None:
    user = make_user()
    upload_picture(signed_in(user))

    answer = remove(Client())

    assert answer["Location"].startswith(reverse("login"))
    assert live_key(user)


def test_picture_is_not_removed_by_a_link(aws: Stores) -> None:
    user = make_user()
    browser = signed_in(user)
    upload_picture(browser)

    assert browser.get(reverse("remove-avatar")).status_code == 405
    assert live_key(user)


def test_picture_is_not_removed_without_the_csrf_token(aws: Stores) -> None:
    user = make_user()
    upload_picture(signed_in(user))
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    assert remove(browser).status_code == 403
    assert live_key(user)


def test_picture_and_object_are_gone_when_removed(aws: Stores) -> None:
    user, other = make_user(), make_user()
    browser = signed_in(user)
    upload_picture(browser)
    upload_picture(signed_in(other))

    answer = remove(browser)

    assert answer["Location"] == reverse("users")
    assert "Your picture was removed." in browser.get(reverse("users")).content.decode()
    item = item_of(user)
    assert (item.avatar, bool(item.removed_at)) == (None, True)
    assert bucket_keys() == [live_key(other)]


def test_program_gets_json_when_it_removes_a_picture(aws: Stores) -> None:
    user = make_user()
    browser = signed_in(user)
    upload_picture(browser)

    answer = remove(browser, accept="application/json")

    assert answer.json() == {"avatar": None}
    assert bucket_keys() == []


def test_removal_is_harmless_when_there_is_no_picture(aws: Stores) -> None:
    user = make_user()

    answer = remove(signed_in(user), accept="application/json")

    assert answer.status_code == 200
    assert item_of(user).removed_at


def test_picture_stays_when_the_removal_fails(aws: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    user = make_user()
    browser = signed_in(user)
    upload_picture(browser)
    references = broken(aws.references, read=StorageUnavailable())
    serve_with(monkeypatch, replace(aws, references=references))

    program = remove(browser, accept="application/json")
    person = remove(browser)

    assert (program.status_code, error_code(program)) == (503, "unavailable")
    assert person["Location"] == reverse("users")
    page = browser.get(reverse("users")).content.decode()
    assert "The store does not answer right now." in page
    assert live_key(user)


@pytest.mark.case(21)
def test_strange_key_is_forgotten_and_its_object_stays_when_removed(aws: Stores) -> None:
    user, other = make_user(), make_user()
    upload_picture(signed_in(other))
    write_item(str(user.pk), live_key(other), now=datetime.now(UTC))

    remove(signed_in(user))

    assert item_of(user).avatar is None
    assert live_key(other)


def test_picture_asks_for_one_item_and_no_object(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user()
    upload_picture(signed_in(user))
    asked = record_requests(monkeypatch)

    look(Client(), user)

    assert [request.operation for request in asked] == ["GetItem"]
