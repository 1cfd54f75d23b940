"""Posting a form"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest

from aws.bucket import S3Bucket
from aws.policies import tagging_xml
from tests.engines.engines import signer
from tests.engines.forms import (
    BODY,
    KEY,
    MAX_BYTES,
    TAGGING,
    Answer,
    Changes,
    assert_refused,
    assert_stored,
    fields_for,
    policy,
    send,
    signed_policy,
)
from tests.functional.embedded.builders import (
    Condition,
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

    assert form.url == place.url
    assert_stored(place, send(place, form.fields))


FILES = {
    "one byte": b"x",
    "as large as it may be": b"x" * MAX_BYTES,
    "like a form": b'\r\n--boundary\r\nContent-Disposition: form-data; name="acl"\r\n\r\n\n\r',
}


@pytest.mark.case(1)
@pytest.mark.parametrize("body", FILES.values(), ids=FILES)
def test_object_is_stored_when_the_file_is(place: Place, body: bytes) -> None:
    assert_stored(place, send(place, fields_for(place), body), body)


def _almost_20_kb(place: Place) -> dict[str, str]:
    fields = fields_for(place)
    length = len(multipart(parts_of(fields, BODY))[0]) - len(BODY)
    return {**fields, "x-ignore-me": "x" * (20_300 - length)}


def _anything(name: str) -> list[Condition]:
    return [["starts-with", f"${name}", ""]]


GOOD: dict[str, Callable[[Place], dict[str, str]]] = {
    "field to ignore": lambda place: fields_for(place, {"x-ignore-me": "anything"}),
    "almost 20 KB before the file": _almost_20_kb,
    "bucket as a field": lambda place: fields_for(place, {"bucket": place.name}),
    "names in capitals": lambda place: {
        name.upper(): value for name, value in fields_for(place).items()
    },
    "start of the key": lambda place: fields_for(
        place, more=[["starts-with", "$key", "pending/7/"]]
    ),
    "operator in capitals": lambda place: fields_for(place, more=[["StArTs-WiTh", "$KEY", ""]]),
    "condition in capitals": lambda place: fields_for(
        place, {"Acl": "private"}, more=[{"ACL": "private"}]
    ),
    "any value": lambda place: fields_for(
        place, {"Cache-Control": "max-age=1"}, more=_anything("Cache-Control")
    ),
    "start of the only type": lambda place: fields_for(
        place, without="Content-Type", more=[["starts-with", "$Content-Type", "image/"]]
    ),
    "quoted bounds": lambda place: fields_for(place, more=[["content-length-range", "0", "1000"]]),
}


@pytest.mark.parametrize("made", GOOD.values(), ids=GOOD)
def test_object_is_stored_when_the_form_has(
    place: Place, made: Callable[[Place], dict[str, str]]
) -> None:
    assert_stored(place, send(place, made(place)))


def test_fields_are_ignored_when_they_come_behind_the_file(place: Place) -> None:
    behind = [Part("acl", b"public-read"), Part("tagging", b"junk"), Part("more", b"x" * 30_000)]

    assert_stored(place, post(place, [*parts_of(fields_for(place), BODY), *behind]))


def test_object_is_replaced_as_a_whole_when_posted_again(place: Place) -> None:
    place.put(KEY, b"old", ContentType="text/css", Metadata={"old": "1"}, Tagging="old=1")

    assert_stored(place, send(place, fields_for(place)))


KEYS = [
    "a b+c%41%2F",
    "ünï/日本",
    "/leading",
    "double//slash",
    "dir/",
    "a/../b",
    "?query#hash",
    "'\"<&>",
]


@pytest.mark.parametrize("key", KEYS)
def test_key_is_as_written_in_bucket_and_answer_when_it_is(place: Place, key: str) -> None:
    answer = send(place, fields_for(place, covered={"key": key}))

    assert place.keys() == [key]
    document = ET.fromstring(answer.data)  # noqa: S314 - of a server that we started
    assert (answer.status, document.tag) == (201, "PostResponse")
    assert (document.findtext("Bucket"), document.findtext("Key")) == (place.name, key)
    assert str(document.findtext("ETag")).strip('"') == place.head(key)["ETag"].strip('"')
    assert str(document.findtext("Location")).startswith("http")


def test_object_is_stored_when_its_key_takes_1024_bytes(place: Place) -> None:
    key = "x" * 1024

    assert send(place, fields_for(place, covered={"key": key})).status == 201
    assert place.keys() == [key]


def test_answer_has_the_etag_as_a_header_when_the_object_is_stored(place: Place) -> None:
    assert send(place, fields_for(place)).headers["ETag"] == place.head(KEY)["ETag"]


@pytest.mark.parametrize(
    ("asked", "status"), [("200", 200), ("204", 204), ("404", 204), (None, 204)]
)
def test_answer_is_empty_when_the_status_asked_for_is(
    place: Place, asked: str | None, status: int
) -> None:
    answer = send(place, fields_for(place, covered={"success_action_status": asked}))

    assert (answer.status, answer.data) == (status, b"")
    assert place.keys() == [KEY]


def test_answer_is_a_redirect_when_the_policy_says_so(place: Place) -> None:
    url = "http://page.test/done"

    answer = send(place, fields_for(place, covered={"success_action_redirect": url}))

    target = urlsplit(answer.headers["Location"])
    assert answer.status == 303
    assert (target.scheme, target.netloc, target.path) == ("http", "page.test", "/done")
    query = {name: values[0].strip('"') for name, values in parse_qs(target.query).items()}
    etag = place.head(KEY)["ETag"].strip('"')
    assert query == {"bucket": place.name, "key": KEY, "etag": etag}


def test_header_fields_are_given_back_when_the_object_is_read(place: Place) -> None:
    fields = {
        "Cache-Control": "max-age=1",
        "Content-Disposition": 'attachment; filename="a.png"',
        "Content-Encoding": "identity",
        "Expires": "Thu, 01 Dec 2044 16:00:00 GMT",
    }

    assert_stored(place, send(place, fields_for(place, covered=fields)))

    headers = place.head(KEY)["ResponseMetadata"]["HTTPHeaders"]
    assert {name: headers[name.lower()] for name in fields} == fields


def test_type_is_of_no_kind_when_the_form_names_none(place: Place) -> None:
    answer = send(place, fields_for(place, covered={"Content-Type": None}))

    assert answer.status == 201
    assert place.head(KEY)["ContentType"] == "binary/octet-stream"


def test_tags_are_stored_when_there_are_ten_of_any_allowed_text(place: Place) -> None:
    tags = {f"k {number}": "a+b =c/ü:@._-" for number in range(10)}

    answer = send(place, fields_for(place, covered={"tagging": tagging_xml(tags)}))

    assert answer.status == 201, answer.data
    assert place.tags(KEY) == tags


def test_object_has_no_tags_when_they_are_in_the_field_of_a_header(place: Place) -> None:
    covered = {"tagging": None, "x-amz-tagging": "Status=Pending"}

    answer = send(place, fields_for(place, covered=covered))

    assert answer.status == 201, answer.data
    assert place.tags(KEY) == {}


FILE_NAMES = {
    "alone": "a.png",
    "with a path": "C:/Program Files/a.png",
    "with a way up": "../../avatars/a.png",
}


@pytest.mark.parametrize("filename", FILE_NAMES.values(), ids=FILE_NAMES)
def test_filename_is_the_end_of_the_key_when_the_policy_leaves_it_open(
    place: Place, filename: str
) -> None:
    fields = fields_for(
        place,
        {"key": "pending/${filename}"},
        without="key",
        more=[["starts-with", "$key", "pending/"]],
    )

    assert send(place, fields, filename=filename).status == 201
    assert place.keys() == ["pending/a.png"]


# --- Each condition broken ---

BROKEN: dict[str, Changes] = {
    "key": {"key": "avatars/7/mine.webp"},
    "key goes on": {"key": f"{KEY}/more"},
    "key left out": {"key": None},
    "key empty": {"key": ""},
    "key by filename": {"key": "pending/7/${filename}"},
    "content type": {"Content-Type": "text/html"},
    "content type in capitals": {"Content-Type": "Image/PNG"},
    "content type a list": {"Content-Type": "image/png, text/html"},
    "content type left out": {"Content-Type": None},
    "owner": {"x-amz-meta-owner": "8"},
    "owner left out": {"x-amz-meta-owner": None},
    "token": {"x-amz-meta-upload-token": "another"},
    "token left out": {"x-amz-meta-upload-token": None},
    "tags": {"tagging": TAGGING.replace("Pending", "Live")},
    "tags left out": {"tagging": None},
    "tags in the wrong field": {"tagging": None, "x-amz-tagging": "Status=Pending"},
    "tags in both fields": {"x-amz-tagging": "Status=Live"},
    "status": {"success_action_status": "200"},
    "status left out": {"success_action_status": None},
    "bucket": {"bucket": "another-bucket"},
    "acl added": {"acl": "public-read"},
    "metadata added": {"x-amz-meta-more": "1"},
    "encoding added": {"Content-Encoding": "gzip"},
    "disposition added": {"Content-Disposition": "attachment"},
    "caching added": {"Cache-Control": "max-age=1"},
    "expiry added": {"Expires": "Thu, 01 Jan 2099 00:00:00 GMT"},
    "redirect added": {"success_action_redirect": "https://foreign.test/"},
    "redirect by its old name added": {"redirect": "https://foreign.test/"},
    "storage class added": {"x-amz-storage-class": "STANDARD"},
    "encryption added": {"x-amz-server-side-encryption": "aws:kms"},
    "website redirect added": {"x-amz-website-redirect-location": "https://foreign.test/"},
    "copy source added": {"x-amz-copy-source": "other/key"},
    "unknown field added": {"whatever": "1"},
}


@pytest.mark.case(2, 3, 4, 5)
@pytest.mark.parametrize("changes", BROKEN.values(), ids=BROKEN)
def test_nothing_is_stored_when_a_condition_is_broken(place: Place, changes: Changes) -> None:
    assert_refused(place, send(place, fields_for(place, changes)))


@pytest.mark.parametrize(
    ("size", "stored"), [(4, False), (5, True), (MAX_BYTES, True), (MAX_BYTES + 1, False)]
)
def test_every_range_holds_when_the_policy_has_three(place: Place, size: int, stored: bool) -> None:
    """The first has the lowest maximum, the second the highest minimum, the last is wide."""
    fields = fields_for(place, more=[["content-length-range", low, 1000] for low in (5, 0)])

    answer = send(place, fields, b"x" * size)

    if stored:
        assert_stored(place, answer, b"x" * size)
    else:
        assert_refused(place, answer)


SIGNED = ("bucket", "x-amz-algorithm", "x-amz-credential", "x-amz-date")


@pytest.mark.case(3)
@pytest.mark.parametrize("field", [*SIGNED, *sorted(policy().fields)])
def test_nothing_is_stored_when_a_field_has_no_condition(place: Place, field: str) -> None:
    assert_refused(place, send(place, fields_for(place, without=field)))


MORE: dict[str, Condition] = {
    "for a field that is not there": ["starts-with", "$x-amz-meta-more", ""],
    "for another key": ["starts-with", "$key", "pending/8/"],
    "for another value": ["eq", "$x-amz-meta-owner", "8"],
    "for a field without its $": ["starts-with", "key", "pending/"],
    "for a size that is no number": ["content-length-range", "few", "many"],
}


@pytest.mark.parametrize("condition", MORE.values(), ids=MORE)
def test_nothing_is_stored_when_there_is_a_condition(place: Place, condition: Condition) -> None:
    assert_refused(place, send(place, fields_for(place, more=[condition])))


@pytest.mark.parametrize("types", ["text/html", "image/png,text/html", "image/png, text/html", ""])
def test_nothing_is_stored_when_a_listed_type_has_another_start(place: Place, types: str) -> None:
    start: list[Condition] = [["starts-with", "$Content-Type", "image/"]]
    fields = fields_for(place, {"Content-Type": types}, without="Content-Type", more=start)

    assert_refused(place, send(place, fields))


def test_nothing_is_stored_when_the_policy_is_for_another_bucket(place: Place) -> None:
    assert_refused(place, send(place, fields_for(place, bucket="another-bucket")))


def test_nothing_is_stored_when_the_filename_makes_the_key_another(place: Place) -> None:
    assert_refused(place, send(place, fields_for(place, covered={"key": "pending/${filename}"})))


@pytest.mark.parametrize(
    "changes", [{"key": "avatars/7/live.webp"}, {"acl": "public-read"}], ids=["key", "acl"]
)
def test_objects_stay_as_they_were_when_the_form_is_refused_for_its(
    place: Place, changes: Changes
) -> None:
    """A server that answers 403 and replaces the file all the same would fail here."""
    keys = ["avatars/7/live.webp", KEY]
    for key in keys:
        place.put(key, b"live")

    answer = send(place, fields_for(place, changes))

    assert answer.status in {400, 403}
    assert place.keys() == keys
    assert [place.body(key) for key in keys] == [b"live", b"live"]


# --- The signature ---


def _another_policy(place: Place) -> dict[str, str]:
    wider = signed_policy(place, expires_in=86400)
    return {**fields_for(place), "policy": signer().sign_policy(wider)["policy"]}


UNSIGNED: dict[str, Callable[[Place], dict[str, str]]] = {
    "policy exchanged": _another_policy,
    "policy left out": lambda place: fields_for(place, {"policy": None}),
    "policy no base64": lambda place: fields_for(place, {"policy": "*"}),
    "policy without an end": lambda place: fields_for(place, text='{"conditions": []}'),
    "policy without conditions": lambda place: fields_for(
        place, text='{"expiration": "2099-01-01T00:00:00Z"}'
    ),
    "signature empty": lambda place: fields_for(place, {"x-amz-signature": ""}),
    "signature left out": lambda place: fields_for(place, {"x-amz-signature": None}),
    "algorithm left out": lambda place: fields_for(place, {"x-amz-algorithm": None}),
    "credential left out": lambda place: fields_for(place, {"x-amz-credential": None}),
    "credential malformed": lambda place: fields_for(place, {"x-amz-credential": "AKIDTRIPHASE"}),
    "secret wrong": lambda place: fields_for(place, signer=signer(secret_key="another")),
    "region wrong": lambda place: fields_for(place, signer=signer(region="us-west-2")),
    "service wrong": lambda place: fields_for(place, signer=signer(service="dynamodb")),
    "date altered": lambda place: fields_for(
        place, {"x-amz-date": signer(at=datetime.now(UTC) - timedelta(days=1)).timestamp}
    ),
    "date left out": lambda place: fields_for(place, {"x-amz-date": None}),
    "anonymous": lambda place: {"key": KEY, "Content-Type": "image/png"},
}


@pytest.mark.case(6)
@pytest.mark.parametrize("made", UNSIGNED.values(), ids=UNSIGNED)
def test_nothing_is_stored_when_the_form_is_not_signed_as_it_should_be(
    place: Place, made: Callable[[Place], dict[str, str]]
) -> None:
    assert_refused(place, send(place, made(place)))


# --- The form ---


def _file_by_another_name(place: Place) -> Answer:
    return post(place, [*parts_of(fields_for(place), BODY)[:-1], Part("upload", BODY, "a.png")])


def _cut_short(place: Place) -> Answer:
    body, content_type = multipart(parts_of(fields_for(place), BODY))
    return place.request("POST", place.url, headers={"Content-Type": content_type}, body=body[:-60])


def _behind_the_file(place: Place, name: str) -> Answer:
    fields = fields_for(place)
    behind = Part(name, fields.pop(name).encode())
    return post(place, [*parts_of(fields, BODY), behind])


def _without_length(place: Place) -> Answer:
    body, content_type = multipart(parts_of(fields_for(place), BODY))
    headers = {"Content-Type": content_type}
    return place.http.request("POST", place.url, headers=headers, body=iter([body]), chunked=True)


def _no_form(place: Place) -> Answer:
    return place.request("POST", place.url, headers={"Content-Type": "image/png"}, body=BODY)


FORMS: dict[str, Callable[[Place], Answer]] = {
    "file by another name": _file_by_another_name,
    "cut short": _cut_short,
    "field behind the file": lambda place: _behind_the_file(place, "tagging"),
    "key behind the file": lambda place: _behind_the_file(place, "key"),
    "more than 20 KB before the file": lambda place: send(
        place, fields_for(place, {"x-ignore-me": "x" * 20_480})
    ),
    "without its length": _without_length,
    "no form at all": _no_form,
}


@pytest.mark.parametrize("posted", FORMS.values(), ids=FORMS)
def test_nothing_is_stored_when_the_form_is_not_whole(
    place: Place, posted: Callable[[Place], Answer]
) -> None:
    assert_refused(place, posted(place))


@pytest.mark.parametrize(
    "tagging", ["Status=Pending", "<Tagging/>", "<Tagging><TagSet><Tag/></TagSet></Tagging>"]
)
def test_nothing_is_stored_when_the_tags_are_not_what_s3_reads(place: Place, tagging: str) -> None:
    assert_refused(place, send(place, fields_for(place, covered={"tagging": tagging})))


def test_nothing_is_stored_when_there_are_eleven_tags(place: Place) -> None:
    tagging = tagging_xml({f"k{number}": "v" for number in range(11)})

    assert_refused(place, send(place, fields_for(place, covered={"tagging": tagging})))


def test_nothing_is_stored_when_the_acl_is_public_and_such_are_blocked(place: Place) -> None:
    place.s3.put_public_access_block(
        Bucket=place.name, PublicAccessBlockConfiguration={"BlockPublicAcls": True}
    )

    assert_refused(place, send(place, fields_for(place, covered={"acl": "public-read"})))


def test_nothing_is_stored_when_the_key_takes_more_than_1024_bytes(place: Place) -> None:
    assert_refused(place, send(place, fields_for(place, covered={"key": "x" * 1025})))


# --- How AWS names a refusal ---


def _without_file(place: Place) -> Answer:
    return post(place, parts_of(fields_for(place), BODY)[:-1])


def _another_signature(place: Place) -> dict[str, str]:
    fields = fields_for(place)
    last = "0" if fields["x-amz-signature"][-1] != "0" else "1"
    return {**fields, "x-amz-signature": fields["x-amz-signature"][:-1] + last}


def _to_a_bucket_that_is_gone(place: Place) -> Answer:
    place.s3.delete_bucket(Bucket=place.name)
    answer = send(place, fields_for(place))
    place.s3.create_bucket(Bucket=place.name)
    return answer


NAMED: dict[str, tuple[Callable[[Place], Answer], tuple[int, str]]] = {
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
    "to a bucket that is gone": (_to_a_bucket_that_is_gone, (404, "NoSuchBucket")),
}


@pytest.mark.case(1, 6)
@pytest.mark.parametrize(("posted", "refusal"), NAMED.values(), ids=NAMED)
def test_refusal_has_the_status_that_aws_documents_when_the_form_is(
    place: Place, posted: Callable[[Place], Answer], refusal: tuple[int, str]
) -> None:
    answer = posted(place)

    assert answer.status == refusal[0], answer.data
    assert place.keys() == []


@pytest.mark.parametrize(("posted", "refusal"), NAMED.values(), ids=NAMED)
def test_refusal_has_the_code_that_aws_documents_when_the_form_is(
    place: Place, posted: Callable[[Place], Answer], refusal: tuple[int, str]
) -> None:
    assert error_of(posted(place))[1] == refusal[1]
