"""What keeps a stack's data from being deleted by accident, put on and taken off.

The table's is put on by the template.
"""

from infra.aws import client, unless_gone
from infra.stack import resources


def protect(name: str) -> None:
    """Protect the databases of a stack that is up."""
    for database in resources(name, "AWS::RDS::DBInstance"):
        if unless_gone(_is_unprotected, database):
            # RDS refuses while it does something else, such as the first backup.
            waiter = client("rds").get_waiter("db_instance_available")
            waiter.wait(DBInstanceIdentifier=database)
            _set_protection(database, on=True)


def unprotect(name: str) -> None:
    """Let tables and databases be deleted."""
    for table in resources(name, "AWS::DynamoDB::Table"):
        unless_gone(
            client("dynamodb").update_table, TableName=table, DeletionProtectionEnabled=False
        )
    for database in resources(name, "AWS::RDS::DBInstance"):
        unless_gone(_set_protection, database, on=False)


def _is_unprotected(database: str) -> bool:
    [found] = client("rds").describe_db_instances(DBInstanceIdentifier=database)["DBInstances"]
    return not found["DeletionProtection"]


def _set_protection(database: str, *, on: bool) -> None:
    client("rds").modify_db_instance(
        DBInstanceIdentifier=database, DeletionProtection=on, ApplyImmediately=True
    )
