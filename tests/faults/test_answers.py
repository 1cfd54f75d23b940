"""Which answers mean that an object is missing."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws.answers import translated
from aws.bucket import S3Bucket
from aws.errors import ObjectMissing, StorageUnavailable

NUMBERED = {"RequestId": "4442587FB7D0A2F9"}


@pytest.mark.case(24)
@pytest.mark.parametrize(
    ("code", "metadata", "outcome"),
    [
        ("NoSuchKey", {}, ObjectMissing),
        ("404", NUMBERED, ObjectMissing),
        ("404", {}, StorageUnavailable),
        ("403", NUMBERED, StorageUnavailable),
    ],
)
def test_object_is_missing_when_s3_says_so_and_nobody_else(
    code: str, metadata: dict[str, str], outcome: type[Exception]
) -> None:
    """A 404 without S3's request id is a failure; otherwise the sweep would empty the item."""
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": metadata}

    with pytest.raises(outcome), translated():
        raise ClientError(answer, "HeadObject")


@pytest.mark.case(26)
@pytest.mark.parametrize(
    ("method", "answer", "ask"),
    [
        ("head_object", {}, lambda bucket: bucket.exists("avatars/anna/x.webp")),
        ("put_object", {}, lambda bucket: bucket.put("x", b"", content_type="", cache_control="")),
        ("delete_objects", {"Errors": [{"Key": "x"}]}, lambda bucket: bucket.delete(["x"])),
        ("list_objects_v2", {}, lambda bucket: bucket.list_page(prefix="avatars/")),
    ],
)
def test_answer_counts_as_a_failure_when_s3_cannot_have_given_it(
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    answer: object,
    ask: Callable[[S3Bucket], object],
) -> None:
    """The status is 200, and the body an error or empty."""
    client = SimpleNamespace(**{method: lambda **_: answer})
    for module in ("aws.bucket", "aws.direct", "aws.deletion"):
        monkeypatch.setattr(f"{module}.client", lambda: client)

    with pytest.raises(StorageUnavailable):
        ask(S3Bucket("any"))
