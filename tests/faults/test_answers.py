"""Who says that an object is not there."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from uploads.bucket import _translated
from uploads.errors import ObjectMissing, StorageUnavailable

NUMBERED = {"RequestId": "4442587FB7D0A2F9"}


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
    """Case 24: the sweep would empty an item whose object it believes missing."""
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": metadata}

    with pytest.raises(outcome), _translated():
        raise ClientError(answer, "HeadObject")
