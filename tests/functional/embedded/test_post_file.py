"""The file of a form: its size, its place, its digest; the form's own shape and length."""

import base64
import hashlib
import socket
from urllib.parse import urlsplit

import pytest

from tests.functional.embedded.builders import (
    KEY,
    MAX_SIZE,
    ORIGIN,
    PNG,
    TAGGING,
    Part,
    Place,
    Signer,
    detail_of,
    error_of,
    form,
    multipart,
    parts_of,
    post,
)


def test_file_is_refused_when_larger_than_allowed_by_one_byte(place: Place) -> None:
    response = post(place, parts_of(form(place), b"x" * (MAX_SIZE + 1)))

    message = "Your proposed upload exceeds the maximum allowed size"
    assert error_of(response) == (400, "EntityTooLarge", message)
    assert detail_of(response, "ProposedSize") == str(MAX_SIZE + 1)
    assert detail_of(response, "MaxSizeAllowed") == str(MAX_SIZE)
    assert place.keys() == []


def test_file_is_refused_when_empty(place: Place) -> None:
    response = post(place, parts_of(form(place), b""))

    message = "Your proposed upload is smaller than the minimum allowed size"
    assert error_of(response) == (400, "EntityTooSmall", message)
    assert detail_of(response, "ProposedSize") == "0"
    assert detail_of(response, "MinSizeAllowed") == "1"
    assert place.keys() == []


def test_file_is_refused_readably_when_much_too_large(place: Place) -> None:
    """The page gets the answer, with the headers that let it read it, not a reset connection."""
    place.allow()

    response = post(place, parts_of(form(place), b"x" * 50_000_000), headers={"Origin": ORIGIN})

    assert error_of(response)[:2] == (400, "EntityTooLarge")
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert place.keys() == []


def test_unsigned_form_is_refused_readably_when_its_file_is_large(place: Place) -> None:
    response = post(place, parts_of({"key": KEY}, b"x" * 50_000_000))

    assert error_of(response)[:2] == (403, "AccessDenied")
    assert place.keys() == []


@pytest.mark.parametrize("size", [1, MAX_SIZE])
def test_file_is_stored_when_exactly_at_a_bound(place: Place, size: int) -> None:
    assert post(place, parts_of(form(place), b"x" * size)).status == 204
    assert place.body(KEY) == b"x" * size


def test_two_ranges_both_hold_when_a_policy_has_two(place: Place) -> None:
    fields = form(place, more_conditions=[["content-length-range", 5, 1000]])

    assert post(place, parts_of(fields, b"four")).status == 400
    assert place.keys() == []
    assert post(place, parts_of(fields, b"five.")).status == 204


def test_file_survives_unchanged_when_it_looks_like_a_form(place: Place) -> None:
    lookalike = b'\r\n--boundary\r\nContent-Disposition: form-data; name="acl"\r\n\r\n\n\r'

    assert post(place, parts_of(form(place), lookalike)).status == 204
    assert place.body(KEY) == lookalike


