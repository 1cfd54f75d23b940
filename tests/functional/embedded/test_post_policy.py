"""A form is stored only if its signed policy allows every part of it."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.functional.embedded.builders import (
    FIELDS,
    KEY,
    MAX_SIZE,
    PNG,
    TAGGING,
    Condition,
    Part,
    Place,
    Signer,
    conditions_for,
    detail_of,
    error_of,
    form,
    parts_of,
    policy_text,
    post,
)

FAILED = "Invalid according to Policy: Policy Condition failed: "
EXTRA = "Invalid according to Policy: Extra input fields: "
OTHER_TAGS = TAGGING.replace("Pending", "Kept")
REDIRECT = "http://evil.test/"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"key": "avatars/7/live.png"}, f'{FAILED}["eq", "$key", "{KEY}"]'),
        ({"key": f"{KEY}/"}, f'{FAILED}["eq", "$key", "{KEY}"]'),
        ({"key": "${filename}"}, f'{FAILED}["eq", "$key", "{KEY}"]'),
        ({"Content-Type": "text/html"}, f'{FAILED}["eq", "$Content-Type", "image/png"]'),
        ({"Content-Type": "image/svg+xml"}, f'{FAILED}["eq", "$Content-Type", "image/png"]'),
        ({"Content-Type": "image/png, text/html"}, f'{FAILED}["eq", "$Content-Type", "image/png"]'),
        ({"Content-Type": "text/html;image/png"}, f'{FAILED}["eq", "$Content-Type", "image/png"]'),
        ({"Content-Type": "Image/PNG"}, f'{FAILED}["eq", "$Content-Type", "image/png"]'),
        ({"Content-Type": None}, f'{FAILED}["eq", "$Content-Type", "image/png"]'),
        ({"tagging": OTHER_TAGS}, f'{FAILED}["eq", "$tagging", "{TAGGING}"]'),
        ({"tagging": None}, f'{FAILED}["eq", "$tagging", "{TAGGING}"]'),
        (
            {"tagging": None, "x-amz-tagging": "Status=Pending"},
            f'{FAILED}["eq", "$tagging", "{TAGGING}"]',
        ),
        ({"x-amz-tagging": "Status=Kept"}, f"{EXTRA}x-amz-tagging"),
        ({"x-amz-meta-owner": "8"}, f'{FAILED}["eq", "$x-amz-meta-owner", "7"]'),
        ({"x-amz-meta-other": "1"}, f"{EXTRA}x-amz-meta-other"),
        ({"acl": "public-read"}, f"{EXTRA}acl"),
        ({"Content-Encoding": "gzip"}, f"{EXTRA}content-encoding"),
        ({"Content-Disposition": "inline"}, f"{EXTRA}content-disposition"),
        ({"Cache-Control": "max-age=1"}, f"{EXTRA}cache-control"),
        ({"success_action_redirect": REDIRECT}, f"{EXTRA}success_action_redirect"),
        ({"redirect": REDIRECT}, f"{EXTRA}redirect"),
        ({"success_action_status": "201"}, f"{EXTRA}success_action_status"),
        ({"x-amz-storage-class": "GLACIER"}, f"{EXTRA}x-amz-storage-class"),
        ({"x-amz-copy-source": "other/key"}, f"{EXTRA}x-amz-copy-source"),
        ({"x-amz-security-token": "x"}, f"{EXTRA}x-amz-security-token"),
        ({"anything": ""}, f"{EXTRA}anything"),
    ],
    ids=str,
)
def test_form_is_refused_when_a_field_is_not_as_signed(
    place: Place, changes: Mapping[str, str | None], message: str
) -> None:
    response = post(place, parts_of(form(place, changes=changes)))

    status, code, text = error_of(response)
    assert (status, code, unescaped(text)) == (403, "AccessDenied", message)
    assert place.keys() == []


def test_object_is_unchanged_when_a_changed_form_is_refused(place: Place) -> None:
    """A server that answers 403 and replaces the file all the same would fail here."""
    assert post(place, parts_of(form(place))).status == 204

    response = post(place, parts_of(form(place, changes={"acl": "public-read"}), b"other"))

    assert response.status == 403
    assert place.body(KEY) == PNG


def test_form_is_stored_with_type_tags_and_metadata_when_all_is_as_signed(place: Place) -> None:
    response = post(place, parts_of(form(place)))

    assert (response.status, response.data) == (204, b"")
    head = place.head(KEY)
    assert (head["ContentType"], head["Metadata"]) == ("image/png", {"owner": "7"})
    assert place.tags(KEY) == {"Status": "Pending"}
    assert place.body(KEY) == PNG
    assert response.headers["ETag"] == head["ETag"]
    assert response.headers["Location"] == f"{place.url}/pending%2F7%2Fupload"


def test_form_is_stored_when_signed_by_boto3(place: Place) -> None:
    signed = place.s3.generate_presigned_post(
        place.name,
        KEY,
        Fields={"tagging": TAGGING, "Content-Type": "image/png"},
        Conditions=[
            ["eq", "$tagging", TAGGING],
            {"Content-Type": "image/png"},
            ["content-length-range", 1, MAX_SIZE],
        ],
    )

    response = place.http.request(
        "POST", signed["url"], fields={**signed["fields"], "file": ("a.png", PNG)}
    )

    assert response.status == 204
    assert place.tags(KEY) == {"Status": "Pending"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"policy": None}, "Bucket POST must contain a field named 'policy'."),
        ({"x-amz-signature": None}, "Bucket POST must contain a field named 'X-Amz-Signature'."),
        ({"x-amz-algorithm": None}, "Bucket POST must contain a field named 'X-Amz-Algorithm'."),
        ({"x-amz-credential": None}, "Bucket POST must contain a field named 'X-Amz-Credential'."),
        ({"x-amz-date": None}, "Bucket POST must contain a field named 'X-Amz-Date'."),
        ({"key": None}, "Bucket POST must contain a field named 'key'."),
        ({"key": ""}, "User key must have a length greater than 0."),
        ({"x-amz-algorithm": "AWS4-HMAC-SHA1"}, "X-Amz-Algorithm only supports"),
        ({"x-amz-date": "yesterday"}, "X-Amz-Date must be formated via ISO8601 Long format"),
        ({"x-amz-credential": "AKIDTRIPHASE"}, "the Credential is mal-formed;"),
        ({"x-amz-credential": "/20130728/eu-west-1/s3/aws4_request"}, "a non-empty Access Key"),
        ({"x-amz-date": "20130728T000000Z"}, "Invalid credential date"),
    ],
    ids=str,
)
def test_form_is_refused_when_a_field_of_the_signature_is_missing_or_wrong(
    place: Place, changed: Mapping[str, str | None], message: str
) -> None:
    response = post(place, parts_of(form(place, changes=changed)))

    status, code, text = error_of(response)
    assert (status, code) == (400, "InvalidArgument")
    assert text.startswith(message)
    assert place.keys() == []


@pytest.mark.parametrize(
    ("signed_with", "message"),
    [
        ({"region": "us-east-1"}, "the region 'us-east-1' is wrong; expecting 'eu-west-1'"),
        ({"service": "dynamodb"}, "incorrect service"),
    ],
    ids=["region", "service"],
)
def test_form_is_refused_when_signed_for_another_place(
    place: Place, signed_with: dict[str, Any], message: str
) -> None:
    signer = Signer(**signed_with)
    response = post(place, parts_of(form(place, signer=signer)))

    status, code, text = error_of(response)
    assert (status, code) == (400, "InvalidArgument")
    assert text.startswith(message)
    assert place.keys() == []


def test_form_is_refused_when_nobody_signed_it(place: Place) -> None:
    response = post(place, parts_of({"key": KEY}))

    assert error_of(response) == (403, "AccessDenied", "Access Denied")
    assert place.keys() == []


@pytest.mark.parametrize("field", ["AWSAccessKeyId", "signature"])
def test_form_is_refused_when_signed_with_version_2(place: Place, field: str) -> None:
    response = post(place, parts_of(form(place, changes={field: "x"})))

    assert error_of(response)[:2] == (400, "InvalidRequest")
    assert place.keys() == []


@pytest.mark.parametrize(
    ("signed_with", "code"),
    [
        ({"access_key": "AKIDSOMEBODY"}, "InvalidAccessKeyId"),
        ({"secret_key": "guessed"}, "SignatureDoesNotMatch"),
    ],
    ids=["access key", "secret key"],
)
def test_form_is_refused_when_signed_by_another(
    place: Place, signed_with: dict[str, Any], code: str
) -> None:
    signer = Signer(**signed_with)
    response = post(place, parts_of(form(place, signer=signer)))

    assert error_of(response)[:2] == (403, code)
    assert place.keys() == []


def test_form_is_refused_when_its_policy_was_tampered_with(place: Place) -> None:
    signer = Signer()
    loose = policy_text([["starts-with", "$key", ""], ["content-length-range", 0, 10**9]])
    forged = base64.b64encode(loose.encode()).decode()

    response = post(place, parts_of(form(place, signer=signer, changes={"policy": forged})))

    assert error_of(response)[:2] == (403, "SignatureDoesNotMatch")
    assert detail_of(response, "StringToSign") == forged
    assert place.keys() == []


@pytest.mark.parametrize("signature", ["", "0" * 64, "ü" * 64])
def test_form_is_refused_when_its_signature_was_tampered_with(place: Place, signature: str) -> None:
    response = post(place, parts_of(form(place, changes={"x-amz-signature": signature})))

    assert error_of(response)[:2] == (403, "SignatureDoesNotMatch")
    assert place.keys() == []


def test_form_is_refused_when_its_policy_has_expired(place: Place) -> None:
    response = post(place, parts_of(form(place, expires_in=-1)))

    expected = (403, "AccessDenied", "Invalid according to Policy: Policy expired.")
    assert error_of(response) == expected
    assert place.keys() == []


def test_form_is_refused_when_its_signature_is_a_week_old(place: Place) -> None:
    signer = Signer(at=datetime.now(UTC) - timedelta(days=7))

    response = post(place, parts_of(form(place, signer=signer)))

    expected = (403, "AccessDenied", "Invalid according to Policy: Policy expired.")
    assert error_of(response) == expected
    assert place.keys() == []


def test_form_is_stored_when_its_signature_is_nearly_a_week_old(place: Place) -> None:
    signer = Signer(at=datetime.now(UTC) - timedelta(days=6, hours=23))

    assert post(place, parts_of(form(place, signer=signer))).status == 204
    assert place.keys() == [KEY]


NO_CONDITIONS = policy_text([])
EXPIRATION = "2099-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("", "Invalid JSON."),
        ("{", "Invalid JSON."),
        ("[]", "Invalid JSON."),
        ("[" * 10_000, "Invalid JSON."),
        ('{"conditions": []}', "Policy missing expiration."),
        (f'{{"expiration": "{EXPIRATION}"}}', "Policy missing conditions."),
        (f'{{"EXPIRATION": "{EXPIRATION}", "conditions": []}}', "Unexpected: 'expiration'"),
        (
            NO_CONDITIONS.replace('"conditions": []', '"conditions": {}'),
            "Invalid 'conditions' value",
        ),
        (NO_CONDITIONS.replace("Z", "+02:00"), "Invalid 'expiration' value"),
        (NO_CONDITIONS.replace("T", " "), "Invalid 'expiration' value"),
        (NO_CONDITIONS.replace(EXPIRATION, "2026-13-01T00:00:00Z"), "Invalid 'expiration' value"),
        (policy_text([{}]), "Invalid Simple-Condition: Simple-Conditions must have exactly one"),
        (policy_text([{"key": 1}]), "Invalid Simple-Condition: value must be a string."),
        (policy_text([[]]), "Invalid Condition: missing operation identifier."),
        (policy_text([["in", "$key", "a"]]), "Invalid Condition: unknown operation 'in'."),
        (policy_text([["eq", "$key"]]), "Invalid eq: wrong number of arguments."),
        (policy_text([["content-length-range", 1]]), "Invalid content-length-range: wrong number"),
        (policy_text([["content-length-range", -1, 1]]), "Invalid content-length-range: bounds"),
        (policy_text([["content-length-range", 0, 5.0]]), "Invalid JSON."),
        (
            NO_CONDITIONS.replace("[]", '["eq"]'),
            "Invalid condition test: must be a List or Object.",
        ),
    ],
)
def test_form_is_refused_when_its_signed_policy_is_no_policy(
    place: Place, policy: str, reason: str
) -> None:
    response = post(place, parts_of(form(place, policy=policy)))

    status, code, message = error_of(response)
    assert (status, code) == (400, "InvalidPolicyDocument")
    assert message.startswith(f"Invalid Policy: {reason}")
    assert place.keys() == []


@pytest.mark.parametrize("encoded", ["%%%", "abc", "/w=="], ids=["alphabet", "padding", "UTF-8"])
def test_form_is_refused_when_its_signed_policy_is_not_base64_of_text(
    place: Place, encoded: str
) -> None:
    fields = {**FIELDS, **Signer().sign_encoded(encoded)}

    response = post(place, parts_of(fields))

    assert error_of(response)[:2] == (400, "InvalidPolicyDocument")
    assert place.keys() == []


def test_form_is_refused_when_posted_to_another_bucket(place: Place) -> None:
    other = f"{place.name}-other"
    signer = Signer()
    conditions = conditions_for(other, FIELDS, signer)

    response = post(place, parts_of(form(place, conditions=conditions, signer=signer)))

    status, code, text = error_of(response)
    assert (status, code) == (403, "AccessDenied")
    assert unescaped(text) == f'{FAILED}["eq", "$bucket", "{other}"]'
    assert place.keys() == []


def test_form_is_refused_when_its_bucket_field_is_another(place: Place) -> None:
    response = post(place, parts_of(form(place, changes={"bucket": "another"})))

    assert error_of(response)[:2] == (403, "AccessDenied")
    assert place.keys() == []


def test_form_is_refused_when_its_policy_names_no_bucket(place: Place) -> None:
    signer = Signer()
    conditions = conditions_for(place.name, FIELDS, signer)[1:]

    response = post(place, parts_of(form(place, conditions=conditions, signer=signer)))

    assert error_of(response) == (403, "AccessDenied", f"{EXTRA}bucket")
    assert place.keys() == []


def test_form_is_refused_when_the_bucket_does_not_exist(place: Place) -> None:
    place.s3.delete_bucket(Bucket=place.name)

    assert error_of(post(place, parts_of(form(place))))[:2] == (404, "NoSuchBucket")


def test_form_is_stored_when_it_repeats_the_right_bucket(place: Place) -> None:
    """AWS's JavaScript SDK sends the field ``bucket``."""
    assert post(place, parts_of(form(place, changes={"bucket": place.name}))).status == 204
    assert place.keys() == [KEY]


