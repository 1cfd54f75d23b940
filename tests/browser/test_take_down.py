"""Staff blocks, unblocks and deletes versions of a file; its owner sees what is blocked."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from files.arrivals import take_in
from files.stores import live_stores
from tests.browser.conftest import Complaints, SignIn
from tests.browser.test_pages import assert_accessible
from tests.builders import make_user
from tests.functional.files.steps import Uploader


def assert_own_part_accessible(page: Page) -> None:
    """Assert that axe finds nothing in what is ours: the links above are Django's."""
    found = Axe().run(page, context="#content")
    assert found.violations_count == 0, found.generate_report()


def test_staff_takes_a_version_down(
    page: Page, aws: object, sign_in: SignIn, complaints: Complaints
) -> None:
    complaints.allow("404")
    anna = Uploader(make_user("anna"))
    file_id = str(anna.upload("evidence.txt")["id"])
    sign_in(make_user("chief", is_staff=True, is_superuser=True))
    page.goto(f"/admin/accounts/user/{anna.user.pk}/change/")
    page.get_by_role("link", name="Block versions").click()
    page.get_by_role("button", name="Block, and keep as evidence").click()

    expect(page.get_by_text("blocked since")).to_be_visible()
    assert anna.files()[0]["state"] == "blocked"
    assert_own_part_accessible(page)

    page.get_by_role("button", name="Delete for good").click()
    assert_own_part_accessible(page)
    page.get_by_role("link", name="Keep it").click()
    assert len(anna.keys()) == 1

    sign_in(anna.user)
    for path in ("/files/", f"/files/{file_id}/"):
        page.goto(path)
        expect(page.get_by_text("Blocked").first).to_be_visible()
        assert_accessible(page)

    sign_in(make_user("boss", is_staff=True, is_superuser=True))
    page.goto(f"/admin/accounts/user/{anna.user.pk}/files/{file_id}/versions/")
    page.get_by_role("button", name="Delete for good").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("The version was deleted for good.")).to_be_visible()
    assert anna.keys() == []


def test_versions_fit_on_a_phone(page: Page, aws: object, sign_in: SignIn) -> None:
    anna = Uploader(make_user("anna"))
    issued = anna.uploaded("evidence.txt")
    file_id = anna.confirm(issued).json()["file"]["id"]
    take_in(owner_id=anna.owner_id, upload_id=issued.id, stores=live_stores())
    sign_in(make_user("chief", is_staff=True, is_superuser=True))
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(f"/admin/accounts/user/{anna.user.pk}/files/{file_id}/versions/")

    expect(page.locator(".digest")).to_have_text(str(anna.entry(issued.id).digest))
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert_own_part_accessible(page)
