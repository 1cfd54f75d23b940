"""Signing in and out, with and without the demo."""

import re
from datetime import UTC, datetime, timedelta
from importlib import reload

import pytest
import time_machine
from django.conf import settings
from django.core import checks
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

import config.urls
from avatars.references import Stores
from config.checks import demo_needs_debug, policy_outlived_by_token
from tests.builders import make_user
from tests.functional.steps import Response, signed_in

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
OUTSIDE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "http:evil.example",
    "\\\\evil.example",
    "/\\evil.example",
    "javascript:alert(1)",
    "https://testserver@evil.example/",
    "\x00//evil.example",
]


@pytest.fixture(autouse=True)
def fast_passwords(settings: Settings) -> None:
    """Use a fast password hash: Django tests the real ones."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def log_in(
    browser: Client, username: str = "pat", password: str = PASSWORD, target: str = ""
) -> Response:
    """Send the login form."""
    body = {"username": username, "password": password, "next": target}
    return browser.post(reverse("login"), body)


def is_signed_in(browser: Client) -> bool:
    """Return whether the client has a session of a user."""
    return "_auth_user_id" in browser.session


# --- Login ---


@pytest.mark.parametrize(
    ("username", "password"),
    [("pat", "wrong"), ("nobody", PASSWORD), ("pat", ""), ("", ""), ("pat\x00", PASSWORD)],
)
def test_login_is_refused_when_name_or_password_is_wrong(username: str, password: str) -> None:
    make_user("pat", password=PASSWORD)
    browser = Client()

    answer = log_in(browser, username, password)

    assert answer.status_code == 200
    assert not is_signed_in(browser)


def test_login_is_refused_when_the_account_is_closed() -> None:
    make_user("pat", password=PASSWORD, is_active=False)
    browser = Client()

    log_in(browser)

    assert not is_signed_in(browser)


def test_login_is_refused_when_the_account_has_no_password() -> None:
    make_user("pat")
    browser = Client()

    log_in(browser, password="")

    assert not is_signed_in(browser)


def test_login_is_refused_without_the_csrf_token() -> None:
    make_user("pat", password=PASSWORD)
    browser = Client(enforce_csrf_checks=True)

    answer = log_in(browser)

    assert (answer.status_code, answer["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert not is_signed_in(browser)


def test_login_signs_in_and_leads_to_the_users() -> None:
    make_user("pat", password=PASSWORD)
    browser = Client()

    answer = log_in(browser)

    assert answer["Location"] == reverse("users")
    assert is_signed_in(browser)


@pytest.mark.parametrize("target", OUTSIDE)
def test_login_stays_on_this_site_when_next_leads_away(target: str) -> None:
    make_user("pat", password=PASSWORD)

    assert log_in(Client(), target=target)["Location"] == reverse("users")


def test_login_leads_on_to_next_when_that_is_here() -> None:
    make_user("pat", password=PASSWORD)

    answer = log_in(Client(), target="/inspection/table/?owner=x")

    assert answer["Location"] == "/inspection/table/?owner=x"


def test_login_page_sends_away_who_is_signed_in() -> None:
    answer = signed_in(make_user()).get(reverse("login"))

    assert (answer.status_code, answer["Location"]) == (302, reverse("users"))


def test_session_gets_a_new_key_when_somebody_signs_in() -> None:
    make_user("pat", password=PASSWORD)
    browser = Client()
    session = browser.session
    session["planted"] = True
    session.save()
    before = session.session_key
    browser.cookies[settings.SESSION_COOKIE_NAME] = str(before)

    log_in(browser)

    assert browser.session.session_key != before


# --- Throttle ---


def fail(browser: Client, times: int, username: str = "pat") -> Response:
    """Send a wrong password this many times; return the last answer."""
    for _ in range(times - 1):
        assert log_in(browser, username, "wrong").status_code == 200
    return log_in(browser, username, "wrong")


def test_login_is_throttled_after_too_many_failures() -> None:
    make_user("pat", password=PASSWORD)
    browser = Client()

    answer = fail(browser, settings.AXES_FAILURE_LIMIT)

    assert answer.status_code == 429
    assert answer["Retry-After"] == str(int(settings.AXES_COOLOFF_TIME.total_seconds()))
    assert "15 minutes" in answer.content.decode()
    assert log_in(browser).status_code == 429, "the right password does not help"
    assert not is_signed_in(browser)


def test_login_works_again_after_the_time_told() -> None:
    make_user("pat", password=PASSWORD)
    browser = Client()
    wait = int(fail(browser, settings.AXES_FAILURE_LIMIT)["Retry-After"])

    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=wait + 1)):
        log_in(browser)
        assert is_signed_in(browser)


def test_others_are_not_in_the_way_when_one_is_throttled() -> None:
    make_user("pat", password=PASSWORD)
    make_user("kim", password=PASSWORD)
    fail(Client(), settings.AXES_FAILURE_LIMIT)
    browser = Client()

    log_in(browser, "kim")

    assert is_signed_in(browser)


def test_failures_are_forgotten_after_a_success() -> None:
    make_user("pat", password=PASSWORD)
    browser = Client()
    fail(browser, settings.AXES_FAILURE_LIMIT - 1)
    log_in(browser)

    assert fail(Client(), settings.AXES_FAILURE_LIMIT - 1).status_code == 200


# --- Logout ---


def test_logout_by_a_link_does_nothing() -> None:
    browser = signed_in(make_user())

    assert browser.get(reverse("logout")).status_code == 405
    assert is_signed_in(browser)


def test_logout_signs_out() -> None:
    browser = signed_in(make_user())

    answer = browser.post(reverse("logout"))

    assert answer["Location"] == reverse("users")
    assert not is_signed_in(browser)


# --- The demo's sign-in ---


def demo_sign_in(browser: Client, username: str, target: str = "") -> Response:
    """Press the sign-in button on a user's card."""
    return browser.post(reverse("demo-sign-in"), {"username": username, "next": target})