@pytest.mark.parametrize(
    ("condition", "fields"),
    [
        (["starts-with", "$key", "pending/8/"], {}),
        (["starts-with", "$acl", ""], {}),
        (["starts-with", "key", "pending/"], {}),
        (["eq", "$x-amz-meta-owner", "8"], {}),
        (["content-length-range", "few", "many"], {}),
    ],
    ids=str,
)
def test_form_is_refused_when_one_more_condition_fails(
    place: Place, condition: Condition, fields: dict[str, str]
) -> None:
    response = post(place, parts_of(form(place, changes=fields, more_conditions=[condition])))

    status, code, text = error_of(response)
    assert (status, code) == (403, "AccessDenied")
    assert unescaped(text) == f"{FAILED}{json.dumps(condition)}"
    assert place.keys() == []


@pytest.mark.parametrize(
    ("condition", "fields"),
    [
        (["starts-with", "$key", "pending/7/"], {}),
        (["StArTs-WiTh", "$KEY", ""], {}),
        (["starts-with", "$acl", ""], {"acl": "private"}),
        ({"ACL": "private"}, {"Acl": "private"}),
        (["starts-with", "$x-amz-meta-note", ""], {"X-Amz-Meta-Note": "anything"}),
        (["content-length-range", "0", "1000"], {}),
    ],
    ids=str,
)
def test_form_is_stored_when_one_more_condition_holds(
    place: Place, condition: Condition, fields: dict[str, str]
) -> None:
    response = post(place, parts_of(form(place, changes=fields, more_conditions=[condition])))

    assert response.status == 204
    assert place.keys() == [KEY]