def test_large_file_is_stored_when_allowed(place: Place) -> None:
    signer = Signer()
    fields = {"key": "large"}
    conditions = [
        {"bucket": place.name},
        {"key": "large"},
        {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
        {"x-amz-credential": signer.credential},
        {"x-amz-date": signer.timestamp},
    ]
    content = bytes(range(256)) * 40_000

    response = post(
        place,
        parts_of(form(place, signed=fields, conditions=conditions, signer=signer), content),
    )

    assert response.status == 204
    assert place.body("large") == content
    assert place.head("large")["ContentType"] == "binary/octet-stream"


def test_form_is_refused_when_it_has_no_file(place: Place) -> None:
    fields = form(place)

    response = post(place, parts_of(fields)[:-1])

    message = "POST requires exactly one file upload per request."
    assert error_of(response) == (400, "InvalidArgument", message)
    assert place.keys() == []


def test_form_is_refused_when_it_has_two_files(place: Place) -> None:
    response = post(place, [*parts_of(form(place)), Part("file", b"second", "b.png")])

    assert error_of(response)[:2] == (400, "InvalidArgument")
    assert place.keys() == []


def test_form_is_refused_when_a_needed_field_follows_the_file(place: Place) -> None:
    *fields, file = parts_of(form(place))
    key = next(part for part in fields if part.name == "key")
    others = [part for part in fields if part is not key]

    response = post(place, [*others, file, key])

    status, code, message = error_of(response)
    assert (status, code) == (400, "InvalidArgument")
    assert message == (
        "Bucket POST must contain a field named 'key'."
        "  If it is specified, please check the order of the fields."
    )
    assert place.keys() == []


def test_fields_are_ignored_when_they_follow_the_file(place: Place) -> None:
    late = [Part("acl", b"public-read"), Part("tagging", b"junk"), Part("submit", b"x" * 30_000)]

    assert post(place, [*parts_of(form(place)), *late]).status == 204
    assert place.tags(KEY) == {"Status": "Pending"}


@pytest.mark.parametrize("count", [1, 210])
def test_form_is_refused_when_its_fields_take_21_kilobytes(place: Place, count: int) -> None:
    padding = {f"x-ignore-{number}": "x" * (21_000 // count) for number in range(count)}

    response = post(place, parts_of({**padding, **form(place)}))

    assert error_of(response)[:2] == (400, "MaxPostPreDataLengthExceeded")
    assert detail_of(response, "MaxPostPreDataLengthBytes") == "20480"
    assert place.keys() == []


def test_form_is_stored_when_its_fields_take_almost_20_kilobytes(place: Place) -> None:
    fields = form(place)
    length = len(multipart(parts_of(fields))[0]) - len(PNG)
    padding = {"x-ignore-me": "x" * (20_300 - length)}

    assert post(place, parts_of({**fields, **padding})).status == 204


def test_file_is_a_field_when_it_goes_by_another_name(place: Place) -> None:
    *fields, _file = parts_of(form(place))

    response = post(place, [*fields, Part("upload", b"text", "a.txt")])

    assert error_of(response)[:2] == (400, "InvalidArgument")
    assert place.keys() == []


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "text/plain", "application/json", ""]
)
def test_post_is_refused_when_it_is_no_multipart_form(place: Place, content_type: str) -> None:
    response = place.request(
        "POST", place.url, headers={"Content-Type": content_type}, body=b"key=a&file=b"
    )

    assert error_of(response)[:2] == (412, "PreconditionFailed")
    assert place.keys() == []


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary="])
def test_form_is_refused_when_it_names_no_boundary(place: Place, content_type: str) -> None:
    body, _ = multipart(parts_of(form(place)))

    response = place.request("POST", place.url, headers={"Content-Type": content_type}, body=body)

    assert error_of(response)[:2] == (400, "MalformedPOSTRequest")
    assert place.keys() == []


@pytest.mark.parametrize("cut", [1, 40, 60, 200])
def test_form_is_refused_when_its_end_is_missing(place: Place, cut: int) -> None:
    body, content_type = multipart(parts_of(form(place)))
    end = len(body) - 4 - cut

    response = place.request(
        "POST", place.url, headers={"Content-Type": content_type}, body=body[:end]
    )

    assert error_of(response)[:2] == (400, "MalformedPOSTRequest")
    assert place.keys() == []


@pytest.mark.parametrize(
    "part",
    [
        b"No-Disposition: 1\r\n\r\nvalue",
        b"Content-Disposition: form-data\r\n\r\nvalue",
        b'Content-Disposition: form-data; name="x-ignore-a"\r\n\r\n\xff\xfe',
        b'Content-Disposition: form-data; name="\xff"\r\n\r\nvalue',
        b"x" * 400_000,
    ],
    ids=["no disposition", "no name", "value not UTF-8", "name not UTF-8", "endless headers"],
)
def test_form_is_refused_when_a_part_is_malformed(place: Place, part: bytes) -> None:
    body, content_type = multipart(parts_of(form(place)))
    boundary = content_type.partition("=")[2].encode()

    response = place.request(
        "POST",
        place.url,
        headers={"Content-Type": content_type},
        body=b"--" + boundary + b"\r\n" + part + b"\r\n" + body,
    )

    assert error_of(response)[:2] == (400, "MalformedPOSTRequest")
    assert place.keys() == []


def test_form_is_refused_when_it_declares_no_length(place: Place) -> None:
    body, content_type = multipart(parts_of(form(place)))

    response = place.http.request(
        "POST", place.url, headers={"Content-Type": content_type}, body=iter([body]), chunked=True
    )

    assert error_of(response)[:2] == (411, "MissingContentLength")
    assert place.keys() == []


def test_nothing_is_stored_when_the_client_goes_away_in_the_middle(place: Place) -> None:
    body, content_type = multipart(parts_of(form(place)))
    address = urlsplit(place.endpoint)
    head = (
        f"POST /{place.name} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )

    with socket.create_connection((str(address.hostname), address.port or 0), 60) as connection:
        connection.sendall(head.encode() + body[:-10])
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1000) == b""

    assert place.keys() == []


def test_form_is_refused_when_sent_with_an_authorization_header(place: Place) -> None:
    response = post(place, parts_of(form(place)), headers={"Authorization": "AWS4-HMAC-SHA256 x"})

    assert error_of(response)[:2] == (400, "InvalidArgument")
    assert place.keys() == []


@pytest.mark.parametrize("suffix", ["/some/key", "?delete", "?x=1"])
def test_form_is_refused_when_posted_anywhere_but_to_the_bucket(place: Place, suffix: str) -> None:
    body, content_type = multipart(parts_of(form(place)))

    response = place.request(
        "POST", place.url + suffix, headers={"Content-Type": content_type}, body=body
    )

    assert error_of(response)[:2] == (403, "AccessDenied")
    assert place.keys() == []


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        (
            "Content-MD5",
            base64.b64encode(hashlib.md5(b"other").digest()).decode(),  # noqa: S324
            base64.b64encode(hashlib.md5(PNG).digest()).decode(),  # noqa: S324
        ),
        (
            "x-amz-checksum-sha256",
            base64.b64encode(hashlib.sha256(b"other").digest()).decode(),
            base64.b64encode(hashlib.sha256(PNG).digest()).decode(),
        ),
    ],
)
def test_file_is_stored_only_when_it_has_the_digest_the_form_states(
    place: Place, name: str, wrong: str, right: str
) -> None:
    conditions = [["starts-with", f"${name}", ""]]
    bad = form(place, changes={name: wrong}, more_conditions=conditions)
    good = form(place, changes={name: right}, more_conditions=conditions)

    assert error_of(post(place, parts_of(bad)))[:2] == (400, "BadDigest")
    assert place.keys() == []
    assert post(place, parts_of(good)).status == 204


