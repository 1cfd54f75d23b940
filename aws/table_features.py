"""The features of a table: on demand, protected, recoverable, and what removes old items."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from botocore.exceptions import ClientError
from django.conf import settings
from pynamodb.models import Model

from aws.answers import none_if
from aws.endpoints import is_aws
from aws.features import Feature

Answer = TypeVar("Answer")

BILLING = "PAY_PER_REQUEST"
RECOVERY: Any = {"PointInTimeRecoveryEnabled": True}
# How DynamoDB answers while the table is busy with the request before.
BUSY = {"ResourceInUseException", "ContinuousBackupsUnavailableException"}
BUSY_ATTEMPTS = 30
BUSY_PAUSE = 2  # seconds


class TableFeature(Feature):
    """A feature of the table of a PynamoDB model."""

    title: str

    def __init__(self, model: type[Model]) -> None:
        self.model = model
        self.table = model.Meta.table_name
        self.name = f"{self.title} {self.table}"
        self.dynamodb: Any = model._get_connection().connection.client
        self.optional = not is_aws(settings.AWS_DYNAMODB_ENDPOINT_URL)

    def described(self) -> dict[str, Any]:
        """Return DynamoDB's description of the table, empty if there is none."""
        answer = none_if(
            lambda: self.dynamodb.describe_table(TableName=self.table), "ResourceNotFoundException"
        )
        return answer["Table"] if answer else {}


class TableExists(TableFeature):
    """The table itself."""

    title = "table"

    def __init__(self, model: type[Model]) -> None:
        super().__init__(model)
        self.optional = False

    def read(self) -> bool:
        return bool(self.described())

    def make(self) -> None:
        self.model.create_table(wait=True, billing_mode=BILLING)


class OnDemand(TableFeature):
    """The table is paid for by request, and not throttled by a provisioned capacity."""

    title = "billing of"
    wanted = BILLING

    def read(self) -> Any:
        return self.described().get("BillingModeSummary", {}).get("BillingMode")

    def make(self) -> None:
        retried_while_busy(
            lambda: self.dynamodb.update_table(TableName=self.table, BillingMode=BILLING)
        )


class DeletionProtected(TableFeature):
    """The table cannot be deleted by accident."""

    title = "deletion protection of"

    def read(self) -> Any:
        return (table := self.described()) and table["DeletionProtectionEnabled"]

    def make(self) -> None:
        retried_while_busy(
            lambda: self.dynamodb.update_table(TableName=self.table, DeletionProtectionEnabled=True)
        )


class Recoverable(TableFeature):
    """The table can be restored to any moment of the last 35 days."""

    title = "point-in-time recovery of"
    wanted = "ENABLED"

    def read(self) -> Any:
        answer = none_if(
            lambda: self.dynamodb.describe_continuous_backups(TableName=self.table),
            "TableNotFoundException",
        )
        if not answer:
            return None
        description = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        return description["PointInTimeRecoveryStatus"]

    def make(self) -> None:
        retried_while_busy(
            lambda: self.dynamodb.update_continuous_backups(
                TableName=self.table, PointInTimeRecoverySpecification=RECOVERY
            )
        )


class TimeToLive(TableFeature):
    """DynamoDB removes items some time after the moment in their attribute ``ttl``.

    Source: Amazon DynamoDB Developer Guide, "Using time to live (TTL) in DynamoDB".
    """

    title = "time to live in"
    wanted = "ttl"

    def read(self) -> Any:
        if not self.described():
            return None
        found = self.dynamodb.describe_time_to_live(TableName=self.table)["TimeToLiveDescription"]
        is_on = found.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}
        return found.get("AttributeName") if is_on else None

    def make(self) -> None:
        specification = {"Enabled": True, "AttributeName": self.wanted}
        retried_while_busy(
            lambda: self.dynamodb.update_time_to_live(
                TableName=self.table, TimeToLiveSpecification=specification
            )
        )


def features_of(model: type[Model]) -> list[Feature]:
    """Return the features of a model's table; items live for a time only if it has a ``ttl``."""
    expiring = [TimeToLive(model)] if TimeToLive.wanted in model.get_attributes() else []
    return [*(feature(model) for feature in TABLE_FEATURES), *expiring]


TABLE_FEATURES = (TableExists, OnDemand, DeletionProtected, Recoverable)


def retried_while_busy(call: Callable[[], Answer]) -> Answer:
    """Return what ``call`` returns; repeat it for up to a minute while the table is busy.

    A table takes one change at a time.
    """
    for _attempt in range(BUSY_ATTEMPTS):
        try:
            return call()
        except ClientError as error:
            if error.response["Error"]["Code"] not in BUSY:
                raise
        time.sleep(BUSY_PAUSE)
    return call()
