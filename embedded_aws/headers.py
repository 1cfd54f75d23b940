"""Refuses headers that S3 refuses and moto takes.

AWS: "Working with object metadata" (2 KB), "Categorizing your objects using tags" and PutObject
(``x-amz-tagging``), "Add preconditions to S3 operations" (``If-None-Match`` knows ``*`` alone).
"""

from collections.abc import Iterable
from urllib.parse import parse_qsl

from embedded_aws.errors import S3Error, invalid_argument, not_implemented
from embedded_aws.messages import Request
from embedded_aws.multipart import check_part_number
from embedded_aws.tagging import check_tags

MAX_METADATA = 2048
METADATA = "x-amz-meta-"


def check_headers(request: Request) -> None:
    """Raise ``S3Error`` if S3 would refuse the request for one of its headers or parameters."""
    if "partNumber" in request.query and "uploadId" in request.query:
        check_part_number(request.query["partNumber"])
    if request.method not in {"PUT", "POST"}:
        return
    check_metadata(request.headers)
    if request.header("if-none-match") not in {"", "*"}:
        raise not_implemented("If-None-Match")
    tagging = request.header("x-amz-tagging")
    try:
        check_tags(parse_qsl(tagging, keep_blank_values=True, strict_parsing=bool(tagging)))
    except ValueError:
        raise invalid_argument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query"
            " parameters without tag name duplicates.",
            "x-amz-tagging",
            tagging,
        ) from None


def check_metadata(headers: Iterable[tuple[str, str]]) -> None:
    """Raise ``S3Error`` if names and values of metadata take more than 2 KB."""
    size = sum(
        len(name.removeprefix(METADATA).encode()) + len(value.encode("latin-1", "replace"))
        for name, value in headers
        if name.startswith(METADATA)
    )
    if size > MAX_METADATA:
        raise S3Error(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
            400,
            {"Size": str(size), "MaxSizeAllowed": str(MAX_METADATA)},
        )
