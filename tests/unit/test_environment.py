"""Settings read from the environment, each case in a process of its own."""

import json
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "AWS_STORAGE_BUCKET_NAME": "pictures",
    "SECRET_KEY": "x" * 50,
    "ALLOWED_HOSTS": "triphase.example",
    "DATABASE_URL": "sqlite://:memory:",
}


def run(script: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a script with these variables and no others of ours."""
    return subprocess.run(  # noqa: S603 (our own script)
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "DJANGO_SETTINGS_MODULE": "config.settings", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def settings_with(*names: str, **variables: str) -> list[object]:
    """Return the values of settings under these variables."""
    script = (
        "import json; from django.conf import settings as s;"
        f" print(json.dumps([getattr(s, n) for n in {names!r}]))"
    )
    done = run(script, **variables)
    assert done.returncode == 0, done.stderr
    values: list[object] = json.loads(done.stdout)
    return values


BAD: list[tuple[str, str]] = [
    ("PORT", "0"),
    ("PORT", "http"),
    ("PORT", "65536"),
    ("EMBEDDED_AWS_PORT", "70000"),
    ("BEGIN_UPLOAD_RATE", "often"),
    ("CONFIRM_UPLOAD_RATE", ""),
    ("REMOVE_PICTURE_RATE", "20/minute;often"),
    ("BEGIN_UPLOAD_RATE_PER_ADDRESS", "0/minute"),
    ("MAX_PENDING_UPLOADS", "0"),
    ("MAX_PENDING_UPLOADS", "1001"),
    ("TRUSTED_PROXIES", "-1"),
    ("LOG_LEVEL", "loud"),
    ("AWS_CLOUDFRONT_KEY", "-----BEGIN PRIVATE KEY-----"),
    ("AWS_S3_ADDRESSING_STYLE", "sideways"),
    ("AVATAR_MAX_BYTES", "-5"),
    ("AVATAR_MAX_BYTES", "5MB"),
    ("UPLOAD_POLICY_SECONDS", "0"),
    ("PICTURE_URL_WINDOW_SECONDS", "1.5"),
    ("LOGIN_FAILURE_LIMIT", "0"),
    ("SECURE_HSTS_SECONDS", "-1"),
    ("DEBUG", "perhaps"),
    ("DEMO", "2"),
    ("AWS_ENDPOINT_URL_S3", "localhost:9000"),
    ("AWS_ENDPOINT_URL_DYNAMODB", "ftp://x"),
    ("AWS_S3_PUBLIC_ENDPOINT_URL", "https://"),
]


def test_bad_value_is_refused_with_the_name_of_its_variable() -> None:
    """One process reads the settings anew for each value, as starting one takes long."""
    script = f"""
import importlib, os
import config.settings
for name, value in {BAD!r}:
    os.environ[name] = value
    try:
        importlib.reload(config.settings)
    except Exception as error:
        print(name in str(error), name, value, str(error))
    else:
        print(False, name, value, "was taken")
    del os.environ[name]
"""
    done = run(script, **PRODUCTION)

    lines = done.stdout.splitlines()
    assert len(lines) == len(BAD), done.stderr
    assert [line for line in lines if not line.startswith("True")] == []


def test_secret_key_is_demanded_in_production() -> None:
    done = run("import config.settings", **PRODUCTION | {"SECRET_KEY": ""})

    assert done.returncode == 1
    assert "SECRET_KEY" in done.stderr


def test_everything_is_safe_when_only_a_bucket_is_named() -> None:
    names = (
        *("DEBUG", "DEMO", "EMBEDDED_AWS", "AWS_S3_ENDPOINT_URL", "AWS_S3_ADDRESSING_STYLE"),
        *("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT"),
        *("SESSION_COOKIE_HTTPONLY", "CSRF_COOKIE_HTTPONLY"),
        *("SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SAMESITE", "SESSION_COOKIE_AGE"),
        *("SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD", "TRUSTED_PROXIES"),
        *("SECURE_HSTS_SECONDS", "SITE_ORIGINS", "AWS_ACCESS_KEY_ID"),
    )

    values = dict(zip(names, settings_with(*names, **PRODUCTION), strict=True))

    assert values == {
        "DEBUG": False,
        "DEMO": False,
        "EMBEDDED_AWS": False,
        "AWS_S3_ENDPOINT_URL": None,
        "AWS_S3_ADDRESSING_STYLE": "virtual",
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_SSL_REDIRECT": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_AGE": 14 * 24 * 3600,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
        "SECURE_HSTS_PRELOAD": True,
        "TRUSTED_PROXIES": 0,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "SITE_ORIGINS": ["https://triphase.example"],
        "AWS_ACCESS_KEY_ID": None,
    }


def test_everything_runs_on_this_machine_when_nothing_is_set() -> None:
    names = ("DEBUG", "DEMO", "EMBEDDED_AWS", "AWS_S3_ENDPOINT_URL", "SITE_ORIGINS")

    values = settings_with(*names, PORT="8100", SECRET_KEY="x")

    assert values == [
        True,
        True,
        True,
        "http://127.0.0.1:9100",
        ["http://localhost:8100", "http://127.0.0.1:8100"],
    ]


def test_endpoints_are_those_of_the_standard_variables() -> None:
    names = ("AWS_S3_ENDPOINT_URL", "AWS_DYNAMODB_ENDPOINT_URL", "AWS_S3_PUBLIC_ENDPOINT_URL")
    variables = {
        "AWS_ENDPOINT_URL": "http://both:1/",
        "AWS_ENDPOINT_URL_S3": "http://s3:2/",
        "AWS_S3_PUBLIC_ENDPOINT_URL": "https://public.example/",
    }

    assert settings_with(*names, **PRODUCTION, **variables) == [
        "http://s3:2",
        "http://both:1",
        "https://public.example",
    ]


@pytest.mark.parametrize("module", ["config.wsgi"])
def test_server_does_not_start_a_public_demo(module: str) -> None:
    done = run(f"import {module}", **PRODUCTION, DEMO="true")

    assert done.returncode == 1
    assert "triphase.E001" in done.stderr


def test_server_starts_when_the_settings_are_good() -> None:
    done = run("import config.wsgi", **PRODUCTION)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("variables", "status"),
    [
        ({}, 0),
        ({"SECURE_HSTS_SECONDS": "0"}, 1),
        ({"SECURE_HSTS_PRELOAD": "off"}, 1),
        ({"SECRET_KEY": "x" * 50}, 1),
    ],
)
def test_deployment_checks_are_clean_in_production_and_only_with_its_defaults(
    variables: dict[str, str], status: int
) -> None:
    """The other rows show that the first one can fail."""
    script = """
from django.conf import settings
from django.core.management import execute_from_command_line
assert settings.SILENCED_SYSTEM_CHECKS == []
execute_from_command_line(["manage.py", "check", "--deploy", "--fail-level", "WARNING"])
"""
    done = run(script, **PRODUCTION | {"SECRET_KEY": secrets.token_urlsafe(48)} | variables)

    assert done.returncode == status, done.stderr
    assert ("security.W" in done.stderr) == bool(status)


def test_server_does_not_start_when_the_storage_of_rates_cannot_be_used() -> None:
    done = run("import config.wsgi", **PRODUCTION, RATE_LIMIT_STORAGE="mongodb://:hunter2@x")

    assert done.returncode == 1
    assert "RATE_LIMIT_STORAGE cannot be used" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        (
            {"AWS_REGION": "cn-north-1", "AWS_USE_FIPS_ENDPOINT": "true"},
            "AWS_STORAGE_BUCKET_NAME cannot be used here: Partition does not support FIPS",
        ),
        ({"AWS_ENDPOINT_URL_S3": "http://[::1]:9000"}, "Set AWS_S3_PUBLIC_ENDPOINT_URL to"),
        ({"AWS_PROFILE": "nope"}, "AWS_PROFILE cannot be used here: The config profile (nope)"),
    ],
)
def test_server_does_not_start_when_no_page_could_reach_the_bucket(
    variables: dict[str, str], reason: str
) -> None:
    done = run("import config.wsgi", **PRODUCTION | variables)

    assert done.returncode == 1
    assert reason in done.stderr


@pytest.mark.parametrize("query", ["", "?connect_timeout=2"])
def test_nobody_waits_for_long_for_a_database_that_is_not_there(query: str) -> None:
    url = f"postgres://user:password@host/name{query}"

    [databases] = settings_with("DATABASES", **PRODUCTION | {"DATABASE_URL": url})

    assert isinstance(databases, dict)
    assert int(databases["default"]["OPTIONS"]["connect_timeout"]) == (2 if query else 5)
