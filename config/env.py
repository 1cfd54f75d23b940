"""Typed readers of the environment; each failure names its variable."""

import secrets
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

import limits
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.exceptions import ImproperlyConfigured
from environs import Env

env = Env()


def url(name: str, default: str | None = None) -> str | None:
    """Return the http(s) URL in variable ``name`` without a trailing slash."""
    value = env.str(name, default)
    if not value:
        return None
    if urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).netloc:
        raise ImproperlyConfigured(f"{name} must be an http(s) URL, not {value!r}.")
    return value.rstrip("/")


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


def rate(name: str, default: str) -> str:
    """Return the rate in variable ``name``, such as ``30/minute`` or ``30/minute;300/day``."""
    value = env.str(name, default)
    try:
        usable = all(limit.amount * limit.get_expiry() for limit in limits.parse_many(value))
    except ValueError:
        usable = False
    if not usable:
        raise ImproperlyConfigured(f"{name} must be like 30/minute;300/day, not {value!r}.")
    return value


def origins_of(hosts: list[str], *, or_set: str) -> list[str]:
    """Return the https origins of ``hosts``; a wildcard is no origin, so ``or_set`` must be set."""
    if any("*" in host or host.startswith(".") for host in hosts):
        raise ImproperlyConfigured(f"{or_set} must be set where ALLOWED_HOSTS has a wildcard.")
    return [f"https://{host}" for host in hosts]


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
