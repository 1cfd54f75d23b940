"""Refuses XML bodies that S3 refuses and moto accepts.

AWS: "DeleteObjects" (at most 1,000 keys),
"PutBucketLifecycleConfiguration" (one of two statuses, an action, positive numbers of days) and
"LifecycleExpiration" (``ExpiredObjectDeleteMarker`` without a time, and not by tag). The messages
about days and tags are taken from public reports; the one about ``DaysAfterInitiation`` is formed
like those.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element, ParseError, tostring

from botocore.parsers import ResponseParserError, RestXMLParser
from botocore.session import get_session
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from embedded_aws.contents import Content
from embedded_aws.errors import S3Error, invalid_argument, invalid_request, malformed_xml
from embedded_aws.lifecycle import Chosen

MAX_DELETED = 1000
ABORT = "AbortIncompleteMultipartUpload"
MARKER = "ExpiredObjectDeleteMarker"
DAYS = {
    "Expiration": "Days",
    "NoncurrentVersionExpiration": "NoncurrentDays",
    ABORT: "DaysAfterInitiation",
}
ACTIONS = DAYS.keys() | {"Transitions", "NoncurrentVersionTransitions"}


def check_document(method: str, query: Mapping[str, str], body: Content) -> None:
    """Raise ``S3Error`` if S3 would refuse the body of a request with these parameters."""
    for (wanted, parameter), check in CHECKS.items():
        if method == wanted and parameter in query:
            check(root_of(body.read()))


def root_of(document: bytes) -> Element:
    """Return the root of an XML document; raise ``S3Error`` if it is none."""
    try:
        root: Element = fromstring(document, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        raise malformed_xml() from None
    return root


def read_lifecycle(document: bytes) -> list[Any]:
    """Return the rules of a lifecycle configuration in the shape of the API.

    Raises ``S3Error`` if it has none.
    """
    answer = {"status_code": 200, "headers": {}, "body": document}
    try:
        parsed: Any = RestXMLParser().parse(answer, _lifecycle_shape())
        return list(parsed["Rules"])
    except (AttributeError, KeyError, TypeError, ValueError, ResponseParserError):
        raise malformed_xml() from None


@cache
def _lifecycle_shape() -> Any:
    model = get_session().get_service_model("s3")
    return model.operation_model("GetBucketLifecycleConfiguration").output_shape


def _check_delete(root: Element) -> None:
    if len(root.findall("{*}Object")) > MAX_DELETED:
        raise malformed_xml()


def _check_lifecycle(root: Element) -> None:
    rules = read_lifecycle(tostring(root))
    for rule in rules:
        _check_rule(rule)
    names = [rule["ID"] for rule in rules if rule.get("ID")]
    if len(set(names)) < len(names):
        message = "Rule ID must be unique. Found same ID for more than one rule"
        raise S3Error("InvalidArgument", message, 400)


def _check_rule(rule: Any) -> None:
    if rule.get("Status") not in ("Enabled", "Disabled") or len(rule.get("Filter", {})) > 1:
        raise malformed_xml()
    try:
        chosen = Chosen.by(rule)
    except (AttributeError, KeyError, TypeError):  # a tag without value, or an element given twice
        raise malformed_xml() from None
    if not isinstance(chosen.prefix, str):
        raise malformed_xml()
    expiration = rule.get("Expiration", {})
    if MARKER in expiration and len(expiration) > 1:
        raise malformed_xml()
    for name, held in ((ABORT, rule), (MARKER, expiration)):
        if chosen.tags and name in held:
            raise invalid_request(f"{name} cannot be specified with Tags")
    if ACTIONS.isdisjoint(rule):
        raise invalid_request("At least one action needs to be specified in a rule")
    for action, name in DAYS.items():
        days = rule.get(action, {}).get(name, 1)
        if days < 1:
            message = f"'{name}' for {action} action must be a positive integer"
            raise invalid_argument(message, name, str(days))


CHECKS: dict[tuple[str, str], Callable[[Element], None]] = {
    ("POST", "delete"): _check_delete,
    ("PUT", "lifecycle"): _check_lifecycle,
}
