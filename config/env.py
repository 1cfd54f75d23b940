"""Typed readers of the environment; each failure names its variable."""

import re
import secrets
from collections.abc import Collection
from pathlib import Path

import limits
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.exceptions import ImproperlyConfigured
from environs import Env

env = Env()

MAX_RATE_SECONDS = 366 * 24 * 3600  # that a rate may be counted over


def bucket(name: str) -> str:
    """Return the bucket's name in variable ``name``, or an empty text.

    Source: Amazon S3 User Guide, "General purpose bucket naming rules".
    """
    value = env.str(name, "")
    if value and not _is_bucket(value.strip()):
        raise ImproperlyConfigured(
            f"{name} must be a name that S3 accepts for a bucket: 3 to 63 lower-case letters,"
            f" digits, dots and hyphens, and nothing that S3 keeps for itself; not {value!r}."
        )
    return value.strip()


def _is_bucket(value: str) -> bool:
    return (
        re.fullmatch(r"(?=.{3,63}$)[a-z0-9](?:[a-z0-9-]|\.(?!\.))*[a-z0-9]", value) is not None
        and re.fullmatch(r"[0-9]+(\.[0-9]+){3}", value) is None
        and not value.startswith(("xn--", "sthree-", "amzn-s3-demo-"))
        and not value.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"))
    )


def table(name: str, default: str) -> str:
    """Return the name of a DynamoDB table in variable ``name``."""
    value = env.str(name, "").strip() or default
    if not re.fullmatch(r"[A-Za-z0-9_.-]{3,255}", value):
        raise ImproperlyConfigured(
            f"{name} must be a name that DynamoDB accepts for a table: 3 to 255 letters, digits,"
            f" dots, hyphens and underscores; not {value!r}."
        )
    return value


def queue(name: str, default: str) -> str:
    """Return the name or the URL of an SQS queue in variable ``name``; empty if it is set so."""
    value = env.str(name, default).strip()
    if not re.fullmatch(r"|[A-Za-z0-9_-]{1,75}|https?://[^\s/@]+/[^\s?#@]+", value):
        raise ImproperlyConfigured(
            f"{name} must be the name of an SQS queue (1 to 75 letters, digits, hyphens and"
            f" underscores; no FIFO queue, which S3 cannot send to) or its URL."
        )
    return value


def topic(name: str, default: str) -> str:
    """Return the name or the ARN of an SNS topic in variable ``name``; empty if it is set so."""
    value = env.str(name, default).strip()
    if not re.fullmatch(r"|(arn:[a-z-]+:sns:[a-z0-9-]*:[0-9]*:)?[A-Za-z0-9_-]{1,256}", value):
        raise ImproperlyConfigured(
            f"{name} must be the name of an SNS topic (1 to 256 letters, digits, hyphens and"
            f" underscores) or its ARN, not {value!r}."
        )
    return value


def shared_secret(name: str) -> str:
    """Return the secret in variable ``name`` that another service knows, too, or an empty text."""
    value = env.str(name, "")
    if value and not re.fullmatch(r"[A-Za-z0-9._~-]{16,256}", value):
        raise ImproperlyConfigured(
            f"{name} must be 16 to 256 letters, digits, dots, hyphens, underscores and tildes:"
            " it stands in headers and in URLs."
        )
    return value


def region(name: str) -> str:
    """Return the region in variable ``name``, or an empty text.

    Regions of AWS are written in lower case; other services may use capitals.
    """
    value = env.str(name, "")
    text = value.strip()
    if re.fullmatch(r"[a-z]+(-[a-z]+)+-[0-9]", text.lower()):
        text = text.lower()
    no_region = text == "aws-global" or text.startswith("fips-") or text.endswith("-fips")
    if value and (no_region or not re.fullmatch(r"(?![0-9]+$|-)[A-Za-z0-9-]{1,63}(?<!-)", text)):
        raise ImproperlyConfigured(f"{name} must be one region such as eu-west-1, not {value!r}.")
    return text


def whole_number(name: str, default: int, *, at_least: int = 1, at_most: int = 5 * 1024**3) -> int:
    """Return the whole number in variable ``name``."""
    value = env.int(name, default)
    if not at_least <= value <= at_most:
        raise ImproperlyConfigured(f"{name} must be {at_least} to {at_most}, not {value}.")
    return value


def one_of(name: str, default: str, choices: Collection[str]) -> str:
    """Return the word in variable ``name``."""
    value = env.str(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def content_types(name: str) -> list[str]:
    """Return the content types in variable ``name``, such as ``image/*, application/pdf``."""
    values = [value.strip().lower() for value in env.str(name, "").split(",")]
    word = r"[a-z0-9][a-z0-9!#$&^_.+-]*"
    for value in filter(None, values):
        if not re.fullmatch(rf"{word}/({word}|\*)|\*/\*", value):
            raise ImproperlyConfigured(
                f"{name} must be types such as image/*, application/pdf, without parameters;"
                f" not {value!r}."
            )
    return list(filter(None, values))


def rate(name: str, default: str) -> str:
    """Return the rate in variable ``name``, such as ``30/minute`` or ``30/minute;300/day``."""
    value = env.str(name, default)
    try:
        usable = all(
            limit.amount and 0 < limit.get_expiry() <= MAX_RATE_SECONDS
            for limit in limits.parse_many(value)
        )
    except ValueError:
        usable = False
    if not usable:
        raise ImproperlyConfigured(f"{name} must be like 30/minute;300/day, not {value!r}.")
    return value


def rsa_key(name: str) -> str | None:
    r"""Return the RSA private key (PEM) in variable ``name``; ``\n`` may stand for a new line."""
    value = env.str(name, "").replace("\\n", "\n")
    if not value:
        return None
    try:
        key = load_pem_private_key(value.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ImproperlyConfigured(
            f"{name} must be an RSA private key in PEM, without a password."
        ) from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < 2048:
        raise ImproperlyConfigured(f"{name} must be an RSA key of 2048 bits.")
    return value


def secret_key(name: str, *, made_in: Path | None) -> str:
    """Return the secret in variable ``name``, or the checkout's own, kept in ``made_in``."""
    value = env.str(name, "")
    if value:
        return value
    if made_in is None:
        raise ImproperlyConfigured(f"{name} must be set to a long random text.")
    return _kept_secret(made_in)


def _kept_secret(path: Path) -> str:
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(48))
        return path.read_text()
    except OSError as error:
        raise ImproperlyConfigured(f"The folder {path.parent} cannot be written to.") from error
