"""The calls of `destroy` and their order, and those by which `deploy` protects data.

ministack cannot show this: it deletes a bucket that is not empty, and a protected table.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from infra import __main__ as command
from infra import destroy, protection
from infra.aws import StackError

OBJECTS: list[Any] = [{"Key": "a", "VersionId": "null"}, {"Key": "b", "VersionId": "1"}]
RESOURCES = {
    "AWS::S3::Bucket": ["the-bucket"],
    "AWS::DynamoDB::Table": ["the-table", "the-table-of-files"],
    "AWS::RDS::DBInstance": ["the-database"],
    "AWS::RDS::DBSubnetGroup": ["the-subnets"],
}
EMPTIED = (
    "delete_objects",
    {"Bucket": "the-bucket", "Delete": {"Objects": OBJECTS, "Quiet": True}},
)
DELETED = ("delete_stack", {"StackName": "it"})
POLICY = {"StackName": "it", "StackPolicyBody": protection.POLICY.read_text()}


def protection_is(*, on: bool) -> list[Any]:
    """Return the requests that switch the protection from deletion."""
    tables = [
        ("update_table", {"TableName": name, "DeletionProtectionEnabled": on})
        for name in RESOURCES["AWS::DynamoDB::Table"]
    ]
    database = {"DBInstanceIdentifier": "the-database", "ApplyImmediately": True}
    return [*tables, ("modify_db_instance", {**database, "DeletionProtection": on})]


class Cloud:
    """A client of every service that records the calls that change something."""

    def __init__(self, **answers: Callable[..., Any]) -> None:
        self.answers = answers
        self.changes: list[tuple[str, dict[str, Any]]] = []
        self.failures: list[str] = []  # why the next attempts to delete the stack fail
        self.state = "CREATE_COMPLETE"

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> Any:
            if name.startswith(("update_", "modify_", "delete_", "set_")):
                self.changes.append((name, request))
            return self.answers[name](**request) if name in self.answers else {}

        return call

    def get_paginator(self, name: str) -> Any:
        return SimpleNamespace(paginate=lambda **request: [getattr(self, name)(**request)])

    def get_waiter(self, name: str) -> Any:
        return SimpleNamespace(wait=self._wait_for_the_end if "delete" in name else lambda **_: 0)

    def _wait_for_the_end(self, **_: Any) -> None:
        if self.failures:
            raise WaiterError("StackDeleteComplete", self.failures.pop(), {})
        self.state = ""


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """Return a stack called "it": a bucket with two versions in it, two tables, a database."""
    versions = {"Versions": OBJECTS[:1], "DeleteMarkers": OBJECTS[1:]}
    pages = iter([versions, {}, versions, {}])
    made = Cloud(
        list_object_versions=lambda **_: next(pages),
        describe_db_instances=lambda **_: {"DBInstances": [instance("the-database")]},
        describe_table=lambda **_: {"Table": {"DeletionProtectionEnabled": False}},
    )
    for module in (destroy, protection):
        monkeypatch.setattr(module, "client", lambda service: made)
        monkeypatch.setattr(module, "resources", lambda name, kind: RESOURCES[kind])
    for module in (destroy, command):
        monkeypatch.setattr(module, "state", lambda name: made.state)
    monkeypatch.setattr(destroy, "described", lambda name: {"Parameters": []})
    monkeypatch.setattr(destroy, "last_event", lambda name: "")
    monkeypatch.setattr(destroy, "failures_since", lambda name, event: ["Bucket: not empty"])
    return made


def instance(name: str, *, protected: bool = False, subnets: str = "the-subnets") -> Any:
    """Return RDS's description of a server."""
    return {
        "DBInstanceIdentifier": name,
        "DeletionProtection": protected,
        "DBSubnetGroup": {"DBSubnetGroupName": subnets},
    }


def refusing(code: str) -> Callable[..., Any]:
    """Return a call that raises AWS's refusal."""

    def refuse(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "Any")

    return refuse


def interrupted(*_: object, **__: object) -> Any:
    raise KeyboardInterrupt


# --- Destroying ---


def test_bucket_is_emptied_and_protection_taken_off_before_the_stack_goes(cloud: Cloud) -> None:
    destroy.destroy("it")

    assert cloud.changes == [EMPTIED, *protection_is(on=False), DELETED]


