"""The product's form, signed by hand so that a test can make any part of it wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws.policies import Policy, tagging_xml, upload_policy
from tests.engines.engines import signer as account
from tests.functional.embedded.builders import (
    Place,
    Signer,
    form,
    parts_of,
    policy_text,
    post,
    time_in,
)

KEY = "pending/7/upload"
TOKEN = "signed:token"
MAX_BYTES = 100
TAGS = {"Status": "Pending", "upload-token": TOKEN}
TAGGING = tagging_xml(TAGS)
BODY = b"\x89PNG\r\n\x1a\n" + b"pixels"

Changes = Mapping[str, str | None]


def policy() -> Policy:
    """Return the policy of phase 1."""
    return upload_policy(
        key=KEY, owner_id="7", upload_token=TOKEN, content_type="image/png", max_bytes=MAX_BYTES
    )


def signed_policy(
    place: Place,
    *,
    expires_in: float = 600,
    signer: Signer | None = None,
    more: Sequence[Any] = (),
    without: str = "",
    bucket: str = "",
) -> str:
    """Return the policy's JSON, with ``more`` conditions, and without the one on a field."""
    signer = signer or account()
    conditions = [
        {"bucket": bucket or place.name},
        {"key": KEY},
        *(one for one in policy().conditions if without not in one),
        {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
        {"x-amz-credential": signer.credential},
        {"x-amz-date": signer.timestamp},
        *more,
    ]
    return policy_text(conditions, time_in(expires_in))


def fields_for(
    place: Place,
    changes: Changes | None = None,
    *,
    text: str | None = None,
    signer: Signer | None = None,
    **policy_options: Any,
) -> dict[str, str]:
    """Return the form's fields with unsigned changes; None leaves a field out."""
    signer = signer or account()
    text = text if text is not None else signed_policy(place, signer=signer, **policy_options)
    signed = {"key": KEY, **policy().fields}
    return form(place, signed=signed, changes=changes, policy=text, signer=signer)


def send(place: Place, fields: Mapping[str, str], body: bytes = BODY) -> Any:
    """Post the form, the file last; return the answer."""
    return post(place, parts_of(fields, body))


def assert_refused(place: Place, answer: Any) -> None:
    """Assert that S3 has refused the form and stored nothing."""
    assert answer.status in {400, 403, 412}, (answer.status, answer.data)
    assert place.keys() == []
