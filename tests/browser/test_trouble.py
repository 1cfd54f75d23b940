"""Failures in each phase: the network, an expired policy, a cancelled upload."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, Route, expect

from accounts.models import User
from avatars.references import live_stores
from avatars.services import remove_picture
from tests.browser.conftest import Complaints
from tests.browser.panel import (
    BEGIN,
    CONFIRM,
    UploadPanel,
    bucket_url,
    live_avatar,
    pending_keys,
    promoted_keys,
)
from tests.builders import picture_bytes

# The pauses between two attempts are for busy servers; here they would only take time.
HASTE = """
const later = window.setTimeout;
window.setTimeout = (call, ms) => later(call, ms < 5000 ? ms / 50 : ms);
"""
# A large crop on a slow phone. The test says when each encoding is done.
SLOW_ENCODING = """
const toBlob = HTMLCanvasElement.prototype.toBlob;
window.encodings = [];
HTMLCanvasElement.prototype.toBlob = function (...how) {
  window.encodings.push(() => toBlob.apply(this, how));
};
"""


@pytest.fixture
def hasty_panel(page: Page, user: User) -> UploadPanel:
    page.add_init_script(HASTE)
    return UploadPanel(page)


def refuse_as(route: Route, status: int, code: str) -> None:
    """Answer as S3 does when it refuses a form."""
    route.fulfill(
        status=status,
        headers={"Access-Control-Allow-Origin": "*", "Content-Type": "application/xml"},
        body=f"<Error><Code>{code}</Code><Message>No.</Message></Error>",
    )


def refuse_as_expired(route: Route) -> None:
    """Answer as S3 answers a policy that has expired."""
    refuse_as(route, 403, "AccessDenied")


def once_for_the_form(handle: Callable[[Route], None]) -> Callable[[Route], None]:
    """Return a handler that does what ``handle`` does to the first form, and nothing else.

    ``times=1`` would count any request to the bucket, such as that of a picture that loads late.
    """
    forms: list[Route] = []

    def handle_first(route: Route) -> None:
        if route.request.method != "POST" or forms:
            route.fallback()
            return
        forms.append(route)
        handle(route)

    return handle_first


def requests_to_the_site(page: Page) -> list[str]:
    """Return a list to which BEGIN and CONFIRM are added as the page asks for them."""
    sent: list[str] = []
    routes = {"/avatars/uploads/": BEGIN, "/avatars/uploads/confirm/": CONFIRM}

    def note(request: Request) -> None:
        if route := routes.get(urlsplit(request.url).path):
            sent.append(route)

    page.on("request", note)
    return sent


def test_cancel_during_phase_2_leaves_the_old_picture(
    panel: UploadPanel, user: User, page: Page
) -> None:
    page.route(bucket_url(), lambda _route: None)
    panel.choose_and_save(picture_bytes())
    expect(panel.step("Upload to bucket")).to_contain_text("(now)")
    expect(panel.root.get_by_role("progressbar")).to_be_visible()
    expect(panel.button("Cancel")).to_be_focused()

    panel.button("Cancel").click()

    expect(panel.note).to_have_text("Cancelled. Your picture is what it was before.")
    expect(panel.input).to_be_focused()
    assert live_avatar(user) is None
    assert pending_keys(user) == []


def test_cancel_while_cropping_sends_nothing(panel: UploadPanel, user: User, page: Page) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.method))
    panel.choose(picture_bytes())

    panel.button("Cancel").click()

    expect(panel.note).to_contain_text("Cancelled.")
    expect(panel.crop_area).to_have_count(0)
    assert "POST" not in requests


def test_cancel_while_the_crop_is_encoded_sends_nothing(
    user: User, page: Page, complaints: Complaints
) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.method))
    page.add_init_script(SLOW_ENCODING)
    panel = UploadPanel(page)
    panel.choose_and_save(picture_bytes())
    page.wait_for_function("encodings.length === 1")
    expect(panel.button("Cancel")).to_be_focused()

    panel.button("Cancel").click()

    expect(panel.note).to_have_text("Cancelled. Your picture is what it was before.")
    expect(panel.input).to_be_focused()
    finish_encodings(page)
    expect(panel.note).to_have_text("Cancelled. Your picture is what it was before.")
    assert "POST" not in requests
    assert complaints.unexpected == []


def test_cancel_while_encoding_after_an_upload_is_not_too_late(user: User, page: Page) -> None:
    page.add_init_script(SLOW_ENCODING)
    panel = UploadPanel(page)
    panel.choose_and_save(picture_bytes())
    page.wait_for_function("encodings.length === 1")
    finish_encodings(page)
    panel.expect_saved()
    before = live_avatar(user)
    panel.choose_and_save(picture_bytes())
    page.wait_for_function("encodings.length === 2")
    for step in ("Permission", "Upload to bucket", "Confirm"):
        expect(panel.step(step)).to_contain_text("(waiting)")

    panel.button("Cancel").click()

    expect(panel.note).to_have_text("Cancelled. Your picture is what it was before.")
    finish_encodings(page)
    assert live_avatar(user) == before
    assert pending_keys(user) == []


def test_encoding_that_breaks_is_told_and_the_panel_can_be_used_again(
    panel: UploadPanel, page: Page, complaints: Complaints
) -> None:
    complaints.allow("no memory")
    page.evaluate("""() => {
      window.toBlob = HTMLCanvasElement.prototype.toBlob;
      HTMLCanvasElement.prototype.toBlob = () => { throw new Error("no memory"); };
    }""")

    panel.choose_and_save(picture_bytes())

    expect(panel.note).to_contain_text("Something went wrong that should not.")
    expect(panel.button("Try again")).to_be_hidden()
    page.evaluate("() => { HTMLCanvasElement.prototype.toBlob = window.toBlob; }")
    panel.choose_and_save(picture_bytes())
    panel.expect_saved()


def finish_encodings(page: Page) -> None:
    """Let the encodings finish that ``SLOW_ENCODING`` holds back, and wait for their effects."""
    page.evaluate("for (const finish of encodings) finish()")
    page.evaluate("new Promise((done) => setTimeout(done, 300))")


@pytest.mark.parametrize("phase", ["begin", "send", "confirm"])
def test_dead_network_is_told_and_the_button_takes_up_where_it_failed(
    hasty_panel: UploadPanel, user: User, page: Page, complaints: Complaints, phase: str
) -> None:
    complaints.allow("ERR_FAILED")
    panel = hasty_panel
    target = {"begin": BEGIN, "send": bucket_url(), "confirm": CONFIRM}[phase]
    attempts: list[str] = []
    page.on("request", lambda request: attempts.append(request.method + request.url))
    page.route(target, lambda route: route.abort())
    panel.choose_and_save(picture_bytes())
    expect(panel.note).to_contain_text("The connection broke off.")
    expect(panel.button("Try again")).to_be_focused()
    begun = len([url for url in attempts if url.endswith("/avatars/uploads/")])
    page.unroute(target)

    panel.button("Try again").click()

    panel.expect_saved()
    begun_in_all = len([url for url in attempts if url.endswith("/avatars/uploads/")])
    assert begun_in_all == begun + (phase == "begin")
    assert len(promoted_keys(user)) == 1


def test_one_lost_answer_is_repeated_unasked(
    hasty_panel: UploadPanel, user: User, page: Page, complaints: Complaints
) -> None:
    complaints.allow("ERR_FAILED")
    page.route(CONFIRM, lambda route: (route.fetch(), route.abort()), times=1)

    hasty_panel.choose_and_save(picture_bytes())

    hasty_panel.expect_saved()
    assert live_avatar(user)


@pytest.mark.case(6)
def test_expired_policy_is_renewed_unasked(
    hasty_panel: UploadPanel, user: User, page: Page, complaints: Complaints
) -> None:
    complaints.allow("403")
    permissions: list[str] = []
    page.on("request", lambda request: permissions.append(request.url))
    page.route(bucket_url(), once_for_the_form(refuse_as_expired))

    hasty_panel.choose_and_save(picture_bytes())

    hasty_panel.expect_saved()
    assert len([url for url in permissions if url.endswith("/avatars/uploads/")]) == 2
    assert live_avatar(user)


def test_refusal_that_stays_is_told_with_its_code(
    hasty_panel: UploadPanel, page: Page, complaints: Complaints
) -> None:
    complaints.allow("403")
    page.route(bucket_url(), refuse_as_expired)

    hasty_panel.choose_and_save(picture_bytes())

    expect(hasty_panel.note).to_contain_text("The bucket refused the picture (AccessDenied).")
    expect(hasty_panel.button("Try again")).to_be_visible()


def test_words_of_the_site_are_shown(
    hasty_panel: UploadPanel, page: Page, complaints: Complaints
) -> None:
    complaints.allow("429")
    refusal = {"error": {"code": "too_many_requests", "message": "That was <b>too</b> often."}}
    page.route(
        BEGIN,
        lambda route: route.fulfill(status=429, headers={"Retry-After": "40"}, json=refusal),
    )

    hasty_panel.choose_and_save(picture_bytes())

    expect(hasty_panel.note).to_have_text("That was <b>too</b> often.")


@pytest.mark.parametrize(
    ("retry", "requests", "afterwards"),
    [
        ("same", [BEGIN, *[CONFIRM] * 4], [CONFIRM]),
        ("new", [BEGIN, CONFIRM], [BEGIN, CONFIRM]),
        ("never", [BEGIN, CONFIRM], None),
    ],
)
def test_error_of_the_site_says_how_to_go_on(
    hasty_panel: UploadPanel,
    page: Page,
    complaints: Complaints,
    retry: str,
    requests: list[str],
    afterwards: list[str] | None,
) -> None:
    """``same`` is repeated, ``new`` begins anew, after ``never`` there is no button."""
    complaints.allow("418")
    sent = requests_to_the_site(page)
    refusal = {"error": {"code": "unheard_of", "message": "No.", "retry": retry}}
    page.route(CONFIRM, lambda route: route.fulfill(status=418, json=refusal))
    hasty_panel.choose_and_save(picture_bytes())
    expect(hasty_panel.note).to_have_text("No.")
    assert sent == requests
    page.unroute(CONFIRM)
    sent.clear()

    if afterwards is None:
        expect(hasty_panel.button("Try again")).to_be_hidden()
        expect(hasty_panel.input).to_be_focused()
        return
    hasty_panel.button("Try again").click()

    hasty_panel.expect_saved()
    assert sent == afterwards


@pytest.mark.parametrize(
    ("status", "attempts"), [(502, 4), (429, 4), (200, 4), (403, 1), (413, 1), (404, 1)]
)
def test_page_of_a_proxy_is_judged_by_its_status(
    hasty_panel: UploadPanel, page: Page, complaints: Complaints, status: int, attempts: int
) -> None:
    complaints.allow(str(status))
    sent = requests_to_the_site(page)
    page.route(BEGIN, lambda route: route.fulfill(status=status, body="<h1>A proxy</h1>"))

    hasty_panel.choose_and_save(picture_bytes())

    expect(hasty_panel.note).to_contain_text("Something went wrong that should not.")
    assert sent == [BEGIN] * attempts
    expect(hasty_panel.button("Try again")).to_be_visible(visible=attempts > 1)


def test_lost_file_is_uploaded_anew_when_confirming_stays_in_vain(
    hasty_panel: UploadPanel, user: User, page: Page, complaints: Complaints
) -> None:
    """A box on the way said 204 for the bucket, so the site says ``not_uploaded`` each time."""
    complaints.allow("409")
    page.route(
        bucket_url(),
        lambda route: route.fulfill(status=204, headers={"Access-Control-Allow-Origin": "*"}),
        times=1,
    )
    hasty_panel.choose_and_save(picture_bytes())
    expect(hasty_panel.note).to_contain_text("The picture has not arrived yet.")

    hasty_panel.button("Try again").click()

    hasty_panel.expect_saved()
    assert live_avatar(user)


@pytest.mark.parametrize(
    ("status", "code", "forms", "posts"),
    [
        (400, "RequestTimeout", 1, 4),
        (503, "SlowDown", 1, 4),
        (500, "InternalError", 1, 4),
        (400, "EntityTooLarge", 1, 1),
        (400, "ExpiredToken", 2, 2),
        (404, "NoSuchBucket", 2, 2),
    ],
)
def test_refusal_of_the_bucket_is_judged_by_its_code(
    hasty_panel: UploadPanel,
    page: Page,
    complaints: Complaints,
    status: int,
    code: str,
    forms: int,
    posts: int,
) -> None:
    """The same form is posted again, another one is asked for once, or neither."""
    complaints.allow(str(status))
    begun = requests_to_the_site(page)
    posted: list[Route] = []

    def refuse(route: Route) -> None:
        posted.append(route)
        refuse_as(route, status, code)

    page.route(bucket_url(), refuse)

    hasty_panel.choose_and_save(picture_bytes())

    expect(hasty_panel.note).to_contain_text("The bucket")
    assert begun == [BEGIN] * forms
    assert len(posted) == posts
    expect(hasty_panel.button("Try again")).to_be_visible(visible=code != "EntityTooLarge")


@pytest.mark.case(10)
def test_lost_session_is_told(panel: UploadPanel, page: Page, complaints: Complaints) -> None:
    complaints.allow("401|403")
    page.context.clear_cookies(name="sessionid")

    panel.choose_and_save(picture_bytes())

    expect(panel.note).to_contain_text("sign in")


@pytest.mark.case(19)
def test_removal_while_confirming_wins(
    hasty_panel: UploadPanel, user: User, page: Page, complaints: Complaints
) -> None:
    complaints.allow("409")
    panel = hasty_panel

    def remove_first(route: Route) -> None:
        remove_picture(owner_id=str(user.pk), stores=live_stores())
        route.continue_()

    page.route(CONFIRM, remove_first, times=1)

    panel.choose_and_save(picture_bytes())

    expect(panel.note).to_contain_text("The picture was removed while this upload was under way.")
    assert live_avatar(user) is None
    panel.button("Try again").click()
    panel.expect_saved()
