"""Takes secrets out of logs: a reader could use them to act as a user, or as the site."""

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

REDACTED = "[redacted]"

_NAMES = (
    r"signature|credential|policy|tagging|upload[-_]token|(?:security|session)[-_]?token"
    r"|session\w*|csrf\w*|password\d?|passwd|secret\w*|access_?key_?id"
)
_HEADERS = r"(?:set-)?cookie|authorization"
_SECRET_NAME = re.compile(rf"[\w-]*(?:{_NAMES}|{_HEADERS})", re.IGNORECASE)
# A whole header: the value of Cookie or Authorization may hold spaces and commas.
_HEADER = re.compile(
    rf"({_HEADERS})(\\*[\"']?\s*[:=]\s*)(?:b?(\\*[\"'])(?:.*?)\3|[^\n\"']+)",
    re.IGNORECASE,
)
# A name and its value in a URL, a form, JSON, XML, or the repr of a dict or a tuple.
_PAIR = re.compile(
    rf"({_NAMES})(\\*[\"']?\s*(?:[:=>]|%3D)\s*|\\*[\"']\s*,\s*)"
    r"(b?\\*\"[^\"]*\"|b?\\*'[^']*'|[^\s&,;<>\"')}\]]+)",
    re.IGNORECASE,
)
# The password in a URL such as redis://user:password@host.
_URL_PASSWORD = re.compile(r"(://[^\s/:@]*:)[^\s/@]+@")
# Upload tokens, by their shape: a list in Base64, a dot, a signature (uploads/tokens.py).
_UPLOAD_TOKEN = re.compile(r"WyI[\w-]{60,}\.[\w-]{20,}")
# API keys and tokens of share links, by their shape; and whatever stands in a link. A whole one
# may follow a letter or digit, as in ``%20tri_…`` and ``\\ntri_…``; part of one begins a word.
_KEY = re.compile(r"(?:tri|trl)_[\w-]{38,}|\b(?:tri|trl)_[\w-]{8,}")
_LINK_PATH = re.compile(r"(/(?:s|asset-token)/)[^\s/?\"'<>]+")
_SQL_TEXT = re.compile(r"'(?:[^']|'')*'")


class Redactor:
    """A structlog processor that takes secrets out of all parts of an event."""

    def __init__(self, secrets: Collection[str]) -> None:
        """Find ``secrets``, such as Django's key, by value, and all others by name or shape."""
        forms = {form for secret in secrets for form in (secret, quote(secret, safe=""))}
        known = sorted((form for form in forms if len(form) >= 8), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, logger: object, method: str, event_dict: Any) -> dict[str, Any]:
        """Return the event without secrets."""
        clean: dict[str, Any] = self._mapping(event_dict)
        if str(clean.get("logger", "")).startswith("django.db"):
            # The values in a statement: session keys, password hashes, names.
            clean["event"] = _SQL_TEXT.sub(f"'{REDACTED}'", str(clean["event"]))
        return clean

    def text(self, text: str) -> str:
        """Return ``text`` without secrets."""
        if self._known:
            text = self._known.sub(REDACTED, text)
        text = _UPLOAD_TOKEN.sub(REDACTED, text)
        text = _KEY.sub(REDACTED, text)
        text = _LINK_PATH.sub(rf"\1{REDACTED}", text)
        text = _URL_PASSWORD.sub(rf"\1{REDACTED}@", text)
        text = _PAIR.sub(rf"\1\2{REDACTED}", text)
        return _HEADER.sub(rf"\1\2{REDACTED}", text)

    def _mapping(self, found: Mapping[Any, Any]) -> dict[str, Any]:
        return {
            self.text(str(name)): REDACTED
            if _SECRET_NAME.fullmatch(str(name))
            else self._value(value)
            for name, value in found.items()
        }

    def _value(self, value: object) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return self._mapping(value)
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value(one) for one in value]
        if isinstance(value, bytes):
            value = value.decode(errors="replace")
        return self.text(str(value))
