"""The calls of deploy and destroy, and their order, where no engine behaves like AWS.

ministack deletes a full bucket and a protected table with their stack; AWS refuses both.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    WaiterError,
)

from infra import __main__ as command
from infra import aws, deploy, destroy, protection, stack

OBJECTS: list[Any] = [{"Key": "a", "VersionId": "null"}, {"Key": "b", "VersionId": "1"}]
RESOURCES = {
    "AWS::S3::Bucket": ["the-bucket"],
    "AWS::DynamoDB::Table": ["the-table"],
    "AWS::RDS::DBInstance": ["the-database"],
    "AWS::RDS::DBSubnetGroup": ["the-subnets"],
}
DATABASE = {"DBInstanceIdentifier": "the-database", "ApplyImmediately": True}
UNPROTECTED = [
    ("update_table", {"TableName": "the-table", "DeletionProtectionEnabled": False}),
    ("modify_db_instance", {**DATABASE, "DeletionProtection": False}),
]
PROTECTED = [
    ("update_table", {"TableName": "the-table", "DeletionProtectionEnabled": True}),
    ("modify_db_instance", {**DATABASE, "DeletionProtection": True}),
]
EMPTIED = (
    "delete_objects",
    {"Bucket": "the-bucket", "Delete": {"Objects": OBJECTS, "Quiet": True}},
)
DELETED = ("delete_stack", {"StackName": "it"})


class Cloud:
    """A client of every service that records the calls that change something."""

    def __init__(self, answers: dict[str, Callable[..., Any]]) -> None:
        self.answers = answers
        self.changes: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> Any:
            if name.startswith(("update_", "modify_", "delete_", "execute_")):
                self.changes.append((name, request))
            return self.answers[name](**request) if name in self.answers else {}

        return call

    def get_paginator(self, name: str) -> Any:
        return SimpleNamespace(paginate=lambda **request: [getattr(self, name)(**request)])

    def get_waiter(self, name: str) -> Any:
        return SimpleNamespace(wait=lambda **_: None)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """Return a stack called "it": a bucket with two versions in it, a table, a database."""
    left = [{"Versions": OBJECTS[:1], "DeleteMarkers": OBJECTS[1:]}]
    made = Cloud(
        {
            "list_object_versions": lambda **_: left.pop() if left else {},
            "describe_db_instances": lambda **_: {"DBInstances": [instance("the-database")]},
            "describe_table": lambda **_: {"Table": {"DeletionProtectionEnabled": False}},
        }
    )
    for module in (deploy, destroy, protection, stack):
        monkeypatch.setattr(module, "client", lambda service: made)
    for module in (destroy, protection):
        monkeypatch.setattr(module, "resources", lambda name, kind: RESOURCES[kind])
    monkeypatch.setattr(destroy, "state", lambda name: "CREATE_COMPLETE")
    monkeypatch.setattr(destroy, "described", lambda name: {"Parameters": []})
    for module in (deploy, destroy):
        monkeypatch.setattr(module, "last_event", lambda name: "")
    return made


def instance(name: str, *, protected: bool = False) -> dict[str, Any]:
    """Return RDS's description of a server in the stack's network."""
    return {
        "DBInstanceIdentifier": name,
        "DeletionProtection": protected,
        "DBSubnetGroup": {"DBSubnetGroupName": "the-subnets"},
    }


def refusing(code: str) -> Callable[..., Any]:
    """Return a call that raises AWS's refusal."""

    def refuse(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "Any")

    return refuse


