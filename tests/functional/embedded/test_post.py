"""A form's way through the front. tests/engines/test_post.py asks what S3 does with forms."""

import base64
import hashlib
import socket
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.functional.embedded.builders import (
    FIELDS,
    KEY,
    ORIGIN,
    PNG,
    Place,
    Signer,
    conditions_for,
    error_of,
    form,
    multipart,
    parts_of,
    post,
)


def covered_form(place: Place, **fields: str) -> dict[str, str]:
    """Return a form whose policy has ``fields``, too."""
    return form(place, signed={**FIELDS, **fields})


@pytest.mark.parametrize(
    ("signed", "refusal"), [(True, (400, "EntityTooLarge")), (False, (403, "AccessDenied"))]
)
def test_file_is_refused_readably_when_much_too_large(
    place: Place, signed: bool, refusal: tuple[int, str]
) -> None:
    """The page gets the answer, with the headers that let it read it, not a reset connection."""
    place.allow()
    fields = form(place) if signed else {"key": KEY}

    response = post(place, parts_of(fields, b"x" * 50_000_000), headers={"Origin": ORIGIN})

    assert error_of(response)[:2] == refusal
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert place.keys() == []


def test_large_file_is_stored_when_allowed(place: Place) -> None:
    content = bytes(range(256)) * 40_000
    signer = Signer()
    conditions = conditions_for(place.name, FIELDS, signer)[:-1]  # but for the size

    response = post(place, parts_of(form(place, conditions=conditions, signer=signer), content))

    assert response.status == 204
    assert place.body(KEY) == content


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_file_is_kept_whole_when_its_type_is_a_form(place: Place, content_type: str) -> None:
    fields = covered_form(place, **{"Content-Type": content_type})

    assert post(place, parts_of(fields, b"key=a&file=b")).status == 204
    assert place.body(KEY) == b"key=a&file=b"
    assert place.head(KEY)["ContentType"] == content_type


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
    ("name", "algorithm"), [("Content-MD5", "md5"), ("x-amz-checksum-sha256", "sha256")]
)
def test_file_is_stored_only_when_it_has_the_digest_the_form_states(
    place: Place, name: str, algorithm: str
) -> None:
    right, wrong = (
        covered_form(
            place, **{name: base64.b64encode(hashlib.new(algorithm, file).digest()).decode()}
        )
        for file in (PNG, b"other")
    )

    assert error_of(post(place, parts_of(wrong)))[:2] == (400, "BadDigest")
    assert place.keys() == []
    assert post(place, parts_of(right)).status == 204


# --- Answers ---


def test_answer_is_a_document_that_can_be_read_when_the_key_is_a_strange_one(place: Place) -> None:
    fields = covered_form(place, key="ü/& <a>", success_action_status="201")

    response = post(place, parts_of(fields))

    location = f"{place.url}/%C3%BC%2F%26%20%3Ca%3E"
    etag = place.head("ü/& <a>")["ETag"]
    assert response.data.decode().splitlines()[1] == (
        f"<PostResponse><Location>{location}</Location><Bucket>{place.name}</Bucket>"
        f"<Key>ü/&amp; &lt;a&gt;</Key><ETag>{etag}</ETag></PostResponse>"
    )
    assert response.headers["Location"] == location


@pytest.mark.parametrize("field", ["success_action_redirect", "redirect"])
def test_redirect_keeps_the_query_of_its_url(place: Place, field: str) -> None:
    fields = covered_form(place, **{field: "http://page.test/done?from=here"})

    response = post(place, parts_of(fields))

    query = parse_qs(urlsplit(response.headers["Location"]).query)
    assert response.status == 303
    assert (query["from"], query["key"]) == (["here"], [KEY])


@pytest.mark.parametrize(
    "url",
    [
        *("", "/relative", "http:relative", "javascript:alert(1)", "ftp://a.test/"),
        *("http://[", "http://a.test/\r\nX: y"),
    ],
)
def test_redirect_is_ignored_when_it_is_no_url(place: Place, url: str) -> None:
    response = post(place, parts_of(covered_form(place, success_action_redirect=url)))

    assert response.status == 204
    assert "X" not in response.headers