def test_form_is_stored_when_its_fields_are_written_in_capitals(place: Place) -> None:
    fields = {name.upper(): value for name, value in form(place).items()}

    assert post(place, parts_of(fields)).status == 204
    assert place.tags(KEY) == {"Status": "Pending"}


def test_form_is_stored_when_an_extra_field_asks_to_be_ignored(place: Place) -> None:
    assert post(place, parts_of(form(place, changes={"x-ignore-me": "1"}))).status == 204
    assert place.head(KEY)["Metadata"] == {"owner": "7"}


def test_token_of_session_credentials_is_checked_like_any_field(place: Place) -> None:
    condition: Any = {"x-amz-security-token": "session"}
    wrong = form(place, changes={"x-amz-security-token": "x"}, more_conditions=[condition])
    right = form(place, changes={"x-amz-security-token": "session"}, more_conditions=[condition])

    assert post(place, parts_of(wrong)).status == 403
    assert place.keys() == []
    assert post(place, parts_of(right)).status == 204


TYPES: list[Condition] = [["starts-with", "$Content-Type", "image/"]]


@pytest.mark.parametrize("types", ["text/html", "image/png,text/html", "image/png, text/html", ""])
def test_form_is_refused_when_one_of_its_listed_types_has_another_start(
    place: Place, types: str
) -> None:
    assert post(place, parts_of(typed_form(place, types))).status == 403
    assert place.keys() == []


