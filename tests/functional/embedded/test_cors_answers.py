"""A page of another origin can read only what the bucket's rules allow."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.functional.embedded.builders import (
    KEY,
    ORIGIN,
    PNG,
    Place,
    Signer,
    error_of,
    form,
    parts_of,
    post,
)

OTHER = "http://evil.test"


def preflight(place: Place, url: str = "", **headers: str) -> Any:
    asked = {
        "Origin": headers.get("origin", ORIGIN),
        "Access-Control-Request-Method": headers.get("method", "POST"),
        "Access-Control-Request-Headers": headers.get("headers", ""),
    }
    sent = {name: value for name, value in asked.items() if value}
    return place.request("OPTIONS", url or place.url, headers=sent)


def cors_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name.lower(): value
        for name, value in headers.items()
        if name.lower().startswith("access-control-")
    }


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        ({"origin": OTHER}, {}),
        ({"origin": f"{ORIGIN}.evil.test"}, {}),
        ({"origin": "http://PAGE.test:8000"}, {}),
        ({"method": "PUT"}, {}),
        ({"headers": "content-type"}, {}),
        ({"headers": "x-amz-tagging"}, {"AllowedHeaders": ["content-type"]}),
    ],
    ids=str,
)
def test_preflight_is_refused_when_no_rule_matches(
    place: Place, asked: dict[str, str], rule: dict[str, Any]
) -> None:
    place.allow(**rule)

    response = preflight(place, **asked)

    status, code, message = error_of(response)
    assert (status, code) == (403, "AccessForbidden")
    assert message.startswith("CORSResponse: This CORS request is not allowed.")
    assert cors_headers(response.headers) == {}


def test_preflight_is_refused_when_the_bucket_has_no_rules(place: Place) -> None:
    message = "CORSResponse: CORS is not enabled for this bucket."

    assert error_of(preflight(place)) == (403, "AccessForbidden", message)


def test_preflight_is_refused_when_there_is_no_bucket(place: Place) -> None:
    response = preflight(place, f"{place.endpoint}/none-such")

    assert error_of(response) == (403, "AccessForbidden", "CORSResponse: Bucket not found")


@pytest.mark.parametrize("asked", [{"origin": ""}, {"method": ""}, {"method": "PATCH"}], ids=str)
def test_preflight_is_refused_when_it_is_none(place: Place, asked: dict[str, str]) -> None:
    place.allow()

    assert error_of(preflight(place, **asked))[:2] == (400, "BadRequest")


def test_preflight_is_answered_by_the_first_matching_rule(place: Place) -> None:
    configuration: Any = {
        "CORSRules": [
            {"AllowedOrigins": [OTHER], "AllowedMethods": ["PUT"], "MaxAgeSeconds": 1},
            {
                "AllowedOrigins": ["http://page.*"],
                "AllowedMethods": ["PUT", "POST"],
                "AllowedHeaders": ["X-Amz-*", "content-type"],
                "ExposeHeaders": ["ETag", "Location"],
                "MaxAgeSeconds": 600,
            },
            {"AllowedOrigins": ["*"], "AllowedMethods": ["PUT"], "AllowedHeaders": ["*"]},
        ]
    }
    place.s3.put_bucket_cors(Bucket=place.name, CORSConfiguration=configuration)

    response = preflight(
        place, place.object_url(KEY), method="PUT", headers="Content-Type, x-amz-tagging"
    )

    assert (response.status, response.data) == (200, b"")
    assert cors_headers(response.headers) == {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-methods": "PUT, POST",
        "access-control-allow-headers": "content-type, x-amz-tagging",
        "access-control-expose-headers": "ETag, Location",
        "access-control-max-age": "600",
        "access-control-allow-credentials": "true",
    }
    assert "Origin" in response.headers["Vary"]


@pytest.mark.parametrize("origin", ["", OTHER])
def test_upload_is_stored_without_cors_headers_when_no_rule_matches(
    place: Place, origin: str
) -> None:
    """CORS limits what a page may read; the policy limits what is stored."""
    place.allow()

    response = post(place, parts_of(form(place)), headers={"Origin": origin} if origin else {})

    assert response.status == 204
    assert cors_headers(response.headers) == {}
    assert place.keys() == [KEY]


def test_upload_is_readable_when_a_rule_matches(place: Place) -> None:
    place.allow(ExposeHeaders=["ETag"])

    response = post(place, parts_of(form(place)), headers={"Origin": ORIGIN})

    assert response.status == 204
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert response.headers["Access-Control-Expose-Headers"] == "ETag"
    assert response.headers["Access-Control-Allow-Credentials"] == "true"


def test_credentials_are_not_allowed_when_every_origin_is(place: Place) -> None:
    place.allow(AllowedOrigins=["*"])

    response = post(place, parts_of(form(place)), headers={"Origin": ORIGIN})

    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(
    ("fields", "file"),
    [({"acl": "public-read"}, PNG), ({}, b""), ({}, b"x" * 1000), ({"policy": "x"}, PNG)],
    ids=["policy", "small", "large", "signature"],
)
def test_refusal_is_readable_when_a_rule_matches(
    place: Place, fields: dict[str, str | None], file: bytes
) -> None:
    place.allow()

    response = post(place, parts_of(form(place, changes=fields), file), headers={"Origin": ORIGIN})

    assert response.status in {400, 403}
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert place.keys() == []


def test_answers_have_no_cors_headers_when_the_bucket_has_no_rules(place: Place) -> None:
    place.put(KEY)

    response = place.request(
        "GET", Signer().presign("GET", place.object_url(KEY)), headers={"Origin": ORIGIN}
    )

    assert response.data == PNG
    assert cors_headers(response.headers) == {}


def test_rules_of_one_bucket_are_not_those_of_another(place: Place) -> None:
    place.allow(AllowedMethods=["GET"])
    other = f"{place.name}-x"
    place.s3.create_bucket(
        Bucket=other, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    url = Signer().presign("GET", f"{place.endpoint}/{other}")

    response = place.request("GET", url, headers={"Origin": ORIGIN})

    assert response.status == 200
    assert cors_headers(response.headers) == {}


def test_missing_object_is_readable_when_a_rule_matches(place: Place) -> None:
    place.allow(AllowedMethods=["GET"])

    response = place.request(
        "GET", Signer().presign("GET", place.object_url(KEY)), headers={"Origin": ORIGIN}
    )

    assert error_of(response)[:2] == (404, "NoSuchKey")
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
