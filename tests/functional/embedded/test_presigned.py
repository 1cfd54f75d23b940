"""A presigned URL is valid for the request it was signed for, until it expires."""

import http.client
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.functional.embedded.builders import KEY, PNG, Place, Signer, detail_of, error_of

STRANGE_KEYS = ["a b", "a+b", "a%20b", "100%", "ünï/日本", "(a)!*'~", "/leading", "a//b", "a/../b"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_request_is_refused_when_its_url_is_not_signed(place: Place, method: str) -> None:
    place.put(KEY)

    response = place.request(
        method, place.object_url(KEY), body=b"new" if method == "PUT" else None
    )

    assert response.status == 403
    assert response.data == b"" or error_of(response)[1] == "AccessDenied"
    assert place.body(KEY) == PNG


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_request_is_refused_when_its_url_was_signed_for_another_method(
    place: Place, method: str
) -> None:
    place.put(KEY)
    url = Signer().presign("POST", place.object_url(KEY))

    response = place.request(method, url, body=b"new" if method == "PUT" else None)

    assert response.status == 403
    assert response.data == b"" or error_of(response)[1] == "SignatureDoesNotMatch"
    assert place.body(KEY) == PNG


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pending/7/upload", "avatars/7/live"),
        ("X-Amz-Expires=600", "X-Amz-Expires=6000"),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
        ("?", "?acl&"),
        ("?", "?response-content-type=text%2Fhtml&"),
        ("?", "?versionId=1&"),
        ("?", "?x-amz-meta-owner=8&"),
    ],
)
def test_request_is_refused_when_its_url_was_changed(
    place: Place, method: str, old: str, new: str
) -> None:
    place.put(KEY)
    place.put("avatars/7/live")
    url = Signer().presign(method, place.object_url(KEY)).replace(old, new)

    response = place.request(method, url, body=b"new" if method == "PUT" else None)

    assert error_of(response)[:2] == (403, "SignatureDoesNotMatch")
    assert (place.body(KEY), place.body("avatars/7/live")) == (PNG, PNG)


def url_by(place: Place, *, expires: str = "600", age: float = 0, **signer: Any) -> str:
    """Return a URL for a PUT that was signed ``age`` seconds ago."""
    at = datetime.now(UTC) - timedelta(seconds=age)
    return Signer(at=at, **signer).presign("PUT", place.object_url(KEY), expires=expires)


def changed(old: str, new: str) -> Callable[[Place], str]:
    """Return a maker of a URL in which ``old`` was replaced after it was signed."""
    return lambda place: url_by(place).replace(old, new)


