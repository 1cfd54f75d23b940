"""Debian's Chromium, started once per session; its pages fail the test on a browser error."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, override_settings
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from avatars.references import Stores
from aws.clients import client
from tests.browser.panel import UploadPanel
from tests.builders import make_user
from uploads.provisioning import cors_rules

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
]
SESSION_COOKIE = "sessionid"
SignIn = Callable[[User], None]
# Playwright's sync API runs an event loop in this thread, which Django takes for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
# Milliseconds. A busy machine takes seconds to encode a picture; a pass is no slower for it.
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        missing(f"{CHROMIUM} is not there: apt-get install chromium")
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


class Complaints:
    """The errors that the browser reported. A test allows those that it provokes."""

    def __init__(self) -> None:
        self._seen: list[str] = []
        self._allowed: list[str] = []

    def allow(self, pattern: str) -> None:
        self._allowed.append(pattern)

    def listen(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._seen.append(f"uncaught {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._seen.append(f"{message.text} ({message.location['url']})")

    @property
    def unexpected(self) -> list[str]:
        return [
            complaint
            for complaint in self._seen
            if not any(re.search(pattern, complaint) for pattern in self._allowed)
        ]


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    complaints = Complaints()
    yield complaints
    assert complaints.unexpected == []


@pytest.fixture
def context(
    browser: Browser, live_server: LiveServer, complaints: Complaints
) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=live_server.url, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    # Chromium reports most violations by itself; those inside shadow roots it tells only here.
    context.add_init_script(
        "addEventListener('securitypolicyviolation', (event) =>"
        " console.error('CSP', event.violatedDirective, event.blockedURI))"
    )
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, complaints: Complaints) -> Page:
    page = context.new_page()
    complaints.listen(page)
    return page


@pytest.fixture
def sign_in(context: BrowserContext, live_server: LiveServer) -> SignIn:
    """Return a function that gives the browser a session of a user, without the login page."""

    def sign_in(user: User) -> None:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        name = SESSION_COOKIE
        value = client.cookies[name].value
        context.add_cookies([{"name": name, "value": value, "url": live_server.url}])

    return sign_in


@pytest.fixture(scope="session")
def static_files() -> Iterator[None]:
    """Serve static files from their source folders: tests run no ``collectstatic``."""
    with override_settings(WHITENOISE_AUTOREFRESH=True, WHITENOISE_USE_FINDERS=True):
        yield


@pytest.fixture(scope="session")
def live_server(static_files: None, live_server: LiveServer) -> LiveServer:
    return live_server


@pytest.fixture(autouse=True)
def suitable_settings(live_server: LiveServer, settings: Settings) -> None:
    settings.SITE_ORIGINS = [live_server.url]
    # The real ones take a second for each login, on purpose.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def aws(aws: Stores, suitable_settings: None, settings: Settings) -> Stores:
    """Return the stores, whose bucket lets the pages of this site post to it."""
    rules: Any = {"CORSRules": cors_rules()}
    client().put_bucket_cors(Bucket=settings.AWS_STORAGE_BUCKET_NAME, CORSConfiguration=rules)
    return aws


@pytest.fixture
def user(aws: Stores, sign_in: SignIn) -> User:
    """Return a user without a picture, who is signed in."""
    user = make_user(username="pat")
    sign_in(user)
    return user


@pytest.fixture
def panel(page: Page, user: User) -> UploadPanel:
    """Return the upload panel of ``user`` on the users page."""
    return UploadPanel(page)
