"""Uploads in parts, with the checks that moto lacks.

AWS: "CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload", "Amazon S3
multipart upload limits".
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import md5
from itertools import pairwise
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from embedded_aws.contents import Content
from embedded_aws.digests import CHECKSUMS, checksum_of
from embedded_aws.documents import root_of
from embedded_aws.errors import (
    S3Error,
    entity_too_small,
    invalid_argument,
    invalid_request,
    malformed_xml,
)
from embedded_aws.messages import Request, Response
from embedded_aws.objects import Task, content_of, give, source_of, tell_etag

MIN_PART = 5 * 1024**2
MAX_PARTS = 10_000


class Named(NamedTuple):
    """A part as the list for completion names it; the ETag has no quotes."""

    number: int
    etag: str


def check_part_number(text: str) -> None:
    """Raise ``S3Error`` unless a part may have this number."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= MAX_PARTS:
        raise invalid_argument(
            f"Part number must be an integer between 1 and {MAX_PARTS}, inclusive",
            "partNumber",
            text,
        )


def create(task: Task) -> Response:
    """Begin an upload, and keep the time, which moto does not."""
    response = task.call(b"")
    if response.status == 200:
        begun = next(reversed(task.bucket.multiparts.values()))
        begun.initiated = datetime.now(UTC)
    return response


def put_part(task: Task) -> Response:
    """Store a part, in place of one with the same number."""
    response = task.call(b"")
    if response.status == 200:
        give(_part(task), task.body.content, task.body.md5)
        response.set("ETag", f'"{task.body.md5}"')
    return response


def copy_part(task: Task) -> Response:
    """Store a part that has bytes of an object."""
    source = source_of(task)
    content = content_of(source)
    asked = task.request.header("x-amz-copy-source-range")
    if asked:
        match = re.fullmatch(r"bytes=([0-9]{1,15})-([0-9]{1,15})", asked)
        if not match or not int(match[1]) <= int(match[2]) < content.size:
            raise invalid_argument(
                f"Range specified is not valid for source object of size: {content.size}",
                "x-amz-copy-source-range",
                asked,
            )
        content = content.cut(int(match[1]), int(match[2]) + 1)
    response = task.call(b"")
    if response.status == 200:
        etag = content.md5()
        give(_part(task), content, etag)
        tell_etag(response, etag)
    return response


def complete(task: Task) -> Response:
    """Make an object of the parts that the request names, in its order."""
    document = task.body.content.read()
    upload = task.bucket.multiparts[task.request.query["uploadId"]]
    named = read_parts(document)
    parts = [_checked(upload, part) for part in named]
    for part, name in zip(parts[:-1], named, strict=False):
        if part.contentsize < MIN_PART:
            raise _too_small(part, name)
    content = Content.joined(content_of(part) for part in parts)
    _check_object_size(task.request, content.size)
    digests = md5(b"".join(bytes.fromhex(part.etag) for part in named), usedforsecurity=False)
    etag = f"{digests.hexdigest()}-{len(parts)}"
    checksum = _checksum(upload.metadata, parts, content)
    upload.complete = lambda _named: (b"", etag, checksum)
    try:
        response = task.call(document)
    finally:
        del upload.complete
    if response.status == 200:
        give(task.made, content, etag)
    return response


def read_parts(document: bytes) -> list[Named]:
    """Return the parts that a completion names; raise ``S3Error`` if they are out of order."""
    named = [_named(part) for part in root_of(document).findall("{*}Part")]
    if not 1 <= len(named) <= MAX_PARTS:
        raise malformed_xml()
    if any(after.number <= before.number for before, after in pairwise(named)):
        raise S3Error(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
            400,
        )
    return named


def _part(task: Task) -> Any:
    query = task.request.query
    return task.bucket.multiparts[query["uploadId"]].parts[int(query["partNumber"])]


def _named(part: Element) -> Named:
    number, etag = part.findtext("{*}PartNumber"), part.findtext("{*}ETag")
    if not re.fullmatch(r"[0-9]{1,9}", (number or "").strip()) or not etag:
        raise malformed_xml()
    return Named(int(number or ""), etag.strip().strip('"'))


def _checked(upload: Any, named: Named) -> Any:
    """Return the part that is named; raise ``S3Error`` if it was not sent, or is another."""
    part = upload.parts.get(named.number)
    if part is None or part.etag.strip('"') != named.etag:
        raise S3Error(
            "InvalidPart",
            "One or more of the specified parts could not be found.  The part may not have been"
            " uploaded, or the specified entity tag may not match the part's entity tag.",
            400,
            {"UploadId": upload.id, "PartNumber": str(named.number), "ETag": named.etag},
        )
    return part


def _too_small(part: Any, named: Named) -> S3Error:
    details = {"PartNumber": str(named.number), "ETag": named.etag}
    refusal = entity_too_small(part.contentsize, MIN_PART)
    refusal.details |= details
    return refusal


def _check_object_size(request: Request, size: int) -> None:
    """Compare with the size that the client says all parts have together (MpuObjectSize)."""
    declared = request.header("x-amz-mp-object-size")
    if declared and not re.fullmatch(r"[0-9]{1,15}", declared):
        raise invalid_argument(
            "Invalid x-amz-mp-object-size header", "x-amz-mp-object-size", declared
        )
    if declared and int(declared) != size:
        raise invalid_request(
            f"The provided 'x-amz-mp-object-size' header value {declared} does not match what was"
            f" computed: {size}"
        )


def _checksum(
    metadata: Mapping[str, str], parts: Iterable[Any], content: Content
) -> tuple[str, str, int] | None:
    """Return kind, value and number of parts of the checksum that the upload was begun with."""
    algorithm = metadata.get("x-amz-checksum-algorithm", "").lower()
    if algorithm not in CHECKSUMS:
        return None
    if metadata.get("x-amz-checksum-type") == "FULL_OBJECT":
        return "FULL_OBJECT", b64encode(checksum_of(content.chunks(), algorithm)).decode(), 1
    each = [checksum_of(content_of(part).chunks(), algorithm) for part in parts]
    return "COMPOSITE", b64encode(checksum_of(each, algorithm)).decode(), len(each)
