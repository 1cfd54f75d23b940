"""Remove a stack with all it holds: pictures, items, accounts."""

from typing import Any

from infra.aws import StackError, client, say, unless_gone
from infra.protection import unprotect
from infra.stack import described, failures_since, last_event, resources, state, wait

BATCH = 1000  # what one DeleteObjects takes
ATTEMPTS = 2


def destroy(name: str) -> None:
    """Empty the bucket, take off what protects the data, delete the stack.

    The protection goes last, for emptying takes long and may fail: what then stays is protected.
    A site that still runs may write to the bucket once more; it is gone at the second attempt.
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
            say(f"{error}\nOnce more.")
    say(f"The stack {name} is gone.")


def _refuse_guests(name: str) -> None:
    """Refuse to begin while a restored server stands in the stack's network.

    AWS would delete all else, and stop at the network.
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
            f"In the stack's network stands {', '.join(guests)}, which the stack did not make: "
            "delete it in RDS first. Nothing was changed."
        )


def _tell_what_stays(name: str) -> None:
    if resources(name, "AWS::RDS::DBInstance"):
        say("The database leaves a last snapshot behind: delete it in RDS if nobody needs it.")
    for parameter in (described(name) or {}).get("Parameters", []):
        if parameter["ParameterKey"] == "RestoredTable" and parameter["ParameterValue"]:
            say(
                f"The table {parameter['ParameterValue']}, which the stack did not make, stays: "
                "delete it in DynamoDB if nobody needs it."
            )


def _empty(bucket: str) -> None:
    """Delete every object, in all its versions if somebody has switched versions on."""
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
    wait("stack_delete_complete", name, lambda: failures_since(name, event))
