"""Floods: rates by user and by address, and a bound on pending uploads."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings as site
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from avatars.references import Stores
from tests.builders import make_user, picture_bytes
from tests.functional.steps import (
    Response,
    begin,
    bucket_keys,
    confirm,
    error_code,
    live_key,
    permission_for,
    picture_path,
    post_file,
    post_json,
    put_object,
    record_requests,
    signed_in,
    upload_picture,
    uploaded,
)

pytestmark = pytest.mark.django_db

NOON = datetime(2030, 5, 1, 12, tzinfo=UTC)


def statuses_of_begin(header: str, values: list[str]) -> list[int]:
    """Return the statuses of phase 1 as other users ask for it, each with a value of ``header``."""
    statuses = []
    for value in values:
        browser = signed_in(make_user())
        browser.defaults[header] = value
        statuses.append(begin(browser).status_code)
    return statuses


def limit(settings: Settings, name: str, *, user: str = "99/minute", address: str = "") -> None:
    """Set the rates of one route."""
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, name: user}
    by_address = {**settings.RATE_LIMITS_PER_ADDRESS, name: address or "999/minute"}
    settings.RATE_LIMITS_PER_ADDRESS = by_address


def remove(browser: Client) -> Response:
    """Remove the picture as a program does."""
    return post_json(browser, "remove-avatar", {}, headers={"accept": "application/json"})


def assert_told_to_wait(answer: Response, code: str = "too_many_requests") -> int:
    """Assert that the answer says how long to wait; return the seconds."""
    assert (answer.status_code, error_code(answer)) == (429, code)
    return int(answer["Retry-After"])


# --- By user ---


@pytest.mark.case(9)
def test_begin_signs_nothing_when_a_user_asks_too_often(
    aws: Stores, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(settings, "begin-upload", user="2/minute")
    browser = signed_in(make_user())
    for _ in range(2):
        assert begin(browser).status_code == 201
    asked = record_requests(monkeypatch)

    answer = begin(browser)

    wait = assert_told_to_wait(answer)
    assert 1 <= wait <= 60
    assert "policy" not in answer.content.decode()
    assert asked == []
    assert begin(signed_in(make_user())).status_code == 201, "others are not in the way"
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=wait)):
        assert begin(browser).status_code == 201


@pytest.mark.case(9)
def test_confirm_changes_nothing_when_a_user_asks_too_often(
    aws: Stores, settings: Settings
) -> None:
    """The refused upload is not lost: it is confirmed later."""
    limit(settings, "confirm-upload", user="1/minute")
    user = make_user()
    browser = signed_in(user)
    upload_picture(browser)
    before, permission = live_key(user), uploaded(browser)

    wait = assert_told_to_wait(confirm(browser, permission))

    assert live_key(user) == before
    assert permission.key in bucket_keys()
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=wait)):
        assert confirm(browser, permission).status_code == 200
    assert live_key(user) != before


@pytest.mark.case(9)
def test_remove_leaves_the_picture_when_a_program_asks_too_often(
    aws: Stores, settings: Settings
) -> None:
    limit(settings, "remove-picture", user="1/minute")
    user = make_user()
    browser = signed_in(user)
    assert remove(browser).status_code == 200
    upload_picture(browser)

    assert_told_to_wait(remove(browser))

    assert live_key(user)


@pytest.mark.case(9)
def test_remove_says_so_on_the_page_when_a_person_asks_too_often(
    aws: Stores, settings: Settings
) -> None:
    limit(settings, "remove-picture", user="1/minute")
    user = make_user()
    browser = signed_in(user)
    assert remove(browser).status_code == 200
    upload_picture(browser)

    page = browser.post(reverse("remove-avatar"), follow=True)

    assert "That was too often. Please try again in" in page.content.decode()
    assert live_key(user)


@pytest.mark.case(9)
def test_message_tells_the_time_as_people_do_when_the_wait_is_long(
    aws: Stores, settings: Settings
) -> None:
    limit(settings, "begin-upload", user="30/minute;1/day")
    with time_machine.travel(NOON, tick=False) as clock:
        browser = signed_in(make_user())
        begin(browser)
        clock.shift(timedelta(hours=1))
        answer = begin(browser)

    assert assert_told_to_wait(answer) == 23 * 3600
    assert "in 23\xa0hours." in answer.json()["error"]["message"]


# --- By address ---


@pytest.mark.case(9)
def test_begin_is_refused_when_many_users_of_one_address_ask(
    aws: Stores, settings: Settings
) -> None:
    """Accounts cost an attacker little, so the address has a rate as well."""
    limit(settings, "begin-upload", address="3/minute")
    answers = [begin(signed_in(make_user())) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert_told_to_wait(answers[-1])
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    elsewhere.force_login(make_user(), backend="django.contrib.auth.backends.ModelBackend")
    assert begin(elsewhere).status_code == 201, "other addresses are not in the way"


@pytest.mark.case(9)
def test_user_is_refused_at_every_address_when_asking_too_often(
    aws: Stores, settings: Settings
) -> None:
    """Addresses cost an attacker little, so the user has a rate as well."""
    limit(settings, "begin-upload", user="2/minute")
    browser = signed_in(make_user())

    statuses = []
    for number in range(4):
        browser.defaults["REMOTE_ADDR"] = f"198.51.100.{number}"
        statuses.append(begin(browser).status_code)

    assert statuses == [201, 201, 429, 429]


@pytest.mark.case(9)
@pytest.mark.parametrize("proxies", [0, 1])
def test_limit_holds_when_the_forwarded_header_is_forged(
    aws: Stores, settings: Settings, proxies: int
) -> None:
    """What a client writes into the header stands to the left of what our proxy adds."""
    limit(settings, "begin-upload", address="2/minute")
    settings.TRUSTED_PROXIES = proxies
    heard = ", 198.51.100.7" if proxies else ""

    forwarded = [f"6.6.6.{number}{heard}" for number in range(4)]
    assert statuses_of_begin("HTTP_X_FORWARDED_FOR", forwarded) == [201, 201, 429, 429]


@pytest.mark.case(9)
def test_limit_holds_when_one_network_of_ipv6_uses_many_addresses(
    aws: Stores, settings: Settings
) -> None:
    limit(settings, "begin-upload", address="2/minute")
    addresses = [f"2001:db8:0:1::{number}" for number in range(4)]
    assert statuses_of_begin("REMOTE_ADDR", addresses) == [201, 201, 429, 429]


# --- What lies in the bucket ---


@pytest.mark.case(9)
def test_begin_is_refused_when_too_many_uploads_are_pending(
    aws: Stores, settings: Settings
) -> None:
    """The pending objects in the bucket are counted."""
    settings.MAX_PENDING_UPLOADS = 2
    browser = signed_in(make_user())
    for _ in range(2):
        uploaded(browser)
    before = bucket_keys()

    answer = begin(browser)

    assert_told_to_wait(answer, "too_many_pending")
    message = answer.json()["error"]["message"]
    assert message.startswith("2 of your earlier uploads have not been cleared away yet.")
    assert bucket_keys() == before
    assert "policy" not in answer.content.decode()
    assert begin(signed_in(make_user())).status_code == 201, "others are not in the way"


@pytest.mark.case(9)
def test_wait_lasts_until_the_lifecycle_takes_the_oldest_upload(
    aws: Stores, settings: Settings
) -> None:
    """An object expires after a day, rounded up to midnight UTC (Amazon S3, "Lifecycle")."""
    settings.MAX_PENDING_UPLOADS = 2
    user = make_user()
    with time_machine.travel(NOON, tick=False) as clock:
        put_object(f"pending/{user.pk}/z")  # the oldest, and the last in the listing
        clock.shift(timedelta(hours=20))
        put_object(f"pending/{user.pk}/a")
        clock.shift(timedelta(hours=1, milliseconds=500))
        waits = [assert_told_to_wait(begin(signed_in(user)), "too_many_pending")]
        clock.shift(timedelta(days=9))  # where no lifecycle runs
        waits.append(assert_told_to_wait(begin(signed_in(user)), "too_many_pending"))

    # Due at midnight after 2 May, noon; asked on 2 May at nine. Rounded up.
    assert waits == [15 * 3600, 60]


@pytest.mark.case(9)
def test_begin_is_possible_again_when_a_pending_upload_is_confirmed(
    aws: Stores, settings: Settings
) -> None:
    settings.MAX_PENDING_UPLOADS = 2
    user = make_user()
    browser = signed_in(user)
    permissions = [uploaded(browser) for _ in range(2)]
    assert begin(browser).status_code == 429

    assert confirm(browser, permissions[0]).status_code == 200

    assert begin(browser).status_code == 201
    assert bucket_keys("pending/") == [permissions[1].key]


@pytest.mark.case(37)
def test_pending_uploads_of_another_owner_do_not_count_when_the_id_begins_the_same(
    aws: Stores, settings: Settings
) -> None:
    settings.MAX_PENDING_UPLOADS = 1
    user = make_user()
    put_object(f"pending/{user.pk}0/upload")
    put_object(f"pending/{user.pk}")

    assert begin(signed_in(user)).status_code == 201


def test_begin_asks_aws_one_thing(aws: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting pending uploads takes one LIST."""
    asked = record_requests(monkeypatch)

    permission_for(signed_in(make_user()))

    assert asked == [("GET", f"/{site.AWS_STORAGE_BUCKET_NAME}")]


