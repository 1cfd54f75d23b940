"""Changing a picture the way people do: choose or drop, crop, save, remove."""

import io
import re

from PIL import Image, ImageChops
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from accounts.models import User
from avatars.references import Avatar, live_stores
from tests.browser.conftest import Complaints
from tests.browser.panel import (
    BEGIN,
    UploadPanel,
    file_payload,
    live_avatar,
    pending_keys,
    promoted_keys,
)
from tests.builders import make_user, picture_bytes


def saved(avatar: Avatar | None) -> Avatar:
    assert avatar is not None
    return avatar


def test_text_file_named_like_a_picture_is_refused_before_phase_1(
    panel: UploadPanel, user: User, page: Page
) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))

    panel.choose(b"not a picture at all", name="holiday.png")

    expect(panel.note).to_have_text(
        "holiday.png cannot be used as a picture. Choose a JPEG, PNG, WebP, AVIF or GIF file."
    )
    assert not [url for url in requests if "/avatars/uploads/" in url]
    assert live_avatar(user) is None


def test_file_of_another_kind_is_refused(panel: UploadPanel, user: User, page: Page) -> None:

    panel.drop(b"%PDF-1.7", name="<b>cv</b>.pdf", content_type="application/pdf")

    expect(panel.note).to_contain_text("<b>cv</b>.pdf cannot be used as a picture.")


def test_empty_file_is_refused(panel: UploadPanel, user: User, page: Page) -> None:

    panel.choose(b"", name="nothing.png")

    expect(panel.note).to_have_text("nothing.png is empty. Choose another picture.")


def test_too_large_file_that_cannot_be_cropped_is_refused_with_both_sizes(
    page: Page, user: User, settings: Settings
) -> None:
    settings.AVATAR_MAX_BYTES = 100 * 1024
    panel = UploadPanel(page)
    unreadable = b"\xff\xd8\xff" + bytes(150 * 1024)

    panel.choose(unreadable, name="huge.jpg", content_type="image/jpeg")

    expect(panel.note).to_have_text(
        "huge.jpg has 150 KB, and the limit is 100 KB. Choose a smaller picture."
    )


def test_picture_that_the_browser_cannot_show_goes_as_it_is(
    panel: UploadPanel, user: User, page: Page, complaints: Complaints
) -> None:
    complaints.allow("422")

    panel.choose(b"\xff\xd8\xff but nothing after it", content_type="image/jpeg")

    expect(panel.note).to_contain_text("cannot be read as a picture")
    expect(panel.button("Try again")).to_be_hidden()
    assert live_avatar(user) is None


def test_chosen_picture_is_cropped_by_keyboard_and_saved(
    panel: UploadPanel, user: User, page: Page
) -> None:
    card_picture = page.locator(f"#user-{user.pk} img")
    before = card_picture.get_attribute("src")

    panel.choose(red_and_blue())
    expect(panel.crop_area).to_be_focused()
    for key in ["+", "-", *["Shift+ArrowLeft"] * 4, "ArrowDown"]:
        page.keyboard.press(key)
    panel.save.click()

    panel.expect_saved()
    avatar = saved(live_avatar(user))
    assert colours_of(avatar) == {"blue"}
    assert promoted_keys(user) == [avatar.avatar_key]
    assert pending_keys(user) == []
    expect(card_picture).not_to_have_attribute("src", before or "")
    expect(panel.picture).to_have_attribute("src", card_picture.get_attribute("src") or "")


def red_and_blue() -> bytes:
    """Return a wide picture, red on the left and blue on the right."""
    picture = Image.new("RGB", (400, 200), "red")
    picture.paste("blue", (200, 0, 400, 200))
    encoded = io.BytesIO()
    picture.save(encoded, "PNG")
    return encoded.getvalue()


