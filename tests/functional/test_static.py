"""Static files in production: served by each process, or from a bucket of their own."""

import gzip
import io
import json
import re
from pathlib import Path
from urllib.parse import urljoin

import pytest
import urllib3
from django.core.files.storage import storages
from django.core.management import call_command
from django.test import override_settings

from avatars.references import Stores
from aws.clients import client
from config.static import S3StaticFiles
from embedded_aws.server import EmbeddedAWS
from tests.functional.steps import record_requests
from uploads.provisioning import cors_rules

# django-storages leaves the buffer of a compressed file to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:Unclosed file .*Spooled:ResourceWarning")

BUCKET = "triphase-static"
SITE = "http://localhost:8000"


def collect(folder: Path, backend: str, static_url: str) -> dict[str, str]:
    """Collect our own files with ``backend``; return the names in the manifest."""
    kinds = {**storages.backends, "staticfiles": {"BACKEND": f"config.static.{backend}"}}
    with override_settings(
        STATIC_ROOT=folder,
        STATIC_URL=static_url,
        AWS_STATIC_BUCKET_NAME=BUCKET,
        STORAGES=kinds,
        STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
    ):
        call_command("collectstatic", interactive=False, stdout=io.StringIO())
        found: dict[str, str] = json.loads((folder / "staticfiles.json").read_text())["paths"]
        return found


@pytest.fixture
def static_url(aws: Stores, embedded_aws: EmbeddedAWS) -> str:
    """Return the URL of an empty public bucket whose CORS rules allow our pages."""
    client().create_bucket(Bucket=BUCKET)
    client().put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": cors_rules()})
    return f"{embedded_aws.endpoint_url}/{BUCKET}/"


@pytest.fixture
def in_bucket(static_url: str, tmp_path: Path) -> dict[str, str]:
    """Return the manifest of the files that were collected into the bucket."""
    return collect(tmp_path / "bucket", "S3StaticFiles", static_url)


def head(name: str) -> dict[str, str]:
    """Return the headers that the bucket sends for the object ``name``."""
    answer = client().head_object(Bucket=BUCKET, Key=name)
    return dict(answer["ResponseMetadata"]["HTTPHeaders"])


def text_of(name: str) -> str:
    """Return the text of the object ``name`` as a browser decodes it."""
    body = client().get_object(Bucket=BUCKET, Key=name)["Body"].read()
    return gzip.decompress(body).decode()


def test_files_have_the_same_names_in_the_bucket_as_in_a_process(
    in_bucket: dict[str, str], tmp_path: Path
) -> None:
    """So an image built for one can serve pages for the other."""
    assert collect(tmp_path / "process", "StaticFiles", "/static/") == in_bucket
    assert len(in_bucket) > 30


def test_modules_import_each_other_by_hashed_names(in_bucket: dict[str, str]) -> None:
    imported = 0
    for name, hashed in in_bucket.items():
        if name.startswith("js/"):
            for path in re.findall(r"from\s*\"(\.[^\"]+)\"", text_of(hashed)):
                assert urljoin(hashed, path) in in_bucket.values()
                imported += 1
    assert imported > 5


def test_file_may_be_kept_for_ever_when_its_name_holds_a_hash(in_bucket: dict[str, str]) -> None:
    hashed, plain = head(in_bucket["css/triphase.css"]), head("css/triphase.css")

    assert hashed["cache-control"] == "public, max-age=31536000, immutable"
    assert plain["cache-control"] == "public, max-age=60"
    assert hashed["content-type"] == "text/css"
    assert hashed["content-encoding"] == "gzip"


@pytest.mark.parametrize("name", ["js/users-page.js", "css/triphase.css", "img/logo.svg"])
def test_page_loads_a_file_from_where_it_is(
    in_bucket: dict[str, str], static_url: str, name: str
) -> None:
    """Browsers request modules and mask icons with CORS."""
    found = head(in_bucket[name])
    answer = urllib3.request(
        "GET", static_url + in_bucket[name], headers={"Origin": SITE}, retries=False
    )

    assert found["content-type"] in {"text/javascript", "text/css", "image/svg+xml"}
    assert answer.headers.get("Access-Control-Allow-Origin") in {SITE, "*"}


@pytest.mark.case(27)
def test_page_names_files_in_the_bucket_and_asks_it_nothing(
    in_bucket: dict[str, str],
    static_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So pages are rendered while S3 is down."""
    asked = record_requests(monkeypatch)
    with override_settings(
        STATIC_ROOT=tmp_path / "bucket", STATIC_URL=static_url, AWS_STATIC_BUCKET_NAME=BUCKET
    ):
        url = S3StaticFiles().url("js/users-page.js")

    assert url == static_url + in_bucket["js/users-page.js"]
    assert asked == []
