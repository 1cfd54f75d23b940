"""The statement of a bucket's policy by which S3 refuses plain HTTP, and whether it may be set.

Where HTTPS ends at a proxy, the store sees plain HTTP and would refuse everybody, even the request
that takes the statement away again. So elsewhere than on AWS it is set after a proof alone.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from django.conf import settings

from aws.answers import none_if
from aws.browsing import send
from aws.bucket_features import BucketSetting
from aws.clients import client
from aws.endpoints import is_aws
from aws.errors import StorageUnavailable
from aws.features import LeftAlone, canonical
from aws.signing import presigned_get

BY_HTTP, BY_HTTPS = "by-http", "by-https"
URL_SECONDS = 60


class PlainHttpRefused(BucketSetting):
    """The bucket's policy refuses plain HTTP; its other statements are left alone.

    The proof that all clients still get in uses two objects under ``prefix``.
    """

    name = "plain HTTP refused"
    absent = "NoSuchBucketPolicy"

    def __init__(self, bucket: str, prefix: str) -> None:
        super().__init__(bucket)
        self.prefix = prefix
        self.statement = plain_http_refused(bucket)
        if self.optional:
            self.untried = "provision tries whether HTTPS reaches the store, and sets it if so"

    def ask(self) -> bool:
        return canonical(self.statement) in canonical(self._policy()["Statement"])

    def make(self) -> None:
        if not is_aws(settings.AWS_S3_ENDPOINT_URL) and not self._is_proven():
            raise LeftAlone("HTTPS ends before the store, which would then refuse everybody")
        policy = none_if(self._policy, self.absent)
        others = [one for one in _statements(policy) if one.get("Sid") != self.statement["Sid"]]
        self._put(policy, [*others, self.statement])

    def _is_proven(self) -> bool:
        """Return whether the store sees HTTPS, from this process and from browsers.

        For a moment it refuses one object by HTTP, which must stay readable, and one by HTTPS,
        which must not. A store that ignores policies, or their conditions, does only one of them.
        """
        with self._refused_for_a_moment():
            return all(
                reads(f"{self.prefix}{BY_HTTP}") and not reads(f"{self.prefix}{BY_HTTPS}")
                for reads in (self._process_reads, self._browser_reads)
            )

    @contextmanager
    def _refused_for_a_moment(self) -> Iterator[None]:
        keys = [f"{self.prefix}{name}" for name in (BY_HTTP, BY_HTTPS)]
        for key in keys:
            client().put_object(Bucket=self.bucket, Key=key, Body=b"probe")
        policy = none_if(self._policy, self.absent)
        trial = [
            _refused(f"Try-{key}", ["s3:GetObject"], f"{_arn(self.bucket)}/{key}", secure=secure)
            for key, secure in zip(keys, ("false", "true"), strict=True)
        ]
        self._put(policy, [*_statements(policy), *trial])
        try:
            yield
        finally:
            if policy:
                self._put(policy, policy["Statement"])
            else:
                client().delete_bucket_policy(Bucket=self.bucket)
            for key in keys:
                client().delete_object(Bucket=self.bucket, Key=key)

    def _process_reads(self, key: str) -> bool:
        try:
            client().get_object(Bucket=self.bucket, Key=key)["Body"].close()
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 403:
                raise
            return False
        return True

    def _browser_reads(self, key: str) -> bool:
        signed = presigned_get(self.bucket, key, window=URL_SECONDS, now=datetime.now(UTC))
        try:
            return send("GET", signed.url).status == 200
        except StorageUnavailable as error:
            raise LeftAlone(
                "browsers' endpoint cannot be reached from here, to try whether HTTPS gets past it"
            ) from error

    def _policy(self) -> dict[str, Any]:
        """Return the policy with its statements in a list, where a single one may stand alone."""
        policy = json.loads(client().get_bucket_policy(Bucket=self.bucket)["Policy"])
        statements = policy.get("Statement", [])
        if not isinstance(statements, list):
            statements = [statements]
        return {**policy, "Statement": statements}

    def _put(self, policy: dict[str, Any] | None, statements: list[Any]) -> None:
        """Put the policy with ``statements`` instead of its own, a new one if there is none."""
        changed = {**(policy or {"Version": "2012-10-17"}), "Statement": statements}
        client().put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(changed))


def plain_http_refused(bucket: str) -> dict[str, Any]:
    """Return the policy's statement by which S3 answers HTTPS alone.

    Source: AWS Security Hub, "S3 general purpose buckets should require requests to use SSL".
    """
    everything = [_arn(bucket), f"{_arn(bucket)}/*"]
    return _refused("RefusePlainHttp", "s3:*", everything, secure="false")


def _refused(name: str, action: Any, resource: Any, *, secure: str) -> dict[str, Any]:
    return {
        "Sid": name,
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
        "Condition": {"Bool": {"aws:SecureTransport": secure}},
    }


def _arn(bucket: str) -> str:
    return f"arn:{client().meta.partition}:s3:::{bucket}"


def _statements(policy: dict[str, Any] | None) -> list[Any]:
    return list(policy["Statement"]) if policy else []
