"""Secrets are removed from log events; everything else stays."""

from typing import Any

import pytest

from web.redaction import REDACTED, Redactor

SECRET = "s3cr3t-Value/+="
HEX = "0123456789abcdef" * 4
TOKEN = f"WyI{'a1B2' * 30}.{'Zz-_9' * 9}"


def redacted(event: str, logger: str = "some", **facts: Any) -> dict[str, Any]:
    """Return an event as it is logged."""
    redactor = Redactor(["the-key-of-django", "AWS+secret/key", "", "short"])
    return redactor(None, "info", {"event": event, "logger": logger, **facts})


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"https://b.s3/k?X-Amz-Date=1&X-Amz-Signature={HEX}&X-Amz-Expires=5", "X-Amz-Expires=5"),
        (f"https://b.s3/k?X-Amz-Credential=AKIA{HEX}%2F2030&X-Amz-Date=1", "X-Amz-Date=1"),
        (f"https://b.s3/k?X-Amz-Security-Token={HEX}&x=y", "&x=y"),
        (f"{{'x-amz-signature': '{HEX}', 'key': 'k'}}", "'key': 'k'"),
        (f'{{"policy": "eyJ{HEX}", "key": "k"}}', '"key": "k"'),
        (f'{{\\"policy\\": \\"eyJ{HEX}\\", \\"key\\": 1}}', "key"),
        (f"Signature:\n{HEX}", "Signature:\n"),
        (f"Authorization: AWS4-HMAC-SHA256 Credential=A/{HEX}, Signature={HEX}", "Authorization"),
        (f"{{'Authorization': b'AWS4-HMAC Credential=A, Signature={HEX}', 'x': 1}}", "'x': 1"),
        (f"Cookie: theme=dark; sessionid={HEX}; csrftoken={HEX}\nHost: x", "Host: x"),
        (f"HTTP_COOKIE='sessionid={HEX}' and more", "and more"),
        (f"sessionid={HEX}; Path=/", "Path=/"),
        (f"csrfmiddlewaretoken={HEX}&username=pat", "username=pat"),
        (f"username=pat&password={HEX}&next=/", "next=/"),
        (f"('password', '{HEX}')", "password"),
        (f"<SecretAccessKey>{HEX}</SecretAccessKey><Expiration>1</Expiration>", "<Expiration>1"),
        (f"x-amz-security-token:{HEX}\nx-amz-date:1", "x-amz-date:1"),
        (f"upload-token={HEX}", "upload-token"),
        (f"<Key>upload-token</Key><Value>{TOKEN}</Value>", "<Key>upload-token</Key>"),
        (f"{TOKEN} was refused", "was refused"),
        (f"redis://:{HEX}@cache:6379/1 and more", "@cache:6379/1 and more"),
        (f"postgres://triphase:{HEX}@db/name", "postgres://triphase:"),
        ("opened with the-key-of-django today", "today"),
        ("opened with AWS%2Bsecret%2Fkey today", "today"),
    ],
)
def test_secret_goes_and_the_rest_stays(text: str, kept: str) -> None:
    event = redacted(text)["event"]

    for secret in (HEX, TOKEN, "the-key-of-django", "AWS%2Bsecret%2Fkey"):
        assert secret not in event
    assert REDACTED in event
    assert kept in event


@pytest.mark.parametrize(
    "text",
    [
        "GET /avatars/pat/ HTTP/1.1",
        "pending/1f/2e was refused: signature of the token is wrong",
        f"x-amz-content-sha256: {HEX}",
        "http://localhost:8000/login/?next=a@b",
        "short",
        "the session ended; passwords match",
    ],
)
def test_text_stays_as_it_is_when_it_holds_no_secret(text: str) -> None:
    assert redacted(text)["event"] == text


@pytest.mark.parametrize(
    "name",
    [
        *("password", "PASSWORD", "upload_token", "cookie", "HTTP_COOKIE", "HTTP_AUTHORIZATION"),
        *("csrf_token", "csrfmiddlewaretoken", "secret_key", "AWS_SECRET_ACCESS_KEY", "policy"),
        *("sessionid", "session_key", "signature", "x-amz-credential"),
    ],
)
def test_value_goes_when_its_name_is_a_secrets(name: str) -> None:
    assert redacted("x", **{name: SECRET})[name] == REDACTED
    assert redacted("x", inside=[{name: SECRET}])["inside"] == [{name: REDACTED}]


def test_values_of_any_kind_are_gone_through() -> None:
    facts = redacted(
        "x",
        upload_id="0a1b",
        size=5,
        nothing=None,
        body=f"password={SECRET}&a=b".encode(),
        listed=(f"Cookie: a={SECRET}",),
        failure=ValueError(f"sessionid={SECRET}"),
    )

    assert SECRET not in str(facts)
    assert (facts["upload_id"], facts["size"], facts["nothing"]) == ("0a1b", 5, None)
    assert facts["body"].endswith("&a=b")


def test_texts_go_from_sql() -> None:
    """SQL holds session keys and password hashes under any name."""
    sql = f"(0.1) UPDATE s SET n = 'it''s' WHERE s.key = '{HEX}'; args=('{HEX}',)"  # noqa: S608

    event = redacted(sql, logger="django.db.backends")["event"]

    assert HEX not in event
    assert "it" not in event
    assert event.startswith("(0.1) UPDATE s SET n = ")


@pytest.mark.parametrize(
    "text",
    [
        "tri_0123456789abcdefABCDEF0123456789XY01aBcD",
        "key=tri_0123456789abcdefABCDEF0123456789XY01aBcD&x",
        "Bearer%20tri_0123456789abcdefABCDEF0123456789XY01aBcD",
        r"b'GET\ntri_0123456789abcdefABCDEF0123456789XY01aBcD'",
        "next=%2Fs%2Ftrl_0123456789abcdefABCDEF-_0123456789abcdef01234",
        "/asset-token/trl_0123456789abcdefABCDEF-_0123456789",
        "GET /s/0123456789abcdefABCDEF-_0123456789 HTTP/1.1",
        "trl_0123456789abcdefABCDEF-_0123456789",
    ],
)
def test_keys_and_links_are_redacted_wherever_they_stand(text: str) -> None:
    clean = Redactor([]).text(text)
    assert "0123456789abcdef" not in clean
    assert REDACTED in clean
