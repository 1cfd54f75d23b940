"""Remove a stack with all it holds: pictures, files, items, accounts."""

from typing import Any

from botocore.exceptions import WaiterError

from infra.aws import StackError, client, say, unless_gone
from infra.protection import unprotect
from infra.stack import described, failures_since, last_event, resources, state

BATCH = 1000  # what one DeleteObjects takes
ATTEMPTS = 2
RESTORED = {"RestoredTable", "RestoredFilesTable"}  # parameters that name tables
POLL = {"Delay": 5, "MaxAttempts": 720}  # seconds; an hour: a database takes a quarter of one


def destroy(name: str) -> None:
    """Empty the bucket, take off what protects the data, delete the stack.

    The protection is taken off last, for emptying takes long and may fail: what then stays is
    protected. A site that still runs may write to the bucket again before it is deleted, so there
    is a second attempt.
    """
    _refuse_guests(name)
    _tell_what_stays(name)
    for attempt in range(1, ATTEMPTS + 1):
        if not state(name):
            break
        for bucket in resources(name, "AWS::S3::Bucket"):
            _empty(bucket)
        unprotect(name)
        try:
            _delete(name)
        except StackError as error:
            if attempt == ATTEMPTS:
                raise
            say(f"{error}\nTrying again.")
    say(f"The stack {name} is gone.")


def _refuse_guests(name: str) -> None:
    """Refuse to begin while a restored server is in the stack's network.

    AWS would delete everything else, and then fail on the network.
    """
    subnets = resources(name, "AWS::RDS::DBSubnetGroup")
    if not subnets:
        return
    own = resources(name, "AWS::RDS::DBInstance")
    pages = client("rds").get_paginator("describe_db_instances").paginate()
    guests = [
        found["DBInstanceIdentifier"]
        for page in pages
        for found in page["DBInstances"]
        if found.get("DBSubnetGroup", {}).get("DBSubnetGroupName") in subnets
        and found["DBInstanceIdentifier"] not in own
    ]
    if guests:
        raise StackError(
            f"The stack's network holds {', '.join(guests)}, which the stack did not make: "
            "delete it in RDS first. Nothing was changed."
        )


def _tell_what_stays(name: str) -> None:
    if resources(name, "AWS::RDS::DBInstance"):
        say("A last snapshot of the database stays: delete it in RDS if it is not needed.")
    for parameter in (described(name) or {}).get("Parameters", []):
        if parameter["ParameterKey"] in RESTORED and parameter["ParameterValue"]:
            say(
                f"The table {parameter['ParameterValue']}, which the stack did not make, stays: "
                "delete it in DynamoDB if it is not needed."
            )


def _empty(bucket: str) -> None:
    """Delete every object, in all its versions where the bucket has versions."""
    s3, count = client("s3"), 0
    while found := unless_gone(_some_versions, bucket):
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
    waiter = client("cloudformation").get_waiter("stack_delete_complete")
    try:
        waiter.wait(StackName=name, WaiterConfig=POLL)
    except WaiterError as error:
        causes = failures_since(name, event) or [str(error)]
        raise StackError(
            "\n  ".join([f"The stack {name} is now {state(name)}:", *causes])
        ) from error