PARAMETERS = "400 AuthorizationQueryParametersError: "
CREDENTIAL = f"{PARAMETERS}Error parsing the X-Amz-Credential parameter; "
REFUSED: dict[str, tuple[Callable[[Place], str], str]] = {
    "another access key": (
        lambda place: url_by(place, access_key="AKID"),
        "403 InvalidAccessKeyId",
    ),
    "another secret": (lambda place: url_by(place, secret_key="x"), "403 SignatureDoesNotMatch"),
    "another region": (
        lambda place: url_by(place, region="us-east-1"),
        f"{CREDENTIAL}the region 'us-east-1' is wrong; expecting 'eu-west-1'",
    ),
    "another service": (
        lambda place: url_by(place, service="dynamodb"),
        f"{CREDENTIAL}incorrect service",
    ),
    "no access key": (
        lambda place: url_by(place, access_key=""),
        f"{CREDENTIAL}a non-empty Access Key",
    ),
    "expired": (lambda place: url_by(place, age=601), "403 AccessDenied: Request has expired"),
    "of the future": (
        lambda place: url_by(place, age=-16 * 60),
        "403 AccessDenied: Request is not yet valid",
    ),
    "host not signed": (
        changed("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=date"),
        "403 AccessDenied",
    ),
    "version 2": (
        lambda place: f"{place.object_url(KEY)}?AWSAccessKeyId=AKID&Signature=x&Expires=9999999999",
        "400 InvalidRequest",
    ),
    "date malformed": (changed("X-Amz-Date=2", "X-Amz-Date=x2"), PARAMETERS),
    "date of another day": (changed("X-Amz-Date=20", "X-Amz-Date=19"), PARAMETERS),
    "another algorithm": (changed("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), PARAMETERS),
    "another end": (changed("aws4_request", "aws5_request"), PARAMETERS),
    **{
        f"no {name}": (changed(f"X-Amz-{name}=", "X-Ignored="), PARAMETERS)
        for name in ("Algorithm", "Credential", "Signature", "Date", "SignedHeaders", "Expires")
    },
    **{
        f"for {expires} seconds": (partial(url_by, expires=expires), PARAMETERS)
        for expires in ("0", "-1", "604801", "soon", "", "1.5", "9" * 30)
    },
}


@pytest.mark.parametrize(("made", "refusal"), REFUSED.values(), ids=REFUSED)
def test_nothing_is_put_when_the_url_is_signed(
    place: Place, made: Callable[[Place], str], refusal: str
) -> None:
    response = place.request("PUT", made(place), body=PNG)

    status, code, message = error_of(response)
    assert f"{status} {code}: {message}".startswith(refusal)
    assert place.keys() == []


def test_refusal_tells_the_times_when_the_url_has_expired(place: Place) -> None:
    response = place.request("PUT", url_by(place, age=6000), body=PNG)

    assert detail_of(response, "X-Amz-Expires") == "600"
    assert detail_of(response, "Expires").endswith("Z")


def test_url_is_good_for_a_week_when_signed_for_one(place: Place) -> None:
    url = url_by(place, age=604800 - 3600, expires="604800")

    assert place.request("PUT", url, body=PNG).status == 200
    assert place.body(KEY) == PNG


@pytest.mark.parametrize(
    "header",
    ["x-amz-tagging", "x-amz-acl", "x-amz-meta-owner", "x-amz-copy-source", "X-Amz-Storage-Class"],
)
def test_put_is_refused_when_a_header_of_amazon_is_not_signed(place: Place, header: str) -> None:
    url = Signer().presign("PUT", place.object_url(KEY))

    response = place.request("PUT", url, body=PNG, headers={header: "x"})

    status, code, message = error_of(response)
    assert (status, code) == (403, "AccessDenied")
    assert message == "There were headers present in the request which were not signed"
    assert detail_of(response, "HeadersNotSigned") == header.lower()
    assert place.keys() == []


@pytest.mark.parametrize("sent", [{}, {"x-amz-tagging": "Status=Kept"}], ids=["absent", "changed"])
def test_put_is_refused_when_a_signed_header_is_not_as_signed(
    place: Place, sent: Mapping[str, str]
) -> None:
    url = Signer().presign(
        "PUT", place.object_url(KEY), headers={"x-amz-tagging": "Status=Pending"}
    )

    response = place.request("PUT", url, body=PNG, headers=sent)

    assert error_of(response)[:2] == (403, "SignatureDoesNotMatch")
    assert place.keys() == []


def test_url_is_refused_when_sent_with_an_authorization_header(place: Place) -> None:
    url = Signer().presign("PUT", place.object_url(KEY))

    response = place.request("PUT", url, body=PNG, headers={"Authorization": "AWS4-HMAC-SHA256"})

    assert error_of(response)[:2] == (400, "InvalidArgument")
    assert place.keys() == []


def test_form_is_refused_when_its_url_is_presigned(place: Place) -> None:
    """moto by itself would store the form without checking a policy."""
    url = Signer().presign("POST", place.url)

    response = place.http.request("POST", url, fields={"key": KEY, "file": ("a.png", PNG)})

    assert error_of(response)[:2] == (405, "MethodNotAllowed")
    assert place.keys() == []


def test_account_is_not_chosen_by_a_header_when_moto_would_let_it(place: Place) -> None:
    url = Signer().presign("PUT", place.object_url(KEY))

    response = place.request("PUT", url, body=PNG, headers={"x-moto-account-id": "000000000001"})

    assert response.status == 200
    assert place.keys() == [KEY]


@pytest.mark.parametrize("key", STRANGE_KEYS)
def test_put_and_get_work_when_signed_by_hand(place: Place, key: str) -> None:
    """``http.client`` sends a URL unchanged; other clients resolve ``..`` and re-encode."""
    signer = Signer()
    url = place.object_url(key)
    connection = http.client.HTTPConnection(urlsplit(place.endpoint).netloc)

    connection.request("PUT", signer.presign("PUT", url)[len(place.endpoint) :], PNG)
    put = connection.getresponse()
    assert (put.status, put.read()) == (200, b"")
    connection.request("GET", signer.presign("GET", url)[len(place.endpoint) :])
    got = connection.getresponse()
    assert (got.status, got.read()) == (200, PNG)

    connection.close()
    assert place.keys() == [key]


@pytest.mark.parametrize("key", [key for key in STRANGE_KEYS if ".." not in key])
def test_put_and_get_work_when_signed_by_boto3(place: Place, key: str) -> None:
    params: Any = {"Bucket": place.name, "Key": key}
    put_url = place.s3.generate_presigned_url("put_object", Params=params)
    get_url = place.s3.generate_presigned_url("get_object", Params=params)

    assert place.request("PUT", put_url, body=PNG).status == 200
    assert place.keys() == [key]
    assert place.request("GET", get_url).data == PNG


def test_head_and_delete_work_when_signed(place: Place) -> None:
    place.put(KEY)
    params: Any = {"Bucket": place.name, "Key": KEY}

    head = place.request("HEAD", place.s3.generate_presigned_url("head_object", Params=params))
    deleted = place.request(
        "DELETE", place.s3.generate_presigned_url("delete_object", Params=params)
    )

    assert (head.status, head.headers["Content-Length"], head.data) == (200, str(len(PNG)), b"")
    assert deleted.status == 204
    assert place.keys() == []


def test_put_stores_headers_when_they_are_signed(place: Place) -> None:
    headers = {"x-amz-tagging": "Status=Pending", "x-amz-meta-owner": "7", "if-none-match": "*"}
    url = Signer().presign("PUT", place.object_url(KEY), headers=headers)

    first = place.request("PUT", url, body=PNG, headers={**headers, "Content-Type": "image/png"})
    second = place.request("PUT", url, body=b"other", headers=headers)

    assert first.status == 200
    assert error_of(second)[:2] == (412, "PreconditionFailed")
    assert place.body(KEY) == PNG
    assert place.tags(KEY) == {"Status": "Pending"}
    assert place.head(KEY)["Metadata"] == {"owner": "7"}
    assert place.head(KEY)["ContentType"] == "image/png"


def test_body_is_kept_whole_when_its_type_is_a_form(place: Place) -> None:
    url = Signer().presign("PUT", place.object_url(KEY))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    assert place.request("PUT", url, body=b"key=a&file=b", headers=headers).status == 200
    assert place.body(KEY) == b"key=a&file=b"


def test_answer_is_given_the_headers_that_the_url_was_signed_with(place: Place) -> None:
    place.put(KEY)
    disposition = "attachment; filename=\"a b.png\"; filename*=UTF-8''%C3%BC+.png"
    params: Any = {
        "Bucket": place.name,
        "Key": KEY,
        "ResponseContentDisposition": disposition,
        "ResponseContentType": "application/octet-stream",
    }

    response = place.request("GET", place.s3.generate_presigned_url("get_object", Params=params))

    assert response.headers["Content-Disposition"] == disposition
    assert response.headers["Content-Type"] == "application/octet-stream"


def test_error_is_empty_when_the_method_is_head(place: Place) -> None:
    response = place.request("HEAD", place.object_url(KEY))

    assert (response.status, response.data) == (403, b"")
