"""API keys: who may do what with one, how it is made, and that nothing else decides."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from structlog.testing import capture_logs

from accounts.keys import digest_of, is_well_formed, issue_key, new_secret, revoke
from accounts.models import ApiKey, User
from tests.builders import make_user
from tests.functional.steps import Response, error_code, signed_in

pytestmark = [pytest.mark.usefixtures("aws"), pytest.mark.django_db]
BEGIN = {"name": "a.txt", "size": 5, "content_type": "text/plain"}


@pytest.fixture
def anna() -> User:
    """Return a user."""
    return make_user("anna")


def issued(owner: User, *scopes: str, **facts: Any) -> str:
    """Return a fresh key of ``owner``."""
    wanted = {"name": "test", "expires_at": None, **facts}
    return issue_key(owner=owner, scopes=scopes or ApiKey.SCOPES, **wanted)[1]


def asked(secret: str, path: str = "", **options: Any) -> Response:
    """Get a path with a key, as curl does."""
    headers = {"authorization": f"Bearer {secret}", "accept": "*/*"}
    return Client(enforce_csrf_checks=True).get(path or reverse("files"), headers=headers)


def begun(secret: str, browser: Client | None = None) -> Response:
    """Begin an upload with a key, and without a CSRF token."""
    return (browser or Client(enforce_csrf_checks=True)).post(
        reverse("files-begin"),
        BEGIN,
        content_type="application/json",
        headers={"authorization": f"Bearer {secret}"},
    )


# --- What a key is ---


def test_key_has_the_form_that_scanners_know() -> None:
    secret = new_secret()
    assert len(secret) == 42
    assert is_well_formed(secret)
    for wrong in (secret[:-1], f"{secret}0", f"Tri_{secret[4:]}", secret.replace("tri_", "")):
        assert not is_well_formed(wrong)
    other = "0" if secret[10] != "0" else "1"
    assert not is_well_formed(f"{secret[:10]}{other}{secret[11:]}")
    assert not is_well_formed("")
    assert not is_well_formed("é" * 42)


def test_log_tells_who_made_and_revoked_a_key_and_not_the_key(anna: User) -> None:
    with capture_logs() as logged:
        secret = issued(anna)
        key = ApiKey.objects.get()
        for _again in range(2):
            revoke(key)
    assert [line["event"] for line in logged] == ["api_key_created", "api_key_revoked"]
    assert {(line["key_id"], line["owner_id"]) for line in logged} == {(key.pk, str(anna.pk))}
    assert secret[4:20] not in str(logged)


def test_key_itself_is_stored_nowhere(anna: User) -> None:
    secret = issued(anna)
    key = ApiKey.objects.get()
    stored = " ".join(str(getattr(key, field.attname)) for field in ApiKey._meta.fields)
    assert secret[4:20] not in stored
    assert key.digest == digest_of(secret)
    assert key.last_four == secret[-4:]


# --- Who gets in ---


def test_program_gets_in_with_a_key_alone(anna: User) -> None:
    secret = issued(anna)
    answer = asked(secret)
    assert (answer.status_code, answer.json()) == (200, {"files": [], "next": None})
    assert begun(secret).status_code == 201


WRONG: dict[str, Callable[[str], str]] = {
    "empty": lambda secret: "",
    "short": lambda secret: secret[:-1],
    "mistyped": lambda secret: secret[:-1] + ("0" if secret[-1] != "0" else "1"),
    "invented": lambda secret: new_secret(),
    "another thing": lambda secret: "eyJhbGciOiJub25lIn0.e30.",
    "unicode": lambda secret: "ключ",
    "long": lambda secret: "tri_" + "0" * 5000,
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_key_is_refused(anna: User, wrong: str) -> None:
    answer = asked(WRONG[wrong](issued(anna)))
    assert (answer.status_code, error_code(answer)) == (401, "invalid_key")
    assert answer["WWW-Authenticate"] == "Bearer"


def test_key_is_refused_once_it_is_revoked_or_over(anna: User) -> None:
    secret = issued(anna)
    revoke(ApiKey.objects.get())
    assert error_code(asked(secret)) == "invalid_key"
    late = issued(anna, expires_at=timezone.now() - timedelta(seconds=1))
    assert error_code(begun(late)) == "invalid_key"
    still = issued(anna, expires_at=timezone.now() + timedelta(minutes=1))
    assert begun(still).status_code == 201


def test_key_is_refused_while_the_account_is_not_active(anna: User) -> None:
    secret = issued(anna)
    User.objects.update(is_active=False)
    assert error_code(asked(secret)) == "invalid_key"
    User.objects.update(is_active=True)
    assert asked(secret).status_code == 200


@pytest.mark.parametrize(
    ("scope", "path", "status"),
    [("write", "files", 403), ("share", "files", 403), ("read", "files", 200)],
)
def test_key_does_only_what_its_scope_says(anna: User, scope: str, path: str, status: int) -> None:
    answer = asked(issued(anna, scope), reverse(path))
    assert answer.status_code == status
    if status == 403:
        error = answer.json()["error"]
        assert (error["code"], error["scope"]) == ("scope_missing", "read")


def test_key_that_only_reads_changes_nothing(anna: User) -> None:
    secret = issued(anna, "read")
    assert error_code(begun(secret)) == "scope_missing"
    answer = Client().post(reverse("remove-avatar"), headers={"authorization": f"Bearer {secret}"})
    assert error_code(answer) == "scope_missing"


@pytest.mark.parametrize("route", ["keys", "admin:index", "users", "inspection-bucket", "login"])
def test_key_opens_no_page(anna: User, route: str) -> None:
    User.objects.update(is_staff=True, is_superuser=True)
    answer = asked(issued(anna), reverse(route))
    assert (answer.status_code, error_code(answer)) == (403, "key_not_allowed")
    assert ApiKey.objects.count() == 1


def test_no_key_is_made_or_revoked_with_a_key(anna: User) -> None:
    secret = issued(anna)
    headers = {"authorization": f"Bearer {secret}"}
    made = {"name": "more", "scopes": ["share"], "days": ""}
    assert Client().post(reverse("keys"), made, headers=headers).status_code == 403
    path = reverse("revoke-key", args=[ApiKey.objects.get().pk])
    assert Client().post(path, headers=headers).status_code == 403
    assert ApiKey.objects.get().state == "live"


# --- Nothing but the key decides ---


def test_session_beside_a_key_has_no_say(anna: User) -> None:
    berta = signed_in(make_user("berta"))
    headers = {"authorization": "Bearer tri_wrong"}
    assert berta.get(reverse("files"), headers=headers).status_code == 401
    secret = issued(anna, "read")
    assert begun(secret, signed_in(make_user("carla"))).status_code == 403


def test_key_needs_no_request_for_a_session(anna: User) -> None:
    secret = issued(anna)
    browser = signed_in(make_user("berta"))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        begun(secret, browser)
    statements = " ".join(query["sql"] for query in queries.captured_queries)
    assert "accounts_apikey" in statements
    assert "django_session" not in statements


def test_session_outlives_a_request_with_a_key(anna: User) -> None:
    """Neither is it read, nor its cookie taken away, not even by a view open to everybody."""
    browser, headers = signed_in(anna), {"authorization": f"Bearer {issued(anna)}"}
    for path in (reverse("files"), "/s/trl_never"):
        assert "sessionid" not in browser.get(path, headers=headers).cookies
    assert browser.get(reverse("keys")).status_code == 200


def test_mistyped_key_costs_no_request_to_the_database(
    anna: User, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        asked("tri_" + "0" * 38)


def test_other_schemes_are_ignored(anna: User) -> None:
    browser = signed_in(anna)
    headers = {"authorization": "Basic YTpi", "accept": "application/json"}
    assert browser.get(reverse("files"), headers=headers).status_code == 200


def test_browser_still_needs_a_csrf_token(anna: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(anna, backend="django.contrib.auth.backends.ModelBackend")
    answer = browser.post(reverse("files-begin"), BEGIN, content_type="application/json")
    assert (answer.status_code, error_code(answer)) == (403, "csrf")


def test_address_that_tries_many_keys_has_to_wait(anna: User, settings: Any) -> None:
    settings.RATE_LIMITS_PER_ADDRESS = {**settings.RATE_LIMITS_PER_ADDRESS, "wrong-key": "2/minute"}
    answers = [asked(new_secret()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert asked(issued(anna)).status_code == 200


def test_last_use_is_written_once_a_minute(anna: User) -> None:
    secret = issued(anna)
    asked(secret)
    first = ApiKey.objects.get().last_used_at
    asked(secret)
    assert first is not None
    assert ApiKey.objects.get().last_used_at == first
    ApiKey.objects.update(last_used_at=first - timedelta(minutes=1))
    asked(secret)
    assert ApiKey.objects.get().last_used_at >= first  # type: ignore[operator]


# --- The page ---


def made(browser: Client, **form: Any) -> Response:
    """Post the form of the page."""
    return browser.post(
        reverse("keys"), {"name": "backup", "scopes": ["read"], "days": "30", **form}
    )


def test_page_makes_a_key_and_shows_it_once(anna: User) -> None:
    browser = signed_in(anna)
    answer = made(browser)
    secret = answer.context["secret"]
    assert f'<code tabindex="0">{secret}</code>' in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    key = ApiKey.objects.get()
    assert (key.owner, key.name, key.scopes) == (anna, "backup", "read")
    assert asked(secret).status_code == 200
    again = browser.get(reverse("keys")).content.decode()
    assert secret not in again
    assert f"tri_…{key.last_four}" in again


def words(browser: Client) -> str:
    """Return the page with single spaces."""
    return " ".join(browser.get(reverse("keys")).content.decode().split())


@pytest.mark.parametrize(
    "form",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"scopes": []},
        {"scopes": ["admin"]},
        {"days": "-1"},
        {"days": "12"},
    ],
)
def test_bad_form_is_told_and_kept(anna: User, form: dict[str, Any]) -> None:
    answer = made(signed_in(anna), **form)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert 'class="field-error"' in page
    assert 'value="backup"' in page or "name" in form
    assert not ApiKey.objects.exists()


def test_user_has_no_more_keys_than_there_may_be(
    anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.key_pages.MAX_KEYS", 1)
    browser = signed_in(anna)
    assert made(browser).status_code == 200
    assert made(browser).status_code == 400
    assert ApiKey.objects.count() == 1
    ApiKey.objects.update(expires_at=timezone.now())
    assert made(browser).status_code == 200, "keys that are over do not count"


def test_owner_revokes_a_key_after_a_question(anna: User) -> None:
    secret, browser = issued(anna), signed_in(anna)
    path = reverse("revoke-key", args=[ApiKey.objects.get().pk])
    assert path in browser.get(reverse("keys")).content.decode()
    assert browser.get(path).status_code == 200
    assert asked(secret).status_code == 200
    assert browser.post(path)["Location"] == reverse("keys")
    assert asked(secret).status_code == 401
    revoked_at = ApiKey.objects.get().revoked_at
    assert f'revoked <time datetime="{revoked_at:%Y-%m-%dT%H:%M:%S}' in words(browser)
    ApiKey.objects.update(revoked_at=None, expires_at=timezone.now())
    assert "expired <time" in words(browser)


def test_key_of_another_is_not_there(anna: User) -> None:
    issued(anna)
    path = reverse("revoke-key", args=[ApiKey.objects.get().pk])
    berta = signed_in(make_user("berta"))
    assert berta.post(path).status_code == 404
    assert "test" not in berta.get(reverse("keys")).content.decode().partition("Your keys")[2][:400]
    assert ApiKey.objects.get().state == "live"


def test_visitor_is_asked_to_sign_in() -> None:
    assert Client().get(reverse("keys")).status_code == 302


def test_keys_go_with_the_account(anna: User) -> None:
    issued(anna)
    anna.delete()
    assert not ApiKey.objects.exists()


# --- Admin and command ---


def test_staff_sees_and_revokes_keys_in_the_admin(anna: User) -> None:
    secret = issued(anna)
    chief = signed_in(make_user("chief", is_staff=True, is_superuser=True))
    listed = reverse("admin:accounts_apikey_changelist")
    page = chief.get(listed, {"q": "anna"}).content.decode()
    assert f"tri_…{secret[-4:]}" in page
    assert digest_of(secret) not in page
    key = ApiKey.objects.get()
    assert chief.get(reverse("admin:accounts_apikey_change", args=[key.pk])).status_code == 200
    assert chief.get(reverse("admin:accounts_apikey_add")).status_code == 403
    chief.post(listed, {"action": "revoke_selected", "_selected_action": [key.pk]})
    assert asked(secret).status_code == 401


def test_admin_of_a_user_leads_to_the_keys_of_that_user(anna: User) -> None:
    issued(anna)
    issued(make_user("berta"), name="hers")
    chief = signed_in(make_user("chief", is_staff=True, is_superuser=True))
    listed = f"{reverse('admin:accounts_apikey_changelist')}?owner__id__exact={anna.pk}"
    page = chief.get(reverse("admin:accounts_user_change", args=[anna.pk])).content.decode()
    assert f'<a href="{listed}">1</a>' in page
    assert "hers" not in chief.get(listed).content.decode()


def test_command_prints_a_key_that_works(anna: User) -> None:
    printed = io.StringIO()
    call_command("create_api_key", "anna", "--days", "7", "--scopes", "read,write", stdout=printed)
    secret = printed.getvalue().strip()
    key = ApiKey.objects.get()
    assert asked(secret).status_code == 200
    assert key.scopes == "read write"
    assert key.expires_at is not None


@pytest.mark.parametrize(
    "arguments",
    [
        ["nobody"],
        ["anna", "--scopes", "read,admin"],
        ["anna", "--scopes", ""],
        ["anna", "--days", "0"],
        ["anna", "--days", "99999"],
        ["anna", "--name", ""],
    ],
)
def test_command_refuses_what_makes_no_sense(anna: User, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("create_api_key", *arguments)
    assert not ApiKey.objects.exists()