def test_bound_says_nothing_about_what_was_begun_and_not_sent(
    aws: Stores, settings: Settings
) -> None:
    """A permission whose file was never sent leaves no object to count."""
    settings.MAX_PENDING_UPLOADS = 1
    browser = signed_in(make_user())
    permissions = [permission_for(browser) for _ in range(3)]

    assert post_file(permissions[0], picture_bytes()).status == 201
    assert begin(browser).status_code == 429


# --- Names ---


def test_route_of_a_picture_says_nothing_of_who_exists_to_whoever_is_signed_out(
    aws: Stores, settings: Settings
) -> None:
    """Known and unknown names get the same answer, and so do ids."""
    settings.DEMO = False
    user = make_user("pat")
    stranger = Client()

    known = stranger.get(reverse("avatar", args=["pat"]))
    unknown = stranger.get(reverse("avatar", args=["nobody"]))
    by_id = stranger.get(picture_path(user).partition("?")[0])

    assert (known.status_code, unknown.status_code, by_id.status_code) == (302, 302, 302)
    assert known["Location"].replace("pat", "…") == unknown["Location"].replace("nobody", "…")
    assert known.content == unknown.content
    assert by_id["Location"].startswith(reverse("login"))


@pytest.mark.case(9)
def test_permission_is_given_after_many_refused_pictures(aws: Stores, settings: Settings) -> None:
    """What was refused does not count as begun and never finished."""
    settings.MAX_PENDING_UPLOADS = 3
    browser = signed_in(make_user())

    for _ in range(5):
        assert confirm(browser, uploaded(browser, b"<html>")).status_code == 422

    assert bucket_keys("pending/") == []
    assert begin(browser).status_code == 201
