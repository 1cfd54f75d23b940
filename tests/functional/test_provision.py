"""``provision``: it sets up, checks, and restores what was changed."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from django.core.management import CommandError
from pynamodb.exceptions import TableError
from pytest_django.fixtures import Settings

from avatars.models import AvatarItem
from avatars.references import Stores
from aws.bucket import live_bucket
from aws.bucket_features import (
    PUBLIC_ACCESS_BLOCK,
    NoRetention,
    blocks,
    public_access_block,
)
from aws.clients import client
from aws.https_only import PlainHttpRefused, plain_http_refused
from embedded_aws.server import EmbeddedAWS
from tests.functional.steps import bucket_keys, provision, put_object
from uploads.lifecycle import lifecycle_rules
from uploads.provisioning import bucket_features, event_features, table_features

TABLE = "triphase-avatars"
BUCKET_FEATURES = [
    "bucket triphase",
    "no ACLs",
    "public access block",
    "encryption",
    "CORS",
    "lifecycle",
]
PROTECTION = f"deletion protection of {TABLE}"
RECOVERY = f"point-in-time recovery of {TABLE}"
TABLES = [TABLE, "triphase-files"]
TABLE_FEATURES = [
    f"{feature} {table}"
    for table in TABLES
    for feature in (
        *("table", "billing of"),
        *("deletion protection of", "point-in-time recovery of"),
    )
] + ["time to live in triphase-files"]
QUEUE = "triphase-events"
EVENT_FEATURES = [
    f"dead-letter queue of {QUEUE}",
    f"retention of dead letters of {QUEUE}",
    f"queue {QUEUE}",
    f"tries of {QUEUE}",
    f"policy of {QUEUE}",
    "events of files/",
    "topic triphase-files",
]
MISSING = [*BUCKET_FEATURES, *TABLE_FEATURES, *EVENT_FEATURES]
MADE_ALONG = {
    *(f"billing of {table}" for table in TABLES),
    f"retention of dead letters of {QUEUE}",
}
MADE = [name for name in MISSING if name not in MADE_ALONG]


def keep_for_ever() -> None:
    """Let no item of the files' table end."""
    specification = {"Enabled": False, "AttributeName": "ttl"}
    dynamodb().update_time_to_live(
        TableName="triphase-files", TimeToLiveSpecification=specification
    )


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for S3 to act upon a change."""
    monkeypatch.setattr("uploads.management.commands.provision.PAUSES", ())


def test_check_finds_everything_missing_and_changes_nothing_in_an_empty_account(
    aws: Stores, embedded_aws: EmbeddedAWS
) -> None:
    embedded_aws.reset()

    status, lines = provision("--check")

    assert (status, lines) == (1, [f"differs: {name}" for name in MISSING])
    assert provision("--check") == (status, lines)
    assert not AvatarItem.exists()


def test_everything_is_made_in_an_empty_account(aws: Stores, embedded_aws: EmbeddedAWS) -> None:
    embedded_aws.reset()

    assert provision() == (0, [f"changed: {name}" for name in MADE])
    assert provision("--check") == (0, ["Everything is as it should be."])
    assert live_bucket().lifecycle_rules() == lifecycle_rules()
    table = AvatarItem.describe_table()
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"]
    with pytest.raises(TableError, match="can't be deleted"):
        AvatarItem.delete_table()


def test_nothing_is_changed_or_lost_when_everything_is_there(aws: Stores) -> None:
    put_object("avatars/a/x")

    assert provision() == (0, ["Everything is as it should be."])
    assert bucket_keys() == ["avatars/a/x"]


def loosen_access() -> None:
    """Make the bucket public."""
    blocked: Any = dict.fromkeys(
        ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], False
    )
    client().put_public_access_block(Bucket="triphase", PublicAccessBlockConfiguration=blocked)


def slow_the_lifecycle_down() -> None:
    """Let the first rule expire objects after a year."""
    first, *others = lifecycle_rules()
    rules: list[Any] = [{**first, "Expiration": {"Days": 365}}, *others]
    client().put_bucket_lifecycle_configuration(
        Bucket="triphase", LifecycleConfiguration={"Rules": rules}
    )


def switch_a_rule_off() -> None:
    """Disable the first rule."""
    first, *others = lifecycle_rules()
    rules: list[Any] = [{**first, "Status": "Disabled"}, *others]
    client().put_bucket_lifecycle_configuration(
        Bucket="triphase", LifecycleConfiguration={"Rules": rules}
    )


def spare_small_objects() -> None:
    """Let the first rule expire large objects only."""
    first, *others = lifecycle_rules()
    bounded = {"And": {**first["Filter"], "ObjectSizeGreaterThan": 1024}}
    rules: list[Any] = [{**first, "Filter": bounded}, *others]
    client().put_bucket_lifecycle_configuration(
        Bucket="triphase", LifecycleConfiguration={"Rules": rules}
    )


def keep_old_versions() -> None:
    """Switch versions on, without the rule that ends old ones."""
    client().put_bucket_versioning(Bucket="triphase", VersioningConfiguration={"Status": "Enabled"})
    rules: Any = [rule for rule in lifecycle_rules() if rule["ID"] != "expire-old-versions"]
    client().put_bucket_lifecycle_configuration(
        Bucket="triphase", LifecycleConfiguration={"Rules": rules}
    )


def let_every_site_in() -> None:
    """Allow any origin."""
    rule: Any = {
        "AllowedOrigins": ["*"],
        "AllowedMethods": ["GET", "POST", "PUT", "DELETE"],
        "AllowedHeaders": ["*"],
    }
    client().put_bucket_cors(Bucket="triphase", CORSConfiguration={"CORSRules": [rule]})


def dynamodb() -> Any:
    """Return the table's client, past the product's code."""
    return AvatarItem._get_connection().connection.client


def forget_backups() -> None:
    """Switch point-in-time recovery off."""
    dynamodb().update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )


def unprotect() -> None:
    """Turn the table's deletion protection off."""
    dynamodb().update_table(TableName=TABLE, DeletionProtectionEnabled=False)


