"""Who is signed in: by password, by one click, and after too many wrong guesses."""

from django.conf import settings
from playwright.sync_api import Page, expect

from avatars.references import Stores
from tests.browser.conftest import Complaints
from tests.builders import make_user

PASSWORD = "correct horse battery staple"


def submit_login(page: Page, password: str) -> None:
    page.get_by_role("textbox", name="Username").fill("kim")
    page.get_by_role("textbox", name="Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_wrong_password_is_told_and_after_five_the_login_rests(
    aws: Stores, page: Page, complaints: Complaints
) -> None:
    complaints.allow("429")
    make_user("kim", password=PASSWORD)
    page.goto("/login/")
    for _ in range(settings.AXES_FAILURE_LIMIT - 1):
        submit_login(page, "wrong")
        expect(page.get_by_role("alert")).to_contain_text("correct username and password")

    submit_login(page, "wrong")

    expect(page.get_by_role("heading", name="Too many attempts")).to_be_visible()
    expect(page.get_by_text("rests for 15 minutes")).to_be_visible()
    page.goto("/login/")
    submit_login(page, PASSWORD)
    expect(page.get_by_role("heading", name="Too many attempts")).to_be_visible()


def test_login_with_password_and_logout(aws: Stores, page: Page) -> None:
    kim = make_user("kim", password=PASSWORD)
    page.goto("/login/")

    submit_login(page, PASSWORD)

    card = page.locator(f"#user-{kim.pk}")
    expect(card).to_have_attribute("aria-current", "true")
    expect(card).to_contain_text("This is you")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    expect(card).not_to_contain_text("This is you")


def test_one_click_on_a_card_signs_in_and_comes_back_to_the_same_place(
    aws: Stores, page: Page
) -> None:
    ada = make_user("ada")
    make_user("bob")
    page.goto("/?q=ada")

    page.locator(f"#user-{ada.pk}").get_by_role("button", name="Sign in as").click()

    expect(page.locator(f"#user-{ada.pk}")).to_contain_text("This is you")
    expect(page).to_have_url("/?q=ada")


def test_login_page_shows_the_picture_of_a_name_that_no_path_can_hold(
    aws: Stores, page: Page
) -> None:
    make_user("ada/lovelace?")
    make_user("..")
    page.goto("/login/")

    pictures = page.locator(".people img")
    expect(pictures).to_have_count(2)
    widths = pictures.evaluate_all(
        "(all) => Promise.all(all.map((img) => img.decode().then(() => img.naturalWidth)))"
    )
    assert all(widths)


def test_one_click_on_the_login_page_signs_in(aws: Stores, page: Page) -> None:
    ada = make_user("ada")
    page.goto("/login/")

    page.get_by_role("button", name="Sign in as").click()

    expect(page.locator(f"#user-{ada.pk}")).to_contain_text("This is you")
