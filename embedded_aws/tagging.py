"""Reads the tags in the form field ``tagging``.

AWS: "POST Object" for the field, "Categorizing your objects using tags" for the limits.
"""

import re
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from embedded_aws.errors import S3Error, malformed_xml

MAX_TAGS = 10
MAX_KEY = 128
MAX_VALUE = 256
ALLOWED = re.compile(r"[\w\s+\-=.:/@]*")


def read_tagging(xml: str) -> dict[str, str]:
    """Return the tags in ``<Tagging><TagSet><Tag><Key/><Value/></Tag>...``.

    Raises ``S3Error`` for any other XML; entities are never expanded. S3 takes an unknown root for
    an empty set of tags. Here it is malformed: the tags that the policy demands would be missing.
    """
    try:
        root: Element = fromstring(xml, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        raise malformed_xml() from None
    tag_sets = list(root)
    if _tag(root) != "Tagging" or [_tag(child) for child in tag_sets] != ["TagSet"]:
        raise malformed_xml()
    pairs = [_pair(child) for child in tag_sets[0]]
    check_tags(pairs)
    return dict(pairs)


def tagging_header(tags: dict[str, str]) -> str:
    """Return the tags in the form of the header ``x-amz-tagging``."""
    return urlencode(tags)


def _pair(tag: Element) -> tuple[str, str]:
    parts = {_tag(child): child.text or "" for child in tag}
    if _tag(tag) != "Tag" or len(tag) != 2 or set(parts) != {"Key", "Value"}:
        raise malformed_xml()
    return parts["Key"], parts["Value"]


def check_tags(pairs: list[tuple[str, str]]) -> None:
    """Raise ``S3Error`` for tags that S3 refuses."""
    if len(pairs) > MAX_TAGS:
        raise S3Error("BadRequest", f"Object tags cannot be greater than {MAX_TAGS}", 400)
    if len(dict(pairs)) != len(pairs):
        raise _invalid("Cannot provide multiple Tags with the same key")
    for key, value in pairs:
        if not 1 <= len(key) <= MAX_KEY or not ALLOWED.fullmatch(key):
            raise _invalid("The TagKey you have provided is invalid", TagKey=key)
        if len(value) > MAX_VALUE or not ALLOWED.fullmatch(value):
            raise _invalid("The TagValue you have provided is invalid", TagKey=key, TagValue=value)
        if key.lower().startswith("aws:"):
            raise _invalid("System tags cannot be added/updated by requester", TagKey=key)


def _tag(element: Element) -> str:
    """Return the element's name without its namespace, which S3 does not require."""
    return element.tag.rpartition("}")[2]


def _invalid(message: str, **details: str) -> S3Error:
    return S3Error("InvalidTag", message, 400, details)
