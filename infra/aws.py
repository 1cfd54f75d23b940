"""The clients, and AWS's errors as messages: a traceback does not help those who deploy."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
    WaiterError,
)

# CloudFormation allows few requests a second.
CONFIG = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "max_attempts": 8})
GONE = {"ResourceNotFoundException", "NoSuchBucket", "DBInstanceNotFound"}


class StackError(Exception):
    """A command cannot be carried out; the text says why, and what to do."""


@cache
def client(service: str) -> Any:
    """Return a client of ``service``, with the credentials that the SDK finds."""
    region = os.environ.get("AWS_REGION") or None  # the SDK reads AWS_DEFAULT_REGION alone
    make: Any = boto3.client
    try:
        return make(service, region_name=region, config=CONFIG)
    except (ProfileNotFound, ValueError) as error:  # such as an endpoint that is no URL
        raise StackError(f"AWS was not asked, for a setting cannot be used: {error}") from error


def say(text: str) -> None:
    """Print progress or an error; the standard output is for results."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def as_stack_errors() -> Iterator[None]:
    """Raise the SDK's errors as StackError."""
    try:
        yield
    except NoCredentialsError as error:
        raise StackError(
            "There are no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY."
        ) from error
    except NoRegionError as error:
        raise StackError("There is no region: set AWS_REGION.") from error
    except ClientError as error:
        answer = error.response["Error"]
        raise StackError(
            f"{error.operation_name} was refused: {answer['Code']}: {answer['Message']}"
        ) from error
    except WaiterError as error:
        waited, why = error.kwargs["name"], error.kwargs["reason"]
        raise StackError(f"Waiting for {waited} took too long or failed: {why}") from error
    except BotoCoreError as error:
        raise StackError(f"AWS cannot be reached: {error}") from error


def code_of(error: ClientError) -> str:
    """Return the error code of AWS's answer."""
    return str(error.response["Error"]["Code"])


def unless_gone(call: Callable[..., Any], *subject: str, **request: Any) -> Any:
    """Return what ``call`` returns, None if what it asks for was deleted."""
    try:
        return call(*subject, **request)
    except ClientError as error:
        if code_of(error) in GONE:
            return None
        raise