@pytest.mark.parametrize("types", ["image/png", "image/jpg,image/png,image/gif"])
def test_form_is_stored_when_all_its_listed_types_have_the_start(place: Place, types: str) -> None:
    assert post(place, parts_of(typed_form(place, types))).status == 204
    assert place.head(KEY)["ContentType"] == types


def typed_form(place: Place, types: str) -> dict[str, str]:
    signed = {name: value for name, value in FIELDS.items() if name != "Content-Type"}
    return form(place, signed=signed, more_conditions=TYPES, changes={"Content-Type": types})


@pytest.mark.parametrize(
    ("filename", "key"),
    [
        ("a.png", "pending/a.png"),
        ("C:/Program Files/a.png", "pending/a.png"),
        ("../../avatars/a.png", "pending/a.png"),
        ("", "pending/"),
        (None, "pending/${filename}"),
    ],
)
def test_filename_is_put_into_the_key_when_the_policy_leaves_its_end_open(
    place: Place, filename: str | None, key: str
) -> None:
    signed = {name: value for name, value in FIELDS.items() if name != "key"}
    fields = form(
        place,
        signed=signed,
        more_conditions=[["starts-with", "$key", "pending/"]],
        changes={"key": "pending/${filename}"},
    )

    assert post(place, parts_of(fields, filename=filename)).status == 204
    assert place.keys() == [key]