@pytest.mark.parametrize("username", ["nobody", "", "closed", "PAT", "pat\x00"])
def test_demo_sign_in_is_refused_as_somebody_who_is_not_there(username: str) -> None:
    make_user("pat")
    make_user("closed", is_active=False)
    browser = Client()

    assert demo_sign_in(browser, username).status_code == 404
    assert not is_signed_in(browser)


def test_demo_sign_in_by_a_link_does_nothing() -> None:
    user = make_user()
    browser = Client()

    answer = browser.get(reverse("demo-sign-in"), {"username": user.username})

    assert answer.status_code == 405
    assert not is_signed_in(browser)


def test_demo_sign_in_is_refused_without_the_csrf_token() -> None:
    browser = Client(enforce_csrf_checks=True)

    assert demo_sign_in(browser, make_user().username).status_code == 403
    assert not is_signed_in(browser)


@pytest.mark.parametrize("target", OUTSIDE)
def test_demo_sign_in_stays_on_this_site_when_next_leads_away(target: str) -> None:
    assert demo_sign_in(Client(), make_user().username, target)["Location"] == reverse("users")


def test_demo_sign_in_leads_back_to_the_page_it_was_on() -> None:
    user = make_user()
    browser = Client()

    answer = demo_sign_in(browser, user.username, "/?page=2")

    assert answer["Location"] == "/?page=2"
    assert browser.session["_auth_user_id"] == str(user.pk)


def test_demo_sign_in_is_not_routed_when_the_demo_is_off(settings: Settings) -> None:
    paths = [str(pattern.pattern) for pattern in config.urls.urlpatterns]
    settings.DEMO = False
    try:
        without = [str(pattern.pattern) for pattern in reload(config.urls).urlpatterns]
    finally:
        settings.DEMO = True
        reload(config.urls)

    assert paths == [*without, "demo/"]


def test_login_page_offers_nobody_when_the_demo_is_off(settings: Settings) -> None:
    make_user("pat")
    assert 'value="pat"' in Client().get(reverse("login")).content.decode()

    settings.DEMO = False

    page = Client().get(reverse("login")).content.decode()
    assert 'value="pat"' not in page
    assert "one click" not in page


def test_users_page_offers_no_sign_in_when_the_demo_is_off(aws: Stores, settings: Settings) -> None:
    settings.DEMO = False
    make_user("kim")

    page = signed_in(make_user()).get(reverse("users")).content.decode()

    assert "Sign in as" not in page
    assert "Try to break it" not in page


# --- Settings that must not be ---


def test_demo_is_an_error_when_debug_is_off(settings: Settings) -> None:
    settings.DEMO, settings.DEBUG = True, False

    assert [found.id for found in demo_needs_debug(None)] == ["triphase.E001"]
    assert "triphase.E001" in {found.id for found in checks.run_checks()}


@pytest.mark.parametrize(("demo", "debug"), [(False, False), (False, True), (True, True)])
def test_demo_is_no_error_otherwise(settings: Settings, demo: bool, debug: bool) -> None:
    settings.DEMO, settings.DEBUG = demo, debug

    assert demo_needs_debug(None) == []


@pytest.mark.parametrize(("policy", "token"), [(300, 299), (300, 24 * 3600 + 1)])
def test_token_is_an_error_when_it_outlives_the_object_or_not_its_policy(
    settings: Settings, policy: int, token: int
) -> None:
    settings.UPLOAD_POLICY_SECONDS, settings.UPLOAD_TOKEN_SECONDS = policy, token

    assert [found.id for found in policy_outlived_by_token(None)] == ["triphase.E002"]
    assert "triphase.E002" in {found.id for found in checks.run_checks()}


@pytest.mark.parametrize(("policy", "token"), [(300, 300), (300, 3600), (300, 24 * 3600)])
def test_token_is_no_error_otherwise(settings: Settings, policy: int, token: int) -> None:
    settings.UPLOAD_POLICY_SECONDS, settings.UPLOAD_TOKEN_SECONDS = policy, token

    assert policy_outlived_by_token(None) == []


# --- Every page ---


@pytest.mark.parametrize("path", ["/", "/login/", "/nowhere/", "/ping", "/admin/login/"])
def test_page_has_its_security_headers(aws: Stores, path: str) -> None:
    answer = Client().get(path)

    policy = answer["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    features = answer["Permissions-Policy"].split(", ")
    assert {"camera=()", "geolocation=()", "microphone=()", "payment=()", "usb=()"} < set(features)
    assert all(feature.endswith("=()") for feature in features)


@pytest.mark.parametrize("path", ["/", "/login/", "/inspection/bucket/", "/inspection/table/"])
def test_page_has_no_inline_script_or_style(aws: Stores, path: str) -> None:
    """The site's Content-Security-Policy would block them."""
    for browser in (Client(), signed_in(make_user())):
        page = browser.get(path, follow=True).content.decode()
        for script in re.findall(r"<script[^>]*>", page):
            assert "src=" in script or "application/json" in script
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", page)
