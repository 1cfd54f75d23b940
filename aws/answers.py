"""How an answer of AWS is told from one of something else, and the SDK's errors from ours."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError as TransportError

from aws.errors import ObjectMissing, StorageUnavailable

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


def none_if(call: Callable[[], Answer], *codes: str) -> Answer | None:
    """Return what ``call`` returns, or None if AWS answers with one of the error ``codes``."""
    try:
        return call()
    except ClientError as error:
        if error.response["Error"]["Code"] in codes:
            return None
        raise


@contextmanager
def translated(*, any_404: bool = False) -> Iterator[None]:
    """Turn the SDK's errors into ours: absent objects as ObjectMissing, all others as one.

    With ``any_404`` a 404 of a proxy counts, too. That is for callers who then only ask their user
    to try again.
    """
    try:
        yield
    except ClientError as error:
        if _says_missing(error.response) or (any_404 and _is_404(error.response)):
            raise ObjectMissing from error
        raise StorageUnavailable from error
    except (BotoCoreError, TransportError) as error:
        raise StorageUnavailable from error
    except (ResponseParserError, AttributeError, KeyError, TypeError, ValueError) as error:
        # The answer is not one of AWS, or an engine leaves out what AWS always sends.
        logger.exception("AWS gave an answer that cannot be read.")
        raise StorageUnavailable from error


def _says_missing(response: Any) -> bool:
    """Return whether S3 itself, not a box on the way, says that there is no such object.

    The answer to a HEAD has no body with a code in it, but S3 numbers all its answers.
    """
    code, number = response["Error"]["Code"], response["ResponseMetadata"].get("RequestId")
    return code == "NoSuchKey" or (code == "404" and bool(number))


def is_unsigned_404(error: ClientError) -> bool:
    """Return whether ``error`` is a 404 that has nothing of S3: no code, no request id."""
    return _is_404(error.response) and not _says_missing(error.response)


def _is_404(response: Any) -> bool:
    """Return whether the status is 404, and that not for want of the bucket."""
    status = response["ResponseMetadata"].get("HTTPStatusCode")
    return bool(status == 404 and response["Error"]["Code"] != "NoSuchBucket")


def lower_names(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return ``metadata`` by names in lower case: they are names of headers.

    A proxy may write ``X-Amz-Meta-Owner``, and the SDK keeps the case of what follows the prefix.
    """
    return {name.lower(): value for name, value in metadata.items()}


def media_type(header: str) -> str:
    """Return the type in a ``Content-Type`` header, in lower case and without parameters.

    A proxy may write it as it likes, or add a charset. Source: RFC 9110, 8.3.1.
    """
    return header.partition(";")[0].strip().lower()


def check_etag(answer: Any) -> None:
    """Raise KeyError if ``answer`` is not about an object: S3 gives its ETag in every one.

    A 200 of a box on the way is no proof that an object is there, or was written.
    """
    answer["ETag"]
