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


def development_secret(path: Path) -> str:
    """Return the secret key of this checkout, made on first use and kept in ``path``."""
    try:
        return path.read_text()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
        return path.read_text()
