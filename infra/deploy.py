"""Make or update a stack by ``aws cloudformation deploy``.

The command makes a change set, keeps the parameters that are not given, carries the change set out
and waits. What it lacks is here: it ignores a parameter that the template does not have, does not
say why a stack failed, and takes a stack's tags off unless it is given them again.
"""

import subprocess
from pathlib import Path
from typing import Any

from infra.aws import StackError, client
from infra.protection import forbid_loss
from infra.stack import described, environment, failures_since, last_event, state

TEMPLATE = Path(__file__).with_name("triphase.yaml")
PLANNED = "REVIEW_IN_PROGRESS"  # a change set for a new stack was made and not carried out
# A creation that failed leaves a stack that cannot be updated.
DEAD = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}
STDERR = 2  # the standard output is for the settings


def deploy(name: str, parameters: list[str]) -> dict[str, str]:
    """Make or update the stack; return the environment that it gives.

    ``parameters`` are like ``SiteHost=pictures.example.org``.
    """
    _refuse_unknown(parameters)
    stack = described(name) or {}
    before = stack.get("StackStatus", "")
    if before in DEAD:
        raise StackError(
            f"The stack {name} is {before}, and can only be removed: "
            f"make destroy STACK={name}, then deploy again."
        )
    event = last_event(name) if before else ""
    if before not in {"", PLANNED}:
        forbid_loss(name)
    if _run(_command(name, parameters, stack.get("Tags", []))):
        now = state(name)
        causes = failures_since(name, event) if now else []
        why = f"The stack {name} was not deployed; its state is {now or 'none'}."
        raise StackError("\n  ".join([why, *causes]))
    return environment(name)


def _refuse_unknown(parameters: list[str]) -> None:
    known = client("cloudformation").validate_template(TemplateBody=TEMPLATE.read_text())
    names = {each["ParameterKey"] for each in known["Parameters"]}
    if unknown := sorted({each.partition("=")[0] for each in parameters} - names):
        raise StackError(
            f"There is no parameter {', '.join(unknown)}; there are {', '.join(sorted(names))}."
        )


def _command(name: str, parameters: list[str], tags: list[Any]) -> list[str]:
    kept = [f"{tag['Key']}={tag['Value']}" for tag in tags]
    return [
        *("aws", "cloudformation", "deploy", "--no-fail-on-empty-changeset"),
        *("--region", client("cloudformation").meta.region_name),  # `aws` 1 ignores AWS_REGION
        *("--stack-name", name, "--template-file", str(TEMPLATE)),
        *("--capabilities", "CAPABILITY_IAM"),
        *(["--parameter-overrides", *parameters] if parameters else []),
        *(["--tags", *kept] if kept else []),
    ]


def _run(command: list[str]) -> int:
    """Return the exit status of ``command``, which prints to the standard error."""
    try:
        return subprocess.run(command, stdout=STDERR, check=False).returncode  # noqa: S603 (ours)
    except FileNotFoundError as error:
        raise StackError("There is no aws command. `make deploy` installs one.") from error
