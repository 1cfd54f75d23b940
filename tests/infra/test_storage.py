"""Storage and events of the template are what ``provision`` makes, property by property.

No engine at hand carries out all of it (ministack ignores lifecycle and recovery), so the two
texts are compared.
"""

import json
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from avatars.models import AvatarItem
from avatars.references import Stores
from aws.bucket_features import ENCRYPTION, OWNERSHIP, PUBLIC_ACCESS_BLOCK
from aws.clients import client, queue_client
from aws.features import canonical
from aws.https_only import plain_http_refused
from aws.lifecycle import canonical_rules
from aws.queue import SqsQueue
from aws.queue_features import CREATED, DeadLettersKept, bucket_may_send, filter_of, queue_url
from aws.table import ItemModel
from aws.table_features import BILLING
from files.models import FileItem
from tests.infra.template import (
    BUCKET,
    BUCKET_ARN,
    DEAD_ARN,
    HOST,
    ORIGINS,
    QUEUE_ARN,
    SITE,
    properties,
    template,
)
from uploads.keys import FILES_PREFIX
from uploads.lifecycle import lifecycle_rules
from uploads.provisioning import cors_rules

TABLES: dict[str, type[ItemModel]] = {"AvatarsTable": AvatarItem, "FilesTable": FileItem}
OF_A_TABLE = {
    "BillingMode",
    "DeletionProtectionEnabled",
    "PointInTimeRecoverySpecification",
    "AttributeDefinitions",
    "KeySchema",
}
COMPARED = {
    "Bucket": {
        "OwnershipControls",
        "PublicAccessBlockConfiguration",
        "BucketEncryption",
        "CorsConfiguration",
        "LifecycleConfiguration",
        "NotificationConfiguration",
    },
    "BucketPolicy": {"Bucket", "PolicyDocument"},
    "AvatarsTable": OF_A_TABLE,
    "FilesTable": OF_A_TABLE | {"TimeToLiveSpecification"},
    "EventsDeadLetters": {"MessageRetentionPeriod"},
    "EventsQueue": {"RedrivePolicy"},
    "EventsPolicyAtFirst": {"Queues", "PolicyDocument"},
    "EventsPolicy": {"Queues", "PolicyDocument"},
}
# How CloudFormation calls what the API calls otherwise.
RENAMED = {
    "ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault",
    "ExposedHeaders": "ExposeHeaders",
    "MaxAge": "MaxAgeSeconds",
    "Id": "ID",
}


def in_api_words(properties: dict[str, Any]) -> dict[str, Any]:
    """Return properties under their names in the API."""
    return {RENAMED.get(name, name): value for name, value in properties.items()}


def api_rule(rule: dict[str, Any]) -> dict[str, Any]:
    """Return a lifecycle rule of the template in the shape of the API."""
    words = in_api_words(rule)
    tags = words.pop("TagFilters", [])
    chosen = {"Prefix": words.pop("Prefix")} if "Prefix" in words else {}
    if "ExpirationInDays" in words:
        words["Expiration"] = {"Days": words.pop("ExpirationInDays")}
    if "ExpiredObjectDeleteMarker" in words:
        marker = words.pop("ExpiredObjectDeleteMarker")
        words["Expiration"] = {"ExpiredObjectDeleteMarker": marker}
    return {**words, "Filter": {"And": {**chosen, "Tags": tags}}}


@pytest.mark.parametrize("resource", COMPARED)
def test_nothing_else_is_in_the_template(resource: str) -> None:
    assert properties(resource).keys() == COMPARED[resource]


def test_acls_are_switched_off_in_both() -> None:
    assert properties("Bucket")["OwnershipControls"] == OWNERSHIP


def test_public_access_is_blocked_in_both() -> None:
    assert properties("Bucket")["PublicAccessBlockConfiguration"] == PUBLIC_ACCESS_BLOCK