BOMB = (
    '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    "<Tagging><TagSet><Tag><Key>&b;</Key><Value>1</Value></Tag></TagSet></Tagging>"
)


@pytest.mark.parametrize(
    ("tagging", "code"),
    [
        ("not-xml", "MalformedXML"),
        ("<Tagging>", "MalformedXML"),
        ("<Tags/>", "MalformedXML"),
        ("<Tagging/>", "MalformedXML"),
        ("<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>", "MalformedXML"),
        (BOMB, "MalformedXML"),
        (TAGGING.replace("Status", ""), "InvalidTag"),
        (TAGGING.replace("Status", "k" * 129), "InvalidTag"),
        (TAGGING.replace("Status", "aws:name"), "InvalidTag"),
        (TAGGING.replace("Pending", "v" * 257), "InvalidTag"),
        (TAGGING.replace("Pending", "&lt;"), "InvalidTag"),
    ],
)
def test_form_is_refused_when_its_signed_tags_are_none(
    place: Place, tagging: str, code: str
) -> None:
    signed = {"key": KEY, "tagging": tagging}

    assert error_of(post(place, parts_of(form(place, signed=signed))))[:2] == (400, code)
    assert place.keys() == []


def test_form_is_refused_when_it_has_eleven_tags(place: Place) -> None:
    signed = {"key": KEY, "tagging": tag_set({f"k{number}": "v" for number in range(11)})}

    assert error_of(post(place, parts_of(form(place, signed=signed))))[:2] == (400, "BadRequest")
    assert place.keys() == []


def test_tags_are_stored_when_there_are_ten_of_any_allowed_text(place: Place) -> None:
    tags = {f"k {number}": "a+b =c/ü:@._-" for number in range(10)}
    signed = {"key": KEY, "tagging": tag_set(tags)}

    assert post(place, parts_of(form(place, signed=signed))).status == 204
    assert place.tags(KEY) == tags


def tag_set(tags: dict[str, str]) -> str:
    inner = "".join(f"<Tag><Key>{k}</Key><Value>{v}</Value></Tag>" for k, v in tags.items())
    return f"<Tagging><TagSet>{inner}</TagSet></Tagging>"
