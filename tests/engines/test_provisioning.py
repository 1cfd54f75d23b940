"""What provision sets up, and the bucket's lifecycle"""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from aws.bucket import S3Bucket
from aws.bucket_features import PUBLIC_ACCESS_BLOCK
from aws.features import Feature, LeftAlone
from aws.https_only import PlainHttpRefused
from aws.lifecycle import expires_at
from tests.engines.engines import Engine
from tests.engines.forms import KEY, fields_for, send
from tests.engines.servers import radosgw
from tests.engines.test_reading import refusal
from tests.functional.embedded.builders import Place
from uploads.lifecycle import lifecycle_rules
from uploads.probe import probe
from uploads.provisioning import bucket_features

FEATURES = ["no ACLs", "public access block", "encryption", "CORS", "lifecycle"]
KEPT = ["no MFA delete", "no default retention"]
LIVE = "avatars/7/live.webp"
CLOCKS: dict[str, Callable[[str], None]] = {"radosgw": radosgw.run_lifecycle}


def feature(place: Place, name: str) -> Feature:
    return next(one for one in bucket_features(place.name) if one.name == name)


@pytest.mark.parametrize("name", FEATURES)
def test_feature_is_there_when_it_was_provisioned(
    place: Place, gateway: S3Bucket, name: str
) -> None:
    assert not feature(place, name).is_there()

    feature(place, name).make()
    assert feature(place, name).is_there()
    feature(place, name).make()
    assert feature(place, name).is_there()


def test_every_feature_is_looked_at(place: Place, gateway: S3Bucket) -> None:
    bucket, *others = [one.name for one in bucket_features(place.name)]

    assert (bucket, others) == (f"bucket {place.name}", [*FEATURES[:-1], *KEPT, FEATURES[-1]])


@pytest.mark.parametrize("name", KEPT)
def test_nothing_deleted_is_kept_when_nobody_asked_for_it(
    place: Place, gateway: S3Bucket, name: str
) -> None:
    assert feature(place, name).is_there()


def test_upload_can_be_tried_when_the_bucket_is_provisioned(
    place: Place, gateway: S3Bucket
) -> None:
    for name in ("CORS", "lifecycle"):
        feature(place, name).make()

    assert list(probe(place.name)) == []
    assert place.keys() == []


def test_page_that_may_not_post_is_noticed_when_the_bucket_has_no_rules(
    place: Place, gateway: S3Bucket
) -> None:
    steps = [finding.step for finding in probe(place.name)]

    assert [step for step in steps if step.startswith("let a page")] == [
        "let a page post it",
        "let a page put it",
    ]


def test_nobody_is_locked_out_when_https_does_not_reach_the_engine(
    place: Place, gateway: S3Bucket
) -> None:
    """HTTPS ends before it, or never began: it sees HTTP, and would refuse everything."""
    with pytest.raises(LeftAlone, match="HTTPS ends before the store"):
        PlainHttpRefused(place.name, "pending/probe/").make()

    assert refusal(lambda: place.s3.get_bucket_policy(Bucket=place.name))[1] == "NoSuchBucketPolicy"
    place.put("x")
    assert place.keys() == ["x"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("get_public_access_block", "NoSuchPublicAccessBlockConfiguration"),
        ("get_bucket_cors", "NoSuchCORSConfiguration"),
        ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
    ],
    ids=["public access block", "CORS", "lifecycle"],
)
def test_feature_is_said_to_be_absent_when_nobody_set_it(
    place: Place, name: str, code: str
) -> None:
    assert refusal(lambda: getattr(place.s3, name)(Bucket=place.name)) == (404, code)


def test_object_says_it_is_encrypted_when_the_bucket_is(place: Place, gateway: S3Bucket) -> None:
    feature(place, "encryption").make()
    place.put("x")

    assert place.head("x")["ServerSideEncryption"] == "AES256"


def block_public_access(place: Place) -> None:
    place.s3.put_public_access_block(
        Bucket=place.name, PublicAccessBlockConfiguration=PUBLIC_ACCESS_BLOCK
    )


