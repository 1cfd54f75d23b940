"""Remove a stack with all it holds: pictures, items, accounts."""

from typing import Any

from botocore.exceptions import ClientError

from infra.aws import StackError, client, code_of
from infra.deploy import say
from infra.stack import failures_since, last_event, resources, state, wait

BATCH = 1000  # what one DeleteObjects takes
ATTEMPTS = 2


def destroy(name: str) -> None:
    """Take off what protects the data, empty the bucket, delete the stack.

    A site that still runs may write to the bucket once more; it is gone at the second attempt.
    """
    for attempt in range(1, ATTEMPTS + 1):
        if not state(name):
            break
        _unprotect(name)
        for bucket in resources(name, "AWS::S3::Bucket"):
            _empty(bucket)
        try:
            _delete(name)
        except StackError as error:
            if attempt == ATTEMPTS:
                raise
            say(f"{error}\nOnce more.")
    say(f"The stack {name} is gone.")


def _unprotect(name: str) -> None:
    for table in resources(name, "AWS::DynamoDB::Table"):
        _unless_gone(
            lambda table=table: client("dynamodb").update_table(
                TableName=table, DeletionProtectionEnabled=False
            )
        )
    for database in resources(name, "AWS::RDS::DBInstance"):
        say("The database leaves a last snapshot behind: delete it in RDS if nobody needs it.")
        _unless_gone(
            lambda database=database: client("rds").modify_db_instance(
                DBInstanceIdentifier=database, DeletionProtection=False, ApplyImmediately=True
            )
        )


def _empty(bucket: str) -> None:
    """Delete every object, in all its versions if somebody has switched versions on."""
    s3, count = client("s3"), 0
    while found := _unless_gone(lambda: _some_versions(bucket)):
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": found, "Quiet": True})
        if answer.get("Errors"):
            raise StackError(f"{bucket} cannot be emptied: {answer['Errors'][0]['Message']}")
        count += len(found)
    say(f"Deleted {count} objects from {bucket}.")


def _some_versions(bucket: str) -> list[Any]:
    page = client("s3").list_object_versions(Bucket=bucket, MaxKeys=BATCH)
    found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    return [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]


def _delete(name: str) -> None:
    event = last_event(name)
    client("cloudformation").delete_stack(StackName=name)
    wait("stack_delete_complete", name, lambda: failures_since(name, event))


GONE = {"ResourceNotFoundException", "NoSuchBucket", "DBInstanceNotFound"}


def _unless_gone(call: Any) -> Any:
    """Return what ``call`` returns, None if what it is about is gone: somebody deleted it."""
    try:
        return call()
    except ClientError as error:
        if code_of(error) in GONE:
            return None
        raise
