"""The two experiments of the demo: skip phase 3, or upload again after it; nothing breaks."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.browser.panel import (
    UploadPanel,
    file_payload,
    live_avatar,
    pending_keys,
    promoted_keys,
)
from tests.builders import picture_bytes


def open_experiments(page: Page) -> None:
    page.get_by_text("Try to break it").click()


def test_skipping_phase_3_leaves_a_pending_object_and_the_old_picture(
    panel: UploadPanel, user: User, page: Page
) -> None:
    panel.choose_and_save(picture_bytes())
    panel.expect_saved()
    assert pending_keys(user) == []
    before = live_avatar(user)
    open_experiments(page)

    page.get_by_label("File to upload and forget").set_input_files(file_payload(picture_bytes()))
    page.get_by_role("link", name="See the object in the bucket").click()

    assert live_avatar(user) == before
    [key] = pending_keys(user)
    row = page.locator(f'tr[data-key="{key}"]')
    expect(row).to_have_attribute("data-state", "pending")
    expect(row.locator("[data-label=Expires] time")).to_be_visible()


@pytest.mark.case(17)
def test_uploading_again_after_confirming_does_not_change_the_picture(
    panel: UploadPanel, user: User, page: Page
) -> None:
    open_experiments(page)
    result = page.locator("[data-experiment=again] [data-result]")

    page.get_by_label("File to confirm, then overwrite").set_input_files(
        file_payload(picture_bytes())
    )

    expect(result).to_contain_text("it did not change")
    avatar = live_avatar(user)
    assert avatar
    assert promoted_keys(user) == [avatar.avatar_key]
    expect(panel.picture).to_have_attribute("src", re.compile(re.escape(avatar.avatar_key)))
    assert len(pending_keys(user)) == 1


def test_picture_from_the_experiment_can_be_removed_at_once(
    panel: UploadPanel, user: User, page: Page
) -> None:
    expect(panel.button("Remove picture")).to_be_hidden()
    open_experiments(page)
    page.get_by_label("File to confirm, then overwrite").set_input_files(
        file_payload(picture_bytes())
    )
    expect(page.locator("[data-experiment=again]")).to_contain_text("it did not change")

    panel.button("Remove picture").click()

    expect(panel.note).to_have_text("Your picture is removed.")
    expect(panel.button("Remove picture")).to_be_hidden()
    assert live_avatar(user) is None


def test_experiment_with_a_wrong_file_says_so(panel: UploadPanel, page: Page) -> None:
    open_experiments(page)

    page.get_by_label("File to upload and forget").set_input_files(
        file_payload(b"text", name="notes.txt", content_type="text/plain")
    )

    expect(page.locator("[data-experiment=skip]")).to_contain_text(
        "notes.txt cannot be used as a picture."
    )
