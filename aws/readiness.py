"""Whether what this process signs is good for the bucket: the region, and the clock.

The process itself would not notice: the SDK follows a bucket into another region, and S3 accepts
a clock that is 15 minutes off. A form that a browser posts is refused in both cases.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from botocore.exceptions import ClientError
from django.conf import settings

from aws.errors import SignaturesRefused

MAX_CLOCK_SECONDS = 5 * 60


def check_answer(ask: Any) -> float:
    """Return how many seconds S3's clock is ahead of this one, by the answer that ``ask`` gets.

    Raises SignaturesRefused if that is too much, even where S3 refuses the request for it, and
    whatever else ``ask`` raises.
    """
    try:
        answer = ask()
    except ClientError as error:
        _check_clock(error.response)
        raise
    return _check_clock(answer)


def seconds_ahead(headers: Mapping[str, str]) -> float:
    """Return how many seconds S3's clock is ahead, by the ``Date`` of its answer; 0 without one."""
    try:
        theirs = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return 0
    return (theirs.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()


def wrong_clock(ahead: float) -> str:
    """Return the sentence that says how far the clock is off, if S3's is ``ahead`` by that much."""
    size = f"{abs(ahead) / 60:.0f} minutes" if abs(ahead) >= 120 else f"{abs(ahead):.0f} seconds"
    return f"the clock of this machine is {size} {'behind' if ahead > 0 else 'ahead of'} S3's"


def wrong_region(named: str) -> str:
    """Return the sentence that says which region S3 ``named``, if it named one."""
    there = f"in {named}" if named else "in another region"
    return f"AWS_REGION is {settings.AWS_REGION}, but the bucket is {there}"


def refuse_other_regions(client: Any) -> None:
    """Have ``client`` raise SignaturesRefused where a bucket is in another region than its own.

    That holds for HeadBucket alone, which is what is asked to find out.
    Source: Amazon S3 API Reference, "HeadBucket", header ``x-amz-bucket-region``.
    """
    look = partial(_refuse_other_region, client.meta.region_name)
    client.meta.events.register_first("needs-retry.s3.HeadBucket", look)


def _refuse_other_region(own: str, response: Any, request_dict: Any, **_: object) -> None:
    # Once it has followed a bucket, the SDK signs for that region from the start.
    signed = request_dict["context"].get("signing", {}).get("region", own)
    if signed == own and response is not None and response[0].status_code >= 300:
        headers = response[1]["ResponseMetadata"]["HTTPHeaders"]
        signed = headers.get("x-amz-bucket-region", own)
    if signed != own:
        raise SignaturesRefused(wrong_region(signed))


def _check_clock(answer: Any) -> float:
    ahead = seconds_ahead(answer["ResponseMetadata"]["HTTPHeaders"])
    # A clock that is slow by the life of a form signs forms that have expired.
    if abs(ahead) >= MAX_CLOCK_SECONDS or ahead >= settings.UPLOAD_POLICY_SECONDS:
        raise SignaturesRefused(wrong_clock(ahead))
    return ahead
