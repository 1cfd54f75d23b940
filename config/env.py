"""Typed readers of the environment; each failure names its variable."""

import secrets
from pathlib import Path
from urllib.parse import urlsplit

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


def whole_number(name: str, default: int, *, at_least: int = 1) -> int:
    """Return the whole number in variable ``name``."""
    value = env.int(name, default)
    if value < at_least:
        raise ImproperlyConfigured(f"{name} must be {at_least} or more, not {value}.")
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
