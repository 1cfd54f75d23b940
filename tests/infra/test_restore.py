"""Restored tables and database in place of the stack's own: the template, and on ministack."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.infra.conftest import NO_TAGS, ROOT, Account, Stack
from tests.infra.template import (
    FILES_TABLE,
    RESTORED,
    RESTORED_FILES_TABLE,
    RESTORED_HOST,
    RESTORED_TABLE,
    SITE,
    TABLE,
    outputs,
    properties,
    template,
)
from uploads.keys import KEPT_PREFIXES

# Of each table: the variable, the parameter and a key.
TABLES: list[tuple[str, str, dict[str, Any]]] = [
    ("AVATARS_TABLE", "RestoredTable", {"owner_id": {"S": "anna"}}),
    ("FILES_TABLE", "RestoredFilesTable", {"pk": {"S": "O#anna"}, "sk": {"S": "Q"}}),
]


# --- The template ---


def tables_of_the_site(where: set[str]) -> list[str]:
    """Return the ARNs of the tables that the site may use."""
    statements = properties("SitePermissions", where=where)["PolicyDocument"]["Statement"]
    return [each["Resource"] for each in statements if "dynamodb" in str(each["Action"])]


@pytest.mark.parametrize(
    ("restored", "tables"),
    [
        (set(), [TABLE, FILES_TABLE]),
        ({"HasRestoredTable"}, [RESTORED_TABLE, FILES_TABLE]),
        ({"HasRestoredFilesTable"}, [TABLE, RESTORED_FILES_TABLE]),
        (RESTORED, [RESTORED_TABLE, RESTORED_FILES_TABLE]),
    ],
)
def test_site_may_use_the_tables_that_are_in_use(restored: set[str], tables: list[str]) -> None:
    where, arn = SITE | restored, "arn:aws:dynamodb:eu-central-1:123456789012:table/"

    assert tables_of_the_site(where) == [arn + table for table in tables]
    assert [outputs(where=where)[name] for name in ("AvatarsTable", "FilesTable")] == tables


@pytest.mark.parametrize(
    ("where", "host"), [(SITE, "own.rds.example"), (SITE | RESTORED, RESTORED_HOST)]
)
def test_url_names_the_database_that_is_in_use(where: set[str], host: str) -> None:
    url = properties("DatabaseUrl", where=where)["SecretString"]

    assert f"@{host}:5432/triphase?sslmode=require" in url


def test_steps_wait_for_the_end_of_tasks_and_bring_back_as_many() -> None:
    """A task that is told to stop goes on working, and is no longer listed."""
    steps = (ROOT / "docs" / "operations.md").read_text().partition("### Restore of a stack")[2]
    first, _, later = steps.partition("\n# 2. ")

    order = ["count=$(", "tasks=$(", "--desired-count 0", "wait services-stable", "wait tasks-stop"]
    assert sorted(order, key=first.index) == order
    assert '--desired-count "$count"' in later


def test_steps_restore_all_that_the_template_can_replace() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    backup, _, steps = text.partition("### Restore of a stack")

    for parameter in template()["Parameters"]:
        assert not parameter.startswith("Restored") or f"{parameter}=" in steps
    for table in ("AvatarsTable", "FilesTable"):
        assert f'--source-table-name "$(name_of {table})"' in steps
    kinds = "for kind in " + " ".join(prefix.rstrip("/") for prefix in sorted(KEPT_PREFIXES))
    assert kinds in backup
    assert kinds in steps


# --- On ministack ---


@pytest.fixture
def whole(account: Account) -> Iterator[Stack]:
    """Return a stack with a site."""
    yield Stack(account, "restored", account.deploy_site("restored"))
    account.infra("destroy", "restored", "--yes")


@pytest.mark.engines
@pytest.mark.parametrize(("variable", "parameter", "item"), TABLES, ids=["pictures", "files"])
def test_site_uses_the_restored_table_and_no_other(
    stack: Stack, variable: str, parameter: str, item: dict[str, Any]
) -> None:
    account, owners, target = stack.account, stack.account.client("dynamodb"), f"{stack.name}-again"
    own = stack.environment[variable]
    owners.put_item(TableName=own, Item=item)
    owners.restore_table_to_point_in_time(
        SourceTableName=own, TargetTableName=target, UseLatestRestorableTime=True
    )

    after = account.deploy(stack.name, f"{parameter}={target}")
    status, lines = Stack(account, stack.name, after).provision()

    site = account.client("dynamodb", **stack.keys_of_the_site())
    assert after == {**stack.environment, variable: target}
    assert site.get_item(TableName=target, Key=item)["Item"] == item
    site.update_item(TableName=target, Key=item, UpdateExpression="REMOVE revision")
    with pytest.raises(ClientError, match="AccessDenied"):
        site.get_item(TableName=own, Key=item)
    assert "Item" in owners.get_item(TableName=own, Key=item)
    assert (status, lines[-1]) == (1, NO_TAGS)
    assert f"changed: deletion protection of {target}" in lines
    assert f"changed: point-in-time recovery of {target}" in lines
    with pytest.raises(ClientError, match="ValidationException"):
        owners.delete_table(TableName=target)


@pytest.mark.engines
def test_task_and_secret_follow_what_was_restored(whole: Stack) -> None:
    account, secrets = whole.account, whole.account.client("secretsmanager")
    before = account.made(whole.name)
    password = secrets.get_secret_value(SecretId=before["DatabasePassword"])["SecretString"]

    after = account.deploy(
        whole.name,
        f"RestoredTable={RESTORED_TABLE}",
        f"RestoredFilesTable={RESTORED_FILES_TABLE}",
        f"RestoredDatabase={RESTORED_HOST}",
    )

    made = account.made(whole.name)
    url = secrets.get_secret_value(SecretId=made["DatabaseUrl"])["SecretString"]
    tables = {"AVATARS_TABLE": RESTORED_TABLE, "FILES_TABLE": RESTORED_FILES_TABLE}
    assert after == whole.environment | tables
    assert account.variables_of_the_site(whole.name) == after
    assert url == (
        f"postgres://triphase:{password}@restored.rds.example:5432/triphase?sslmode=require"
    )
    for own in ("AvatarsTable", "FilesTable", "Database", "DatabasePassword"):
        assert made[own] == before[own]


@pytest.mark.engines
def test_daily_task_stays_away_when_it_is_switched_off(whole: Stack) -> None:
    def schedule() -> Any:
        name = account.made(whole.name)["Daily"]
        return account.client("scheduler").get_schedule(Name=name)

    account = whole.account
    assert schedule()["State"] == "ENABLED"

    account.deploy(whole.name, "DailyState=DISABLED")
    account.deploy(whole.name, "RestoredTable=the-restored-table")

    assert schedule()["State"] == "DISABLED"
    [override] = json.loads(schedule()["Target"]["Input"])["containerOverrides"]
    assert override["command"][:2] == ["sh", "-c"]


@pytest.mark.engines
def test_stack_is_destroyed_only_when_the_restored_database_is_gone(whole: Stack) -> None:
    account, rds = whole.account, whole.account.client("rds")
    made = account.made(whole.name)
    rds.create_db_instance(
        DBInstanceIdentifier="restored-server",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        DBSubnetGroupName=made["DatabaseSubnets"],
    )
    account.deploy(
        whole.name, "RestoredTable=the-restored-table", "RestoredFilesTable=the-files-again"
    )

    refused = account.infra("destroy", whole.name, "--yes")
    [own] = rds.describe_db_instances(DBInstanceIdentifier=made["Database"])["DBInstances"]
    rds.delete_db_instance(DBInstanceIdentifier="restored-server", SkipFinalSnapshot=True)
    gone = account.infra("destroy", whole.name, "--yes")

    assert (refused.returncode, gone.returncode) == (1, 0)
    assert "holds restored-server, which the stack did not make" in refused.stderr
    assert own["DeletionProtection"] is True
    for table in ("the-restored-table", "the-files-again"):
        assert f"The table {table}, which the stack did not make, stays" in gone.stderr
