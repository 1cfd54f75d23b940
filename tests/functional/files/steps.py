"""Uploads of files as a browser does them, and reads of bucket and table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import urllib3
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from aws.bucket import live_bucket
from files.items import Entry, Name, entry_key, file_key, name_key, usage_key
from files.references import live_entries, live_items, live_names, live_usage
from files.stores import FileStores
from files.sweeping import FileSweep
from tests.functional.steps import Response, bucket_keys, post_json, signed_in
from uploads.sweeping import Options, Progress

MIB = 1024 * 1024


@dataclass
class Issued:
    """What begin answered."""

    id: str
    upload_token: str
    expires_at: str
    mode: str
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    part_size: int = 0
    parts: int = 0


class Uploader:
    """A signed-in user who uploads files."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.owner_id = str(user.pk)
        self.browser = signed_in(user)

    def ask(self, route: str, **body: Any) -> Response:
        """Send one of the calls."""
        return post_json(self.browser, f"files-{route}", body)

    def begin(
        self, name: str = "notes.txt", *, size: int = 5, content_type: str = "text/plain"
    ) -> Issued:
        """Begin an upload, which must succeed."""
        answer = self.ask("begin", name=name, size=size, content_type=content_type)
        assert answer.status_code == 201, answer.content
        return Issued(**answer.json())

    def uploaded(
        self, name: str = "notes.txt", body: bytes = b"hello", *, content_type: str = "text/plain"
    ) -> Issued:
        """Return an upload whose object is in the bucket."""
        issued = self.begin(name, size=len(body), content_type=content_type)
        if issued.mode == "put":
            assert put(issued.url, body, issued.headers).status == 200
        else:
            self.send_parts(issued, body)
        return issued

    def send_parts(self, issued: Issued, body: bytes, numbers: Iterable[int] | None = None) -> None:
        """Send some parts, all of them if not told which."""
        wanted = list(numbers or range(1, issued.parts + 1))
        answer = self.ask("parts", upload_token=issued.upload_token, numbers=wanted)
        assert answer.status_code == 200, answer.content
        for part in answer.json()["parts"]:
            start = (part["number"] - 1) * issued.part_size
            sent = put(part["url"], body[start : start + issued.part_size], part["headers"])
            assert sent.status == 200, sent.data

    def confirm(self, issued: Issued) -> Response:
        """Confirm an upload."""
        return self.ask("confirm", upload_token=issued.upload_token)

    def upload(
        self, name: str = "notes.txt", body: bytes = b"hello", *, content_type: str = "text/plain"
    ) -> dict[str, Any]:
        """Upload a file from beginning to end; return it as the API gives it."""
        answer = self.confirm(self.uploaded(name, body, content_type=content_type))
        assert answer.status_code == 200, answer.content
        file: dict[str, Any] = answer.json()["file"]
        return file

    def files(self, **query: str) -> list[dict[str, Any]]:
        """Return the first page of the user's files."""
        answer = self.get(reverse("files"), **query)
        assert answer.status_code == 200, answer.content
        found: list[dict[str, Any]] = answer.json()["files"]
        return found

    def get(self, path: str, **query: str) -> Response:
        """Get a path as a program does."""
        return self.browser.get(path, query, headers={"accept": "application/json"})

    def post(self, path: str) -> Response:
        """Post to a path as a program does."""
        return self.browser.post(path, "{}", content_type="application/json")

    # --- what there is ---

    def entry(self, upload_id: str) -> Entry:
        """Return the entry of an upload."""
        return live_entries().read(entry_key(self.owner_id, upload_id))

    def name(self, name: str) -> Name:
        """Return the item of a name."""
        return live_names().read(name_key(self.owner_id, name))

    def keys(self) -> list[str]:
        """Return the keys of the user's objects."""
        return bucket_keys(f"files/{self.owner_id}/")

    def used(self) -> Mapping[str, int]:
        """Return what the user uses."""
        return live_usage().read(usage_key(self.owner_id)).numbers

    def assert_in_order(self) -> None:
        """Assert that there is an object for each ready entry and no other, and the right sums."""
        page = live_entries().query(entry_key(self.owner_id, "")[0], prefix="F#", limit=1000)
        ready = [entry for entry in page.values if entry.is_ready]
        assert self.keys() == sorted(file_key(self.owner_id, found.upload_id) for found in ready)
        sizes = [found.size or 0 for found in ready]
        used = {"bytes_used": sum(sizes), "file_count": len(sizes)}
        assert self.used() == used
        assert not live_bucket().open_multiparts(prefix=f"files/{self.owner_id}/").uploads

    def assert_closed(self) -> None:
        """Assert that nothing of the user is left, and nothing more is accepted."""
        assert self.keys() == []
        assert live_usage().read(usage_key(self.owner_id)).closed_at
        page = live_entries().query(entry_key(self.owner_id, "")[0], prefix="F#", limit=1000)
        assert not [entry for entry in page.values if entry.is_ready]


def put(
    url: str, body: bytes, headers: Mapping[str, str] | None = None
) -> urllib3.BaseHTTPResponse:
    """Put ``body`` to a presigned URL, without credentials."""
    with urllib3.PoolManager() as http:
        return http.request("PUT", url, body=body, headers=headers, redirect=False, retries=False)


def swept(
    stores: FileStores,
    *,
    delete: bool = True,
    existing: set[str] | None = None,
    later: timedelta = timedelta(),
    grace: timedelta = timedelta(),
) -> list[tuple[str, str]]:
    """Sweep; return kind and outcome of each finding."""
    options = Options(now=timezone.now() + later, grace=grace, delete=delete)
    sweep = FileSweep(
        stores,
        options,
        Progress(),
        items=live_items().scan,
        existing_owners=lambda ids: set(ids) & existing if existing is not None else set(ids),
    )
    return [(str(found.kind), str(found.outcome)) for found in sweep.findings()]
