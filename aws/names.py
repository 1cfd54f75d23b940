"""How queues and topics are named: by a name, a URL or an ARN, ``arn:aws:sqs:region:account:name``.

Source: AWS General Reference, "Amazon Resource Names (ARNs)".
"""

import json
from urllib.parse import urlsplit


def is_url(name: str) -> bool:
    """Return whether a queue is named by its URL."""
    return name.startswith(("http://", "https://"))


def is_arn(name: str) -> bool:
    """Return whether a topic is named by its ARN."""
    return name.startswith("arn:")


def name_of_url(name: str) -> str:
    """Return the name of the queue that is named by its URL, or by its name already."""
    return urlsplit(name).path.rpartition("/")[2] if is_url(name) else name


def name_of_arn(name: str) -> str:
    """Return the name of what is named by its ARN, or by its name already."""
    return name.rpartition(":")[2]


def account_of_arn(arn: str) -> str:
    """Return the account that owns what ``arn`` names."""
    return arn.split(":")[4]


def dead_letters_of(policy: str) -> str:
    """Return the name of the queue for dead letters in a redrive policy, empty if it has none."""
    return name_of_arn(json.loads(policy).get("deadLetterTargetArn", "")) if policy else ""
