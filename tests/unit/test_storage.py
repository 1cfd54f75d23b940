"""URLs of pictures on a CDN: plain ones, and those that CloudFront verifies."""

import base64
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from aws.storage import PresignedStorage
from config import env
from config.checks import pictures_can_be_signed

KEY = "avatars/a/x.webp"
PLAIN = "https://cdn.example/avatars/a/x.webp"
NEW_YEAR = datetime(2030, 1, 1, tzinfo=UTC)
SECRET = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = SECRET.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def behind_cloudfront() -> PresignedStorage:
    """Return a storage as the settings make it with all three CloudFront settings."""
    return PresignedStorage(
        custom_domain="cdn.example", cloudfront_key=PEM, cloudfront_key_id="K2JCJMDEHXQW5F"
    )


def decoded(text: str) -> bytes:
    """Undo CloudFront's Base64 (Developer Guide, "Create a signed URL using a canned policy")."""
    return base64.b64decode(text.translate(str.maketrans("-_~", "+=/")))


def verify(signed: str, *, plain: str = PLAIN) -> int:
    """Return when ``signed`` expires, after checking its signature for ``plain``."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(signed).query).items()}
    expires = int(query["Expires"])
    policy = {
        "Statement": [
            {"Resource": plain, "Condition": {"DateLessThan": {"AWS:EpochTime": expires}}}
        ]
    }
    text = json.dumps(policy, separators=(",", ":")).encode()
    SECRET.public_key().verify(
        decoded(query["Signature"]),
        text,
        padding.PKCS1v15(),
        hashes.SHA1(),  # noqa: S303 (CloudFront's choice)
    )
    assert query["Key-Pair-Id"] == "K2JCJMDEHXQW5F"
    return expires


def test_url_is_plain_when_there_is_a_cdn_and_no_key() -> None:
    storage = PresignedStorage(custom_domain="cdn.example")

    signed = storage.signed_url(KEY)

    assert signed.url == storage.url(KEY) == PLAIN
    assert signed.seconds_left >= 3600


def test_url_is_one_that_cloudfront_accepts_for_this_picture_alone() -> None:
    signed = behind_cloudfront().url(KEY)

    assert signed.startswith(f"{PLAIN}?")
    verify(signed)
    with pytest.raises(InvalidSignature):
        verify(signed, plain=PLAIN.replace("/a/", "/b/"))
    with pytest.raises(InvalidSignature):
        verify(signed.replace("Expires=", "Expires=9"))


def test_signed_url_is_the_same_within_a_window_and_another_after(settings: Settings) -> None:
    window = settings.PICTURE_URL_WINDOW_SECONDS
    urls = []
    for seconds in (0, 0.5, window - 1, window, window + 1):
        with time_machine.travel(NEW_YEAR + timedelta(seconds=seconds), tick=False):
            urls.append(behind_cloudfront().url(KEY))

    assert urls[0] == urls[1] == urls[2] != urls[3] == urls[4]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_signed_url_works_for_one_more_window_and_says_how_long(
    settings: Settings, share: float
) -> None:
    window = settings.PICTURE_URL_WINDOW_SECONDS
    now = NEW_YEAR + timedelta(seconds=int(share * window))
    with time_machine.travel(now, tick=False):
        signed = behind_cloudfront().signed_url(KEY)

    assert window <= signed.seconds_left <= 2 * window
    assert verify(signed.url) == int(now.timestamp()) + signed.seconds_left


# --- The key ---


def pem_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes = b"") -> str:
    """Return a key in PEM."""
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


@pytest.mark.parametrize("pem", [PEM, PEM.replace("\n", "\\n"), pem_of(SECRET)])
def test_key_is_read_in_either_format_and_on_one_line(
    monkeypatch: pytest.MonkeyPatch, pem: str
) -> None:
    monkeypatch.setenv("AWS_CLOUDFRONT_KEY", pem)

    assert env.rsa_key("AWS_CLOUDFRONT_KEY") == pem.replace("\\n", "\n")


BROKEN = {
    "no key": "secret",
    "cut short": PEM[:200],
    "altered": PEM.replace("\nM", "\n!", 1),
    "with a password": pem_of(SECRET, b"password"),
    "of another kind": pem_of(ec.generate_private_key(ec.SECP256R1())),
    "too short": pem_of(rsa.generate_private_key(public_exponent=65537, key_size=1024)),  # noqa: S505
}


@pytest.mark.parametrize("pem", BROKEN.values(), ids=list(BROKEN))
def test_key_is_refused_by_name_and_not_shown_when_it_cannot_sign(
    monkeypatch: pytest.MonkeyPatch, pem: str
) -> None:
    monkeypatch.setenv("AWS_CLOUDFRONT_KEY", pem)

    with pytest.raises(ImproperlyConfigured, match=r"^AWS_CLOUDFRONT_KEY must be") as refusal:
        env.rsa_key("AWS_CLOUDFRONT_KEY")
    assert pem.strip()[-60:] not in str(refusal.value)


@pytest.mark.parametrize(
    ("key", "key_id", "domain", "missing"),
    [
        (PEM, None, "cdn.example", "AWS_CLOUDFRONT_KEY_ID"),
        (None, "K", "cdn.example", "AWS_CLOUDFRONT_KEY"),
        (PEM, "K", None, "AWS_S3_CUSTOM_DOMAIN"),
        (PEM, "K", "cdn.example", ""),
        (None, None, "cdn.example", ""),
        (None, None, None, ""),
    ],
)
def test_site_does_not_start_with_half_of_what_signing_takes(
    settings: Settings, key: str | None, key_id: str | None, domain: str | None, missing: str
) -> None:
    settings.AWS_CLOUDFRONT_KEY, settings.AWS_CLOUDFRONT_KEY_ID = key, key_id
    settings.AWS_S3_CUSTOM_DOMAIN = domain

    found = pictures_can_be_signed(None)

    assert [f"need {missing}," in error.msg for error in found] == ([True] if missing else [])
    assert ("triphase.E004" in {error.id for error in run_checks()}) == bool(missing)
