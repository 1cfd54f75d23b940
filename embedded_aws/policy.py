"""Reads POST policies and checks forms against them.

AWS: "POST Policy" (S3 API Reference, sigv4-HTTPPOSTConstructPolicy). What that page does not
say is taken from S3's recorded answers (LocalStack's AWS-validated tests, ceph/s3-tests):

- names of fields, in the form and in conditions, ignore case; values and the two names in the
  policy itself do not;
- a condition on a field that the form does not have fails, even ``["starts-with", ..., ""]``;
- a failed condition is 403 AccessDenied; only a malformed policy is InvalidPolicyDocument.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from embedded_aws.errors import S3Error, access_denied, entity_too_large, entity_too_small

EXPIRATION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
FIELDS_WITHOUT_CONDITION = frozenset(
    {"x-amz-signature", "file", "policy", "awsaccesskeyid", "signature"}
)
MAX_POST_SIZE = 5 * 1024**3
"""Bytes. A POST, like a PUT, writes at most 5 GB. AWS: "Uploading objects"."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on one field: ``eq`` or ``starts-with``, its lower-case name, and a value.

    ``written`` is the condition as S3 prints it.
    """

    operator: str
    field: str
    value: str
    written: str

    def holds(self, fields: Mapping[str, str]) -> bool:
        if self.field not in fields:
            return False
        actual = fields[self.field]
        if self.operator == "eq":
            return actual == self.value
        if self.field == "content-type":
            return all(part.startswith(self.value) for part in _listed(actual))
        return actual.startswith(self.value)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the signer allows: until when, which fields, how many bytes (bounds included)."""

    expiration: datetime
    conditions: tuple[Condition, ...]
    min_size: int = 0
    max_size: int = MAX_POST_SIZE