def pay_for_capacity() -> None:
    """Switch the table to provisioned capacity, which throttles."""
    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    dynamodb().update_table(
        TableName=TABLE, BillingMode="PROVISIONED", ProvisionedThroughput=throughput
    )


def let_acls_in() -> None:
    """Enable ACLs."""
    controls: Any = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    client().put_bucket_ownership_controls(Bucket="triphase", OwnershipControls=controls)


DRIFTS: list[tuple[str, Callable[[], Any]]] = [
    ("no ACLs", let_acls_in),
    ("no ACLs", lambda: client().delete_bucket_ownership_controls(Bucket="triphase")),
    ("public access block", loosen_access),
    (
        "public access block",
        lambda: client().delete_public_access_block(Bucket="triphase"),
    ),
    ("encryption", lambda: client().delete_bucket_encryption(Bucket="triphase")),
    ("CORS", let_every_site_in),
    ("lifecycle", slow_the_lifecycle_down),
    ("lifecycle", switch_a_rule_off),
    ("lifecycle", spare_small_objects),
    ("lifecycle", keep_old_versions),
    ("lifecycle", lambda: client().delete_bucket_lifecycle(Bucket="triphase")),
    (f"billing of {TABLE}", pay_for_capacity),
    (PROTECTION, unprotect),
    (RECOVERY, forget_backups),
    ("time to live in triphase-files", keep_for_ever),
]


@pytest.mark.parametrize(("feature", "drift"), DRIFTS)
def test_drift_is_found_by_the_check_and_mended(
    aws: Stores, feature: str, drift: Callable[[], Any]
) -> None:
    put_object("avatars/a/x")
    drift()

    assert provision("--check") == (1, [f"differs: {feature}"])
    assert provision("--check") == (1, [f"differs: {feature}"]), "a check mends nothing"
    assert provision() == (0, [f"changed: {feature}"])
    assert provision("--check") == (0, ["Everything is as it should be."])
    assert bucket_keys() == ["avatars/a/x"]


def test_missing_cors_is_found_twice_and_mended(aws: Stores) -> None:
    """By the setting that is not there, and by the probe, which posts as a page does."""
    client().delete_bucket_cors(Bucket="triphase")

    status, lines = provision("--check")

    assert (status, lines[0]) == (1, "differs: CORS")
    assert lines[1].startswith("failed: let a page post it: the store does not let pages of http")
    assert provision() == (0, ["changed: CORS"])
    assert provision("--check") == (0, ["Everything is as it should be."])


def test_table_is_made_anew_when_it_is_gone(aws: Stores) -> None:
    unprotect()
    AvatarItem.delete_table()

    assert provision() == (
        0,
        [f"changed: {name}" for name in (f"table {TABLE}", PROTECTION, RECOVERY)],
    )
    assert provision("--check") == (0, ["Everything is as it should be."])


# --- A bucket that keeps what is deleted ---


