"""`manage`: answers of ECS and CloudWatch that botocore compares with its model of AWS."""

import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from infra import __main__ as command
from infra import manage

CLUSTER = "arn:aws:ecs:eu-central-1:123456789012:cluster/the-cluster"
TASK = "arn:aws:ecs:eu-central-1:123456789012:task/the-cluster/0123abcd"
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "ENABLED"}}
SERVICE = {
    "status": "ACTIVE",
    "clusterArn": CLUSTER,
    "taskDefinition": "site:7",
    "networkConfiguration": NETWORK,
}
RESOURCES = {
    "AWS::ECS::Cluster": ["the-cluster"],
    "AWS::ECS::Service": ["the-service"],
    "AWS::Logs::LogGroup": ["the-logs"],
}
SUCCESS: dict[str, Any] = {"migrate": {"exitCode": 0}, "site": {"exitCode": 0}}
PRINT = "print('a b', \"$HOME\")"
LATE = "delivers it later: site/site/0123abcd in the-logs"


class Site:
    """The calls that ECS and CloudWatch will get, and their answers."""

    def __init__(self, ecs: Stubber, logs: Stubber) -> None:
        self.ecs, self.logs = ecs, logs

    def is_found(self, *services: Any) -> None:
        """Let ECS describe the service."""
        asked = {"cluster": "the-cluster", "services": ["the-service"]}
        self.ecs.add_response("describe_services", {"services": list(services)}, asked)

    def starts(self, *words: str, variables: dict[str, str] | None = None, **answer: Any) -> None:
        """Be found, and start a task that runs these words of manage.py."""
        self.is_found(SERVICE)
        override = {
            "name": "site",
            "command": ["python", "manage.py", *words],
            "environment": [{"name": k, "value": v} for k, v in (variables or {}).items()],
        }
        asked = {
            "cluster": CLUSTER,
            "taskDefinition": "site:7",
            "launchType": "FARGATE",
            "networkConfiguration": NETWORK,
            "overrides": {"containerOverrides": [override]},
        }
        self.ecs.add_response("run_task", answer or {"tasks": [{"taskArn": TASK}]}, asked)

    def is_seen(self, status: str = "STOPPED", reason: str = "", **containers: Any) -> None:
        """Let ECS describe the task and its containers."""
        task = {
            "taskArn": TASK,
            "lastStatus": status,
            "stoppedReason": reason,
            "containers": [{"name": name, **found} for name, found in containers.items()],
        }
        self.answers([task])

    def answers(self, tasks: list[Any]) -> None:
        """Answer with these tasks."""
        asked = {"cluster": CLUSTER, "tasks": [TASK]}
        self.ecs.add_response("describe_tasks", {"tasks": tasks}, asked)

    def has_logged(self, container: str, *pages: list[str]) -> None:
        """Answer what a container has printed: pages, then the last token again."""
        asked = {
            "logGroupName": "the-logs",
            "logStreamName": f"{container}/{container}/0123abcd",
            "startFromHead": True,
        }
        tokens = [f"f/{number}" for number, _ in enumerate(pages)]
        for page, token in zip([*pages, []], [*tokens, tokens[-1]], strict=True):
            events = [{"message": line} for line in page]
            answer = {"events": events, "nextForwardToken": token}
            self.logs.add_response("get_log_events", answer, asked)
            asked = {**asked, "nextToken": token}

    def has_no_log(self, times: int) -> None:
        """Answer that there is no log."""
        for _ in range(times):
            self.logs.add_client_error("get_log_events", "ResourceNotFoundException")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Return the site of a stack called "it"; every answer must be used."""
    session = boto3.Session("x", "x", region_name="eu-central-1")
    clients: dict[str, Any] = {"ecs": session.client("ecs"), "logs": session.client("logs")}
    monkeypatch.setattr(manage, "client", clients.__getitem__)
    monkeypatch.setattr(manage, "resources", lambda name, kind: RESOURCES[kind])
    monkeypatch.setattr(manage, "state", lambda name: "UPDATE_COMPLETE")
    monkeypatch.setattr(manage, "SECONDS", 0)
    for name in [name for name in os.environ if name.startswith(manage.PASSED_ON)]:
        monkeypatch.delenv(name)
    with Stubber(clients["ecs"]) as ecs, Stubber(clients["logs"]) as logs:
        yield Site(ecs, logs)
        ecs.assert_no_pending_responses()
        logs.assert_no_pending_responses()


def test_log_is_printed_and_the_status_returned_when_it_has_ended(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.starts("sweep")
    site.is_seen("PENDING")
    site.is_seen("RUNNING", migrate={"exitCode": 0})
    site.is_seen("STOPPED", migrate={"exitCode": 0}, site={"exitCode": 1})
    site.has_logged("site", ["found    orphan", "found    ghost"], ["2 found"])

    assert command.main(["manage", "it", "--", "sweep"]) == 1
    assert capsys.readouterr().out == "found    orphan\nfound    ghost\n2 found\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--", "--", "x"], ["--", "x"]),
        (["--", "shell", "--", "x"], ["shell", "--", "x"]),
        (["--", "two words", "a 'quote", "$HOME"], ["two words", "a 'quote", "$HOME"]),
        (["--", "--line=x"], ["--line=x"]),
        (["--line=--version"], ["--version"]),
        (["--line=shell -- x"], ["shell", "--", "x"]),
        (["""--line=shell -c "print('a b', \\"$HOME\\")" """], ["shell", "-c", PRINT]),
    ],
)
def test_words_arrive_as_given(site: Site, arguments: list[str], words: list[str]) -> None:
    site.starts(*words)
    site.is_seen(**SUCCESS)
    site.has_logged("site", ["done"])

    assert command.main(["manage", "it", *arguments]) == 0


def test_log_is_asked_for_again_when_it_is_late(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.starts("check")
    site.is_seen(**SUCCESS)
    site.has_no_log(1)
    site.has_logged("site", ["late"])

    assert command.main(["manage", "it", "--", "check"]) == 0
    told = capsys.readouterr()
    assert told.out == "late\n"
    assert told.err.count("CloudWatch has no log of site yet.") == 1


def test_place_of_the_log_is_told_when_it_is_empty(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.starts("check")
    site.is_seen(**SUCCESS)
    site.has_logged("site", [])

    assert command.main(["manage", "it", "--", "check"]) == 0
    assert LATE in capsys.readouterr().err


def test_reason_is_told_when_the_container_was_killed(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.starts("sweep")
    reason = "OutOfMemoryError: Container killed due to memory usage"
    site.is_seen(migrate={"exitCode": 0}, site={"exitCode": 137, "reason": reason})
    site.has_no_log(manage.LOOKS)

    assert command.main(["manage", "it", "--", "sweep"]) == 137
    told = capsys.readouterr().err
    assert reason in told
    assert LATE in told


def test_first_user_can_be_made_when_the_password_is_in_the_environment(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a $ecret word")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "elsewhere")
    words = ["createsuperuser", "--no-input", "--username=anna"]
    site.starts(*words, variables={"DJANGO_SUPERUSER_PASSWORD": "a $ecret word"})
    site.is_seen(**SUCCESS)
    site.has_logged("site", ["Superuser created successfully."])

    assert command.main(["manage", "it", "--", *words]) == 0
    assert "a $ecret word" not in "".join(capsys.readouterr())


# --- Refusals ---


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the message about a command that could not be run."""
    assert command.main(["manage", "it", "--", "check"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    return told.err


def test_it_is_refused_when_the_stack_has_no_site(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(manage, "resources", lambda name, kind: [])

    assert "The stack it has no site: deploy it with Image=" in refusal(capsys)


@pytest.mark.parametrize("found", [[], [{**SERVICE, "status": "INACTIVE"}]])
def test_it_is_refused_when_the_service_is_gone(
    site: Site, capsys: pytest.CaptureFixture[str], found: list[Any]
) -> None:
    site.is_found(*found)

    assert "The site of the stack it is gone" in refusal(capsys)


def test_reason_is_told_when_ecs_refuses_the_task(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.starts("check", tasks=[], failures=[{"reason": "RESOURCE:ENI"}])

    assert "The task could not be started: RESOURCE:ENI" in refusal(capsys)


def test_reason_is_told_when_the_task_does_not_start(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.starts("check")
    missing = "CannotPullContainerError: example/site:1: not found"
    site.is_seen(reason="Task failed to start", migrate={"reason": missing}, site={})

    assert f"could not be started: Task failed to start\n  {missing}" in refusal(capsys)


def test_log_of_migrate_is_told_when_it_fails(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """ECS gives the site, which it then never starts, a status as well: 143."""
    site.starts("check")
    site.is_seen(migrate={"exitCode": 1}, site={"exitCode": 143})
    site.has_logged("migrate", ["django.db.utils.OperationalError"])

    told = refusal(capsys)

    assert "migrate, which comes first, ended with 1:\n  django.db.utils.OperationalError" in told


def test_waiting_ends_when_ecs_no_longer_knows_the_task(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.starts("check")
    site.answers([])

    assert "ECS no longer knows the task 0123abcd" in refusal(capsys)
