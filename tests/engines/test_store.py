"""What compose.yaml starts as `store`: it keeps what it was given, and expires what is pending."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.engines.engines import Engine
from tests.engines.servers import radosgw
from tests.engines.servers.daemon import VAR, Daemon
from tests.functional.embedded.builders import ACCESS_KEY, SECRET_KEY
from uploads.lifecycle import lifecycle_rules

pytestmark = pytest.mark.engines

BUCKET, KEY, BODY = "kept", "avatars/7/x.webp", b"0123456789"


@pytest.fixture
def store() -> Iterator[Daemon]:
    """Return the process of docker/store/start.sh, not yet started."""
    daemon = Daemon("store", VAR / "run")
    radosgw.forget(daemon)
    yield daemon
    radosgw.forget(daemon)


def test_object_is_as_it_was_when_the_store_was_killed_and_starts_again(store: Daemon) -> None:
    settings = radosgw.fresh_settings(store, access_key=ACCESS_KEY, secret_key=SECRET_KEY)
    s3 = Engine("store", radosgw.start_with(store, settings)).s3()
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=BODY, Tagging="Status=Live")

    store.kill()
    radosgw.start_with(store, settings)

    assert s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read() == BODY
    tags = s3.get_object_tagging(Bucket=BUCKET, Key=KEY)["TagSet"]
    assert tags == [{"Key": "Status", "Value": "Live"}]


def test_pending_object_vanishes_by_the_clock_of_the_store_and_the_live_one_stays(
    store: Daemon,
) -> None:
    keys = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
    settings = radosgw.fresh_settings(store, **keys, clock=radosgw.FAST_CLOCK)
    s3 = Engine("store", radosgw.start_with(store, settings)).s3()
    s3.create_bucket(Bucket=BUCKET)
    rules: Any = {"Rules": lifecycle_rules()}
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration=rules)

    for key in (KEY, "pending/7/y", "elsewhere"):
        tagging = "" if key == KEY else "Status=Pending"
        s3.put_object(Bucket=BUCKET, Key=key, Body=BODY, Tagging=tagging)

    left, deadline = 3, time.monotonic() + 300
    while left > 1 and time.monotonic() < deadline:
        time.sleep(1)
        left = s3.list_objects_v2(Bucket=BUCKET)["KeyCount"]
    time.sleep(11)  # two more days
    listed = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [found["Key"] for found in listed] == [KEY]