def let_the_stack_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first attempt to delete the stack succeed."""
    states = ["CREATE_COMPLETE", ""]
    monkeypatch.setattr(destroy, "state", lambda name: states.pop(0))
    monkeypatch.setattr(destroy, "wait", lambda *_: None)


def test_bucket_is_emptied_and_then_protection_goes_before_the_stack(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_the_stack_go(monkeypatch)

    destroy.destroy("it")

    assert cloud.changes == [EMPTIED, *UNPROTECTED, DELETED]


def test_bucket_is_emptied_again_when_the_site_wrote_to_it_meanwhile(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [aws.StackError("Bucket: it is not empty")]

    def wait(*_: object) -> None:
        if failures:
            cloud.answers["list_object_versions"] = iter_of({"Versions": OBJECTS}, {})
            raise failures.pop()

    monkeypatch.setattr(destroy, "wait", wait)

    destroy.destroy("it")

    assert cloud.changes == 2 * [EMPTIED, *UNPROTECTED, DELETED]


def iter_of(*answers: Any) -> Callable[..., Any]:
    """Return a call that returns one answer after the other."""
    left = list(answers)
    return lambda **_: left.pop(0)


def test_it_ends_with_the_reason_when_the_stack_stays(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(*_: object) -> None:
        raise aws.StackError("Bucket: it is not empty")

    monkeypatch.setattr(destroy, "wait", wait)

    with pytest.raises(aws.StackError, match="not empty"):
        destroy.destroy("it")
    assert cloud.changes.count(DELETED) == destroy.ATTEMPTS


def test_stack_stays_protected_when_objects_cannot_be_deleted(cloud: Cloud) -> None:
    cloud.answers["delete_objects"] = lambda **_: {"Errors": [{"Message": "Access Denied"}]}

    with pytest.raises(aws.StackError, match="cannot be emptied: Access Denied"):
        destroy.destroy("it")
    assert cloud.changes == [EMPTIED]


def test_stack_stays_protected_when_emptying_is_interrupted(cloud: Cloud) -> None:
    def interrupt(**_: Any) -> Any:
        raise KeyboardInterrupt

    cloud.answers["delete_objects"] = interrupt

    with pytest.raises(KeyboardInterrupt):
        destroy.destroy("it")
    assert cloud.changes == [EMPTIED]


def test_nothing_is_changed_when_it_is_interrupted_at_the_question(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "state", lambda name: "CREATE_COMPLETE")
    monkeypatch.setattr(command, "_typed_name", interrupt)

    assert command.main(["destroy", "it"]) == 130
    told = capsys.readouterr().err
    assert "nothing was changed" in told
    assert "AWS goes on" not in told
    assert cloud.changes == []


def test_what_somebody_has_deleted_is_passed_over(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_the_stack_go(monkeypatch)
    cloud.answers["update_table"] = refusing("ResourceNotFoundException")
    cloud.answers["modify_db_instance"] = refusing("DBInstanceNotFound")
    cloud.answers["list_object_versions"] = refusing("NoSuchBucket")

    destroy.destroy("it")

    assert cloud.changes == [*UNPROTECTED, DELETED]


def test_what_somebody_has_deleted_is_not_protected(cloud: Cloud) -> None:
    cloud.answers["describe_table"] = refusing("ResourceNotFoundException")
    cloud.answers["describe_db_instances"] = refusing("DBInstanceNotFound")

    protection.protect("it")

    assert cloud.changes == []


def test_nothing_is_changed_when_a_restored_server_stands_in_the_network(cloud: Cloud) -> None:
    servers = [instance("the-database"), instance("restored")]
    elsewhere = {"DBInstanceIdentifier": "foreign", "DBSubnetGroup": {"DBSubnetGroupName": "b"}}
    cloud.answers["describe_db_instances"] = lambda **_: {"DBInstances": [*servers, elsewhere]}

    with pytest.raises(aws.StackError, match="stands restored, which the stack did not make"):
        destroy.destroy("it")
    assert cloud.changes == []


def test_restored_table_is_named_when_it_is_left_behind(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parameters = [
        {"ParameterKey": "RestoredTable", "ParameterValue": "the-restored-table"},
        {"ParameterKey": "RestoredDatabase", "ParameterValue": ""},
    ]
    monkeypatch.setattr(destroy, "described", lambda name: {"Parameters": parameters})
    monkeypatch.setattr(destroy, "state", lambda name: "")

    destroy.destroy("it")

    assert "The table the-restored-table, which the stack did not make" in capsys.readouterr().err


# --- Deploying ---

SETTINGS = {"AWS_REGION": "eu-central-1"}
ADDED = {"Action": "Add", "ResourceType": "AWS::RDS::DBInstance", "LogicalResourceId": "D"}


@pytest.fixture
def planned(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """Return the cloud with a change set for "it" that will succeed."""
    stacks = [{"StackName": "it", "StackStatus": "UPDATE_COMPLETE"}]
    cloud.answers |= {
        "describe_stacks": lambda **_: {"Stacks": stacks},
        "validate_template": lambda **_: {"Parameters": []},
        "describe_change_set": lambda **_: {"Changes": [{"ResourceChange": ADDED}]},
    }
    monkeypatch.setattr(deploy, "environment", lambda name: SETTINGS)
    monkeypatch.setattr(deploy, "wait", lambda *_: None)
    return cloud


def refuse_change_set(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    """Let the change set fail."""

    def fail(**_: Any) -> Any:
        raise WaiterError("ChangeSetCreateComplete", "it failed", {})

    cloud.answers["describe_change_set"] = lambda **_: {"Status": "FAILED", "StatusReason": reason}
    waiters = {"change_set_create_complete": Cloud({"wait": fail})}
    monkeypatch.setattr(cloud, "get_waiter", lambda name: waiters.get(name, Cloud({})))


def test_data_are_protected_once_the_stack_is_up(planned: Cloud) -> None:
    assert command.main(["deploy", "it"]) == 0

    [executed, *protected] = planned.changes
    assert executed[0] == "execute_change_set"
    assert protected == PROTECTED


def test_data_are_not_protected_when_the_stack_does_not_come_up(
    planned: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rollback, which may be running, could not delete protected data."""

    def wait(*_: object) -> None:
        raise aws.StackError("Site: it did not come up")

    monkeypatch.setattr(deploy, "wait", wait)

    assert command.main(["deploy", "it"]) == 1
    assert [name for name, _ in planned.changes] == ["execute_change_set"]
    assert "did not come up" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("protected", "changes"), [(False, PROTECTED), (True, [])], ids=["not yet", "already"]
)
@pytest.mark.parametrize("reason", deploy.NOTHING_TO_DO)
def test_data_are_protected_when_nothing_else_is_to_do(
    planned: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
    protected: bool,
    changes: list[Any],
) -> None:
    found = {"DBInstances": [instance("the-database", protected=protected)]}
    planned.answers["describe_db_instances"] = lambda **_: found
    table = {"Table": {"DeletionProtectionEnabled": protected}}
    planned.answers["describe_table"] = lambda **_: table
    refuse_change_set(planned, monkeypatch, f"The change set {reason}.")

    assert command.main(["deploy", "it"]) == 0
    [deleted, *others] = planned.changes
    assert deleted[0] == "delete_change_set"
    assert others == changes


