"""The policy of phase 1: what exactly the browser may post, and nothing else.

Fields given to boto3 do not become conditions by themselves, and S3 refuses every field without
one; so each field is listed once here and becomes both.
Source: Amazon S3 API Reference, "POST Policy".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

PENDING_TAG = ("Status", "Pending")
TOKEN_TAG = "upload-token"  # noqa: S105 (the name of a tag)


@dataclass(frozen=True)
class Policy:
    """The form fields the browser must send, and the conditions S3 checks them by."""

    key: str
    fields: Mapping[str, str]
    conditions: list[Any]


@dataclass(frozen=True)
class PresignedPost:
    """A signed form: where to post it, its fields in order (``file`` goes last), until when."""

    url: str
    fields: dict[str, str]
    expires_at: str


def pending_tags(upload_token: str) -> dict[str, str]:
    """Return the tags of an object that has not been confirmed yet."""
    return dict([PENDING_TAG, (TOKEN_TAG, upload_token)])


def pending_metadata(owner_id: str, upload_token: str) -> dict[str, str]:
    """Return the metadata by which confirm knows whose upload an object is."""
    return {"owner": owner_id, "upload-token": upload_token}


def upload_policy(
    *, key: str, owner_id: str, upload_token: str, content_type: str, max_bytes: int
) -> Policy:
    """Return the policy for one object of 1 to ``max_bytes`` bytes at exactly ``key``."""
    metadata = pending_metadata(owner_id, upload_token)
    fields = {
        "Content-Type": content_type,
        **{f"x-amz-meta-{name}": value for name, value in metadata.items()},
        "tagging": tagging_xml(pending_tags(upload_token)),
        "success_action_status": "201",
    }
    conditions = [{name: value} for name, value in fields.items()]
    return Policy(key, fields, [*conditions, ["content-length-range", 1, max_bytes]])


def tagging_xml(tags: Mapping[str, str]) -> str:
    """Return ``tags`` as the XML that the form field ``tagging`` holds.

    Source: Amazon S3 API Reference, "POST Object", form field ``tagging``.
    """
    rows = "".join(
        f"<Tag><Key>{escape(key)}</Key><Value>{escape(value)}</Value></Tag>"
        for key, value in tags.items()
    )
    return f"<Tagging><TagSet>{rows}</TagSet></Tagging>"
