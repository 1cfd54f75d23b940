"""Presigned URLs that stay the same for a while, so that browsers can cache what they lead to."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.auth import SIGV4_TIMESTAMP, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from django.conf import settings

from aws.answers import translated
from aws.clients import credentials, credentials_seconds_left, unsigned_client


@dataclass(frozen=True)
class SignedUrl:
    """A presigned URL and how many seconds it is still good for."""

    url: str
    seconds_left: int


def presigned_get(bucket: str, key: str, *, window: int, now: datetime) -> SignedUrl:
    """Return a GET URL that is the same in every process within a window of ``window`` seconds.

    It is signed as of the window's start and good for two windows, so it can be used for at least
    one after it was given out.
    """
    start = window_start(now, window=window)
    with translated():
        plain = unsigned_client().generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": key}
        )
        request = AWSRequest(method="GET", url=plain)
        frozen = credentials().get_frozen_credentials()
        _SignedAsOf(start, frozen, "s3", settings.AWS_REGION, 2 * window).add_auth(request)
    left = int((start - now).total_seconds()) + 2 * window
    return SignedUrl(str(request.url), min(left, credentials_seconds_left(now)))


def window_start(now: datetime, *, window: int) -> datetime:
    """Return when the window of ``window`` seconds that ``now`` lies in began."""
    return datetime.fromtimestamp(now.timestamp() // window * window, UTC)


class _SignedAsOf(S3SigV4QueryAuth):  # its base has no types for what it lets override
    """Query-string SigV4 with a given time of signing instead of now."""

    def __init__(self, moment: datetime, *args: Any) -> None:
        super().__init__(*args)
        self.moment = moment

    def add_auth(self, request: AWSRequest) -> None:
        request.context["timestamp"] = self.moment.strftime(SIGV4_TIMESTAMP)
        self._modify_request_before_signing(request)  # type: ignore[attr-defined]
        text = self.string_to_sign(request, self.canonical_request(request))
        signature = self.signature(text, request)
        self._inject_signature_to_request(request, signature)  # type: ignore[attr-defined]
