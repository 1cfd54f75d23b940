"""A stack as it is: its state, what it is made of, what it tells, and how long it takes."""

import re
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from infra.aws import StackError, client, code_of

POLL = {"Delay": 5, "MaxAttempts": 720}  # seconds; an hour: a database takes a quarter of one
# Their loss is the loss of what users have given.
STATEFUL = {"AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::RDS::DBInstance"}


def described(name: str) -> dict[str, Any] | None:
    """Return the stack called ``name``, None if there is none."""
    try:
        stacks = client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if code_of(error) == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    return dict(stacks[0])


def state(name: str) -> str:
    """Return the stack's state, empty if there is no such stack."""
    stack = described(name)
    return str(stack["StackStatus"]) if stack else ""


def environment(name: str) -> dict[str, str]:
    """Return the outputs as the variables they are."""
    stack = described(name) or {}
    outputs = sorted(stack.get("Outputs", []), key=lambda output: str(output["OutputKey"]))
    return {variable(output["OutputKey"]): output["OutputValue"] for output in outputs}


def variable(output: str) -> str:
    """Return the variable that an output stands for: AwsRegion is AWS_REGION."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", output).upper()


def resources(name: str, kind: str) -> list[str]:
    """Return the physical names of the stack's resources of type ``kind`` that are still there."""
    pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=name)
    return [
        found["PhysicalResourceId"]
        for page in pages
        for found in page["StackResourceSummaries"]
        if found["ResourceType"] == kind
        and found.get("PhysicalResourceId")
        and found["ResourceStatus"] != "DELETE_COMPLETE"
    ]


def wait(waiter: str, name: str, reasons: Callable[[], list[str]], **more: str) -> None:
    """Wait for a stack; StackError with ``reasons`` if it ends otherwise."""
    try:
        client("cloudformation").get_waiter(waiter).wait(StackName=name, WaiterConfig=POLL, **more)
    except WaiterError as error:
        why = "\n  ".join(reasons()) or str(error)
        raise StackError(f"The stack {name} is now {state(name) or 'gone'}:\n  {why}") from error


def last_event(name: str) -> str:
    """Return the id of the stack's newest event, empty if there is none."""
    events = client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return str(events[0]["EventId"]) if events else ""


def failures_since(name: str, event: str) -> list[str]:
    """Return what failed since ``event``, oldest first: the first failure is the cause."""
    pages = client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=name)
    failed: list[str] = []
    for found in (found for page in pages for found in page["StackEvents"]):
        if found["EventId"] == event:
            break
        if found.get("ResourceStatus", "").endswith("_FAILED"):
            why = found.get("ResourceStatusReason", found["ResourceStatus"])
            failed.insert(0, f"{found['LogicalResourceId']}: {why}")
    return failed
