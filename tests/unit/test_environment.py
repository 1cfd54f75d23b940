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
    ("BEGIN_UPLOAD_RATE", "2 per 9999 year"),
    ("PICTURE_URL_WINDOW_SECONDS", "302401"),
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
    ("AWS_STORAGE_BUCKET_NAME", " "),
    ("AWS_STORAGE_BUCKET_NAME", "My-Pictures"),
    ("AWS_STORAGE_BUCKET_NAME", "my_pictures"),
    ("AWS_STORAGE_BUCKET_NAME", "ab"),
    ("AWS_STORAGE_BUCKET_NAME", "a" * 64),
    ("AWS_STORAGE_BUCKET_NAME", "a..b"),
    ("AWS_STORAGE_BUCKET_NAME", "-pictures"),
    ("AWS_STORAGE_BUCKET_NAME", "pictures-"),
    ("AWS_STORAGE_BUCKET_NAME", "192.168.5.4"),
    ("AWS_STORAGE_BUCKET_NAME", "xn--pictures"),
    ("AWS_STORAGE_BUCKET_NAME", "pictures--usw2-az1--x-s3"),
    ("AWS_STORAGE_BUCKET_NAME", "s3://pictures"),
    ("AWS_STORAGE_BUCKET_NAME", "pictures/avatars"),
    ("AWS_STORAGE_BUCKET_NAME", "arn:aws:s3:::pictures"),
    ("AWS_STATIC_BUCKET_NAME", "Files"),
    ("AVATARS_TABLE", "a b"),
    ("AVATARS_TABLE", "ab"),
    ("FILE_TYPES", "png"),
    ("FILE_TYPES", "image/*; application/pdf"),
    ("FILE_TYPES", "*/png"),
    ("FILE_TYPES", "text/plain; charset=utf-8"),
    ("AWS_REGION", "eu west 1"),
    ("AWS_REGION", "eu_west_1"),
    ("AWS_REGION", "aws-global"),
    ("AWS_REGION", "fips-us-gov-west-1"),
    ("AWS_REGION", " "),
    ("AWS_DEFAULT_REGION", "https://s3.eu-west-1.amazonaws.com"),
    ("AWS_ENDPOINT_URL", "s3.example"),
    ("AWS_ENDPOINT_URL_S3", "localhost:9000"),
    ("AWS_ENDPOINT_URL_S3", "https://s3.example/pictures"),
    ("AWS_ENDPOINT_URL_S3", "https://s3.example?x=1"),
    ("AWS_ENDPOINT_URL_S3", "https://s3.example#x"),
    ("AWS_ENDPOINT_URL_S3", "https://user:hunter2@s3.example"),
    ("AWS_ENDPOINT_URL_S3", "https://s3.example:99999"),
    ("AWS_ENDPOINT_URL_S3", "https://s3 .example"),
    ("AWS_ENDPOINT_URL_S3", "http://my_store:9000"),
    ("AWS_ENDPOINT_URL_S3", "http://[::x]:9000"),
    ("AWS_ENDPOINT_URL_S3", "http://[1.2]:9000"),
    ("AWS_ENDPOINT_URL_DYNAMODB", "ftp://x"),
    ("AWS_S3_PUBLIC_ENDPOINT_URL", "https://"),
    ("AWS_S3_PUBLIC_ENDPOINT_URL", "https://*.example"),
    ("AWS_S3_CUSTOM_DOMAIN", "http://cdn.example"),
    ("AWS_S3_CUSTOM_DOMAIN", "cdn.example/avatars"),
    ("AWS_S3_CUSTOM_DOMAIN", "cdn.example:0"),
    ("AWS_S3_CUSTOM_DOMAIN", "user@cdn.example"),
    ("AWS_STATIC_CUSTOM_DOMAIN", "https://cdn.example/static/"),
    ("AWS_STATIC_CUSTOM_DOMAIN", "cdn example"),
    ("ALLOWED_HOSTS", "http://triphase.example"),
    ("ALLOWED_HOSTS", "triphase.example:8000"),
    ("ALLOWED_HOSTS", "triphase.example/site"),
    ("ALLOWED_HOSTS", "*.triphase.example"),
    ("ALLOWED_HOSTS", "a.example b.example"),
    ("ALLOWED_HOSTS", "my_site.example"),
    ("ALLOWED_HOSTS", "::1"),
    ("SITE_ORIGINS", "triphase.example"),
    ("SITE_ORIGINS", "https://triphase.example/site"),
    ("SITE_ORIGINS", "https://*.triphase.example"),
    ("SITE_ORIGINS", "*"),
    ("SITE_ORIGINS", "null"),
    ("SITE_ORIGINS", "https://a.example https://b.example"),
    ("SITE_ORIGINS", "https://a.example,b.example"),
    ("CSRF_TRUSTED_ORIGINS", "triphase.example"),
    ("CSRF_TRUSTED_ORIGINS", "*.triphase.example"),
    ("CSRF_TRUSTED_ORIGINS", "https://*"),
    ("CSRF_TRUSTED_ORIGINS", "https://triphase.example/site"),
    ("AWS_ENDPOINT_URL_SQS", "https://sqs.example/queue"),
    ("AWS_ENDPOINT_URL_SNS", "sns.example"),
    ("EVENTS_QUEUE", "events.fifo"),
    ("EVENTS_QUEUE", "the events"),
    ("EVENTS_QUEUE", "e" * 76),
    ("EVENTS_QUEUE", "arn:aws:sqs:us-east-1:123456789012:events"),
    ("EVENTS_QUEUE", "https://user:hunter2@sqs.example/1/events"),
    ("EVENTS_QUEUE", "https://sqs.example/"),
    ("EVENTS_TOPIC", "files.fifo"),
    ("EVENTS_TOPIC", "https://sns.example/files"),
    ("EVENTS_TOPIC", "arn:aws:sqs:us-east-1:123456789012:files"),
    ("EVENTS_SECRET", "hunter2"),
    ("EVENTS_SECRET", "hunter2 hunter2 hunter2"),
    ("EVENTS_SECRET", "hunter2:hunter2@hunter2"),
    ("EVENTS_PUSH_URL", "web:8000/events/s3/"),
    ("EVENTS_PUSH_URL", "http://web:8000"),
    ("EVENTS_PUSH_URL", "ftp://web/events/s3/"),
    ("EVENTS_PUSH_URL", "http://events:hunter2@web/events/s3/"),
    ("EVENTS_PUSH_URL", "http://web/events/s3/?x=1"),
    ("EVENTS_PUSH_URL", "http://*.web/events/s3/"),
    ("EVENTS_WORKERS", "0"),
    ("EVENTS_WORKERS", "65"),
]
A_QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/it-Events_1"
A_TOPIC = "arn:aws-cn:sns:cn-north-1:123456789012:it-Files_1"
GOOD: list[tuple[str, str, object]] = [
    ("AWS_STORAGE_BUCKET_NAME", " pictures\n", "pictures"),
    ("AWS_STORAGE_BUCKET_NAME", "my.dotted.bucket", "my.dotted.bucket"),
    ("AVATARS_TABLE", "Our_pictures-2.x ", "Our_pictures-2.x"),
    ("FILE_TYPES", "", []),
    ("FILE_TYPES", "Image/*, application/pdf,,*/*", ["image/*", "application/pdf", "*/*"]),
    ("AWS_REGION", " EU-WEST-1", "eu-west-1"),
    ("AWS_REGION", "us-gov-west-1", "us-gov-west-1"),
    ("AWS_REGION", "RegionOne", "RegionOne"),
    ("AWS_REGION", "auto", "auto"),
    ("AWS_S3_PUBLIC_ENDPOINT_URL", "https://Store.Example:443/", "https://store.example"),
    ("AWS_S3_PUBLIC_ENDPOINT_URL", "http://10.0.0.1:9000", "http://10.0.0.1:9000"),
    ("AWS_S3_CUSTOM_DOMAIN", "https://CDN.example/", "cdn.example"),
    ("AWS_S3_CUSTOM_DOMAIN", "cdn.example:8443", "cdn.example:8443"),
    ("AWS_S3_CUSTOM_DOMAIN", "", None),
    ("AWS_STATIC_CUSTOM_DOMAIN", "cdn.example/", "cdn.example"),
    ("ALLOWED_HOSTS", "https://Triphase.example/, ,b.example,", ["triphase.example", "b.example"]),
    ("ALLOWED_HOSTS", "none", ["none"]),
    ("ALLOWED_HOSTS", "[::1],127.0.0.1,localhost", ["[::1]", "127.0.0.1", "localhost"]),
    ("SITE_ORIGINS", "https://Triphase.example/", ["https://triphase.example"]),
    ("SITE_ORIGINS", "https://a:443, http://b:80 ,", ["https://a", "http://b"]),
    ("SITE_ORIGINS", "http://[::1]:8000", ["http://[::1]:8000"]),
    ("SITE_ORIGINS", "", ["https://triphase.example"]),
    ("CSRF_TRUSTED_ORIGINS", "https://*.Example.org/", ["https://*.example.org"]),
    ("CSRF_TRUSTED_ORIGINS", " , ", []),
    ("EVENTS_QUEUE", " Our_events-2\n", "Our_events-2"),
    ("EVENTS_QUEUE", A_QUEUE, A_QUEUE),
    ("EVENTS_QUEUE", "", ""),
    ("EVENTS_TOPIC", "Our_files-2 ", "Our_files-2"),
    ("EVENTS_TOPIC", A_TOPIC, A_TOPIC),
    ("EVENTS_TOPIC", "", ""),
    ("EVENTS_PUSH_URL", "", ""),
    ("EVENTS_PUSH_URL", "http://Web:8000/events/s3/ ", "http://web:8000/events/s3/"),
    ("EVENTS_PUSH_URL", "https://a.example:443/events/s3/", "https://a.example/events/s3/"),
    ("EVENTS_SECRET", "0123456789abc.-_~", "0123456789abc.-_~"),
]


