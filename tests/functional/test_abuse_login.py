"""The login page does not tell who has an account, and its throttle cannot be evaded."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as site
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import User
from tests.builders import make_user
from tests.functional.steps import Response, signed_in

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
NOBODY = "nobody"


@pytest.fixture(autouse=True)
def no_demo(settings: Settings) -> None:
    """Turn the demo off: it shows its users to everybody."""
    settings.DEMO = False


@pytest.fixture(autouse=True)
def fast_passwords(settings: Settings) -> None:
    """Use a fast password hash: Django tests the real ones."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that receives each password that is hashed, which is what takes time."""
    passwords: list[str] = []
    encode = MD5PasswordHasher.encode

    def record(hasher: MD5PasswordHasher, password: str, salt: Any) -> str:
        passwords.append(password)
        return encode(hasher, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", record)
    return passwords


def people() -> None:
    """Make three users, none of whom can log in with ``PASSWORD``."""
    make_user("pat", password="another")
    make_user("closed", password=PASSWORD, is_active=False)
    make_user("without")


def log_in(username: str, route: str = "login", **environ: Any) -> Response:
    """Send the login form from a new client."""
    body = {"username": username, "password": PASSWORD}
    return Client(**environ).post(reverse(route), body)


def seen(answer: Response, username: str) -> tuple[int, str, list[str]]:
    """Return what a client can compare: status, page, names of headers and cookies."""
    page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
    return (
        answer.status_code,
        page.replace(f'value="{username}"', 'value="…"'),
        sorted([*answer.headers, *answer.cookies]),
    )


@pytest.mark.parametrize("route", ["login", "admin:login"])
@pytest.mark.parametrize("username", ["pat", "closed", "without"])
def test_login_says_the_same_of_anybody_and_of_nobody(username: str, route: str) -> None:
    people()

    answer = log_in(username, route)

    assert seen(answer, username) == seen(log_in(NOBODY, route), NOBODY)
    assert not User.objects.filter(last_login__isnull=False).exists()


@pytest.mark.parametrize("username", ["pat", "closed", "without", NOBODY])
def test_login_hashes_one_password_for_anybody_and_for_nobody(
    username: str, hashed: list[str]
) -> None:
    """Hashes are counted instead of time, as hashing is the only slow step."""
    people()
    hashed.clear()

    log_in(username)

    assert len(hashed) == 1


@pytest.mark.parametrize("username", ["pat", "closed", "without"])
def test_lock_out_says_the_same_of_anybody_and_of_nobody(username: str, hashed: list[str]) -> None:
    """Neither page nor effort shows whether the locked-out user exists."""
    people()
    for name in (username, NOBODY):
        for _ in range(site.AXES_FAILURE_LIMIT):
            last = log_in(name)
        assert last.status_code == 429
    hashed.clear()

    known, unknown = log_in(username), log_in(NOBODY)

    assert known.status_code == 429
    assert seen(known, username) == seen(unknown, NOBODY)
    assert known["Retry-After"] == unknown["Retry-After"]
    assert hashed == []


# --- The throttle ---


def statuses_from(settings: Settings, addresses: list[dict[str, str]]) -> list[int]:
    """Return the statuses of one wrong login from each address."""
    make_user("pat", password="another")
    settings.AXES_FAILURE_LIMIT = 3
    return [log_in("pat", **address).status_code for address in addresses]


@pytest.mark.case(9)
def test_lock_out_holds_when_the_forwarded_header_is_forged(settings: Settings) -> None:
    """django-axes by itself would believe the header."""
    forged = [{"HTTP_X_FORWARDED_FOR": f"198.51.100.{number}"} for number in range(4)]

    assert statuses_from(settings, forged) == [200, 200, 429, 429]


@pytest.mark.case(9)
def test_lock_out_holds_when_one_network_of_ipv6_uses_many_addresses(settings: Settings) -> None:
    network = [{"REMOTE_ADDR": f"2001:db8:0:1::{number}"} for number in range(4)]

    assert statuses_from(settings, network) == [200, 200, 429, 429]


@pytest.mark.case(9)
def test_clients_behind_one_proxy_are_told_apart_when_it_is_ours(settings: Settings) -> None:
    """Otherwise one client could lock out the others."""
    settings.TRUSTED_PROXIES = 1
    heard = [{"HTTP_X_FORWARDED_FOR": f"6.6.6.6, 198.51.100.{number}"} for number in range(4)]

    assert statuses_from(settings, heard) == [200, 200, 200, 200]


# --- Sessions and their cookies ---


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(settings: Settings) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True  # as in production
    make_user("pat", password=PASSWORD)
    browser = Client()
    browser.get(reverse("login"))

    browser.post(reverse("login"), {"username": "pat", "password": PASSWORD})

    assert set(browser.cookies) == {"sessionid", "csrftoken"}
    for cookie in browser.cookies.values():
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
        assert cookie["domain"] == ""


def test_session_ends_after_two_weeks() -> None:
    browser = signed_in(make_user())
    now = datetime.now(UTC)

    statuses = []
    for days in (13, 15):
        with time_machine.travel(now + timedelta(days=days)):
            statuses.append(browser.get(reverse("login")).status_code)

    assert statuses == [302, 200], "who is signed in is sent on"


def test_other_sessions_end_when_the_password_is_changed() -> None:
    user = make_user("pat", password=PASSWORD)
    browser = signed_in(user)
    assert browser.get(reverse("login")).status_code == 302

    user.set_password("another")
    user.save()

    assert browser.get(reverse("login")).status_code == 200
