"""The files page as a user sees it, and what the bucket and the table hold."""

import base64
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from playwright.sync_api import FilePayload, Locator, Page, Request, Route, expect

from accounts.models import User
from files.items import Entry
from files.selectors import file_page
from files.stores import live_stores
from uploads.keys import FILES_PREFIX, prefix_of

BEGIN = "**/files/uploads/"
CONFIRM = "**/files/uploads/confirm/"
MIB = 1024 * 1024
# The pauses between two attempts are for busy servers; here they would only take time.
HASTE = """
const later = window.setTimeout;
const isPause = (ms) => ms >= 600 && ms < 30000 && ms !== 5000;
window.setTimeout = (call, ms) => later(call, isPause(ms) ? ms / 50 : ms);
"""
DROP = """([names, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const transfer = new DataTransfer();
  for (const name of names) transfer.items.add(new File([bytes], name, { type: "text/plain" }));
  return transfer;
}"""


class FilesPage:
    """The files page; constructing it opens the page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.open()
        self.uploads = page.get_by_role("region", name="Upload").or_(
            page.get_by_role("region", name="Not")
        )
        self.list = page.locator("[data-list]")
        self.status = page.get_by_role("status")

    def open(self) -> None:
        self.page.goto("/files/")
        expect(self.page.get_by_role("button", name="Upload files").first).to_be_visible()

    def choose(self, *files: FilePayload) -> None:
        self.page.locator("[data-input=files]").set_input_files(list(files))

    def drop(self, names: Sequence[str], body: bytes = b"hello") -> None:
        content = base64.b64encode(body).decode()
        transfer = self.page.evaluate_handle(DROP, [list(names), content])
        self.page.dispatch_event("body", "drop", {"dataTransfer": transfer})

    def drop_from_disk(self, *paths: Path) -> None:
        """Drop files and folders as a file manager does."""
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        devtools = self.page.context.new_cdp_session(self.page)
        for kind in ("dragEnter", "dragOver", "drop"):
            event = {"type": kind, "x": 300, "y": 300, "data": data}
            devtools.send("Input.dispatchDragEvent", event)

    def upload(self, name: str) -> Locator:
        """Return the row of an upload."""
        return self.page.locator("[data-uploads] .row").filter(has_text=name)

    def file(self, name: str) -> Locator:
        """Return the row of a file."""
        return self.list.locator("[data-file]").filter(has_text=name)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def more(self, name: str, item: str) -> None:
        """Open the menu of a file and use an item."""
        self.button(f"More about {name}").click()
        self.page.locator(".menu:popover-open").get_by_text(item, exact=True).click()

    def expect_stored(self, *names: str) -> None:
        for name in names:
            expect(self.file(name)).to_be_visible()
        expect(self.page.locator("[data-uploads] .row")).to_have_count(0)


def cut_parts(page: Page, *, but: Sequence[int]) -> Callable[[], None]:
    """Let no parts through ``but`` these; return a function that ends the cut."""

    def cut(route: Route) -> None:
        if part_number(route.request) in [None, *but]:
            route.fallback()
        else:
            route.abort()

    page.route(bucket_url(), cut)
    return lambda: page.unroute(bucket_url(), cut)


def part_number(request: Request) -> int | None:
    """Return the number of the part that a request puts, None for other requests."""
    found = parse_qs(urlsplit(request.url).query).get("partNumber")
    return int(found[0]) if found and request.method == "PUT" else None


def sent_parts(page: Page) -> list[int]:
    """Return a list to which the number of each part is added when it has been put."""
    sent: list[int] = []

    def note(request: Request) -> None:
        number = part_number(request)
        if number is not None:
            sent.append(number)

    page.on("requestfinished", note)
    return sent


def expect_sent(page: Page, sent: Sequence[int], numbers: Sequence[int]) -> None:
    """Wait until just these parts have been put, in any order.

    Events of the page come only while it is asked something.
    """
    deadline = time.monotonic() + 10
    while sorted(sent) != numbers:
        assert time.monotonic() < deadline, sent
        page.wait_for_timeout(50)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what no page shows, ten seconds at most."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def text_file(name: str, body: bytes = b"hello") -> FilePayload:
    return {"name": name, "mimeType": "text/plain", "buffer": body}


def bucket_url() -> str:
    """Return a pattern of the URLs that files are put to."""
    return f"{settings.AWS_S3_ENDPOINT_URL}/**/{FILES_PREFIX}**"


def stored(user: User) -> list[Entry]:
    """Return what the table says about the user's files, newest first."""
    return file_page(owner_id=str(user.pk), q="", after="", stores=live_stores()).entries


def names(user: User) -> list[str]:
    return sorted(entry.name or "" for entry in stored(user))


def object_sizes(user: User) -> list[int]:
    """Return the sizes of the user's objects."""
    prefix = prefix_of(FILES_PREFIX, str(user.pk))
    return sorted(found.size for found in live_stores().bucket.list_page(prefix=prefix).objects)


def open_multiparts(user: User) -> int:
    """Return how many uploads in parts of the user are open."""
    prefix = prefix_of(FILES_PREFIX, str(user.pk))
    return len(live_stores().bucket.open_multiparts(prefix=prefix).uploads)