def lock(*, days: int) -> None:
    """Make the bucket anew with Object Lock; new objects are kept for ``days``, if any."""
    client().delete_bucket(Bucket="triphase")
    client().create_bucket(Bucket="triphase", ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": days}}
    wanted: Any = {"ObjectLockEnabled": "Enabled", **({"Rule": rule} if days else {})}
    client().put_object_lock_configuration(Bucket="triphase", ObjectLockConfiguration=wanted)


def test_retention_is_told_and_left_alone(aws: Stores) -> None:
    lock(days=3)
    provision()

    for arguments in (["--check"], []):
        status, lines = provision(*arguments)
        assert status == 1
        assert lines[0] == f"differs: {NoRetention.name}: {NoRetention.advice}"
    kept: Any = client().get_object_lock_configuration(Bucket="triphase")
    assert kept["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]["Days"] == 3


def test_lock_that_keeps_nothing_by_itself_is_as_it_should_be(aws: Stores) -> None:
    lock(days=0)
    provision()

    assert provision("--check") == (0, ["Everything is as it should be."])


# --- A bucket that is asked by HTTPS ---


@pytest.fixture
def https_only(aws: Stores, settings: Settings) -> Iterator[PlainHttpRefused]:
    """Return the feature as on AWS, while the shared client goes on with HTTP.

    moto ignores the condition of a statement, so the test must touch no object meanwhile.
    """
    client()
    settings.AWS_S3_ENDPOINT_URL = None
    yield PlainHttpRefused("triphase", "pending/probe/")
    client().delete_bucket_policy(Bucket="triphase")


def policy_statements() -> list[Any]:
    """Return the statements of the bucket's policy."""
    policy = json.loads(client().get_bucket_policy(Bucket="triphase")["Policy"])
    return list(policy["Statement"])


def test_plain_http_is_refused_when_the_bucket_is_asked_by_https(
    https_only: PlainHttpRefused,
) -> None:
    assert not https_only.is_there()

    https_only.make()

    assert https_only.is_there()
    assert policy_statements() == [plain_http_refused("triphase")]


def test_other_statements_of_the_policy_stay_when_ours_is_mended(
    https_only: PlainHttpRefused,
) -> None:
    """A CDN, for example, reads the bucket by its own statement."""
    weakened = {**plain_http_refused("triphase"), "Action": "s3:GetObject"}
    cdn = {
        "Sid": "Cdn",
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::triphase/avatars/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [weakened, cdn]}
    client().put_bucket_policy(Bucket="triphase", Policy=json.dumps(policy))

    https_only.make()

    assert policy_statements() == [cdn, plain_http_refused("triphase")]


def test_policy_of_one_statement_that_stands_alone_is_added_to(
    https_only: PlainHttpRefused,
) -> None:
    """A policy may hold one statement instead of a list, and an id."""
    alone = {**plain_http_refused("triphase"), "Sid": "Another"}
    policy = {"Version": "2012-10-17", "Id": "kept", "Statement": alone}
    client().put_bucket_policy(Bucket="triphase", Policy=json.dumps(policy))

    https_only.make()

    assert policy_statements() == [alone, plain_http_refused("triphase")]
    answer = client().get_bucket_policy(Bucket="triphase")
    assert json.loads(answer["Policy"])["Id"] == "kept"


# --- Engines that lack something ---


def refuse(monkeypatch: pytest.MonkeyPatch, request: str, code: str) -> None:
    """Have S3 refuse ``request`` with ``code``."""

    def refused(**_request: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, request)

    monkeypatch.setattr(client(), request, refused)


@pytest.mark.parametrize("change", [True, False])
def test_feature_that_the_engine_lacks_is_told_and_the_others_are_made(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, change: bool
) -> None:
    """One engine refuses the request; another answers as if to a different request."""
    refuse(monkeypatch, "get_bucket_ownership_controls", "NotImplemented")
    monkeypatch.setattr(client(), "get_public_access_block", lambda **request: {})
    slow_the_lifecycle_down()

    status, lines = provision(*([] if change else ["--check"]))

    assert status == (0 if change else 1)
    assert lines == [
        "not supported here: no ACLs",
        "not supported here: public access block",
        f"{'changed' if change else 'differs'}: lifecycle",
    ]


def test_protection_that_the_engine_does_not_know_is_told(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dynalite's description of a table has no deletion protection."""
    describe = dynamodb().describe_table

    def without_protection(**request: Any) -> Any:
        answer = describe(**request)
        del answer["Table"]["DeletionProtectionEnabled"]
        return answer

    monkeypatch.setattr(dynamodb(), "describe_table", without_protection)

    told = [f"not supported here: {PROTECTION}", "Everything else is as it should be."]
    assert provision() == (0, told)
    assert provision("--check") == (0, told)


def test_other_refusals_end_it_when_something_is_forbidden(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "get_bucket_cors", "AccessDenied")

    with pytest.raises(CommandError, match="AccessDenied"):
        provision("--check")


def test_answer_that_is_no_answer_of_s3_ends_it(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoint may be a web site's."""

    def a_page(**_request: Any) -> Any:
        raise ResponseParserError("not well-formed")

    monkeypatch.setattr(client(), "head_bucket", a_page)

    with pytest.raises(CommandError, match="Cannot provision on http") as failure:
        provision()

    assert failure.value.returncode == 2


@pytest.mark.parametrize(
    ("request_name", "arguments"),
    [("get_bucket_cors", []), ("get_bucket_cors", ["--check"]), ("put_bucket_cors", [])],
    ids=["cannot be read", "cannot be checked", "cannot be written"],
)
def test_it_fails_when_aws_has_no_cors_that(
    aws: Stores,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    request_name: str,
    arguments: list[str],
) -> None:
    settings.AWS_S3_ENDPOINT_URL = None
    client().delete_bucket_cors(Bucket="triphase")
    refuse(monkeypatch, request_name, "NotImplemented")

    with pytest.raises(CommandError) as failure:
        provision(*arguments)

    assert str(failure.value) == "Cannot provision: CORS is needed, and is not supported here."
    assert failure.value.returncode == 2


def test_it_fails_when_the_answer_of_aws_is_about_something_else(
    aws: Stores, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AWS_S3_ENDPOINT_URL = None
    monkeypatch.setattr(client(), "get_bucket_cors", lambda **_request: {})

    with pytest.raises(CommandError, match="CORS is needed"):
        provision("--check")


@pytest.mark.parametrize(
    ("endpoint", "may_lack"),
    [
        (None, False),
        ("https://s3-fips.us-gov-west-1.amazonaws.com", False),
        ("https://bucket.vpce-1a2b3c4d.s3.eu-west-1.vpce.amazonaws.com", False),
        ("https://s3.dualstack.cn-north-1.amazonaws.com.cn", False),
        ("https://s3.eu-west-1.api.aws", False),
        ("https://s3.example", True),
        ("https://amazonaws.com.example", True),
        ("http://127.0.0.1:7480", True),
    ],
)
def test_nothing_is_excused_when_the_endpoint_is_one_of_aws(
    aws: Stores, settings: Settings, endpoint: str | None, may_lack: bool
) -> None:
    settings.AWS_S3_ENDPOINT_URL = settings.AWS_DYNAMODB_ENDPOINT_URL = endpoint
    settings.AWS_SQS_ENDPOINT_URL = settings.AWS_SNS_ENDPOINT_URL = endpoint

    assert bool(optional_features()) == may_lack
    assert public_access_block()["BlockPublicAcls"] != may_lack


def test_encryption_with_keys_of_ones_own_is_left_alone(aws: Stores) -> None:
    own: Any = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    client().put_bucket_encryption(
        Bucket="triphase", ServerSideEncryptionConfiguration={"Rules": [own]}
    )

    assert provision()[0] == 0

    answer = client().get_bucket_encryption(Bucket="triphase")
    [rule] = answer["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms"}


def test_both_services_are_named_when_one_of_them_fails(
    aws: Stores, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AWS_DYNAMODB_ENDPOINT_URL = None
    refuse(monkeypatch, "get_bucket_cors", "AccessDenied")

    with pytest.raises(CommandError) as failure:
        provision("--check")

    named = f"Cannot provision on {settings.AWS_S3_ENDPOINT_URL} and AWS in us-east-1: "
    assert str(failure.value).startswith(named)


def test_lacking_encryption_is_told_elsewhere_and_fails_on_aws(
    aws: Stores, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client().put_public_access_block(
        Bucket="triphase", PublicAccessBlockConfiguration=PUBLIC_ACCESS_BLOCK
    )
    refuse(monkeypatch, "get_bucket_encryption", "NotImplemented")
    told = ["not supported here: encryption", "Everything else is as it should be."]
    assert provision("--check") == (0, told)

    settings.AWS_S3_ENDPOINT_URL = None
    with pytest.raises(CommandError, match="encryption is needed, and is not supported here"):
        provision("--check")


def optional_features() -> set[str]:
    """Return the features that an engine may lack."""
    features = [*bucket_features("triphase"), *table_features(), *event_features("triphase")]
    return {feature.name for feature in features if feature.optional}


def test_all_but_bucket_and_table_may_be_lacking_elsewhere(aws: Stores, settings: Settings) -> None:
    needed = {"bucket triphase", *(f"table {table}" for table in TABLES)}
    assert optional_features() == set(MISSING) - needed

    settings.AWS_S3_ENDPOINT_URL = "https://s3.example"
    assert optional_features() == {*MISSING, "plain HTTP refused"} - needed


def test_nothing_may_be_lacking_on_aws(aws: Stores, settings: Settings) -> None:
    settings.AWS_S3_ENDPOINT_URL = settings.AWS_SQS_ENDPOINT_URL = None
    topic = EVENT_FEATURES[-1]
    assert optional_features() == {*TABLE_FEATURES, topic} - {f"table {table}" for table in TABLES}

    settings.AWS_DYNAMODB_ENDPOINT_URL = settings.AWS_SNS_ENDPOINT_URL = None
    assert optional_features() == set()


@pytest.mark.parametrize(
    "code", ["ResourceInUseException", "ContinuousBackupsUnavailableException"]
)
def test_change_of_a_busy_table_is_repeated(
    aws: Stores, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    forget_backups()
    asked, update = [], dynamodb().update_continuous_backups

    def busy_once(**request: Any) -> Any:
        asked.append(request)
        if len(asked) == 1:
            raise ClientError({"Error": {"Code": code, "Message": ""}}, "UpdateContinuousBackups")
        return update(**request)

    monkeypatch.setattr(dynamodb(), "update_continuous_backups", busy_once)
    monkeypatch.setattr("aws.table_features.BUSY_PAUSE", 0)

    assert provision() == (0, [f"changed: {RECOVERY}"])
    assert provision("--check")[0] == 0


def test_change_is_not_repeated_when_it_is_forbidden(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def forbidden(**request: Any) -> Any:
        asked.append(request)
        answer: Any = {"Error": {"Code": "AccessDeniedException", "Message": ""}}
        raise ClientError(answer, "UpdateContinuousBackups")

    forget_backups()
    monkeypatch.setattr(dynamodb(), "update_continuous_backups", forbidden)

    with pytest.raises(CommandError, match="AccessDeniedException"):
        provision()

    assert len(asked) == 1


# --- Rules ---


def test_order_of_the_rules_is_no_drift(aws: Stores) -> None:
    client().put_bucket_lifecycle_configuration(
        Bucket="triphase", LifecycleConfiguration={"Rules": lifecycle_rules()[::-1]}
    )

    assert provision("--check")[0] == 0


def test_browsers_of_this_site_alone_may_post_when_provisioned(
    aws: Stores, settings: Settings
) -> None:
    settings.SITE_ORIGINS = ["https://triphase.example"]
    provision()

    def preflight(origin: str) -> urllib3.BaseHTTPResponse:
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        with urllib3.PoolManager() as http:
            url = f"{settings.AWS_S3_ENDPOINT_URL}/triphase"
            return http.request("OPTIONS", url, headers=headers)

    allowed, refused = preflight("https://triphase.example"), preflight("https://evil.example")

    assert allowed.headers["Access-Control-Allow-Origin"] == "https://triphase.example"
    assert refused.status == 403
    assert "Access-Control-Allow-Origin" not in refused.headers


def test_acls_are_refused_on_aws_and_ignored_elsewhere(settings: Settings) -> None:
    """With ``BlockPublicAcls`` Ceph refuses the site's own PUT; a stricter block is kept."""
    everything = {"PublicAccessBlockConfiguration": PUBLIC_ACCESS_BLOCK}

    assert public_access_block() == {**PUBLIC_ACCESS_BLOCK, "BlockPublicAcls": False}
    assert blocks(everything)
    assert blocks({"PublicAccessBlockConfiguration": public_access_block()})

    settings.AWS_S3_ENDPOINT_URL = None
    assert public_access_block() == PUBLIC_ACCESS_BLOCK
    assert blocks(everything)
    for name in PUBLIC_ACCESS_BLOCK:
        lacking = {**PUBLIC_ACCESS_BLOCK, name: False}
        assert not blocks({"PublicAccessBlockConfiguration": lacking})


def test_nothing_is_made_when_no_site_may_upload(aws: Stores, settings: Settings) -> None:
    settings.SITE_ORIGINS = []

    with pytest.raises(CommandError, match="neither SITE_ORIGINS nor ALLOWED_HOSTS"):
        provision()
