"""Whether a region or a clock that is wrong is noticed before a user's upload fails."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from aws.bucket import live_bucket

pytestmark = pytest.mark.django_db

OFF = {"database": "ok", "bucket": "unavailable", "table": "ok"}
FINE = {"database": "ok", "bucket": "ok", "table": "ok"}


def reason_for_refusal() -> str:
    """Assert that the site is not ready; return the reason in its log."""
    with capture_logs() as logged:
        answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()) == (503, OFF)
    [line] = [line for line in logged if line["event"] == "signatures_refused"]
    return str(line["reason"])


def provisioning_refused() -> str:
    """Assert that ``provision --check`` fails without a look at anything; return why."""
    with pytest.raises(CommandError) as failure:
        call_command("provision", "--check")
    assert failure.value.returncode == 1
    return str(failure.value)


@pytest.mark.usefixtures("in_europe")
def test_region_is_named_when_the_bucket_is_in_another() -> None:
    """The site's own requests work all the same: the SDK follows the bucket, and remembers."""
    reason = "AWS_REGION is us-east-1, but the bucket is in eu-west-1"
    assert reason_for_refusal() == reason
    assert live_bucket().list_page().objects == []
    assert reason_for_refusal() == reason
    assert provisioning_refused() == f"No page can upload: {reason}."


@pytest.mark.usefixtures("on_time")
@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (-6, "6 minutes behind"),
        (6, "6 minutes ahead of"),
        (-20, "20 minutes behind"),  # here S3 refuses the request itself
        (20, "20 minutes ahead of"),
    ],
)
def test_clock_is_named_when_it_is_minutes_off(minutes: int, said: str) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes)):
        reason = f"the clock of this machine is {said} S3's"
        assert reason_for_refusal() == reason
        assert provisioning_refused() == f"No page can upload: {reason}."
    assert Client().get("/readyz").json() == FINE


@pytest.mark.usefixtures("on_time")
def test_clock_is_named_when_forms_have_expired_before_they_are_sent(settings: Settings) -> None:
    settings.UPLOAD_POLICY_SECONDS = 60

    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=3)):
        assert reason_for_refusal() == "the clock of this machine is 3 minutes behind S3's"


@pytest.mark.usefixtures("on_time")
def test_site_is_ready_when_the_clock_is_a_little_off() -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=4)):
        assert Client().get("/readyz").json() == FINE
