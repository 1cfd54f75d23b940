"""The location of static files from the environment, and the CSP that lets pages load them."""

import json
from pathlib import Path

from tests.unit.test_environment import PRODUCTION, settings_with
from tests.unit.test_origins import FIPS, region, results, store

CASES: list[tuple[dict[str, str], str, str]] = [
    ({}, "", "https://files.s3.amazonaws.com/"),
    (region("eu-west-1"), "", "https://files.s3.eu-west-1.amazonaws.com/"),
    (region("cn-north-1"), "", "https://files.s3.cn-north-1.amazonaws.com.cn/"),
    (FIPS, "", "https://files.s3-fips.us-east-1.amazonaws.com/"),
    (
        {"AWS_STATIC_BUCKET_NAME": "my.files"} | region("eu-west-1"),
        "",
        "https://s3.eu-west-1.amazonaws.com/my.files/",
    ),
    (store("https://s3.example"), "", "https://s3.example/files/"),
    ({"AWS_STATIC_CUSTOM_DOMAIN": "cdn.example"}, "", "https://cdn.example/"),
    (
        store("http://store:7480")
        | {
            "AWS_S3_PUBLIC_ENDPOINT_URL": "https://store.example",
            "AWS_S3_ADDRESSING_STYLE": "virtual",
        },
        "",
        "https://files.store.example/",
    ),
]


def test_static_files_come_from_their_bucket_and_pages_may_load_them(tmp_path: Path) -> None:
    found = results(CASES, tmp_path, AWS_STATIC_BUCKET_NAME="files")

    for case, result in zip(CASES, found, strict=True):
        assert result["static"] == case[2], case
        for kind in ("script-src", "style-src", "font-src", "img-src"):
            assert result["policy"][kind][:2] == ["'self'", case[2]], case
        assert case[2] not in result["policy"]["connect-src"], case


def test_static_files_have_a_storage_of_their_own_where_there_is_a_bucket_for_them() -> None:
    names = ("STATICFILES_BACKEND", "MIDDLEWARE")
    variables = PRODUCTION | {"AWS_STATIC_BUCKET_NAME": "files"}

    backend, middleware = settings_with(*names, **variables)

    assert backend == "config.static.S3StaticFiles"
    assert "whitenoise" not in json.dumps(middleware)


def test_static_files_come_from_the_process_unless_there_is_a_bucket_for_them() -> None:
    names = ("STATIC_URL", "STATICFILES_BACKEND", "MIDDLEWARE")

    url, backend, middleware = settings_with(*names, **PRODUCTION)

    assert (url, backend) == ("/static/", "config.static.StaticFiles")
    assert "whitenoise.middleware.WhiteNoiseMiddleware" in json.dumps(middleware)