def settings_one_by_one(values: list[tuple[str, str]]) -> list[tuple[object, str]]:
    """Return for each variable and value the setting of that name, or None and the error.

    One process reads the settings anew for each, as starting one takes long.
    """
    script = f"""
import importlib, json, os
import config.settings
found = []
for name, value in {values!r}:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        found.append((getattr(importlib.reload(config.settings), name, None), ""))
    except Exception as error:
        found.append((None, str(error)))
    os.environ.pop(name) if before is None else os.environ.update({{name: before}})
print(json.dumps(found))
"""
    done = run(script, **PRODUCTION)
    assert done.returncode == 0, done.stderr
    return [(value, error) for value, error in json.loads(done.stdout)]


def test_bad_value_is_refused_with_the_name_of_its_variable() -> None:
    found = settings_one_by_one(BAD)

    taken = [bad for bad, (_, error) in zip(BAD, found, strict=True) if bad[0] not in error]
    assert taken == []
    assert "hunter2" not in str(found)


def test_value_that_means_one_thing_is_taken_in_one_notation() -> None:
    found = settings_one_by_one([(name, value) for name, value, _ in GOOD])

    for (name, text, wanted), (value, error) in zip(GOOD, found, strict=True):
        assert (value, error) == (wanted, ""), (name, text)


