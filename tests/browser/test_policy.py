"""The Content-Security-Policy in a browser, where the bucket's name is in the path of its URL."""

from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page

from avatars.references import Stores
from aws.bucket import S3Bucket
from aws.clients import client
from aws.policies import upload_policy
from tests.browser.conftest import Complaints
from tests.builders import picture_bytes
from uploads.provisioning import cors_rules

OTHER = "other-bucket"
KEY = "pending/a/b"
POST = """async ({ url, fields }) => {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", new Blob(["hello"]));
  const answer = await fetch(url, { method: "POST", body: form }).catch(() => null);
  return answer && answer.status;
}"""
SHOW = """(url) => new Promise((resolve) => {
  const image = new Image();
  image.onload = () => resolve(true);
  image.onerror = () => resolve(false);
  image.src = url;
})"""


def form_of(bucket: S3Bucket) -> dict[str, object]:
    """Return a form that ``bucket`` accepts."""
    policy = upload_policy(
        key=KEY, owner_id="a", upload_token="t", content_type="image/png", max_bytes=1000
    )
    form = bucket.presigned_post(policy, seconds=600, now=timezone.now())
    return {"url": form.url, "fields": form.fields}


def test_page_reaches_its_own_bucket_and_no_other_at_the_same_endpoint(
    page: Page, complaints: Complaints, aws: Stores
) -> None:
    complaints.allow("Content Security Policy|^CSP")
    own, other = S3Bucket(settings.AWS_STORAGE_BUCKET_NAME), S3Bucket(OTHER)
    client().create_bucket(Bucket=OTHER)
    client().put_bucket_cors(Bucket=OTHER, CORSConfiguration={"CORSRules": cors_rules()})
    page.goto("/")

    statuses = [page.evaluate(POST, form_of(bucket)) for bucket in (own, other)]

    assert statuses == [201, None]
    assert own.exists(KEY)
    assert not other.exists(KEY)

    for bucket in (own, other):
        bucket.put("x.png", picture_bytes(), content_type="image/png", cache_control="no-store")
    pictures = [
        bucket.presigned_get("x.png", window=600, now=timezone.now()).url for bucket in (own, other)
    ]

    assert [page.evaluate(SHOW, url) for url in pictures] == [True, False]
