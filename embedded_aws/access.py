"""Says whether the policy of a queue or topic lets S3 or SNS send to it.

AWS: "Granting permissions to publish event notification messages to a destination" and "Subscribing
an Amazon SQS queue to an Amazon SNS topic": without such a statement S3 refuses the configuration,
and SNS drops the message.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sender:
    """A service that sends, on behalf of which resource, and what it does."""

    service: str  # "s3.amazonaws.com"
    action: str  # "sqs:SendMessage"
    source_arn: str
    account: str

    def may_send_to(self, policy: Mapping[str, Any], target_arn: str) -> bool:
        """Return whether a policy allows this, and does not deny it."""
        effects = {
            statement.get("Effect")
            for statement in _listed(policy.get("Statement"))
            if self._is_meant(statement, target_arn)
        }
        return "Allow" in effects and "Deny" not in effects

    def _is_meant(self, statement: Mapping[str, Any], target_arn: str) -> bool:
        actions = [str(action).lower() for action in _listed(statement.get("Action"))]
        return (
            self._is_principal(statement.get("Principal"))
            and _any_like(actions, self.action.lower())
            and _any_like(_listed(statement.get("Resource")), target_arn)
            and all(
                self._holds(operator, name, values)
                for operator, tests in statement.get("Condition", {}).items()
                for name, values in tests.items()
            )
        )

    def _is_principal(self, principal: Any) -> bool:
        if not isinstance(principal, Mapping):
            return bool(principal == "*")
        return self.service in _listed(principal.get("Service")) or "*" in _listed(
            principal.get("AWS")
        )

    def _holds(self, operator: str, name: str, values: Any) -> bool:
        """Return whether a condition holds; one that is not known here does not."""
        known = {
            "aws:sourcearn": self.source_arn,
            "aws:sourceaccount": self.account,
            "aws:securetransport": "true",
        }
        actual = known.get(name.lower())
        if actual is None:
            return False
        wanted = [str(value) for value in _listed(values)]
        if operator.startswith(("ArnLike", "ArnEquals", "StringLike")):
            return _any_like(wanted, actual)
        if operator.startswith(("StringEquals", "Bool")):
            return actual in wanted
        return False


def _any_like(patterns: Iterable[Any], text: str) -> bool:
    """Return whether a pattern matches, in which ``*`` is any text and ``?`` any character."""
    return any(
        re.fullmatch(
            "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in str(pattern)), text
        )
        for pattern in patterns
    )


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