@pytest.mark.parametrize(
    ("variables", "names"),
    [
        ({}, ["triphase-events", "triphase-files"]),
        (PRODUCTION, ["triphase-events", "triphase-files"]),
        (
            {**PRODUCTION, "AWS_ENDPOINT_URL_S3": "https://s3-fips.us-east-1.amazonaws.com"},
            ["triphase-events", "triphase-files"],
        ),
        ({**PRODUCTION, "AWS_ENDPOINT_URL_S3": "http://store:7480"}, ["", ""]),
        (
            {
                **PRODUCTION,
                "AWS_ENDPOINT_URL_S3": "http://store:7480",
                "EVENTS_QUEUE": "a-queue",
                "EVENTS_TOPIC": "a-topic",
            },
            ["a-queue", "a-topic"],
        ),
    ],
    ids=["embedded", "AWS", "AWS by FIPS", "another store", "another store with a queue"],
)
def test_events_are_on_where_the_store_has_queues(
    variables: dict[str, str], names: list[str]
) -> None:
    assert settings_with("EVENTS_QUEUE", "EVENTS_TOPIC", **variables) == names


def test_queue_and_topic_are_at_the_endpoint_that_is_named_for_them() -> None:
    names = ("AWS_SQS_ENDPOINT_URL", "AWS_SNS_ENDPOINT_URL")
    own = {
        "AWS_ENDPOINT_URL_SQS": "https://sqs.example",
        "AWS_ENDPOINT_URL_SNS": "https://sns.example",
    }
    common = {**PRODUCTION, "AWS_ENDPOINT_URL": "https://all.example"}

    assert settings_with(*names, **PRODUCTION) == [None, None]
    assert settings_with(*names, **common) == ["https://all.example"] * 2
    assert settings_with(*names, **common, **own) == ["https://sqs.example", "https://sns.example"]
    assert settings_with(*names) == ["http://127.0.0.1:9000"] * 2


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
            "AWS_STORAGE_BUCKET_NAME among them: Partition does not support FIPS",
        ),
        ({"AWS_ENDPOINT_URL_S3": "http://[::1]:9000"}, "Set AWS_S3_PUBLIC_ENDPOINT_URL to"),
        ({"AWS_PROFILE": "nope"}, "AWS_PROFILE among them: The config profile (nope)"),
    ],
)
def test_server_does_not_start_when_no_page_could_reach_the_bucket(
    variables: dict[str, str], reason: str
) -> None:
    done = run("import config.wsgi", **PRODUCTION | variables)

    assert done.returncode == 1
    assert reason in done.stderr


def test_endpoint_of_the_profile_is_refused_like_one_of_a_variable(tmp_path: Path) -> None:
    profile = tmp_path / "config"
    profile.write_text("[default]\nendpoint_url = https://user:hunter2@s3.example/store\n")

    done = run("import config.settings", **PRODUCTION, AWS_CONFIG_FILE=str(profile))

    assert done.returncode == 1
    assert "AWS_CONFIG_FILE must hold an http(s) URL" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("query", ["", "?connect_timeout=2"])
def test_nobody_waits_for_long_for_a_database_that_is_not_there(query: str) -> None:
    url = f"postgres://user:password@host/name{query}"

    [databases] = settings_with("DATABASES", **PRODUCTION | {"DATABASE_URL": url})

    assert isinstance(databases, dict)
    assert int(databases["default"]["OPTIONS"]["connect_timeout"]) == (2 if query else 5)
