"""What is sent for a file, and is not what was agreed: what bucket and site make of it."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.functional.files.outside import EMPTY, Answer, Visitor, body_of, everything, put

MIB = 1024 * 1024


# --- Parts ---


@pytest.mark.case(52)
def test_numbers_are_refused_when_the_upload_has_no_such_parts(
    ada: Visitor, subtests: pytest.Subtests
) -> None:
    in_parts, single = ada.begin("film.bin", 17 * MIB), ada.begin("a.txt", 5)
    before = everything()

    def ask_for(begun: dict[str, Any], numbers: Any) -> Answer:
        return ada.call("parts/", upload_token=begun["upload_token"], numbers=numbers)

    for numbers in ([], [0], [-1], [3], [10_001], [2**62], [1, 1], [1, 2, 1], [*range(1, 52)]):
        with subtests.test(str(numbers)):
            ask_for(in_parts, numbers).refused(400, "bad_parts")
    for wrong in (None, 1, "1", ["1"], [1.0], [True], [[1]], [2**63], [1] * 1001):
        with subtests.test(str(wrong)[:60]):
            ask_for(in_parts, wrong).refused(400, "bad_request")
    ask_for(single, [1]).refused(400, "bad_parts")

    assert everything() == before


@pytest.mark.case(52)
def test_part_of_another_upload_does_not_count(ada: Visitor) -> None:
    body = bytes(17 * MIB)
    mine, other = ada.begin("a.bin", len(body)), ada.begin("b.bin", len(body))
    assert ada.send_part(mine, 2, body).status == 200
    assert ada.send_part(other, 1, body).status == 200

    ada.confirm(mine).refused(409, "incomplete", missing=[1])
    ada.confirm(other).refused(409, "incomplete", missing=[2])

    assert everything().objects == {}
    assert ada.files() == []


@pytest.mark.case(52)
def test_bucket_refuses_a_part_when_it_is_not_the_signed_one(ada: Visitor) -> None:
    body = bytes(17 * MIB)
    begun, other = ada.begin("a.bin", len(body)), ada.begin("b.bin", len(body))
    tokens = [one["upload_token"] for one in (begun, other)]
    part, of_other = [
        ada.call("parts/", upload_token=token, numbers=[2]).ok()["parts"][0] for token in tokens
    ]
    foreign = parse_qs(urlsplit(of_other["url"]).query)["uploadId"][0]
    own = parse_qs(urlsplit(part["url"]).query)["uploadId"][0]
    before = everything()

    for changed in (
        part["url"].replace("partNumber=2", "partNumber=1"),
        part["url"].replace("partNumber=2", "partNumber=10001"),
        part["url"].replace(own, foreign),
    ):
        assert changed != part["url"]
        assert put(part | {"url": changed}, body[16 * MIB :]).status == 403
    for wrong in (b"", body[: MIB - 1], body[: MIB + 1]):
        assert put(part, wrong).status == 403

    assert everything() == before


@pytest.mark.case(52)
def test_parts_may_come_in_any_order_and_again(ada: Visitor) -> None:
    body = b"a" * (16 * MIB) + b"b" * MIB
    begun = ada.begin("a.bin", len(body))
    for number, content in ((2, body), (1, bytes(16 * MIB)), (1, body), (2, body)):
        padded = content.ljust(len(body), b"b")
        assert ada.send_part(begun, number, padded).status == 200

    assert ada.confirm(begun).ok()["file"]["size"] == len(body)

    [key] = everything().objects
    assert body_of(key) == body


# --- The single PUT ---


@pytest.mark.case(54)
def test_bucket_refuses_another_size_than_declared(ada: Visitor) -> None:
    begun = ada.begin("a.txt", 5)
    for body in (b"", b"hell", b"hello!", b"hello" * 1000):
        assert put(begun, body).status == 403
    ada.confirm(begun).refused(409, "not_uploaded")
    assert everything() == EMPTY


CHANGES: list[dict[str, str | None]] = [
    {"content_type": "text/html"},
    {"if_none_match": None},
    {"x_amz_tagging": None},
    {"x_amz_tagging": "Status=Kept"},
    {"x_amz_meta_owner": "another"},
    {"x_amz_meta_name": "Li4veA"},
    {"x_amz_meta_size": "6"},
    {"x_amz_meta_more": "x"},
    {"x_amz_acl": "public-read"},
]


def test_bucket_refuses_other_headers_than_answered(
    ada: Visitor, subtests: pytest.Subtests
) -> None:
    begun = ada.begin("a.txt", 5)
    for changes in CHANGES:
        with subtests.test(str(changes)):
            assert put(begun, b"hello", **changes).status == 403
    assert everything() == EMPTY


def test_file_is_refused_and_removed_when_its_content_is_not_what_it_says(ada: Visitor) -> None:
    begun = ada.begin("me.png", 29, "image/png")
    assert put(begun, b"<html><script>alert(1)</scrip").status == 200

    for _again in range(2):
        ada.confirm(begun).refused(422, "refused", reason="false_type")

    assert ada.state(begun) == {"state": "refused", "parts": [], "file": None}
    assert (everything().objects, ada.files()) == ({}, [])
    assert put(begun, b"<html><script>alert(1)</scrip").status == 200
    ada.confirm(begun).refused(422, "refused", reason="false_type")
    assert everything().objects == {}


def test_upload_is_refused_when_there_is_no_room(ada: Visitor, settings: Any) -> None:
    settings.FILE_QUOTA_BYTES, settings.FILE_MAX_VERSIONS = 10, 2
    ada.upload("a.txt"), ada.upload("a.txt")
    before = everything()

    ada.call("", name="b.txt", size=1, content_type="").refused(409, "quota_exceeded")
    settings.FILE_QUOTA_BYTES = 100
    ada.call("", name="a.txt", size=1, content_type="").refused(409, "too_many_versions")

    assert everything() == before


def test_upload_in_parts_is_refused_when_too_many_are_unfinished(
    ada: Visitor, settings: Any
) -> None:
    settings.FILE_MAX_UNFINISHED = 1
    begun = ada.begin("film.bin", 7 * MIB)
    before = everything()

    answer = ada.call("", name="b.bin", size=7 * MIB, content_type="")
    answer.refused(409, "too_many_unfinished")

    assert everything() == before
    assert ada.abort(begun).ok() == {}
    ada.begin("b.bin", 7 * MIB)