def test_bucket_is_emptied_again_when_the_site_wrote_to_it_meanwhile(cloud: Cloud) -> None:
    cloud.failures = ["once"]

    destroy.destroy("it")

    assert cloud.changes == 2 * [EMPTIED, *protection_is(on=False), DELETED]


def test_cause_is_told_when_the_stack_stays(cloud: Cloud) -> None:
    cloud.failures = ["once", "twice"]

    with pytest.raises(StackError, match="now CREATE_COMPLETE:\n  Bucket: not empty"):
        destroy.destroy("it")
    assert cloud.changes.count(DELETED) == destroy.ATTEMPTS


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda **_: {"Errors": [{"Message": "Access Denied"}]}, StackError),
        (interrupted, KeyboardInterrupt),
    ],
    ids=["refused", "interrupted"],
)
def test_stack_stays_protected_when_the_bucket_is_not_emptied(
    cloud: Cloud, answer: Callable[..., Any], error: type[BaseException]
) -> None:
    cloud.answers["delete_objects"] = answer

    with pytest.raises(error):
        destroy.destroy("it")
    assert cloud.changes == [EMPTIED]


def test_nothing_is_changed_when_it_is_interrupted_at_the_question(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_typed_name", interrupted)

    assert command.main(["destroy", "it"]) == 130
    assert capsys.readouterr().err == "\ntriphase: nothing was changed.\n"
    assert cloud.changes == []


def test_what_was_deleted_already_is_passed_over(cloud: Cloud) -> None:
    cloud.answers["update_table"] = refusing("ResourceNotFoundException")
    cloud.answers["modify_db_instance"] = refusing("DBInstanceNotFound")
    cloud.answers["list_object_versions"] = refusing("NoSuchBucket")

    destroy.destroy("it")

    assert cloud.changes == [*protection_is(on=False), DELETED]


def test_nothing_is_changed_when_a_restored_server_is_in_the_network(cloud: Cloud) -> None:
    names = {"the-database": "the-subnets", "restored": "the-subnets", "foreign": "others"}
    servers = [instance(name, subnets=subnets) for name, subnets in names.items()]
    cloud.answers["describe_db_instances"] = lambda **_: {"DBInstances": servers}

    with pytest.raises(StackError, match="holds restored, which the stack did not make"):
        destroy.destroy("it")
    assert cloud.changes == []


# --- What `deploy` protects once the stack is up ---


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the stack come up."""
    monkeypatch.setattr(command, "deploy", lambda *_: {"AWS_REGION": "eu-central-1"})


@pytest.mark.parametrize("already", [False, True])
@pytest.mark.usefixtures("deployed")
def test_data_are_protected_once_the_stack_is_up(cloud: Cloud, already: bool) -> None:
    servers = [instance("the-database", protected=already)]
    cloud.answers["describe_db_instances"] = lambda **_: {"DBInstances": servers}
    cloud.answers["describe_table"] = lambda **_: {"Table": {"DeletionProtectionEnabled": already}}

    assert command.main(["deploy", "it"]) == 0

    switched = [] if already else protection_is(on=True)
    assert cloud.changes == [("set_stack_policy", POLICY), *switched]


@pytest.mark.usefixtures("deployed")
def test_what_was_deleted_is_not_protected(cloud: Cloud) -> None:
    cloud.answers["describe_table"] = refusing("ResourceNotFoundException")
    cloud.answers["describe_db_instances"] = refusing("DBInstanceNotFound")

    assert command.main(["deploy", "it"]) == 0
    assert cloud.changes == [("set_stack_policy", POLICY)]


@pytest.mark.usefixtures("deployed")
def test_settings_are_printed_when_protection_fails(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.answers["modify_db_instance"] = refusing("InvalidDBInstanceState")

    assert command.main(["deploy", "it"]) == 1
    told = capsys.readouterr()
    assert told.out == "export AWS_REGION=eu-central-1\n"
    assert "InvalidDBInstanceState" in told.err
    assert "may not be protected yet: deploy again." in told.err


def test_data_are_not_protected_when_the_stack_does_not_come_up(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rollback, which may be running, could not delete protected data."""

    def fail(*_: object) -> None:
        raise StackError("Site: it did not come up")

    monkeypatch.setattr(command, "deploy", fail)

    assert command.main(["deploy", "it"]) == 1
    assert cloud.changes == []