@pytest.mark.parametrize(
    ("state", "waited"),
    [("REVIEW_IN_PROGRESS", "stack_create_complete"), ("UPDATE_COMPLETE", "stack_update_complete")],
)
def test_change_set_is_carried_out_when_only_outputs_change(
    planned: Cloud, monkeypatch: pytest.MonkeyPatch, state: str, waited: str
) -> None:
    """The outputs are the settings, and AWS reports a change of outputs as no change."""
    waits: list[str] = []
    monkeypatch.setattr(deploy, "state", lambda name: state)
    monkeypatch.setattr(deploy, "wait", lambda waiter, *_: waits.append(waiter))
    planned.answers["describe_change_set"] = lambda **_: {"Changes": []}

    deploy.deploy("it", {})

    assert [name for name, _ in planned.changes] == ["execute_change_set"]
    assert waits == [waited]


def test_it_is_refused_when_the_change_set_fails_for_another_reason(
    planned: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_change_set(planned, monkeypatch, "Image needs SiteHost")

    with pytest.raises(aws.StackError, match="The change was refused: Image needs SiteHost"):
        deploy.deploy("it", {})
    assert [name for name, _ in planned.changes] == ["delete_change_set"]


def test_settings_are_printed_when_protection_fails(
    planned: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    planned.answers["modify_db_instance"] = refusing("InvalidDBInstanceState")

    assert command.main(["deploy", "it"]) == 1
    told = capsys.readouterr()
    assert told.out == "export AWS_REGION=eu-central-1\n"
    assert "InvalidDBInstanceState" in told.err
    assert "may not be protected from deletion yet: deploy again." in told.err


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        ("ROLLBACK_COMPLETE", "make destroy STACK=it"),
        ("ROLLBACK_FAILED", "make destroy STACK=it"),
        ("UPDATE_IN_PROGRESS", "wait until that has ended"),
        ("UPDATE_ROLLBACK_FAILED", "see its events"),
    ],
)
def test_nothing_is_changed_when_the_stack_is(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, state: str, advice: str
) -> None:
    monkeypatch.setattr(deploy, "state", lambda name: state)

    with pytest.raises(aws.StackError, match=advice):
        deploy.deploy("it", {})
    assert cloud.changes == []


