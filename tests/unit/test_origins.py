"""The Content-Security-Policy and the location of static files against URLs that the SDK signs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.unit.test_environment import PRODUCTION, ROOT

Case = tuple[dict[str, str], str, str]  # variables, the profile, where the bucket is
ACCELERATED = "[default]\ns3 =\n  use_accelerate_endpoint = true\n"
STORE = "[default]\nendpoint_url = https://store.example:8443\n"
STORE_OF_S3 = (
    "[default]\nservices = ours\n[services ours]\ns3 =\n  endpoint_url = https://s3.example\n"
)
DOTTED = {"AWS_STORAGE_BUCKET_NAME": "my.dotted.bucket"}
VIRTUAL = {"AWS_S3_ADDRESSING_STYLE": "virtual"}
PATH = {"AWS_S3_ADDRESSING_STYLE": "path"}
FIPS = {"AWS_USE_FIPS_ENDPOINT": "true"}
DUALSTACK = {"AWS_USE_DUALSTACK_ENDPOINT": "true"}


def region(name: str) -> dict[str, str]:
    return {"AWS_REGION": name}


def store(url: str) -> dict[str, str]:
    return {"AWS_ENDPOINT_URL_S3": url}


CASES: list[Case] = [
    ({}, "", "https://pictures.s3.amazonaws.com/"),
    (region("eu-west-1"), "", "https://pictures.s3.eu-west-1.amazonaws.com/"),
    (region("eu-west-1") | PATH, "", "https://s3.eu-west-1.amazonaws.com/pictures/"),
    (
        region("eu-west-1") | {"AWS_S3_ADDRESSING_STYLE": "auto"},
        "",
        "https://pictures.s3.eu-west-1.amazonaws.com/",
    ),
    (region("us-gov-west-1"), "", "https://pictures.s3.us-gov-west-1.amazonaws.com/"),
    (region("cn-north-1"), "", "https://pictures.s3.cn-north-1.amazonaws.com.cn/"),
    (region("cn-north-1") | PATH, "", "https://s3.cn-north-1.amazonaws.com.cn/pictures/"),
    (region("eusc-de-east-1"), "", "https://pictures.s3.eusc-de-east-1.amazonaws.eu/"),
    (FIPS, "", "https://pictures.s3-fips.us-east-1.amazonaws.com/"),
    (DUALSTACK, "", "https://pictures.s3.dualstack.us-east-1.amazonaws.com/"),
    (FIPS | DUALSTACK, "", "https://pictures.s3-fips.dualstack.us-east-1.amazonaws.com/"),
    (
        region("cn-north-1") | DUALSTACK,
        "",
        "https://pictures.s3.dualstack.cn-north-1.amazonaws.com.cn/",
    ),
    (region("eu-west-1"), ACCELERATED, "https://pictures.s3-accelerate.amazonaws.com/"),
    (DUALSTACK, ACCELERATED, "https://pictures.s3-accelerate.dualstack.amazonaws.com/"),
    (DOTTED, "", "https://s3.amazonaws.com/my.dotted.bucket/"),
    (DOTTED | VIRTUAL, "", "https://s3.amazonaws.com/my.dotted.bucket/"),
    (DOTTED | FIPS, "", "https://s3-fips.us-east-1.amazonaws.com/my.dotted.bucket/"),
    (
        DOTTED | region("cn-north-1"),
        "",
        "https://s3.cn-north-1.amazonaws.com.cn/my.dotted.bucket/",
    ),
    ({}, STORE, "https://store.example:8443/pictures/"),
    (VIRTUAL, STORE, "https://pictures.store.example:8443/"),
    ({"AWS_PROFILE": "ours"}, STORE.replace("default", "profile ours"), "https://store.example:8443/pictures/"),
    ({"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, STORE, "https://pictures.s3.amazonaws.com/"),
    ({}, STORE_OF_S3, "https://s3.example/pictures/"),
    ({"AWS_ENDPOINT_URL": "https://both.example"}, "", "https://both.example/pictures/"),
    (store("https://s3.example"), STORE, "https://s3.example/pictures/"),
    (store("https://s3.example") | VIRTUAL, "", "https://pictures.s3.example/"),
    (store("https://s3.example") | VIRTUAL | DOTTED, "", "https://s3.example/my.dotted.bucket/"),
    (store("https://s3.example") | FIPS | DUALSTACK, "", "https://s3.example/pictures/"),
    (store("http://127.0.0.1:9000") | VIRTUAL, "", "http://127.0.0.1:9000/pictures/"),
    (store("http://localhost:9000"), "", "http://localhost:9000/pictures/"),
    (
        store("http://store:7480") | {"AWS_S3_PUBLIC_ENDPOINT_URL": "https://store.example"},
        "",
        "https://store.example/pictures/",
    ),
]  # fmt: skip


def results(cases: list[Case], folder: Path, **variables: str) -> list[dict[str, Any]]:
    """Return what ``origins_of_cases`` prints for ``cases``."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.origins_of_cases"],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "AWS_CONFIG_FILE": str(folder / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            **PRODUCTION,
            **variables,
        },
        input=json.dumps([{"variables": case[0], "profile": case[1]} for case in cases]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def scope(url: str) -> str:
    """Return region and service that a presigned URL was signed for."""
    return parse_qs(urlsplit(url).query)["X-Amz-Credential"][0].split("/", 2)[2]


def test_policy_allows_the_urls_that_the_clients_sign_and_no_other_bucket(tmp_path: Path) -> None:
    """S3 answers a form at the bucket's URL; a source without a slash at its end is exact.

    One with a slash allows what is put to a key."""
    for case, found in zip(CASES, results(CASES, tmp_path), strict=True):
        where = case[2]
        form = where if urlsplit(where).path == "/" else where.removesuffix("/")
        assert found["form"] == form, case
        assert found["policy"]["connect-src"] == ["'self'", *dict.fromkeys([form, where])], case
        assert found["get by the SDK"].startswith(f"{where}avatars/a/b.webp?"), case
        assert found["get"].startswith(f"{where}avatars/a/b.webp?"), case
        assert scope(found["get"]) == scope(found["get by the SDK"]), case
        assert found["policy"]["img-src"] == ["'self'", "data:", "blob:", where], case


def test_policy_allows_pictures_of_the_cdn_uploads_to_the_bucket_and_nothing_else(
    tmp_path: Path,
) -> None:
    bucket = "https://pictures.s3.amazonaws.com/"
    cdn = {"AWS_S3_CUSTOM_DOMAIN": "cdn.example"}

    [found] = results([(cdn, "", bucket)], tmp_path)

    assert found["policy"]["img-src"] == ["'self'", "data:", "blob:", "https://cdn.example", bucket]
    assert found["policy"]["connect-src"] == ["'self'", bucket]
    for own in ("script-src", "style-src", "font-src", "manifest-src", "form-action"):
        assert found["policy"][own] == ["'self'"]
    for nothing in ("default-src", "object-src", "base-uri", "frame-ancestors"):
        assert found["policy"][nothing] == ["'none'"]


def test_tables_are_where_the_profile_says(tmp_path: Path) -> None:
    found = results([({}, STORE, ""), ({}, STORE_OF_S3, ""), ({}, "", "")], tmp_path)

    assert [result["tables"] for result in found] == ["https://store.example:8443", None, None]
