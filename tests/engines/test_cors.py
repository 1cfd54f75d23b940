"""Pages of other origins"""

from typing import Any

import pytest

from aws.bucket import S3Bucket
from tests.engines.conftest import ORIGIN
from tests.engines.forms import KEY, fields_for, send
from tests.functional.embedded.builders import Place, multipart, parts_of
from uploads.provisioning import bucket_features

FOREIGN = "https://foreign.test"


@pytest.fixture
def shared(place: Place, gateway: S3Bucket) -> Place:
    """Return a bucket with the rules that ``provision`` gives it."""
    next(one for one in bucket_features(place.name) if one.name == "CORS").make()
    return place


def preflight(place: Place, *, origin: str, method: str, headers: str = "") -> Any:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    asked |= {"Access-Control-Request-Headers": headers} if headers else {}
    return place.request("OPTIONS", place.object_url(KEY), headers=asked)


def posted(place: Place, fields: dict[str, str], origin: str) -> Any:
    body, content_type = multipart(parts_of(fields))
    headers = {"Content-Type": content_type, "Origin": origin}
    return place.request("POST", place.url, headers=headers, body=body)


@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "HEAD"])
def test_preflight_is_granted_when_the_site_asks_to(shared: Place, method: str) -> None:
    answer = preflight(shared, origin=ORIGIN, method=method)

    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert method in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Max-Age"] == "3600"
    assert "Origin" in answer.headers["Vary"]


def test_preflight_grants_headers_when_the_site_asks_for_them(shared: Place) -> None:
    asked = ["content-type", "if-none-match", "x-amz-tagging"]
    asked += ["x-amz-meta-name", "x-amz-meta-owner", "x-amz-meta-size"]

    answer = preflight(shared, origin=ORIGIN, method="PUT", headers=",".join(asked))

    granted = answer.headers["Access-Control-Allow-Headers"].lower().replace(" ", "")
    assert answer.status == 200
    assert set(granted.split(",")) == set(asked)


@pytest.mark.parametrize(
    ("origin", "method"),
    [(FOREIGN, "POST"), (f"{ORIGIN}.foreign.test", "POST"), ("null", "POST"), (ORIGIN, "DELETE")],
    ids=[
        "a foreign page asks",
        "a longer origin asks",
        "no origin asks",
        "the site asks to DELETE",
    ],
)
def test_preflight_is_refused_when(shared: Place, origin: str, method: str) -> None:
    answer = preflight(shared, origin=origin, method=method)

    assert answer.status == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_preflight_is_refused_when_the_bucket_has_no_rules(place: Place) -> None:
    answer = preflight(place, origin=ORIGIN, method="POST")

    assert answer.status == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_site_may_read_the_answer_when_it_posted(shared: Place) -> None:
    answer = posted(shared, fields_for(shared), ORIGIN)

    assert answer.status == 201
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("what", ["object", "part"])
def test_site_may_read_the_etag_when_it_put_an(shared: Place, what: str) -> None:
    params: Any = {"Bucket": shared.name, "Key": KEY}
    if what == "part":
        params["UploadId"] = shared.s3.create_multipart_upload(**params)["UploadId"]
        params["PartNumber"] = 1
    operation = "upload_part" if what == "part" else "put_object"
    url = shared.s3.generate_presigned_url(operation, params)

    answer = shared.request("PUT", url, headers={"Origin": ORIGIN}, body=b"x")

    assert answer.status == 200
    assert answer.headers["ETag"] == '"9dd4e461268c8034f5c8564e155c67a6"'
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]


def test_site_may_read_the_refusal_when_its_form_was_refused(shared: Place) -> None:
    answer = posted(shared, fields_for(shared, {"acl": "public-read"}), ORIGIN)

    assert answer.status == 403
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize("origin", [FOREIGN, "null"])
def test_page_may_not_read_the_answer_when_it_is_foreign(shared: Place, origin: str) -> None:
    """The form is good, so the file is stored: CORS protects answers, not buckets."""
    answer = posted(shared, fields_for(shared), origin)

    assert answer.status == 201
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_site_may_read_an_object_when_its_url_is_presigned(shared: Place) -> None:
    send(shared, fields_for(shared))
    url = shared.s3.generate_presigned_url("get_object", {"Bucket": shared.name, "Key": KEY})

    mine = shared.request("GET", url, headers={"Origin": ORIGIN})
    foreign = shared.request("GET", url, headers={"Origin": FOREIGN})

    assert (mine.status, foreign.status) == (200, 200)
    assert mine.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Origin" not in foreign.headers
