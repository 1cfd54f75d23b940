"""The product's form, signed by hand so that a test can make any part of it wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

import urllib3

from aws.policies import Policy, tagging_xml, upload_policy
from tests.engines.engines import signer as account
from tests.functional.embedded.builders import (
    Condition,
    Place,
    Signer,
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

Answer = urllib3.BaseHTTPResponse
Changes = Mapping[str, str | None]


def policy() -> Policy:
    """Return the policy of phase 1."""
    return upload_policy(
        key=KEY, owner_id="7", upload_token=TOKEN, content_type="image/png", max_bytes=MAX_BYTES
    )


def signed_policy(
    place: Place,
    *,
    covered: Changes | None = None,
    expires_in: float = 600,
    signer: Signer | None = None,
    more: Sequence[Condition] = (),
    without: str = "",
    bucket: str = "",
) -> str:
    """Return the policy's JSON, with ``more`` conditions, and without the one on a field.

    ``covered`` changes what the policy demands of fields; None takes the condition away.
    """
    signer = signer or account()
    exact = {
        "bucket": bucket or place.name,
        **_with({"key": KEY, **policy().fields}, covered),
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": signer.credential,
        "x-amz-date": signer.timestamp,
    }
    conditions: list[Condition] = [{name: exact[name]} for name in exact if name != without]
    size = [condition for condition in policy().conditions if isinstance(condition, list)]
    return policy_text([*conditions, *size, *more], time_in(expires_in))


def fields_for(
    place: Place,
    changes: Changes | None = None,
    *,
    covered: Changes | None = None,
    text: str | None = None,
    signer: Signer | None = None,
    **policy_options: Any,
) -> dict[str, str]:
    """Return the form's fields: ``covered`` changes the policy too, ``changes`` the form alone.

    None leaves a field out.
    """
    signer = signer or account()
    if text is None:
        text = signed_policy(place, covered=covered, signer=signer, **policy_options)
    fields = _with({"key": KEY, **policy().fields}, covered)
    return _with({**fields, **signer.sign_policy(text)}, changes)


def _with(fields: Mapping[str, str], changes: Changes | None) -> dict[str, str]:
    changed = {**fields, **(changes or {})}
    return {name: value for name, value in changed.items() if value is not None}


def send(
    place: Place,
    fields: Mapping[str, str],
    body: bytes = BODY,
    *,
    filename: str = "a.png",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Post the form, the file last; return the answer."""
    return post(place, parts_of(fields, body, filename), headers=headers)


def assert_refused(place: Place, answer: Answer) -> None:
    """Assert that S3 has refused the form and stored nothing."""
    assert answer.status in {400, 403, 411, 412}, (answer.status, answer.data)
    assert place.keys() == []


def assert_stored(place: Place, answer: Answer, body: bytes = BODY) -> None:
    """Assert that S3 has stored the file with all that the product's form says."""
    assert answer.status == 201, (answer.status, answer.data)
    assert place.keys() == [KEY]
    assert place.body(KEY) == body
    head = place.head(KEY)
    assert head["ContentType"] == "image/png"
    assert head["Metadata"] == {"owner": "7", "upload-token": TOKEN}
    assert place.tags(KEY) == TAGS
