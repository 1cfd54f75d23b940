"""The answer to a stored form, and the object that its fields make."""

from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest

from tests.functional.embedded.builders import (
    FIELDS,
    KEY,
    PNG,
    Place,
    error_of,
    form,
    parts_of,
    post,
)


def covered_form(place: Place, **fields: str) -> dict[str, str]:
    return form(place, signed={**FIELDS, **{k.replace("__", "-"): v for k, v in fields.items()}})


@pytest.mark.parametrize(("asked", "status"), [("200", 200), ("204", 204), ("404", 204), ("", 204)])
def test_answer_is_empty_with_the_status_asked_for(place: Place, asked: str, status: int) -> None:
    response = post(place, parts_of(covered_form(place, success_action_status=asked)))

    assert (response.status, response.data) == (status, b"")
    assert place.keys() == [KEY]


def test_answer_is_a_document_when_201_is_asked_for(place: Place) -> None:
    key = "pending/ü & <a>.png"
    fields = form(place, signed={**FIELDS, "key": key, "success_action_status": "201"})

    response = post(place, parts_of(fields))

    document = ET.fromstring(response.data)  # noqa: S314 - our own server's
    assert response.status == 201
    assert document.tag == "PostResponse"
    assert [child.tag for child in document] == ["Location", "Bucket", "Key", "ETag"]
    assert document.findtext("Key") == key
    assert document.findtext("Bucket") == place.name
    assert document.findtext("ETag") == place.head(key)["ETag"] == response.headers["ETag"]
    assert document.findtext("Location") == response.headers["Location"]
    assert place.body(key) == PNG


@pytest.mark.parametrize("field", ["success_action_redirect", "redirect"])
def test_answer_is_a_redirect_when_the_signed_form_asks_for_one(place: Place, field: str) -> None:
    url = "http://page.test/done?from=here"

    response = post(place, parts_of(covered_form(place, **{field: url})))

    target = urlsplit(response.headers["Location"])
    assert response.status == 303
    assert (target.scheme, target.netloc, target.path) == ("http", "page.test", "/done")
    assert parse_qs(target.query) == {
        "from": ["here"],
        "bucket": [place.name],
        "key": [KEY],
        "etag": [place.head(KEY)["ETag"]],
    }


@pytest.mark.parametrize(
    "url", ["/relative", "javascript:alert(1)", "http://[", "http://a.test/\r\nX: y", ""]
)
def test_redirect_is_ignored_when_it_is_no_url(place: Place, url: str) -> None:
    response = post(place, parts_of(covered_form(place, success_action_redirect=url)))

    assert response.status == 204
    assert "X" not in response.headers


@pytest.mark.parametrize("name", ["Cache-Control", "Content-Disposition", "Expires"])
def test_form_is_refused_when_a_header_field_would_start_another_header(
    place: Place, name: str
) -> None:
    response = post(place, parts_of(form(place, signed={**FIELDS, name: "a\r\nX-Injected: 1"})))

    assert error_of(response)[:2] == (400, "InvalidArgument")
    assert place.keys() == []


def test_form_is_refused_when_its_acl_is_none(place: Place) -> None:
    response = post(place, parts_of(covered_form(place, acl="everybody")))

    assert error_of(response)[:2] == (400, "InvalidArgument")
    assert place.keys() == []


def test_form_is_refused_when_its_key_is_too_long(place: Place) -> None:
    response = post(place, parts_of(form(place, signed={**FIELDS, "key": "ü" * 513})))

    assert error_of(response)[:2] == (400, "KeyTooLongError")
    assert place.keys() == []


def test_header_fields_are_given_back_when_the_object_is_read(place: Place) -> None:
    fields = {
        "Cache-Control": "max-age=1",
        "Content-Disposition": 'attachment; filename="a.png"',
        "Content-Encoding": "identity",
        "Expires": "Thu, 01 Dec 2044 16:00:00 GMT",
    }

    assert post(place, parts_of(form(place, signed={**FIELDS, **fields}))).status == 204

    headers = place.head(KEY)["ResponseMetadata"]["HTTPHeaders"]
    assert {name: headers[name.lower()] for name in fields} == fields


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("plain value", "plain value"),
        ("grün", "=?UTF-8?B?Z3LDvG4=?="),
        ("a\r\nX: 1", "=?UTF-8?B?YQ0KWDogMQ==?="),
    ],
)
def test_metadata_is_kept_in_a_form_a_header_can_hold(place: Place, value: str, kept: str) -> None:
    signed = {**FIELDS, "x-amz-meta-note": value}

    assert post(place, parts_of(form(place, signed=signed))).status == 204
    head = place.head(KEY)
    assert head["Metadata"]["note"] == kept
    assert "x" not in head["ResponseMetadata"]["HTTPHeaders"]


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_file_is_kept_whole_when_its_type_is_a_form(place: Place, content_type: str) -> None:
    signed = {**FIELDS, "Content-Type": content_type}

    assert post(place, parts_of(form(place, signed=signed), b"key=a&file=b")).status == 204
    assert place.body(KEY) == b"key=a&file=b"
    assert place.head(KEY)["ContentType"] == content_type


@pytest.mark.parametrize(
    "key",
    [
        "a b+c%41%2F",
        "ünï/日本",
        "/leading",
        "double//slash",
        "dir/",
        "a/../b",
        "?query#hash",
        "'\"<&>",
    ],
)
def test_key_is_stored_as_written_when_it_is_a_strange_one(place: Place, key: str) -> None:
    assert post(place, parts_of(form(place, signed={**FIELDS, "key": key}))).status == 204
    assert place.keys() == [key]


def test_uncovered_kinds_of_tags_are_not_stored_when_the_policy_names_them(place: Place) -> None:
    """Only the field ``tagging`` sets tags, even if a condition names the header."""
    fields = form(place, signed={"key": KEY, "x-amz-tagging": "Status=Pending"})

    assert post(place, parts_of(fields)).status == 204
    assert place.tags(KEY) == {}
