"""The users page as a user sees it, and the state of bucket and table."""

import base64

from django.conf import settings
from playwright.sync_api import FilePayload, Locator, Page, expect

from accounts.models import User
from avatars.references import Avatar, live_stores
from uploads.keys import AVATARS_PREFIX, PENDING_PREFIX, prefix_of

BEGIN = "**/avatars/uploads/"
CONFIRM = "**/avatars/uploads/confirm/"


class UploadPanel:
    """The upload panel of the users page; constructing it opens the page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.goto("/")
        self.root = page.get_by_role("region", name="Your picture")
        self.input = self.root.get_by_label("Choose a picture")
        self.crop_area = self.root.get_by_role("application")
        self.zoom = self.root.get_by_role("slider", name="Zoom")
        self.save = self.button("Save picture")
        self.note = self.root.locator("[data-note-text]")
        self.picture = self.root.get_by_alt_text("Your picture")

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name)

    def step(self, name: str) -> Locator:
        return self.root.get_by_role("listitem").filter(has_text=name)

    def choose(self, body: bytes, *, name: str = "me.png", content_type: str = "image/png") -> None:
        self.input.set_input_files(file_payload(body, name=name, content_type=content_type))

    def choose_and_save(self, body: bytes) -> None:
        self.choose(body)
        self.save.click()

    def drop(self, body: bytes, *, name: str = "me.png", content_type: str = "image/png") -> None:
        transfer = self.page.evaluate_handle(
            """([base64, name, type]) => {
              const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
              const transfer = new DataTransfer();
              transfer.items.add(new File([bytes], name, { type }));
              return transfer;
            }""",
            [base64.b64encode(body).decode(), name, content_type],
        )
        self.root.dispatch_event("dragover", {"dataTransfer": transfer})
        self.root.dispatch_event("drop", {"dataTransfer": transfer})

    def expect_saved(self) -> None:
        # Chromium encodes a canvas when it is idle, after ten seconds at the latest: on a busy
        # machine that is what takes longest.
        expect(self.note).to_contain_text("Your new picture is saved", timeout=15_000)


def bucket_url() -> str:
    """Return a pattern of the URL that phase 2 posts to."""
    return f"{settings.AWS_S3_ENDPOINT_URL}/**"


def file_payload(
    body: bytes, *, name: str = "me.png", content_type: str = "image/png"
) -> FilePayload:
    return {"name": name, "mimeType": content_type, "buffer": body}


def live_avatar(user: User) -> Avatar | None:
    """Return what the table says about the user's picture."""
    return live_stores().references.read(str(user.pk)).avatar


def promoted_keys(user: User) -> list[str]:
    return _keys(prefix_of(AVATARS_PREFIX, str(user.pk)))


def pending_keys(user: User) -> list[str]:
    return _keys(f"{PENDING_PREFIX}{user.pk}/")


def _keys(prefix: str) -> list[str]:
    return [found.key for found in live_stores().bucket.list_page(prefix=prefix).objects]
