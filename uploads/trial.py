"""One upload that is tried: what the steps of a probe work on."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from django.conf import settings

from aws.browsing import WebAnswer, post_form
from aws.bucket import S3Bucket
from aws.policies import Policy, PresignedPost, upload_policy
from uploads.keys import PROBE_OWNER
from uploads.tokens import Upload, sign_upload

BODY = b"A probe of the bucket sent this, and deletes it."
CONTENT_TYPE = "image/png"


class Failed(Exception):
    """A step did not come out as it should have; the text says why."""


@dataclass
class Trial:
    """What the steps work on, and what they leave for the steps after them."""

    bucket: S3Bucket
    upload: Upload
    now: datetime
    origin: str
    form_url: str = ""  # instead of the one that the form is signed for
    answer: WebAnswer | None = None  # to the form
    notes: list[str] = field(default_factory=list)

    @property
    def picture_key(self) -> str:
        """The key of what the site itself writes."""
        return f"{self.upload.pending_key}.webp"

    @property
    def file_key(self) -> str:
        """The key of a file that a page puts."""
        return f"{self.upload.pending_key}.file"

    @property
    def parts_key(self) -> str:
        """The key of a file that is sent in parts."""
        return f"{self.upload.pending_key}.parts"

    @cached_property
    def token(self) -> str:
        """The token of the upload."""
        return sign_upload(self.upload, purpose=PROBE_OWNER)

    @cached_property
    def policy(self) -> Policy:
        """The policy of phase 1."""
        return upload_policy(
            key=self.upload.pending_key,
            owner_id=PROBE_OWNER,
            upload_token=self.token,
            content_type=CONTENT_TYPE,
            max_bytes=len(BODY),
        )

    def form(self, policy: Policy) -> PresignedPost:
        """Return the form of ``policy``, as phase 1 signs it."""
        seconds = settings.UPLOAD_POLICY_SECONDS
        form = self.bucket.presigned_post(policy, seconds=seconds, now=self.now)
        return replace(form, url=self.form_url) if self.form_url else form

    def post(self, policy: Policy) -> WebAnswer:
        """Return the answer to the form of ``policy``, as a page of the site would post it."""
        form = self.form(policy)
        return post_form(form, BODY, content_type=CONTENT_TYPE, origin=self.origin)

    def takes(self, policy: Policy) -> bool:
        """Return whether the form of ``policy`` is stored."""
        return self.post(policy).status < 300
