"""Every page: accessible in light and dark, and names and keys with markup shown as text."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from avatars.references import Stores
from avatars.services import adopt_picture
from tests.browser.conftest import Complaints, SignIn
from tests.browser.panel import UploadPanel, file_payload, live_avatar
from tests.builders import make_user, picture_bytes

PATHS = ["/", "/login/", "/inspection/bucket/", "/inspection/table/", "/no-such-page/"]


def assert_accessible(page: Page) -> None:
    """Assert that axe finds nothing, in both colour schemes."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{page.url}, {scheme}: {found.generate_report()}"


def test_pages_are_accessible_signed_out(aws: Stores, page: Page, complaints: Complaints) -> None:
    complaints.allow("404")
    make_user(username="ada")

    for path in [*PATHS, "/?q=nobody"]:
        page.goto(path)
        assert_accessible(page)


def test_locked_out_page_is_accessible(page: Page, complaints: Complaints, aws: Stores) -> None:
    complaints.allow("429")
    page.goto("/login/")
    for _ in range(5):
        page.get_by_role("textbox", name="Username").fill("kim")
        page.get_by_role("textbox", name="Password").fill("wrong")
        page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Too many attempts")).to_be_visible()

    assert_accessible(page)


def test_users_page_is_accessible_in_every_state_of_the_panel(
    panel: UploadPanel, page: Page
) -> None:
    page.get_by_text("Try to break it").click()
    assert_accessible(page)
    panel.choose(picture_bytes())
    expect(panel.crop_area).to_be_focused()
    assert_accessible(page)
    panel.save.click()
    panel.expect_saved()
    assert_accessible(page)


def test_bucket_and_table_are_accessible_with_rows(
    panel: UploadPanel, user: User, page: Page
) -> None:
    panel.choose_and_save(picture_bytes())
    panel.expect_saved()
    page.get_by_text("Try to break it").click()
    page.get_by_label("File to upload and forget").set_input_files(file_payload(picture_bytes()))
    page.get_by_role("link", name="See the object in the bucket").wait_for()

    page.goto("/inspection/bucket/")
    expect(page.locator("tr[data-state=live]")).to_have_count(1)
    expect(page.locator("tr[data-state=pending]")).to_have_count(1)
    assert_accessible(page)
    page.locator("tr[data-state=live]").get_by_role("link").click()
    expect(page.locator("tr[data-state=live]")).to_contain_text(user.username)
    assert_accessible(page)
    page.locator("tr[data-state=live]").get_by_role("link").click()
    expect(page.locator("tr[data-state=live]")).to_have_count(1)
    expect(page.locator("tr[data-state=pending]")).to_have_count(0)


def test_no_page_scrolls_sideways(panel: UploadPanel, page: Page, complaints: Complaints) -> None:
    complaints.allow("404")
    for path in PATHS:
        page.goto(path)
        for width in (320, 390, 768, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_all_columns_are_seen_on_a_laptop(aws: Stores, page: Page) -> None:
    pat, eve = make_user(username="pat"), make_user(username="e" * 150)
    for user in (pat, eve):
        adopt_picture(owner_id=str(user.pk), body=picture_bytes(), stores=aws)
    page.set_viewport_size({"width": 1280, "height": 800})

    for path in ("/inspection/bucket/", "/inspection/table/"):
        page.goto(path)
        assert columns_that_do_not_fit(page) == [], path
    avatar = live_avatar(pat)
    assert avatar
    row = page.locator(f'tr[data-owner="{pat.pk}"]')
    for label in ("Upload id", "Revision", "Digest"):
        row.locator(f"[data-label='{label}'] summary").click()
    expect(row.get_by_text(avatar.digest, exact=True)).to_be_visible()
    assert columns_that_do_not_fit(page) == []


def columns_that_do_not_fit(page: Page) -> list[str]:
    """Return the headings of the columns that begin or end outside the table's frame."""
    headings: list[str] = page.locator("thead th").evaluate_all(
        """(all) => {
          const frame = document.querySelector(".table-scroll").getBoundingClientRect();
          const fits = (box) => box.left >= frame.left && box.right <= frame.right;
          return all.filter((heading) => !fits(heading.getBoundingClientRect()))
            .map((heading) => heading.textContent);
        }"""
    )
    return headings


@pytest.mark.case(40)
def test_names_with_markup_are_shown_as_text(aws: Stores, page: Page, sign_in: SignIn) -> None:
    name = "<img src=x onerror=alert(1)>"
    user = make_user(username="eve", first_name=name)
    sign_in(user)

    page.goto("/")

    expect(page.locator(f"#user-{user.pk} h2")).to_contain_text(name)


@pytest.mark.case(40)
def test_keys_with_markup_and_direction_marks_are_shown_as_text(aws: Stores, page: Page) -> None:
    key = 'avatars/<script>alert(1)</script>/\u202e"it\'s" & more.png'
    aws.bucket.put(key, b"anything", content_type="<b>text</b>", cache_control="")

    page.goto("/inspection/bucket/")

    row = page.locator("tr[data-state=orphan]")
    expect(row.get_by_role("rowheader")).to_have_text(key)
    row.get_by_role("link").click()
    expect(page.get_by_label("Owner id")).to_have_value("<script>alert(1)<")


def test_without_javascript_the_page_says_so_and_removing_works(
    browser: Browser,
    context: BrowserContext,
    user: User,
    aws: Stores,
    live_server: LiveServer,
) -> None:
    adopt_picture(owner_id=str(user.pk), body=picture_bytes(), stores=aws)
    bare = browser.new_context(
        java_script_enabled=False, storage_state=context.storage_state(), base_url=live_server.url
    )
    page = bare.new_page()
    page.goto("/")

    # Chromium's parser leaves out <noscript> when only Playwright has switched scripts off.
    assert "Uploading needs JavaScript" in page.request.get("/").text()
    expect(page.get_by_text("Save picture")).to_be_hidden()
    page.get_by_role("button", name="Remove picture").click()
    expect(page.get_by_text("Your picture was removed.")).to_be_visible()
    assert live_avatar(user) is None
    bare.close()


def test_vendored_copies_carry_their_licences() -> None:
    vendor = Path(__file__).parents[2] / "static" / "vendor"
    for library in vendor.iterdir():
        assert list(library.glob("LICENSE*")), library.name
