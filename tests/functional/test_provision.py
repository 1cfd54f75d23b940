"""Provisioning: made once, checked, and mended where somebody changed it."""

import io
from collections.abc import Callable
from typing import Any

import pytest
import urllib3
from django.core.management import call_command
from pytest_django.fixtures import Settings

from avatars.models import AvatarItem
from avatars.stores import Stores
from tests.functional.steps import bucket_keys, put_object
from uploads.bucket import client, live_bucket
from uploads.embedded.server import EmbeddedAWS
from uploads.lifecycle import lifecycle_rules

FEATURES = [
    "bucket triphase",
    "public access block",
    "encryption",
    "CORS",
    "lifecycle",
    "table triphase-avatars",
]


def provision(*arguments: str) -> tuple[int, list[str]]:
    """Run the command; return its exit status and lines."""
    stdout = io.StringIO()
    status = 0
    try:
        call_command("provision", *arguments, stdout=stdout)
    except SystemExit as error:
        status = int(error.code or 0)
    return status, stdout.getvalue().splitlines()


def test_check_finds_everything_missing_and_changes_nothing_in_an_empty_account(
    aws: Stores, embedded_aws: EmbeddedAWS
) -> None:
    embedded_aws.reset()

    status, lines = provision("--check")

    assert (status, lines) == (1, [f"differs: {name}" for name in FEATURES])
    assert provision("--check") == (status, lines)
    assert not AvatarItem.exists()


def test_everything_is_made_in_an_empty_account(aws: Stores, embedded_aws: EmbeddedAWS) -> None:
    embedded_aws.reset()

    assert provision() == (0, [f"changed: {name}" for name in FEATURES])
    assert provision("--check") == (0, ["Everything is as it should be."])
    assert live_bucket().lifecycle_rules() == lifecycle_rules()
    assert AvatarItem.describe_table()["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_nothing_is_changed_or_lost_when_everything_is_there(aws: Stores) -> None:
    put_object("avatars/a/x")

    assert provision() == (0, ["Everything is as it should be."])
    assert bucket_keys() == ["avatars/a/x"]


def loosen_access() -> None:
    """Let the bucket be public."""
    blocked: Any = dict.fromkeys(
        ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], False
    )
    client().put_public_access_block(Bucket="triphase", PublicAccessBlockConfiguration=blocked)


def slow_the_lifecycle_down() -> None:
    """Have the first rule expire after a year."""
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


def let_every_site_in() -> None:
    """Allow any origin."""
    rule: Any = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET", "POST", "DELETE"]}
    client().put_bucket_cors(Bucket="triphase", CORSConfiguration={"CORSRules": [rule]})


DRIFTS: list[tuple[str, Callable[[], Any]]] = [
    ("public access block", loosen_access),
    (
        "public access block",
        lambda: client().delete_public_access_block(Bucket="triphase"),
    ),
    ("encryption", lambda: client().delete_bucket_encryption(Bucket="triphase")),
    ("CORS", let_every_site_in),
    ("CORS", lambda: client().delete_bucket_cors(Bucket="triphase")),
    ("lifecycle", slow_the_lifecycle_down),
    ("lifecycle", switch_a_rule_off),
    ("lifecycle", lambda: client().delete_bucket_lifecycle(Bucket="triphase")),
    ("table triphase-avatars", AvatarItem.delete_table),
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
