"""The parts that pages are made of, by keyboard, at every width, in both directions."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from avatars.references import Stores
from tests.browser.test_pages import assert_accessible


@pytest.fixture
def guide(page: Page, aws: Stores, settings: Settings) -> Page:
    settings.DEBUG = True
    page.goto("/styleguide/")
    return page


def test_styleguide_is_not_there_without_debug(page: Page, aws: Stores) -> None:
    assert page.request.get("/styleguide/").status == 404


def test_parts_are_accessible(guide: Page) -> None:
    assert_accessible(guide)
    guide.get_by_role("button", name="Drawer").click()
    assert_accessible(guide)


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_no_part_makes_the_page_scroll_sideways(guide: Page, direction: str) -> None:
    guide.evaluate("(dir) => { document.documentElement.dir = dir; }", direction)

    for width in (320, 360, 768, 1024, 1440):
        guide.set_viewport_size({"width": width, "height": 800})
        assert guide.evaluate("document.documentElement.scrollWidth") <= width, width


def test_controls_are_44_pixels_high_for_a_finger(guide: Page) -> None:
    height = "(button) => button.getBoundingClientRect().height"
    button = guide.get_by_role("button", name="Primary").first
    assert button.evaluate(height) == 36

    guide.context.new_cdp_session(guide).send(
        "Emulation.setTouchEmulationEnabled", {"enabled": True}
    )

    assert button.evaluate(height) == 44


def test_menu_is_used_by_keyboard_and_gives_the_focus_back(guide: Page) -> None:
    button = guide.get_by_role("button", name="More about assets.zip")
    button.focus()

    guide.keyboard.press("Enter")
    guide.keyboard.press("ArrowDown")
    expect(guide.get_by_role("link", name="Download")).to_be_focused()
    guide.keyboard.press("ArrowUp")
    guide.keyboard.press("ArrowUp")
    expect(guide.get_by_role("button", name="Versions")).to_be_focused()
    guide.keyboard.press("Escape")

    expect(button).to_be_focused()
    expect(guide.locator(".menu:popover-open")).to_have_count(0)


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("width", [360, 1440])
def test_menu_opens_inside_the_window(guide: Page, width: int, direction: str) -> None:
    guide.set_viewport_size({"width": width, "height": 800})
    guide.evaluate("(dir) => { document.documentElement.dir = dir; }", direction)
    guide.get_by_role("button", name="More about assets.zip").click()

    box = guide.locator(".menu:popover-open").bounding_box()

    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= 800


def test_dialog_takes_the_focus_and_gives_it_back(guide: Page) -> None:
    opener = guide.get_by_role("button", name="Dialog")
    opener.click()
    expect(guide.get_by_role("dialog").get_by_role("button", name="Cancel")).to_be_focused()

    guide.keyboard.press("Escape")

    expect(opener).to_be_focused()


def test_toast_is_told_and_offers_to_undo(guide: Page) -> None:
    guide.get_by_role("button", name="Toast", exact=True).click()
    region = guide.get_by_role("status")
    expect(region).to_contain_text("contract-final.pdf is deleted.")

    region.get_by_role("button", name="Undo").click()

    expect(region).to_contain_text("It is back.")
    expect(region).not_to_contain_text("is deleted")


def test_controls_keep_their_edges_in_forced_colours(guide: Page) -> None:
    guide.emulate_media(forced_colors="active")
    edges = guide.evaluate(
        """() => [".chip", ".btn", ".btn-primary", "progress", ".dropzone"].map((name) => {
          const style = getComputedStyle(document.querySelector(`.page ${name}`));
          const ground = getComputedStyle(document.body).backgroundColor;
          return [name, style.borderTopColor !== ground];
        })"""
    )

    assert [name for name, is_seen in edges if not is_seen] == []
