"""Plain HTTP is refused only where HTTPS is proven to reach the store."""

import json
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from aws.answers import none_if
from aws.clients import client
from aws.https_only import plain_http_refused
from tests.functional.steps import bucket_keys, provision
from tests.stores.conftest import Moved
from tests.stores.proxy import Answer, Request, Store, refusal

FINE = ["Everything is as it should be."]
NOT_SUPPORTED = "not supported here: plain HTTP refused: "
LOCKED_OUT = f"{NOT_SUPPORTED}HTTPS ends before the store, which would then refuse everybody"


class Policies:
    """A store's policies; to it a request is ``secure``, "true" or "false", or it ignores them."""

    def __init__(self, secure: str | None) -> None:
        self.secure = secure
        self.document = b""

    def __call__(self, request: Request) -> Answer | None:
        """Answer requests for the policy, and those that it denies."""
        path, _, query = request.path.partition("?")
        if query == "policy":
            return self._policy(request)
        statements = json.loads(self.document)["Statement"] if self.document else []
        arn = f"arn:aws:s3::{path.replace('/', ':', 1)}"
        denied = any(self._denies(one, request.method, arn) for one in statements)
        return refusal(403, "AccessDenied") if denied else None

    def _policy(self, request: Request) -> Answer:
        if request.method == "GET":
            if not self.document:
                return refusal(404, "NoSuchBucketPolicy")
            return Answer(200, [("Content-Length", str(len(self.document)))], self.document)
        self.document = request.body
        return Answer(204, [])

    def _denies(self, statement: Any, method: str, arn: str) -> bool:
        if statement["Condition"]["Bool"]["aws:SecureTransport"] != self.secure:
            return False
        return statement["Action"] == "s3:*" or (method == "GET" and statement["Resource"] == arn)


def test_plain_http_is_refused_when_the_store_sees_https(moved: Moved) -> None:
    policies = Policies("true")
    moved(Store(refuse=policies), "https")

    assert provision() == (0, ["changed: plain HTTP refused"])

    assert json.loads(policies.document)["Statement"] == [plain_http_refused("triphase")]
    assert provision("--check") == (0, FINE)
    assert bucket_keys() == []


@pytest.mark.parametrize("secure", ["false", None], ids=["sees HTTP", "ignores policies"])
def test_nobody_is_locked_out_when_https_ends_before_the_store_which(
    moved: Moved, secure: str | None
) -> None:
    policies = Policies(secure)
    moved(Store(refuse=policies), "https")

    assert provision() == (0, [LOCKED_OUT, "Everything else is as it should be."])

    assert (
        none_if(lambda: client().get_bucket_policy(Bucket="triphase"), "NoSuchBucketPolicy") is None
    )
    assert bucket_keys() == []
    assert provision("--check")[0] == 0


def test_other_statements_stay_when_ours_would_lock_everybody_out(moved: Moved) -> None:
    policies = Policies("false")
    moved(Store(refuse=policies), "https")
    other = {**plain_http_refused("triphase"), "Sid": "Other", "Action": "s3:PutObjectAcl"}
    before = {"Version": "2012-10-17", "Id": "kept", "Statement": [other]}
    client().put_bucket_policy(Bucket="triphase", Policy=json.dumps(before))

    assert provision()[1][0] == LOCKED_OUT

    assert json.loads(policies.document) == before


def test_nothing_is_proven_when_browsers_endpoint_cannot_be_reached(
    moved: Moved, settings: Settings
) -> None:
    moved(Store(refuse=Policies("true")), "https")
    settings.AWS_S3_PUBLIC_ENDPOINT_URL = "https://127.0.0.1:1"

    status, lines = provision()

    assert status == 0
    assert lines[0].startswith(f"{NOT_SUPPORTED}browsers' endpoint cannot be reached from here")