def test_encryption_is_the_same_in_both() -> None:
    [rule] = properties("Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert in_api_words(rule) == ENCRYPTION


@pytest.mark.parametrize(
    ("where", "origins"), [(set(), ORIGINS), (SITE, [f"https://{HOST}"])], ids=["alone", "site"]
)
def test_cors_lets_in_the_same_pages_in_both(
    settings: Settings, where: set[str], origins: list[str]
) -> None:
    settings.SITE_ORIGINS = origins
    [rule] = properties("Bucket", where=where)["CorsConfiguration"]["CorsRules"]

    assert canonical([in_api_words(rule)]) == canonical(cors_rules())


def test_lifecycle_is_the_same_in_both() -> None:
    rules = [api_rule(rule) for rule in properties("Bucket")["LifecycleConfiguration"]["Rules"]]

    assert len(rules) == len(lifecycle_rules()) == 4
    assert canonical_rules(rules) == canonical_rules(lifecycle_rules())


def test_plain_http_is_refused_in_both() -> None:
    policy = properties("BucketPolicy")

    assert policy["Bucket"] == BUCKET
    assert policy["PolicyDocument"]["Statement"] == [plain_http_refused(BUCKET)]


@pytest.mark.parametrize("name", TABLES)
def test_table_is_the_same_in_both(aws: Stores, name: str) -> None:
    table, made = properties(name), TABLES[name].describe_table()

    assert table["KeySchema"] == made["KeySchema"]
    assert table["AttributeDefinitions"] == made["AttributeDefinitions"]
    assert table["BillingMode"] == made["BillingModeSummary"]["BillingMode"] == BILLING
    assert table["DeletionProtectionEnabled"] == made["DeletionProtectionEnabled"] is True


@pytest.mark.parametrize("name", TABLES)
def test_table_can_be_recovered_in_both(aws: Stores, name: str) -> None:
    model = TABLES[name]
    dynamodb: Any = model._get_connection().connection.client
    made = dynamodb.describe_continuous_backups(TableName=model.Meta.table_name)
    status = made["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    wanted = properties(name)["PointInTimeRecoverySpecification"]

    assert wanted == {"PointInTimeRecoveryEnabled": True}
    assert status["PointInTimeRecoveryStatus"] == "ENABLED"


def test_items_end_in_both(aws: Stores) -> None:
    dynamodb: Any = FileItem._get_connection().connection.client
    made = dynamodb.describe_time_to_live(TableName=FileItem.Meta.table_name)
    found = made["TimeToLiveDescription"]
    wanted = properties("FilesTable")["TimeToLiveSpecification"]
    assert wanted == {"AttributeName": found["AttributeName"], "Enabled": True}
    assert found["TimeToLiveStatus"] == "ENABLED"


def test_dead_letters_are_kept_as_long_in_both(queue: SqsQueue) -> None:
    dead = queue_attributes(f"{queue.name}-dead")

    kept = str(properties("EventsDeadLetters")["MessageRetentionPeriod"])
    assert kept == dead["MessageRetentionPeriod"] == DeadLettersKept.wanted


def test_messages_are_tried_as_often_in_both(queue: SqsQueue) -> None:
    made = json.loads(queue_attributes(queue.name)["RedrivePolicy"])

    assert properties("EventsQueue")["RedrivePolicy"] == {
        **made,
        "deadLetterTargetArn": DEAD_ARN,
    }


def test_exactly_the_bucket_may_send_in_both() -> None:
    [statement] = properties("EventsPolicy")["PolicyDocument"]["Statement"]

    assert statement == bucket_may_send(
        queue_arn=QUEUE_ARN, bucket_arn=BUCKET_ARN, account="123456789012"
    )


def test_policy_of_before_the_bucket_is_replaced_by_the_one_that_names_it() -> None:
    """It cannot name the bucket, so it lets in those of the account, under the same name."""
    resources = template()["Resources"]
    [first] = properties("EventsPolicyAtFirst")["PolicyDocument"]["Statement"]
    [last] = properties("EventsPolicy")["PolicyDocument"]["Statement"]

    del last["Condition"]["ArnEquals"]
    assert first == last
    assert properties("EventsPolicyAtFirst")["Queues"] == properties("EventsPolicy")["Queues"]
    assert resources["Bucket"]["DependsOn"] == "EventsPolicyAtFirst"
    assert resources["EventsPolicy"]["DependsOn"] == "EventsPolicyAtFirst"
    assert "Bucket.Arn" in str(resources["EventsPolicy"]), "so it is made after the bucket"


def test_bucket_tells_the_queue_of_the_same_objects_in_both(queue: SqsQueue) -> None:
    told: Any = client().get_bucket_notification_configuration(Bucket="triphase")
    [made] = told["QueueConfigurations"]
    wanted = properties("Bucket")["NotificationConfiguration"]
    [configuration] = wanted["QueueConfigurations"]

    assert wanted.keys() == {"QueueConfigurations"}
    assert configuration.pop("Queue") == QUEUE_ARN
    assert [configuration.pop("Event")] == made["Events"] == [CREATED]
    [[rule]] = [configuration["Filter"]["S3Key"]["Rules"]]
    assert {rule["Name"]: rule["Value"]} == filter_of(made) == {"prefix": FILES_PREFIX}


def test_topic_has_no_properties_in_both() -> None:
    assert template()["Resources"]["EventsTopic"] == {"Type": "AWS::SNS::Topic"}


def queue_attributes(name: str) -> Any:
    """Return the attributes of a queue as ``provision`` has made it."""
    told: Any = queue_client().get_queue_attributes(
        QueueUrl=queue_url(name), AttributeNames=["All"]
    )
    return told["Attributes"]


# --- Whoever wrote the rules ---

DIFFERENTLY_SAID: list[dict[str, Any]] = [
    {"Prefix": "pending/"},
    {"Filter": {"Prefix": "pending/"}},
    {"Filter": {"And": {"Prefix": "pending/", "Tags": []}}},
]
EVERYTHING: list[dict[str, Any]] = [{}, {"Filter": {}}, {"Prefix": ""}, {"Filter": {"Prefix": ""}}]
TAG = {"Key": "Status", "Value": "Pending"}
TAGGED: list[dict[str, Any]] = [{"Filter": {"Tag": TAG}}, {"Filter": {"And": {"Tags": [TAG]}}}]


@pytest.mark.parametrize("said", [DIFFERENTLY_SAID, EVERYTHING, TAGGED])
def test_rules_are_the_same_when_said_differently(said: list[dict[str, Any]]) -> None:
    assert len({str(canonical_rules([rule])) for rule in said}) == 1


def test_rules_are_not_the_same_when_they_choose_otherwise() -> None:
    chosen = [DIFFERENTLY_SAID[0], EVERYTHING[0], TAGGED[0], {"Filter": {"Prefix": "pending"}}]

    assert len({str(canonical_rules([rule])) for rule in chosen}) == len(chosen)
