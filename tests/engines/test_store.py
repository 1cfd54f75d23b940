"""What compose.yaml starts as `store` keeps what it was given (`make test-engines`)."""

from collections.abc import Iterator

import pytest

from tests.engines.engines import Engine
from tests.engines.servers import radosgw
from tests.engines.servers.daemon import VAR, Daemon
from tests.functional.embedded.builders import ACCESS_KEY, SECRET_KEY

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