def test_form_is_refused_when_the_filename_makes_the_key_another(place: Place) -> None:
    """Conditions apply to the key with ``${filename}`` replaced."""
    fields = form(place, signed={**FIELDS, "key": "pending/${filename}"})

    assert post(place, parts_of(fields)).status == 403
    assert place.keys() == []


@pytest.mark.parametrize(
    ("name", "values"), [("key", (KEY, KEY)), ("Content-Type", ("image/png", "text/html"))]
)
def test_form_is_refused_when_a_field_is_sent_twice(
    place: Place, name: str, values: tuple[str, str]
) -> None:
    fields = form(place, changes={name: None})
    twice = [Part(name, value.encode()) for value in values]

    response = post(place, [*twice, *parts_of(fields)])

    assert error_of(response)[:2] == (400, "InvalidRequest")
    assert place.keys() == []


def test_repeated_metadata_is_joined_when_the_policy_says_so(place: Place) -> None:
    signed = {**FIELDS, "x-amz-meta-tag": "Ninja,Stallman"}
    fields = form(place, signed=signed, changes={"x-amz-meta-tag": None})
    twice = [Part("x-amz-meta-tag", b"Ninja"), Part("x-amz-meta-tag", b"Stallman")]

    assert post(place, [*twice, *parts_of(fields)]).status == 204
    assert place.head(KEY)["Metadata"]["tag"] == "Ninja,Stallman"


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
