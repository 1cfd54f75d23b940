"""One command on the deployed site, with answers that botocore checks against AWS's model."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from infra import __main__ as command
from infra import manage

ROOT = Path(__file__).resolve().parents[2]
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


class Site:
    """The calls that ECS and CloudWatch will get, and their answers."""

    def __init__(self, ecs: Stubber, logs: Stubber) -> None:
        self.ecs, self.logs = ecs, logs

    def is_found(self, *services: Any) -> None:
        """Let ECS describe the service."""
        asked = {"cluster": "the-cluster", "services": ["the-service"]}
        self.ecs.add_response("describe_services", {"services": list(services)}, asked)

    def starts(self, *words: str, variables: dict[str, str] | None = None, **answer: Any) -> None:
        """Let ECS start a task with these words of manage.py."""
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
        asked = {"cluster": CLUSTER, "tasks": [TASK]}
        self.ecs.add_response("describe_tasks", {"tasks": [task]}, asked)

    def has_logged(self, container: str, *pages: list[str]) -> None:
        """Let CloudWatch return a container's log: pages, and the last page's token again."""
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


def started(site: Site, *words: str) -> None:
    """Let the site be found, and these words be run."""
    site.is_found(SERVICE)
    site.starts(*words)


def test_log_is_printed_and_the_status_returned_when_it_has_ended(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    started(site, "sweep")
    site.is_seen("PENDING")
    site.is_seen("RUNNING", migrate={"exitCode": 0})
    site.is_seen("STOPPED", migrate={"exitCode": 0}, site={"exitCode": 1})
    site.has_logged("site", ["found    orphan", "found    ghost"], ["2 found"])

    assert command.main(["manage", "it", "--", "sweep"]) == 1
    assert capsys.readouterr().out == "found    orphan\nfound    ghost\n2 found\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--", "shell", "-c", "print('two words'); print(\"$HOME\")"],
        ["""--line=shell -c "print('two words'); print(\\"$HOME\\")" """],
    ],
    ids=["words", "a line"],
)
def test_quotes_and_spaces_stay_when_an_argument_has_them(site: Site, arguments: list[str]) -> None:
    started(site, "shell", "-c", "print('two words'); print(\"$HOME\")")
    site.is_seen(migrate={"exitCode": 0}, site={"exitCode": 0})
    site.has_logged("site", [])

    assert command.main(["manage", "it", *arguments]) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--", "shell", "--", "x"], ["shell", "--", "x"]),
        (["--", "--", "x"], ["--", "x"]),
        (["--", "two words"], ["two words"]),
        (["--", "a 'quote"], ["a 'quote"]),
        (["--", "--line=x"], ["--line=x"]),
        (["--line=--version"], ["--version"]),
        (["--line=shell -- x"], ["shell", "--", "x"]),
    ],
)
def test_words_arrive_as_they_are_given(site: Site, arguments: list[str], words: list[str]) -> None:
    started(site, *words)
    site.is_seen(migrate={"exitCode": 0}, site={"exitCode": 0})
    site.has_logged("site", ["done"])

    assert command.main(["manage", "it", *arguments]) == 0


def test_log_is_looked_for_again_when_it_is_late(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    started(site, "check")
    site.is_seen(migrate={"exitCode": 0}, site={"exitCode": 0})
    site.logs.add_client_error("get_log_events", "ResourceNotFoundException")
    site.has_logged("site", ["late"])

    assert command.main(["manage", "it", "--", "check"]) == 0
    told = capsys.readouterr()
    assert told.out == "late\n"
    assert told.err.count("CloudWatch has no log of site yet.") == 1


def test_it_is_said_where_lines_may_come_when_the_log_is_empty(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    started(site, "check")
    site.is_seen(migrate={"exitCode": 0}, site={"exitCode": 0})
    site.has_logged("site", [])

    assert command.main(["manage", "it", "--", "check"]) == 0
    assert "delivers it later: site/site/0123abcd in the-logs" in capsys.readouterr().err


def test_first_user_can_be_made_when_the_password_is_in_the_environment(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a $ecret word")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "of whoever deploys")
    words = ["createsuperuser", "--no-input", "--username=anna"]
    site.is_found(SERVICE)
    site.starts(*words, variables={"DJANGO_SUPERUSER_PASSWORD": "a $ecret word"})
    site.is_seen(migrate={"exitCode": 0}, site={"exitCode": 0})
    site.has_logged("site", ["Superuser created successfully."])

    assert command.main(["manage", "it", "--", *words]) == 0
    assert "a $ecret word" not in "".join(capsys.readouterr())


def test_it_is_told_why_when_the_container_was_killed(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    started(site, "sweep")
    reason = "OutOfMemoryError: Container killed due to memory usage"
    site.is_seen(migrate={"exitCode": 0}, site={"exitCode": 137, "reason": reason})
    for _ in range(manage.LOOKS):
        site.logs.add_client_error("get_log_events", "ResourceNotFoundException")

    assert command.main(["manage", "it", "--", "sweep"]) == 137
    told = capsys.readouterr().err
    assert reason in told
    assert "delivers it later: site/site/0123abcd in the-logs" in told


# --- Refusals ---


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the message about a command that could not be run."""
    assert command.main(["manage", "it", "--", "check"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    return told.err


def test_it_is_refused_when_there_is_no_such_stack(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(manage, "state", lambda name: "")

    assert "There is no stack called it." in refusal(capsys)


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


def test_it_is_told_why_when_ecs_refuses_to_start_the_task(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.is_found(SERVICE)
    site.starts("check", tasks=[], failures=[{"reason": "RESOURCE:ENI"}])

    assert "The task could not be started: RESOURCE:ENI" in refusal(capsys)


def test_it_is_told_why_when_the_task_does_not_start(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    started(site, "check")
    missing = "CannotPullContainerError: example/site:1: not found"
    site.is_seen(reason="Task failed to start", migrate={"reason": missing}, site={})

    told = refusal(capsys)

    assert f"could not be started: Task failed to start\n  {missing}" in told


def test_log_of_migrate_is_told_when_it_fails(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """ECS reports 143 for the site, which it then never starts."""
    started(site, "check")
    site.is_seen(migrate={"exitCode": 1}, site={"exitCode": 143})
    site.has_logged("migrate", ["django.db.utils.OperationalError: connection refused"])

    told = refusal(capsys)

    assert "migrate, which comes first, ended with 1:\n  django.db.utils.OperationalError" in told


def test_waiting_ends_when_ecs_has_forgotten_the_task(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    started(site, "check")
    asked = {"cluster": CLUSTER, "tasks": [TASK]}
    site.ecs.add_response("describe_tasks", {"tasks": []}, asked)

    assert "ECS no longer knows the task 0123abcd" in refusal(capsys)


def test_line_is_refused_when_a_quote_is_left_open(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(["manage", "it", "--line=shell -c 'print(1)"])
    assert "the command cannot be read: No closing quotation" in capsys.readouterr().err


# --- make manage ---


def test_make_passes_the_line_on_unchanged(tmp_path: Path) -> None:
    """No shell on the way interprets the line."""
    line = """shell -c 'print("two  words"); import os' `echo no` * ; echo no"""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    python.chmod(0o755)
    (tmp_path / ".run").touch()

    done = subprocess.run(  # noqa: S603 (our own Makefile)
        ["make", "manage", f"VENV={tmp_path}", "STACK=it", f"COMMAND={line}"],  # noqa: S607
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines() == ["-m", "infra", "manage", "it", f"--line={line}"], (
        done.stderr
    )
