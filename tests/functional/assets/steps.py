"""Programs that store and fetch assets, with a key and nothing else."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from django.test import Client

from accounts.keys import issue_key
from accounts.models import ApiKey, User
from tests.functional.steps import Response

BOUNDARY = "a-boundary-that-no-file-has"
Part = tuple[str, str | None, bytes]  # field, file name, content
FORM = f"multipart/form-data; boundary={BOUNDARY}"


class Program:
    """A program of a user; ``scopes`` are those of its key, without one it has none."""

    def __init__(self, owner: User | None = None, *scopes: str) -> None:
        self.client = Client(enforce_csrf_checks=True)
        self.headers: dict[str, str] = {}
        if owner:
            _key, secret = issue_key(
                owner=owner, name="test", scopes=scopes or ApiKey.SCOPES, expires_at=None
            )
            self.headers = {"authorization": f"Bearer {secret}"}

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        content_type: str = "application/octet-stream",
        headers: Mapping[str, str] | None = None,
        **environ: Any,
    ) -> Response:
        """Send a request."""
        return self.client.generic(
            method,
            path,
            body,
            content_type=content_type,
            headers={**self.headers, **(headers or {})},
            **environ,
        )

    def store(self, name: str = "notes.txt", body: bytes = b"hello", query: str = "") -> Any:
        """Store a file by a raw POST; return the asset."""
        answer = self.ask("POST", f"/asset/{name}{query}", body)
        assert answer.status_code == 200, answer.content
        envelope = answer.json()
        assert envelope["error"] is None
        return envelope["asset"]

    def get(self, path: str, **headers: str) -> Response:
        """Get a path."""
        return self.ask(
            "GET", path, headers={name.replace("_", "-"): headers[name] for name in headers}
        )

    def post_form(
        self, *parts: tuple[str, str | None, bytes], cut: int = 0, query: str = ""
    ) -> Response:
        """Post a form of parts (field, file name, content), some bytes of its end cut off."""
        body = form(*parts)
        return self.ask("POST", f"/asset{query}", body[: len(body) - cut], content_type=FORM)


def form(*parts: Part) -> bytes:
    """Return the body of a form."""
    body = b""
    for field, name, content in parts:
        file = f'; filename="{name}"' if name is not None else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"{file}\r\n'
        kind = "Content-Type: text/plain\r\n" if name is not None else ""
        body += f"{head}{kind}\r\n".encode() + content + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


def content(answer: Response) -> bytes:
    """Return the whole body of an answer that is streamed."""
    return b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]


class Cut(io.BytesIO):
    """A body whose sender goes away: it has fewer bytes than were announced."""
