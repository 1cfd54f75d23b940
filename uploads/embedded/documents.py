"""XML bodies that moto takes and S3 refuses.

AWS: "DeleteObjects" (at most 1,000 keys), "CompleteMultipartUpload" (parts in ascending order),
"PutBucketLifecycleConfiguration" (a status of two words, a positive number of days).
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import IO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import parse

from uploads.embedded.errors import S3Error, invalid_argument, malformed_xml

MAX_DELETED = 1000


def check_document(method: str, query: Mapping[str, str], body: IO[bytes]) -> None:
    """Raise `S3Error` if the body is not what the request's parameters say; rewind it."""
    for (wanted, parameter), check in CHECKS.items():
        if method == wanted and parameter in query:
            check(_root(body))
            body.seek(0)


def _check_delete(root: Element) -> None:
    if len(root.findall("{*}Object")) > MAX_DELETED:
        raise malformed_xml()


def _check_complete(root: Element) -> None:
    numbers = [_number(part.findtext("{*}PartNumber")) for part in root.findall("{*}Part")]
    if any(after <= before for before, after in pairwise(numbers)):
        raise S3Error(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
            400,
        )


def _check_lifecycle(root: Element) -> None:
    for rule in root.findall("{*}Rule"):
        if rule.findtext("{*}Status") not in {"Enabled", "Disabled"}:
            raise malformed_xml()
        days = rule.findtext("{*}Expiration/{*}Days")
        if days is not None and _number(days) < 1:
            raise invalid_argument(
                "'Days' for Expiration action must be a positive integer", "Days", days
            )


CHECKS: dict[tuple[str, str], Callable[[Element], None]] = {
    ("POST", "delete"): _check_delete,
    ("POST", "uploadId"): _check_complete,
    ("PUT", "lifecycle"): _check_lifecycle,
}


def _root(body: IO[bytes]) -> Element:
    try:
        root: Element = parse(body, forbid_dtd=True).getroot()
    except (ParseError, DefusedXmlException, ValueError):
        raise malformed_xml() from None
    return root


def _number(text: str | None) -> int:
    try:
        return int(text or "")
    except ValueError:
        raise malformed_xml() from None
