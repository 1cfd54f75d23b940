"""Make or update a stack by a change set, which tells before what will be done."""

import time
from pathlib import Path
from typing import Any

from botocore.exceptions import WaiterError

from infra.aws import StackError, client, say
from infra.stack import (
    POLL,
    STATEFUL,
    described,
    environment,
    failures_since,
    last_event,
    state,
    wait,
)

TEMPLATE = Path(__file__).with_name("triphase.yaml")
NEW = {"", "REVIEW_IN_PROGRESS"}  # the second is a change set that nobody carried out
# A creation that failed leaves a shell; of a protected table not even AWS gets rid.
DEAD = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}
NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")


def deploy(name: str, parameters: dict[str, str]) -> dict[str, str]:
    """Make or update the stack; return the environment that it gives.

    Parameters that are not given stay as they are. Protection is put on afterwards, by `protect`.
    """
    before = state(name)
    _refuse_unusable(name, before)
    change_set = f"deploy-{time.time_ns()}"
    kind = "CREATE" if before in NEW else "UPDATE"
    changes = _planned(name, change_set, kind, parameters)
    if changes is None:
        say("Everything is as it should be.")
    else:
        _refuse_loss(name, change_set, changes)
        _carry_out(name, change_set, kind)
    return environment(name)


def _refuse_unusable(name: str, now: str) -> None:
    if now in DEAD:
        raise StackError(
            f"The stack {name} is {now}, and can only be removed: "
            f"make destroy STACK={name}, then deploy again."
        )
    if now not in NEW and now.endswith("_IN_PROGRESS"):
        raise StackError(f"The stack {name} is {now}: wait until that has ended.")
    if now.endswith("_FAILED"):
        raise StackError(f"The stack {name} is {now}: see its events on AWS for what to mend.")


def _planned(name: str, change_set: str, kind: str, parameters: dict[str, str]) -> list[Any] | None:
    """Make the change set; return its changes of resources, None if all is as it should be.

    Where outputs alone change, which are the site's settings, there are no changes of resources.
    """
    cloudformation = client("cloudformation")
    body = TEMPLATE.read_text()
    known = cloudformation.validate_template(TemplateBody=body)["Parameters"]
    cloudformation.create_change_set(
        StackName=name,
        ChangeSetName=change_set,
        ChangeSetType=kind,
        TemplateBody=body,
        Parameters=_all_parameters(name, [each["ParameterKey"] for each in known], parameters),
        Capabilities=["CAPABILITY_IAM"],
    )
    where = {"StackName": name, "ChangeSetName": change_set}
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(**where, WaiterConfig=POLL)
    except WaiterError as error:
        why = str(cloudformation.describe_change_set(**where).get("StatusReason", error))
        cloudformation.delete_change_set(**where)
        if kind == "UPDATE" and any(text in why for text in NOTHING_TO_DO):
            return None
        raise StackError(f"The change was refused: {why}") from error
    pages = cloudformation.get_paginator("describe_change_set").paginate(**where)
    return [change["ResourceChange"] for page in pages for change in page["Changes"]]


def _all_parameters(
    name: str, known: list[str], parameters: dict[str, str]
) -> list[dict[str, Any]]:
    """Return the parameters given, and for the others what the stack has."""
    if unknown := sorted(parameters.keys() - set(known)):
        raise StackError(
            f"There is no parameter {', '.join(unknown)}; there are {', '.join(sorted(known))}."
        )
    stack = described(name) or {}
    # Of a stack that was planned and never made there is nothing to keep.
    kept = [] if stack.get("StackStatus") in NEW else stack.get("Parameters", [])
    had = {found["ParameterKey"] for found in kept}
    return [
        *({"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()),
        *(
            {"ParameterKey": key, "UsePreviousValue": True}
            for key in sorted((had & set(known)) - parameters.keys())
        ),
    ]


def _refuse_loss(name: str, change_set: str, changes: list[Any]) -> None:
    """Tell what will change; refuse what would part the site from its data."""
    for change in changes:
        action, kind = change["Action"], change["ResourceType"]
        # "Conditional" is said of harmless changes too, such as that of the bucket's CORS rules.
        replaced = change.get("Replacement") == "True"
        say(f"{'Replace' if replaced else action:8} {change['LogicalResourceId']} ({kind})")
        if kind in STATEFUL and (replaced or action == "Remove"):
            client("cloudformation").delete_change_set(StackName=name, ChangeSetName=change_set)
            raise StackError(
                f"{change['LogicalResourceId']} would be lost or replaced by an empty one: "
                "nothing was changed."
            )


def _carry_out(name: str, change_set: str, kind: str) -> None:
    event = last_event(name)
    client("cloudformation").execute_change_set(StackName=name, ChangeSetName=change_set)
    waiter = f"stack_{kind.lower()}_complete"
    wait(waiter, name, lambda: failures_since(name, event))