def test_object_cannot_be_made_public_when_that_is_blocked(place: Place) -> None:
    block_public_access(place)

    assert refusal(lambda: place.put("x", ACL="public-read")) == (403, "AccessDenied")
    assert place.keys() == []


def test_private_object_is_written_when_public_ones_are_blocked(place: Place) -> None:
    block_public_access(place)

    place.put("x")

    assert place.keys() == ["x"]


def test_site_can_write_when_public_access_is_blocked_as_provisioned(
    place: Place, gateway: S3Bucket
) -> None:
    feature(place, "public access block").make()

    gateway.put(LIVE, b"live", content_type="image/webp", cache_control="private")

    assert place.body(LIVE) == b"live"
    assert place.request("GET", place.object_url(LIVE)).status == 403


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_object_is_refused_to_strangers_when_they(place: Place, method: str) -> None:
    place.put("x", b"mine")

    assert place.request(method, place.object_url("x"), body=b"").status == 403
    assert place.body("x") == b"mine"


# --- Lifecycle ---


@pytest.fixture
def expiring(place: Place, gateway: S3Bucket, settings: Settings) -> Place:
    """Return a bucket with the product's lifecycle rules, all of which are for one day."""
    settings.FILE_UPLOAD_DAYS = 1
    feature(place, "lifecycle").make()
    return place


def run_lifecycle(engine: Engine, place: Place) -> None:
    """Have the engine carry out its rules as if a day had passed."""
    assert engine.name in CLOCKS, "nothing here ever carries out a rule"
    time.sleep(2)  # twice a day of the clock that runs faster
    CLOCKS[engine.name](place.name)


def test_pending_object_vanishes_by_its_prefix_and_the_live_one_stays(
    s3_engine: Engine, expiring: Place
) -> None:
    for key in ("pending/7/untagged", LIVE, "pendings", "avatars/pending/x"):
        expiring.put(key)

    run_lifecycle(s3_engine, expiring)

    assert expiring.keys() == sorted([LIVE, "pendings", "avatars/pending/x"])


def test_pending_object_vanishes_by_its_tag_and_the_live_one_stays(
    s3_engine: Engine, expiring: Place
) -> None:
    expiring.put("files/pending", Tagging="Status=Pending&upload-token=x")
    expiring.put("files/live", Tagging="Status=Live")
    expiring.put("files/untagged")
    expiring.put("files/confirmed", Tagging="Status=Pending")
    expiring.s3.delete_object_tagging(Bucket=expiring.name, Key="files/confirmed")

    run_lifecycle(s3_engine, expiring)

    assert expiring.keys() == ["files/confirmed", "files/live", "files/untagged"]


def test_unfinished_parts_vanish_and_objects_stay(s3_engine: Engine, expiring: Place) -> None:
    expiring.s3.create_multipart_upload(Bucket=expiring.name, Key="files/unfinished")
    expiring.put(LIVE)

    run_lifecycle(s3_engine, expiring)

    assert expiring.s3.list_multipart_uploads(Bucket=expiring.name).get("Uploads", []) == []
    assert expiring.keys() == [LIVE]


@pytest.fixture
def versioned(expiring: Place) -> Place:
    """Return the same bucket with versions."""
    expiring.s3.put_bucket_versioning(
        Bucket=expiring.name, VersioningConfiguration={"Status": "Enabled"}
    )
    return expiring


def versions(place: Place) -> list[str]:
    """Return the keys of all versions and of all markers of deletions, each once for each."""
    found = place.s3.list_object_versions(Bucket=place.name)
    return [each["Key"] for each in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]]


def test_raw_uploads_vanish_in_all_versions_and_removed_pictures_can_be_restored(
    s3_engine: Engine, versioned: Place, gateway: S3Bucket
) -> None:
    for key in ("pending/7/deleted", "pending/7/forgotten", LIVE, "avatars/7/removed"):
        versioned.put(key)
    versioned.put("files/pending", Tagging="Status=Pending")
    gateway.delete(["pending/7/deleted", "pending/7/absent", "files/pending", "avatars/7/removed"])

    for _day in range(3):  # expired, then the old version, then what marks the deletion
        run_lifecycle(s3_engine, versioned)

    assert versions(versioned) == [LIVE, "avatars/7/removed", "avatars/7/removed"]