def colours_of(avatar: Avatar) -> set[str]:
    """Return which of the two colours the stored picture shows at its edges."""
    body = live_stores().bucket.fetch(avatar.avatar_key, max_bytes=10**6).body
    picture = Image.open(io.BytesIO(body)).convert("RGB")
    red, _green, blue = picture.split()
    places = [(x, picture.height // 2) for x in (2, picture.width - 3)]
    is_red = ImageChops.subtract(red, blue)  # zero wherever blue is stronger
    return {"red" if is_red.getpixel(place) else "blue" for place in places}


def test_zoom_and_position_stay_within_the_picture(
    panel: UploadPanel, user: User, page: Page
) -> None:
    panel.choose(picture_bytes(size=(400, 200)))
    expect(panel.crop_area).to_be_focused()

    for key in ["-"] * 3 + ["Shift+ArrowRight"] * 9 + ["Shift+ArrowDown"] * 2:
        page.keyboard.press(key)
    expect(panel.zoom).to_have_value("0")
    assert uncovered(panel) == []
    panel.crop_area.hover()
    page.mouse.wheel(0, -300)
    expect(panel.zoom).not_to_have_value("0")
    page.mouse.down()
    page.mouse.move(0, 0)
    page.mouse.up()
    assert uncovered(panel) == []
    panel.zoom.fill("100")
    assert uncovered(panel) == []


def uncovered(panel: UploadPanel) -> list[str]:
    """Return the sides on which the crop window reaches over the picture."""
    window = panel.crop_area.bounding_box()
    picture = panel.root.locator("cropper-image").bounding_box()
    assert window
    assert picture
    sides = {
        "left": window["x"] - picture["x"],
        "top": window["y"] - picture["y"],
        "right": picture["x"] + picture["width"] - window["x"] - window["width"],
        "bottom": picture["y"] + picture["height"] - window["y"] - window["height"],
    }
    return [side for side, overlap in sides.items() if overlap < -1]


def test_dropped_picture_is_saved(panel: UploadPanel, user: User, page: Page) -> None:

    panel.drop(picture_bytes())
    panel.save.click()

    panel.expect_saved()
    assert promoted_keys(user) == [saved(live_avatar(user)).avatar_key]


def test_second_picture_replaces_the_first(panel: UploadPanel, user: User, page: Page) -> None:
    panel.choose_and_save(picture_bytes())
    panel.expect_saved()
    first = saved(live_avatar(user))

    panel.choose_and_save(picture_bytes())
    expect(panel.note).to_be_hidden()
    panel.expect_saved()

    second = saved(live_avatar(user))
    assert second.avatar_key != first.avatar_key
    assert promoted_keys(user) == [second.avatar_key]


def test_large_picture_is_made_small_before_it_is_sent(
    panel: UploadPanel, user: User, page: Page
) -> None:

    with page.expect_request(BEGIN) as begin:
        panel.choose_and_save(picture_bytes(size=(3000, 2000)))
    panel.expect_saved()

    assert (begin.value.post_data_json or {})["size"] < 1024 * 1024


def test_page_keeps_its_place_while_the_picture_is_saved(
    panel: UploadPanel, user: User, page: Page
) -> None:
    for _ in range(20):
        make_user()
    page.set_viewport_size({"width": 700, "height": 500})
    page.reload()
    name_filter = page.get_by_label("Name", exact=True)
    panel.choose_and_save(picture_bytes())
    name_filter.focus(timeout=1000)
    page.evaluate("scrollBy(0, document.activeElement.getBoundingClientRect().top - 40)")

    panel.expect_saved()

    expect(name_filter).to_be_focused()
    place = name_filter.bounding_box()
    assert place
    assert round(place["y"]) == 40


def test_success_leads_to_the_object_and_the_item(
    panel: UploadPanel, user: User, page: Page
) -> None:
    panel.choose_and_save(picture_bytes())
    panel.expect_saved()
    avatar = saved(live_avatar(user))

    panel.root.get_by_role("link", name="the object in the bucket").click()
    expect(page.locator(f'tr[data-key="{avatar.avatar_key}"]')).to_contain_text("image/webp")
    page.go_back()
    panel.choose_and_save(picture_bytes())
    panel.root.get_by_role("link", name="the item in the table").click()
    expect(page.locator(f'tr[data-owner="{user.pk}"]')).to_have_count(1)


def test_keyboard_alone_is_enough(panel: UploadPanel, user: User, page: Page) -> None:

    page.on("filechooser", lambda chooser: chooser.set_files(file_payload(picture_bytes())))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(panel.input).to_be_focused()
    page.keyboard.press("Enter")
    expect(panel.crop_area).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Tab")
    expect(panel.zoom).to_be_focused()
    page.keyboard.press("Tab")
    expect(panel.save).to_be_focused()
    page.keyboard.press("Enter")

    panel.expect_saved()
    expect(panel.input).to_be_focused()
    assert live_avatar(user)


def test_removed_picture_is_gone_everywhere(panel: UploadPanel, user: User, page: Page) -> None:
    panel.choose_and_save(picture_bytes())
    panel.expect_saved()

    panel.button("Remove picture").click()

    expect(panel.note).to_have_text("Your picture is removed.")
    expect(panel.button("Remove picture")).to_be_hidden()
    expect(panel.input).to_be_focused()
    expect(page.locator(f"#user-{user.pk} img")).to_have_attribute(
        "src", re.compile(f"/avatars/{user.pk}/picture/")
    )
    assert live_avatar(user) is None
    assert promoted_keys(user) == []
