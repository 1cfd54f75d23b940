"""The features of a bucket: private, encrypted, with CORS and lifecycle rules."""

from abc import abstractmethod
from typing import Any

from django.conf import settings

from aws.answers import none_if
from aws.clients import client
from aws.endpoints import is_aws
from aws.features import LACKING, Feature, canonical
from aws.lifecycle import canonical_rules
from aws.readiness import check_answer

ENCRYPTION: Any = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
OWNERSHIP: Any = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
PUBLIC_ACCESS_BLOCK: Any = dict.fromkeys(
    ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True
)


class BucketExists(Feature):
    """The bucket itself, in the region of the settings.

    Raises SignaturesRefused if it is in another one, or if the clock is wrong.
    """

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        self.name = f"bucket {bucket}"

    def read(self) -> bool:
        return none_if(lambda: check_answer(self._ask), "404") is not None

    def _ask(self) -> Any:
        return client().head_bucket(Bucket=self.bucket)

    def make(self) -> None:
        client().create_bucket(Bucket=self.bucket, **_location())


class BucketSetting(Feature):
    """A setting of a bucket. S3 answers with the code ``absent`` where it was never set."""

    absent: str

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        self.optional = not is_aws(settings.AWS_S3_ENDPOINT_URL)

    def read(self) -> Any:
        return none_if(self.ask, self.absent, "NoSuchBucket")

    @abstractmethod
    def ask(self) -> Any:
        """Return what S3 says; raises ClientError with the code ``absent`` if nothing is set."""


class NoAcls(BucketSetting):
    """Access is decided by policies alone."""

    name = "no ACLs"
    absent = "OwnershipControlsNotFoundError"
    wanted = OWNERSHIP["Rules"]

    def ask(self) -> Any:
        answer = client().get_bucket_ownership_controls(Bucket=self.bucket)
        return answer["OwnershipControls"]["Rules"]

    def make(self) -> None:
        client().put_bucket_ownership_controls(Bucket=self.bucket, OwnershipControls=OWNERSHIP)


class PublicAccessBlocked(BucketSetting):
    """No policy and no ACL can make the bucket public."""

    name = "public access block"
    absent = "NoSuchPublicAccessBlockConfiguration"

    def ask(self) -> bool:
        return blocks(client().get_public_access_block(Bucket=self.bucket))

    def make(self) -> None:
        client().put_public_access_block(
            Bucket=self.bucket, PublicAccessBlockConfiguration=public_access_block()
        )


class Encrypted(BucketSetting):
    """New objects are encrypted, by S3's keys or by the operator's own."""

    name = "encryption"
    absent = "ServerSideEncryptionConfigurationNotFoundError"

    def ask(self) -> bool:
        answer = client().get_bucket_encryption(Bucket=self.bucket)
        rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
        found = {rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] for rule in rules}
        return bool(found) and found <= {"AES256", "aws:kms", "aws:kms:dsse"}

    def make(self) -> None:
        client().put_bucket_encryption(
            Bucket=self.bucket, ServerSideEncryptionConfiguration={"Rules": [ENCRYPTION]}
        )


class Cors(BucketSetting):
    """The CORS rules are ``rules``, in the shape of the API."""

    name = "CORS"
    absent = "NoSuchCORSConfiguration"

    def __init__(self, bucket: str, rules: list[Any]) -> None:
        super().__init__(bucket)
        self.rules, self.wanted = rules, canonical(rules)

    def ask(self) -> Any:
        return canonical(client().get_bucket_cors(Bucket=self.bucket)["CORSRules"])

    def make(self) -> None:
        client().put_bucket_cors(Bucket=self.bucket, CORSConfiguration={"CORSRules": self.rules})


class Lifecycle(BucketSetting):
    """The lifecycle rules are ``rules``, in the shape of the API."""

    name = "lifecycle"
    absent = "NoSuchLifecycleConfiguration"

    def __init__(self, bucket: str, rules: list[Any]) -> None:
        super().__init__(bucket)
        self.rules, self.wanted = rules, canonical_rules(rules)

    def ask(self) -> Any:
        answer = client().get_bucket_lifecycle_configuration(Bucket=self.bucket)
        return canonical_rules(answer["Rules"])

    def make(self) -> None:
        client().put_bucket_lifecycle_configuration(
            Bucket=self.bucket, LifecycleConfiguration={"Rules": self.rules}
        )


class Kept(Feature):
    """A setting by which S3 keeps what was deleted. Its owner chose it, so it is only told."""

    wanted = False

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket

    def read(self) -> bool:
        absent = ("NoSuchBucket", "ObjectLockConfigurationNotFoundError", *LACKING)
        return bool(none_if(self.ask, *absent))

    @abstractmethod
    def ask(self) -> bool:
        """Return whether it is set."""

    def make(self) -> None:
        """Leave it alone."""


class NoMfaDelete(Kept):
    """Versions are not protected by a second factor, which a lifecycle rule cannot give."""

    name = "no MFA delete"
    advice = "no rule deletes old versions while it is on, so switch it off"

    def ask(self) -> bool:
        return client().get_bucket_versioning(Bucket=self.bucket).get("MFADelete") == "Enabled"


class NoRetention(Kept):
    """Object Lock does not keep each new object for a time."""

    name = "no default retention"
    advice = (
        "Object Lock keeps each upload and each removed picture for that time, so end it, or use"
        " another bucket"
    )

    def ask(self) -> bool:
        answer: Any = client().get_object_lock_configuration(Bucket=self.bucket)
        return "Rule" in answer.get("ObjectLockConfiguration", {})


def public_access_block() -> Any:
    """Return what to block.

    Ceph takes every PUT for one with a public ACL and would refuse the site's own, so on other
    services than AWS ACLs are ignored but not refused, which makes them as harmless.
    """
    if is_aws(settings.AWS_S3_ENDPOINT_URL):
        return dict(PUBLIC_ACCESS_BLOCK)
    return {**PUBLIC_ACCESS_BLOCK, "BlockPublicAcls": False}


def blocks(answer: Any) -> bool:
    """Return whether a bucket blocks all that it must, or more."""
    config = answer["PublicAccessBlockConfiguration"]
    return all(config.get(name) for name, wanted in public_access_block().items() if wanted)


def _location() -> Any:
    """Return where to create the bucket; the oldest region must not be named."""
    if settings.AWS_REGION == "us-east-1":
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": settings.AWS_REGION}}