def test_removed_pictures_vanish_in_all_versions_when_their_time_is_over(
    s3_engine: Engine, versioned: Place, gateway: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uploads.lifecycle.REMOVED_DAYS", 1)
    feature(versioned, "lifecycle").make()
    versioned.put(LIVE)
    versioned.put("avatars/7/removed")
    gateway.delete(["avatars/7/removed"])

    for _day in range(2):
        run_lifecycle(s3_engine, versioned)

    assert versions(versioned) == [LIVE]


@pytest.mark.parametrize(
    "broken",
    [
        {"Expiration": {"Days": 0}},
        {"Status": "enabled"},
        {"Filter": {"Prefix": "a", "Tag": {"Key": "a", "Value": "b"}}},
        {"Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}},
    ],
    ids=["no days", "unknown status", "prefix and tag without And", "a marker after days"],
)
def test_rule_is_refused_when_it_has(place: Place, broken: dict[str, Any]) -> None:
    rule: Any = {**lifecycle_rules()[0], **broken}

    status, _ = refusal(
        lambda: place.s3.put_bucket_lifecycle_configuration(
            Bucket=place.name, LifecycleConfiguration={"Rules": [rule]}
        )
    )

    assert status == 400


# --- When an object expires ---

TAGGED = "files/tagged"


def _head(place: Place, key: str, **options: Any) -> Any:
    place.put(key, **options)
    return place.head(key).get("Expiration")


def _get(place: Place) -> Any:
    place.put(KEY)
    answer = place.s3.get_object(Bucket=place.name, Key=KEY)
    answer["Body"].close()
    return answer.get("Expiration")


ANSWERS: dict[str, Callable[[Place], Any]] = {
    "post": lambda place: send(place, fields_for(place)).headers.get("x-amz-expiration"),
    "put": lambda place: place.s3.put_object(Bucket=place.name, Key=KEY).get("Expiration"),
    "head by prefix": lambda place: _head(place, KEY),
    "head by tag": lambda place: _head(place, TAGGED, Tagging="Status=Pending"),
    "get": _get,
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_expiry_is_told_when_the_answer_is_that_of(
    expiring: Place, answer: Callable[[Place], Any]
) -> None:
    header = str(answer(expiring))

    [key] = expiring.keys()
    found = re.fullmatch(r'expiry-date="([^"]+)", rule-id="([^"]+)"', header)
    assert found, header
    assert parsedate_to_datetime(found[1]) == expires_at(
        key,
        last_modified=expiring.head(key)["LastModified"],
        tags=expiring.tags(key),
        size=expiring.head(key)["ContentLength"],
        rules=lifecycle_rules(),
    )
    by_prefix, by_tag = key.startswith("pending/"), bool(expiring.tags(key))
    rules = {"expire-pending-prefix": by_prefix, "expire-pending-tag": by_tag}
    assert rules[found[2]], found[2]


def test_no_expiry_is_told_when_no_rule_reaches_the_object(
    expiring: Place, gateway: S3Bucket
) -> None:
    expiring.put(LIVE)
    expiring.put("files/confirmed", Tagging="Status=Pending")
    expiring.s3.delete_object_tagging(Bucket=expiring.name, Key="files/confirmed")

    for key in (LIVE, "files/confirmed"):
        assert "Expiration" not in expiring.head(key)
        assert gateway.details(key).expires_at is None


def test_gateway_knows_when_an_object_expires(expiring: Place, gateway: S3Bucket) -> None:
    expiring.put(KEY)

    found = gateway.details(KEY).expires_at

    assert found
    left = found - datetime.now(UTC)
    assert timedelta(hours=23) < left <= timedelta(days=2)