@pytest.mark.parametrize(
    "change",
    [
        {"Action": "Remove", "ResourceType": "AWS::RDS::DBInstance"},
        {"Action": "Modify", "ResourceType": "AWS::S3::Bucket", "Replacement": "True"},
        {"Action": "Modify", "ResourceType": "AWS::DynamoDB::Table", "Replacement": "True"},
    ],
    ids=["database removed", "bucket replaced", "table replaced"],
)
def test_nothing_is_changed_when_data_would_be_lost(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, change: dict[str, str]
) -> None:
    monkeypatch.setattr(deploy, "state", lambda name: "UPDATE_COMPLETE")
    monkeypatch.setattr(
        deploy, "_planned", lambda *_: [{**change, "LogicalResourceId": "TheThing"}]
    )

    with pytest.raises(aws.StackError, match="TheThing would be lost"):
        deploy.deploy("it", {})
    assert [name for name, _ in cloud.changes] == ["delete_change_set"]


def test_cause_comes_first_when_a_stack_fails(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> Any:
        raise WaiterError("stack_create_complete", "it failed", {})

    monkeypatch.setattr(stack, "state", lambda name: "ROLLBACK_COMPLETE")
    waiter = Cloud({"wait": refuse})
    monkeypatch.setattr(cloud, "get_waiter", lambda name: waiter, raising=False)

    with pytest.raises(aws.StackError, match=r"now ROLLBACK_COMPLETE:\n  first\n  second"):
        stack.wait("stack_create_complete", "it", lambda: ["first", "second"])


# --- Errors in words ---


@pytest.mark.parametrize(
    ("status", "kept"), [("REVIEW_IN_PROGRESS", []), ("UPDATE_COMPLETE", ["SiteHost"])]
)
def test_parameters_are_kept_when_there_is_a_stack_that_has_them(
    monkeypatch: pytest.MonkeyPatch, status: str, kept: list[str]
) -> None:
    """AWS refuses ``UsePreviousValue`` for a stack that was only planned."""
    found = {"StackStatus": status, "Parameters": [{"ParameterKey": "SiteHost"}]}
    monkeypatch.setattr(deploy, "described", lambda name: found)

    parameters = deploy._all_parameters("it", ["Image", "SiteHost"], {"Image": "i"})

    assert parameters == [
        {"ParameterKey": "Image", "ParameterValue": "i"},
        *({"ParameterKey": name, "UsePreviousValue": True} for name in kept),
    ]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NoCredentialsError(), "no AWS credentials"),
        (NoRegionError(), "set AWS_REGION"),
        (
            WaiterError("DBInstanceAvailable", "Max attempts exceeded", {}),
            "Waiting for DBInstanceAvailable took too long or failed: Max attempts exceeded",
        ),
        (EndpointConnectionError(endpoint_url="https://x"), "AWS cannot be reached"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "CreateStack"),
            "CreateStack was refused: AccessDenied: not you",
        ),
    ],
)
def test_failure_is_told_in_words(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    words: str,
) -> None:
    def fail(*_: object) -> dict[str, str]:
        raise error

    monkeypatch.setattr(command, "deploy", fail)

    assert command.main(["deploy", "it"]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AWS_ENDPOINT_URL", "nonsense"), ("AWS_PROFILE", "nope"), ("AWS_REGION", "no region!")],
)
def test_it_is_told_in_words_when_a_setting_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    known = {"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    for name, text in {**known, variable: value}.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setattr(deploy, "state", lambda name: aws.client.__wrapped__("s3"))

    assert command.main(["deploy", "it"]) == 1
    assert "AWS was not asked, for a setting cannot be used" in capsys.readouterr().err


def test_bug_is_not_taken_for_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> dict[str, str]:
        raise ValueError("a bug")

    monkeypatch.setattr(command, "deploy", fail)

    with pytest.raises(ValueError, match="a bug"):
        command.main(["deploy", "it"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["remove"],
        ["deploy"],
        ["deploy", ""],
        ["deploy", "1st"],
        ["deploy", "it", "no"],
        ["manage", "it"],
        ["manage", "it", "--"],
        ["manage", "it", "migrate"],
        ["manage", "it", "migrate", "--plan"],
        ["manage", "it", "--line", " "],
        ["manage", "it", "--line=check", "--", "check"],
    ],
)
def test_arguments_are_refused_when_they_make_no_sense(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(arguments)
    assert "usage:" in capsys.readouterr().err


def test_values_are_quoted_for_a_shell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "deploy", lambda name, parameters: parameters)
    monkeypatch.setattr(command, "protect", lambda name: None)

    assert command.main(["deploy", "it", "A=x; rm", "B=y=z"]) == 0
    assert capsys.readouterr().out == "export A='x; rm'\nexport B=y=z\n"
