"""What an upload costs: the requests of the three phases, and the table in docs/operations.md."""

import re

import pytest
from django.conf import settings

from avatars.references import Stores
from tests.builders import make_user
from tests.functional.steps import (
    Asked,
    confirm,
    permission_for,
    post_file,
    record_requests,
    signed_in,
    upload_picture,
)

pytestmark = pytest.mark.django_db

# Dollars a million requests in us-east-1; DynamoDB's are of one unit, enough for 1 KB to write
# and 4 KB to read, strongly consistent.
PRICES = {
    "ListObjectsV2": 5.0,
    "PostObject": 5.0,
    "PutObject": 5.0,
    "GetObject": 0.4,
    "DeleteObjects": 0.0,
    "GetItem": 0.125,
    "UpdateItem": 0.625,
}
ROW = re.compile(r"^\| ([123]) \| `(\w+)`[^|]*\| ([\d.]+) \|$", re.MULTILINE)
DOCUMENT = (settings.BASE_DIR / "docs" / "operations.md").read_text()


def named(asked: list[Asked], *, posted: str) -> list[str]:
    """Return the names of requests as AWS's bills write them, sorted."""
    on_bucket = {"GET": "ListObjectsV2", "POST": posted}
    on_object = {"GET": "GetObject", "PUT": "PutObject"}
    bucket = f"/{settings.AWS_STORAGE_BUCKET_NAME}"
    return sorted(
        (on_bucket if path.rstrip("/") == bucket else on_object).get(operation, operation)
        for operation, path in asked
    )


def in_document(phase: str) -> list[str]:
    """Return the requests of a phase from the table in docs/operations.md."""
    return sorted(name for number, name, _price in ROW.findall(DOCUMENT) if number == phase)


@pytest.mark.parametrize("pictures_before", [0, 1])
def test_upload_takes_the_requests_that_the_document_says(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, pictures_before: int
) -> None:
    browser = signed_in(make_user())
    for _picture in range(pictures_before):
        upload_picture(browser)
    asked = record_requests(monkeypatch)

    permission = permission_for(browser)
    first = named(asked, posted="none")
    asked.clear()
    assert post_file(permission).status == 201
    second = named(asked, posted="PostObject")
    asked.clear()
    assert confirm(browser, permission).status_code == 200
    third = named(asked, posted="DeleteObjects")

    assert (first, second, third) == (in_document("1"), in_document("2"), in_document("3"))


def test_prices_are_those_of_the_requests_and_add_up() -> None:
    rows = ROW.findall(DOCUMENT)
    told = re.search(r"^\| \| all seven \| ([\d.]+) \|$", DOCUMENT, re.MULTILINE)

    assert len(rows) == 7
    assert {name: float(price) for _, name, price in rows} == PRICES
    assert told
    assert float(told[1]) == pytest.approx(sum(PRICES.values()))
    assert f"${told[1]}" in (settings.BASE_DIR / "README.md").read_text()
