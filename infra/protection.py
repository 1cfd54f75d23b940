"""What keeps a stack's data from being lost by accident.

The stack policy makes CloudFormation refuse an update that replaces or removes bucket, tables or
database. The protection from deletion is the resources' own. The template switches on the tables',
but not again after `destroy` has switched it off; the database's it does not, for the roll-back of
a stack that does not come up could not delete the database then. Restored tables are not the
stack's: `provision` protects them.
"""

from pathlib import Path

from infra.aws import client, unless_gone
from infra.stack import resources

POLICY = Path(__file__).with_name("stack-policy.json")


def forbid_loss(name: str) -> None:
    """Set the policy of a stack that is there."""
    client("cloudformation").set_stack_policy(StackName=name, StackPolicyBody=POLICY.read_text())


def protect(name: str) -> None:
    """Protect the data of a stack that is up."""
    forbid_loss(name)
    for table in resources(name, "AWS::DynamoDB::Table"):
        if unless_gone(_is_unprotected_table, table):
            _set_table_protection(table, on=True)
    for database in resources(name, "AWS::RDS::DBInstance"):
        if unless_gone(_is_unprotected_database, database):
            # RDS refuses while it does something else, such as the first backup.
            waiter = client("rds").get_waiter("db_instance_available")
            waiter.wait(DBInstanceIdentifier=database)
            _set_database_protection(database, on=True)


def unprotect(name: str) -> None:
    """Let tables and databases be deleted. The policy does not concern the end of a stack."""
    for table in resources(name, "AWS::DynamoDB::Table"):
        unless_gone(_set_table_protection, table, on=False)
    for database in resources(name, "AWS::RDS::DBInstance"):
        unless_gone(_set_database_protection, database, on=False)


def _is_unprotected_table(table: str) -> bool:
    found = client("dynamodb").describe_table(TableName=table)["Table"]
    return not found.get("DeletionProtectionEnabled")


def _set_table_protection(table: str, *, on: bool) -> None:
    client("dynamodb").update_table(TableName=table, DeletionProtectionEnabled=on)


def _is_unprotected_database(database: str) -> bool:
    [found] = client("rds").describe_db_instances(DBInstanceIdentifier=database)["DBInstances"]
    return not found["DeletionProtection"]


def _set_database_protection(database: str, *, on: bool) -> None:
    client("rds").modify_db_instance(
        DBInstanceIdentifier=database, DeletionProtection=on, ApplyImmediately=True
    )
