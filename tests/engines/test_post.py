"""Posting a form"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aws.bucket import S3Bucket
from tests.engines.engines import signer
from tests.engines.forms import (
    BODY,
    KEY,
    MAX_BYTES,
    TAGGING,
    TAGS,
    TOKEN,
    Changes,
    assert_refused,
    fields_for,
    policy,
    send,
    signed_policy,
)
from tests.functional.embedded.builders import (
    Part,
    Place,
    error_of,
    multipart,
    parts_of,
    post,
)

# --- What is good is stored ---


def test_object_is_as_the_form_says_when_the_gateway_signed_it(
    place: Place, gateway: S3Bucket
) -> None:
    form = gateway.presigned_post(policy(), seconds=60, now=datetime.now(UTC))

    answer = send(place, form.fields)

    assert form.url == place.url
    assert answer.status == 201, answer.data
    found = gateway.fetch(KEY, max_bytes=MAX_BYTES)
    assert (found.body, found.content_type) == (BODY, "image/png")
    assert found.metadata == {"owner": "7", "upload-token": TOKEN}
    assert place.tags(KEY) == TAGS


@pytest.mark.parametrize("size", [1, MAX_BYTES])
def test_object_is_stored_when_its_size_is_at_the_limit(place: Place, size: int) -> None:
    answer = send(place, fields_for(place), b"x" * size)

    assert answer.status == 201, answer.data
    assert place.body(KEY) == b"x" * size


def test_answer_names_the_object_when_201_was_asked_for(place: Place) -> None:
    answer = send(place, fields_for(place))

    text = answer.data.decode()
    assert answer.status == 201
    assert f"<Bucket>{place.name}</Bucket>" in text
    assert f"<Key>{KEY}</Key>" in text
    assert place.head(KEY)["ETag"].strip('"') in text


def test_answer_has_the_etag_as_a_header_when_the_object_is_stored(place: Place) -> None:
    assert send(place, fields_for(place)).headers["ETag"] == place.head(KEY)["ETag"]


def test_field_is_ignored_when_its_name_begins_with_x_ignore(place: Place) -> None:
    answer = send(place, fields_for(place, {"x-ignore-me": "anything"}))

    assert answer.status == 201, answer.data
    assert place.keys() == [KEY]


def test_field_is_ignored_when_it_comes_behind_the_file(place: Place) -> None:
    parts = [*parts_of(fields_for(place), BODY), Part("acl", b"public-read")]

    answer = post(place, parts)

    assert answer.status == 201, answer.data
    assert place.body(KEY) == BODY


def test_object_is_replaced_as_a_whole_when_posted_again(place: Place) -> None:
    place.put(KEY, b"old", ContentType="text/css", Metadata={"old": "1"}, Tagging="old=1")

    answer = send(place, fields_for(place))

    assert answer.status == 201, answer.data
    assert place.body(KEY) == BODY
    assert place.head(KEY)["Metadata"] == {"owner": "7", "upload-token": TOKEN}
    assert place.tags(KEY) == TAGS


# --- Each condition broken ---

BROKEN: dict[str, Changes] = {
    "key": {"key": "avatars/7/mine.webp"},
    "key goes on": {"key": f"{KEY}/more"},
    "key left out": {"key": None},
    "key by filename": {"key": "pending/7/${filename}"},
    "content type": {"Content-Type": "text/html"},
    "content type a list": {"Content-Type": "image/png, text/html"},
    "content type left out": {"Content-Type": None},
    "owner": {"x-amz-meta-owner": "8"},
    "owner left out": {"x-amz-meta-owner": None},
    "token": {"x-amz-meta-upload-token": "another"},
    "token left out": {"x-amz-meta-upload-token": None},
    "tags": {"tagging": TAGGING.replace("Pending", "Live")},
    "tags left out": {"tagging": None},
    "tags in the wrong field": {"tagging": None, "x-amz-tagging": "Status=Pending"},
    "status": {"success_action_status": "200"},
    "status left out": {"success_action_status": None},
    "acl added": {"acl": "public-read"},
    "metadata added": {"x-amz-meta-more": "1"},
    "encoding added": {"Content-Encoding": "gzip"},
    "disposition added": {"Content-Disposition": "attachment"},
    "caching added": {"Cache-Control": "max-age=1"},
    "redirect added": {"success_action_redirect": "https://foreign.test/"},
    "storage class added": {"x-amz-storage-class": "STANDARD"},
    "unknown field added": {"whatever": "1"},
}


@pytest.mark.parametrize("changes", BROKEN.values(), ids=BROKEN)
def test_nothing_is_stored_when_a_condition_is_broken(place: Place, changes: Changes) -> None:
    assert_refused(place, send(place, fields_for(place, changes)))


@pytest.mark.parametrize("size", [0, MAX_BYTES + 1])
def test_nothing_is_stored_when_the_size_is_out_of_range(place: Place, size: int) -> None:
    assert_refused(place, send(place, fields_for(place), b"x" * size))


@pytest.mark.parametrize("field", sorted(policy().fields))
def test_nothing_is_stored_when_a_field_has_no_condition(place: Place, field: str) -> None:
    assert_refused(place, send(place, fields_for(place, without=field)))


def test_nothing_is_stored_when_a_condition_has_no_field(place: Place) -> None:
    more = [["starts-with", "$x-amz-meta-more", ""]]

    assert_refused(place, send(place, fields_for(place, more=more)))


def test_nothing_is_stored_when_the_policy_is_for_another_bucket(place: Place) -> None:
    assert_refused(place, send(place, fields_for(place, bucket="another-bucket")))


def test_live_object_stays_as_it_was_when_a_form_for_another_key_is_refused(place: Place) -> None:
    place.put("avatars/7/live.webp", b"live")

    answer = send(place, fields_for(place, {"key": "avatars/7/live.webp"}))

    assert answer.status in {400, 403}
    assert place.body("avatars/7/live.webp") == b"live"


# --- The signature ---


def _another_policy(place: Place) -> dict[str, str]:
    wider = signed_policy(place, expires_in=86400)
    return {**fields_for(place), "policy": signer().sign_policy(wider)["policy"]}


def _another_signature(place: Place) -> dict[str, str]:
    fields = fields_for(place)
    last = "0" if fields["x-amz-signature"][-1] != "0" else "1"
    return {**fields, "x-amz-signature": fields["x-amz-signature"][:-1] + last}


UNSIGNED: dict[str, Callable[[Place], Mapping[str, str]]] = {
    "policy expired": lambda place: fields_for(place, expires_in=-5),
    "policy exchanged": _another_policy,
    "policy left out": lambda place: fields_for(place, {"policy": None}),
    "policy no base64": lambda place: fields_for(place, {"policy": "*"}),
    "policy no JSON": lambda place: fields_for(place, text="{"),
    "policy without an end": lambda place: fields_for(place, text='{"conditions": []}'),
    "policy without conditions": lambda place: fields_for(
        place, text='{"expiration": "2099-01-01T00:00:00Z"}'
    ),
    "signature altered": _another_signature,
    "signature left out": lambda place: fields_for(place, {"x-amz-signature": None}),
    "secret wrong": lambda place: fields_for(place, signer=signer(secret_key="another")),
    "access key unknown": lambda place: fields_for(place, signer=signer(access_key="AKIDNOBODY")),
    "service wrong": lambda place: fields_for(place, signer=signer(service="dynamodb")),
    "date altered": lambda place: fields_for(
        place, {"x-amz-date": signer(at=datetime.now(UTC) - timedelta(days=1)).timestamp}
    ),
    "anonymous": lambda place: {"key": KEY, "Content-Type": "image/png"},
}


@pytest.mark.parametrize("made", UNSIGNED.values(), ids=UNSIGNED)
def test_nothing_is_stored_when_the_form_is_not_signed_as_it_should_be(
    place: Place, made: Callable[[Place], Mapping[str, str]]
) -> None:
    assert_refused(place, send(place, made(place)))


# --- The form ---


def _without_file(place: Place) -> Any:
    return post(place, [Part(name, value.encode()) for name, value in fields_for(place).items()])


def _cut_short(place: Place) -> Any:
    body, content_type = multipart(parts_of(fields_for(place), BODY))
    return place.request("POST", place.url, headers={"Content-Type": content_type}, body=body[:-60])


def _condition_behind_the_file(place: Place) -> Any:
    fields = fields_for(place)
    behind = Part("tagging", fields.pop("tagging").encode())
    return post(place, [*parts_of(fields, BODY), behind])


def _long_fields(place: Place) -> Any:
    return send(place, fields_for(place, {"x-ignore-me": "x" * 20_480}))


def _no_form(place: Place) -> Any:
    return place.request("POST", place.url, headers={"Content-Type": "image/png"}, body=BODY)


FORMS: dict[str, Callable[[Place], Any]] = {
    "file missing": _without_file,
    "cut short": _cut_short,
    "field behind the file": _condition_behind_the_file,
    "more than 20 KB before the file": _long_fields,
    "no form at all": _no_form,
}


@pytest.mark.parametrize("posted", FORMS.values(), ids=FORMS)
def test_nothing_is_stored_when_the_form_is_not_whole(
    place: Place, posted: Callable[[Place], Any]
) -> None:
    assert_refused(place, posted(place))


@pytest.mark.parametrize(
    "tagging", ["Status=Pending", "<Tagging/>", "<Tagging><TagSet><Tag/></TagSet></Tagging>"]
)
def test_nothing_is_stored_when_the_tags_are_not_what_s3_reads(place: Place, tagging: str) -> None:
    text = signed_policy(place, without="tagging", more=[{"tagging": tagging}])

    assert_refused(place, send(place, fields_for(place, {"tagging": tagging}, text=text)))


# --- How AWS names a refusal ---

NAMED: dict[str, tuple[Callable[[Place], Any], tuple[int, str]]] = {
    "empty": (lambda place: send(place, fields_for(place), b""), (400, "EntityTooSmall")),
    "too large": (
        lambda place: send(place, fields_for(place), b"x" * (MAX_BYTES + 1)),
        (400, "EntityTooLarge"),
    ),
    "expired": (
        lambda place: send(place, fields_for(place, expires_in=-5)),
        (403, "AccessDenied"),
    ),
    "condition broken": (
        lambda place: send(place, fields_for(place, {"Content-Type": "text/html"})),
        (403, "AccessDenied"),
    ),
    "signature altered": (
        lambda place: send(place, _another_signature(place)),
        (403, "SignatureDoesNotMatch"),
    ),
    "access key unknown": (
        lambda place: send(place, fields_for(place, signer=signer(access_key="AKIDNOBODY"))),
        (403, "InvalidAccessKeyId"),
    ),
    "file missing": (_without_file, (400, "InvalidArgument")),
    "policy no JSON": (
        lambda place: send(place, fields_for(place, text="{")),
        (400, "InvalidPolicyDocument"),
    ),
}


@pytest.mark.parametrize(("posted", "refusal"), NAMED.values(), ids=NAMED)
def test_refusal_has_the_status_that_aws_documents_when_the_form_is(
    place: Place, posted: Callable[[Place], Any], refusal: tuple[int, str]
) -> None:
    answer = posted(place)

    assert answer.status == refusal[0], answer.data
    assert place.keys() == []


@pytest.mark.parametrize(("posted", "refusal"), NAMED.values(), ids=NAMED)
def test_refusal_has_the_code_that_aws_documents_when_the_form_is(
    place: Place, posted: Callable[[Place], Any], refusal: tuple[int, str]
) -> None:
    assert error_of(posted(place))[1] == refusal[1]
