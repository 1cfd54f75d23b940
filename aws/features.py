"""What a bucket or a table must have, feature by feature: read first, written where it differs."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from pynamodb.exceptions import PynamoDBException

from aws.errors import SignaturesRefused, StorageUnavailable

# How engines other than AWS answer a request that they do not have.
LACKING = {"NotImplemented", "MethodNotAllowed", "UnknownOperationException", "InvalidAction"}


class Feature(ABC):
    """One thing to provision.

    ``optional`` if an engine may lack it: the sweep does a lifecycle's work, and a server without
    CORS rules for each bucket may have its own for all. AWS lacks nothing.
    """

    name: str
    optional: bool = False
    wanted: Any = True
    advice: str = ""  # what to do about it by hand, since nothing is made
    untried: str = ""  # why it is no fault that it is not there while nothing is to be changed

    @abstractmethod
    def read(self) -> Any:
        """Return what there is, comparable with ``wanted``."""

    @abstractmethod
    def make(self) -> None:
        """Make it ``wanted``."""

    def is_there(self) -> bool:
        """Return whether it is as wanted."""
        return bool(self.read() == self.wanted)


class Verdict(StrEnum):
    """What has become of a feature that was not as wanted."""

    CHANGED = "changed"
    DIFFERS = "differs"
    NOT_SUPPORTED = "not supported here"
    NOT_TRIED = "not tried"


@dataclass(frozen=True)
class Difference:
    """A feature that was not as wanted, and why it still is not, or what to do about it."""

    name: str
    verdict: Verdict
    why: str = ""


class ProvisioningFailed(Exception):
    """S3 or DynamoDB refused a request, or did not answer."""


class LeftAlone(Exception):
    """A feature would do harm here, so it was not made; the text says why."""


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
    except SignaturesRefused:
        raise
    except StorageUnavailable as error:
        raise ProvisioningFailed(str(error.__cause__ or error.message)) from error


def _settled(feature: Feature, *, change: bool) -> Difference | None:
    try:
        if feature.is_there():
            return None
        if feature.advice:
            return Difference(feature.name, Verdict.DIFFERS, feature.advice)
        if change:
            feature.make()
            return Difference(feature.name, Verdict.CHANGED)
    except LeftAlone as error:
        return Difference(feature.name, Verdict.NOT_SUPPORTED, str(error))
    except (ClientError, KeyError) as error:
        if not _says_lacking(error):
            raise
        if not feature.optional:
            raise NotSupported(feature.name) from error
        return Difference(feature.name, Verdict.NOT_SUPPORTED)
    verdict = Verdict.NOT_TRIED if feature.untried else Verdict.DIFFERS
    return Difference(feature.name, verdict, feature.untried)


def _says_lacking(error: ClientError | KeyError) -> bool:
    """Return whether a request is unknown to the engine: refused, or taken for another one."""
    return isinstance(error, KeyError) or error.response["Error"]["Code"] in LACKING


def canonical(value: Any) -> Any:
    """Return ``value`` with every list and object in one order: S3 keeps sets."""
    if isinstance(value, dict):
        return {key: canonical(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return sorted((canonical(item) for item in value), key=repr)
    return value
