"""How objects are deleted: a thousand in one request where the store has that, else one by one."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import structlog
from botocore.exceptions import ClientError
from django.conf import settings

from aws.answers import translated
from aws.clients import client
from aws.errors import ObjectMissing, StorageUnavailable

events = structlog.stdlib.get_logger(__name__)

# A character that a key may have, and the XML of DeleteObjects may not.
# Source: W3C, "Extensible Markup Language (XML) 1.0", 2.2.
NOT_IN_XML = re.compile(r"[^\t\n\r -\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
DELETE_BATCH = 1000  # what one DeleteObjects takes
SIDE_BY_SIDE = 32  # requests that delete one object each
# How stores answer that do not have DeleteObjects, or not in this form: Google's XML API 400
# InvalidArgument or NotImplemented, others 403, 405 or 501. It is the same each time, which a 408,
# 429, 500 or 503 need not be.
LASTING = {400, 403, 405, 411, 501}


class Deletion:
    """The way in which a store deletes the objects of one bucket, which shows when it is asked.

    ``one_by_one`` once DeleteObjects was refused and a DELETE of the same object was not. Both
    refused says something of rights, or of the network, and nothing of the way.
    """

    def __init__(self, bucket: str) -> None:
        self.one_by_one = False
        self._bucket = bucket

    def delete(self, keys: Sequence[str]) -> None:
        """Delete up to 1,000 ``keys`` within AWS_CALL_SECONDS; absent ones are no error.

        Raises StorageUnavailable if one of them may still be there.
        """
        deadline = monotonic() + settings.AWS_CALL_SECONDS
        apart = {key for key in keys if self.one_by_one or NOT_IN_XML.search(key)}
        self._each([key for key in keys if key in apart], deadline)
        together = [key for key in keys if key not in apart]
        if together and (refusal := self._all_at_once(together)):
            self._each(together[:1], deadline)
            self.one_by_one = True
            events.warning("deletes_one_by_one", bucket=self._bucket, refusal=refusal)
            self._each(together[1:], deadline)

    def _all_at_once(self, keys: Sequence[str]) -> str:
        """Delete ``keys`` in one request; return the code if the store refuses it for good."""
        with translated():
            try:
                answer = client().delete_objects(
                    Bucket=self._bucket,
                    Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True},
                )
            except ClientError as error:
                if _status(error) not in LASTING:
                    raise
                return error.response["Error"]["Code"]
        if answer.get("Errors"):
            raise StorageUnavailable
        return ""

    def _each(self, keys: Sequence[str], deadline: float) -> None:
        """Delete each of ``keys`` by a request of its own, and begin none after ``deadline``.

        The threads are of this call alone: one that waited for those of ``in_time`` could be
        waiting for itself.
        """
        if keys:
            with ThreadPoolExecutor(min(SIDE_BY_SIDE, len(keys))) as threads:
                list(threads.map(lambda key: self._one(key, deadline), keys))

    def _one(self, key: str, deadline: float) -> None:
        if monotonic() > deadline:
            raise StorageUnavailable
        try:
            with translated():
                client().delete_object(Bucket=self._bucket, Key=key)
        except ObjectMissing:  # AWS says 204, others say that there is none
            return


def _status(error: ClientError) -> Any:
    return error.response["ResponseMetadata"].get("HTTPStatusCode")
