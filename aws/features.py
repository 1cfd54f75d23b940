"""What a bucket or a table must have, feature by feature: read first, written where it differs."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from pynamodb.exceptions import PynamoDBException

# How engines other than AWS answer a request that they do not have.
LACKING = {"NotImplemented", "MethodNotAllowed", "UnknownOperationException", "InvalidAction"}
AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".amazonaws.eu")


class Feature(ABC):
    """One thing to provision.

    ``optional`` if an engine may lack it: the sweep does a lifecycle's work, and a server without
    CORS rules for each bucket may have its own for all. AWS lacks nothing.
    """

    name: str
    optional: bool = False
    wanted: Any = True
    advice: str = ""  # what to do about it by hand, where ``make`` leaves it alone

    @abstractmethod
    def read(self) -> Any:
        """Return what there is, comparable with ``wanted``."""

    @abstractmethod
    def make(self) -> None:
        """Make it ``wanted``."""

    def is_there(self) -> bool:
        """Return whether it is as wanted."""
        return bool(self.read() == self.wanted)


@dataclass(frozen=True)
class Difference:
    """A feature that is not as wanted; not ``supported`` where the engine lacks it.

    With ``advice``, which says what to do by hand, it has not been changed.
    """

    name: str
    supported: bool = True
    advice: str = ""


class ProvisioningFailed(Exception):
    """S3 or DynamoDB refused a request, or did not answer."""


class NotSupported(ProvisioningFailed):
    """The engine does not have what the product cannot do without."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is needed, and is not supported here.")


def settle(features: Iterable[Feature], *, change: bool) -> Iterator[Difference]:
    """Yield each feature that is missing or differs, and make it if ``change``.

    Raises ProvisioningFailed.
    """
    try:
        for feature in features:
            if (difference := _settled(feature, change=change)) is not None:
                yield difference
    except (BotoCoreError, ClientError, PynamoDBException, ResponseParserError) as error:
        raise ProvisioningFailed(str(error)) from error


def _settled(feature: Feature, *, change: bool) -> Difference | None:
    try:
        if feature.is_there():
            return None
        if change:
            feature.make()
    except (ClientError, KeyError) as error:
        if not _says_lacking(error):
            raise
        if not feature.optional:
            raise NotSupported(feature.name) from error
        return Difference(feature.name, supported=False)
    return Difference(feature.name, advice=feature.advice)


def _says_lacking(error: ClientError | KeyError) -> bool:
    """Return whether a request is unknown to the engine: refused, or taken for another one."""
    return isinstance(error, KeyError) or error.response["Error"]["Code"] in LACKING


def is_aws(endpoint: str | None) -> bool:
    """Return whether an endpoint is one of AWS: None, or a name for FIPS, dual stack or a VPC."""
    host = urlsplit(endpoint or "").hostname or AWS_HOSTS[0]
    return host.endswith(AWS_HOSTS)


def canonical(value: Any) -> Any:
    """Return ``value`` with every list and object in one order: S3 keeps sets."""
    if isinstance(value, dict):
        return {key: canonical(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return sorted((canonical(item) for item in value), key=repr)
    return value