def read_policy(encoded: str) -> Policy:
    """Return the policy in the form field ``policy``.

    Raises ``S3Error`` InvalidPolicyDocument if it is malformed.
    """
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        raise _invalid("invalid Base64 encoding.") from None
    try:
        document = json.loads(text, parse_float=_refuse, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise _invalid("Invalid JSON.") from None
    if not isinstance(document, dict):
        raise _invalid("Invalid JSON.")
    for name in document:
        if name not in {"expiration", "conditions"}:
            raise _invalid(f"Unexpected: '{name.lower()}'")
    if "expiration" not in document:
        raise _invalid("Policy missing expiration.")
    if "conditions" not in document:
        raise _invalid("Policy missing conditions.")
    return _policy(_expiration(document["expiration"]), document["conditions"])


def check_fields(policy: Policy, fields: Mapping[str, str], now: datetime) -> None:
    """Raise ``S3Error`` if the policy has expired, or a condition fails, or a field has none.

    The names of ``fields`` are in lower case, and ``${filename}`` is replaced already: "All
    variables within the form are expanded prior to validating the POST policy."
    """
    if now >= policy.expiration:
        raise access_denied("Invalid according to Policy: Policy expired.")
    for condition in policy.conditions:
        if not condition.holds(fields):
            raise access_denied(
                f"Invalid according to Policy: Policy Condition failed: {condition.written}"
            )
    covered = {condition.field for condition in policy.conditions}
    extra = [name for name in fields if name not in covered and _needs_condition(name)]
    if extra:
        raise access_denied(f"Invalid according to Policy: Extra input fields: {', '.join(extra)}")


def check_size(policy: Policy, size: int) -> None:
    """Raise ``S3Error`` EntityTooSmall or EntityTooLarge unless ``size`` bytes are allowed."""
    if size < policy.min_size:
        raise entity_too_small(size, policy.min_size)
    if size > policy.max_size:
        raise entity_too_large(size, policy.max_size)


def _needs_condition(name: str) -> bool:
    return name not in FIELDS_WITHOUT_CONDITION and not name.startswith("x-ignore-")


def _listed(value: str) -> list[str]:
    """Return the content types that a ``starts-with`` is about, each on its own.

    "Values that include commas are interpreted as lists. Each value in the list must meet the
    condition for the whole condition to pass."
    """
    return [part.strip() for part in value.split(",")]


def _policy(expiration: datetime, raw_conditions: Any) -> Policy:
    if not isinstance(raw_conditions, list):
        raise _invalid("Invalid 'conditions' value: must be a List.")
    conditions = []
    smallest, largest = 0, MAX_POST_SIZE
    for raw in raw_conditions:
        if _operator(raw) == "content-length-range":
            low, high = _size_range(raw)
            smallest, largest = max(smallest, low), min(largest, high)
        else:
            conditions.append(_condition(raw))
    return Policy(expiration, tuple(conditions), smallest, largest)


def _expiration(value: Any) -> datetime:
    """Return the time in UTC with ``T`` and ``Z``: S3 refuses an offset, and a space."""
    if isinstance(value, str) and EXPIRATION.fullmatch(value):
        try:
            return datetime.fromisoformat(value[:19]).replace(tzinfo=UTC)
        except ValueError:
            pass
    raise _invalid(f"Invalid 'expiration' value: '{value}'")


def _operator(raw: Any) -> str:
    return raw[0].lower() if isinstance(raw, list) and raw and isinstance(raw[0], str) else ""


def _condition(raw: Any) -> Condition:
    if isinstance(raw, dict):
        return _simple_condition(raw)
    if not isinstance(raw, list):
        raise _invalid("Invalid condition test: must be a List or Object.")
    operator = _operator(raw)
    if not operator:
        raise _invalid("Invalid Condition: missing operation identifier.")
    if operator not in {"eq", "starts-with"}:
        raise _invalid(f"Invalid Condition: unknown operation '{raw[0]}'.")
    if len(raw) != 3:
        raise _invalid(f"Invalid {operator}: wrong number of arguments.")
    if not all(isinstance(argument, str) for argument in raw):
        raise _invalid("Invalid JSON.")
    # A name without ``$`` names no field: the condition is kept, and fails, as on S3.
    field = raw[1][1:].lower() if raw[1].startswith("$") else raw[1]
    known = raw[1].startswith("$")
    return Condition(operator, field if known else f"?{field}", raw[2], _written(raw))


def _simple_condition(raw: dict[str, Any]) -> Condition:
    """Return the condition ``{"acl": "private"}``, printed as ``["eq", "$acl", "private"]``."""
    if len(raw) != 1:
        raise _invalid(
            "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified."
        )
    [(name, value)] = raw.items()
    if not isinstance(value, str):
        raise _invalid("Invalid Simple-Condition: value must be a string.")
    return Condition("eq", name.lower(), value, _written(["eq", f"${name}", value]))


def _size_range(raw: list[Any]) -> tuple[int, int]:
    if len(raw) != 3:
        raise _invalid("Invalid content-length-range: wrong number of arguments.")
    low, high = (_bound(raw, bound) for bound in raw[1:])
    if low < 0 or high < 0:
        raise _invalid("Invalid content-length-range: bounds must not be negative.")
    return low, high


def _bound(raw: list[Any], bound: Any) -> int:
    """Return a number of bytes, which may be quoted; as on S3, other text fails the condition."""
    if isinstance(bound, int) and not isinstance(bound, bool):
        return bound
    if isinstance(bound, str) and re.fullmatch(r"\d{1,18}", bound, re.ASCII):
        return int(bound)
    raise access_denied(f"Invalid according to Policy: Policy Condition failed: {_written(raw)}")


def _written(condition: list[Any]) -> str:
    return json.dumps(condition, ensure_ascii=False)


def _refuse(number: str) -> None:
    raise ValueError(number)


def _invalid(reason: str) -> S3Error:
    return S3Error("InvalidPolicyDocument", f"Invalid Policy: {reason}", 400)
