"""What CloudFormation knows of a stack: its state, resources, outputs and failures."""

import re
from typing import Any

from botocore.exceptions import ClientError

from infra.aws import client, code_of


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
    """Return the outputs as environment variables."""
    stack = described(name) or {}
    outputs = sorted(stack.get("Outputs", []), key=lambda output: str(output["OutputKey"]))
    return {variable(output["OutputKey"]): output["OutputValue"] for output in outputs}


def variable(output: str) -> str:
    """Return the variable that an output stands for: AwsRegion is AWS_REGION."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", output).upper()


def resources(name: str, kind: str, *, called: str = "") -> list[str]:
    """Return the physical names of the stack's resources of type ``kind`` that are still there.

    ``called`` is the logical name of one of them; empty for all.
    """
    pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=name)
    return [
        found["PhysicalResourceId"]
        for page in pages
        for found in page["StackResourceSummaries"]
        if found["ResourceType"] == kind
        and called in {"", found["LogicalResourceId"]}
        and found.get("PhysicalResourceId")
        and found["ResourceStatus"] != "DELETE_COMPLETE"
    ]


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
