"""What keeps a stack's data from being deleted by accident, put on and taken off.

The table's is put on by the template, too, which does not put it back when `destroy` has taken it
off and the stack has stayed. A restored table is not the stack's: `provision` protects it.
"""

from infra.aws import client, unless_gone
from infra.stack import resources


def protect(name: str) -> None:
    """Protect the tables and databases of a stack that is up."""
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
    """Let tables and databases be deleted."""
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
