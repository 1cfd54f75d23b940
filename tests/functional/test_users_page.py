"""The users page: a card per user, the filter, the paging."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from urllib.parse import urljoin

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import User
from avatars.references import Stores
from avatars.selectors import picture_url
from tests.builders import make_user
from tests.functional.steps import (
    Response,
    live_key,
    picture_path,
    record_requests,
    signed_in,
    upload_picture,
    write_item,
)

pytestmark = pytest.mark.django_db

NASTY = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'; DROP TABLE users; --",
    "\u202egnp.exe",
    "{{ settings.SECRET_KEY }}",
    "%s %(x)s {0}",
]  # fmt: skip


class Tags(HTMLParser):
    """The start tags of a page, as pairs of name and attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def users_page(browser: Client | None = None, *, q: str = "", page: str = "") -> Response:
    return (browser or Client()).get(reverse("users"), {"q": q, "page": page})


def cards_of(answer: Response) -> list[str]:
    """Return the usernames on the cards, in order."""
    return [card.username for card in answer.context["cards"]]


def make_crowd(count: int) -> list[User]:
    """Return users that joined one after the other."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    crowd = [
        User(
            username=f"crowd{number:03}",
            date_joined=start + timedelta(minutes=number),
            password="!",
        )
        for number in range(count)
    ]
    return User.objects.bulk_create(crowd)


@pytest.mark.case(41)
@pytest.mark.parametrize("name", ["q", "page"])
@pytest.mark.parametrize("value", ["\x00", "a\x00b", "x" * 1025, "é" * 513])
def test_page_is_refused_when_a_parameter_cannot_be_one(aws: Stores, name: str, value: str) -> None:
    """The parameter holds a NUL or is longer than 1,024 bytes."""
    assert Client().get(reverse("users"), {name: value}).status_code == 400


@pytest.mark.case(41)
@pytest.mark.parametrize("number", ["", "0", "-1", "x", "1.5", "99999", "9" * 500, "\u0661"])
def test_some_page_is_shown_when_the_number_is_of_none(aws: Stores, number: str) -> None:
    """The first or the last page is shown for a number that no page has."""
    make_crowd(51)

    answer = users_page(page=number)

    assert answer.status_code == 200
    assert cards_of(answer) in [["crowd050"], [f"crowd{n:03}" for n in range(50)]]


def test_page_asks_to_sign_in_when_this_is_no_demo(aws: Stores, settings: Settings) -> None:
    settings.DEMO = False
    make_user(username="secret")

    answer = users_page()

    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("login"))
    assert "secret" in users_page(signed_in(make_user())).content.decode()


def test_page_is_never_cached(aws: Stores) -> None:
    assert "no-store" in users_page()["Cache-Control"]


def test_card_shows_the_picture_or_a_placeholder(aws: Stores) -> None:
    ada, bob = make_user(first_name="Ada", last_name="Lovelace"), make_user()
    upload_picture(signed_in(ada))

    answer = users_page()

    cards = {card.username: card for card in answer.context["cards"]}
    assert cards[ada.username].picture_url == picture_url(live_key(ada)).url
    assert cards[ada.username].has_picture
    assert cards[bob.username].picture_url == picture_path(bob)
    assert not cards[bob.username].has_picture
    assert "Ada Lovelace" in answer.content.decode()


@pytest.mark.case(21)
def test_card_shows_a_placeholder_when_the_item_names_something_strange(aws: Stores) -> None:
    user = make_user()
    write_item(str(user.pk), "https://evil.example/x.webp", now=datetime.now(UTC))

    answer = users_page()

    assert "evil.example" not in answer.content.decode()
    assert answer.context["cards"][0].picture_url == picture_path(user)


def test_own_card_is_marked(aws: Stores) -> None:
    me, other = make_user(), make_user()

    page = users_page(signed_in(me)).content.decode()

    assert page.count('aria-current="true"') == 1
    assert page.count("This is you") == 1
    mine = re.search(rf'<li class="card card-mine"\s+id="user-{me.pk}"', page)
    assert mine
    assert f'id="user-{other.pk}"' in page


def test_no_card_is_marked_for_somebody_signed_out(aws: Stores) -> None:
    make_user()

    page = users_page().content.decode()

    assert "This is you" not in page
    assert 'id="upload"' not in page


def test_closed_accounts_are_not_shown(aws: Stores) -> None:
    make_user(username="closed", is_active=False)

    assert cards_of(users_page()) == []


@pytest.mark.parametrize(
    ("count", "pages"), [(1, [1]), (50, [50]), (51, [50, 1]), (101, [50, 50, 1])]
)
def test_page_holds_fifty_and_takes_one_request(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, count: int, pages: list[int]
) -> None:
    make_crowd(count)
    asked = record_requests(monkeypatch)
    shown: list[str] = []

    for number, size in enumerate(pages, 1):
        cards = cards_of(users_page(page=str(number)))
        assert len(cards) == size
        shown += cards

    assert shown == [f"crowd{number:03}" for number in range(count)]
    assert [request.operation for request in asked] == ["BatchGetItem"] * len(pages)


def test_page_takes_few_queries_however_many_users(
    aws: Stores, django_assert_max_num_queries: object
) -> None:
    make_crowd(60)
    browser = signed_in(make_user())

    with django_assert_max_num_queries(5):  # type: ignore[operator]
        users_page(browser)


@pytest.mark.parametrize(
    ("q", "wanted"),
    [
        ("ada", ["ada"]),
        ("LOVE", ["ada"]),
        ("ada lovelace", ["ada"]),
        ("lovelace ada", ["ada"]),
        ("  ada  ", ["ada"]),
        ("a", ["ada", "grace"]),
        ("ada hopper", []),
        ("%", []),
        ("_", []),
        ("nobody", []),
    ],
)
def test_filter_finds_words_in_any_name(aws: Stores, q: str, wanted: list[str]) -> None:
    make_user("ada", first_name="Ada", last_name="Lovelace")
    make_user("grace", first_name="Grace", last_name="Hopper")

    answer = users_page(q=q)

    assert cards_of(answer) == wanted


def test_filter_is_kept_from_page_to_page(aws: Stores) -> None:
    make_crowd(60)

    page = users_page(q="crowd").content.decode()

    assert 'href="?q=crowd&amp;page=2"' in page


@pytest.mark.parametrize("username", ["uploads", "remove", "login", ".", "..", "a/b", "a?b#c"])
def test_placeholder_is_found_whatever_a_user_is_called(aws: Stores, username: str) -> None:
    """Django allows usernames like "login" or ".."; data from elsewhere may hold others."""
    make_user(username)

    picture = users_page().context["cards"][0].picture_url

    # A browser resolves dots before it asks.
    answer = Client().get(urljoin("http://testserver/", picture))
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/svg+xml")


@pytest.mark.case(40)
@pytest.mark.parametrize("text", NASTY)
def test_names_and_filter_are_shown_escaped(aws: Stores, text: str) -> None:
    make_user(username=text, first_name=text[:150])

    page = users_page(q=text).content.decode()
    tags = Tags(page)

    assert not [attributes for _, attributes in tags.found if "onerror" in attributes]
    assert len(re.findall("<script", page)) == len(re.findall("<script (?:type|src)", page))
    assert any(attributes.get("value") == text for _, attributes in tags.found)


def test_page_says_so_when_nobody_is_found(aws: Stores) -> None:
    assert "No user is called" in users_page(q="nobody").content.decode()
    assert "There are no users yet." in users_page().content.decode()
