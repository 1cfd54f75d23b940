"""One command on the deployed site, with answers that botocore checks against AWS's model."""

import os
from collections.abc import Callable, Iterator
from typing import Any, Self

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
REASON = "OutOfMemoryError: Container killed due to memory usage"
KILLED: dict[str, Any] = {"migrate": {"exitCode": 0}, "site": {"exitCode": 137, "reason": REASON}}
MISSING = "CannotPullContainerError: example/site:1: not found"
LATE = "delivers it later: site/site/0123abcd in the-logs"


class Site:
    """The calls that ECS and CloudWatch will get, and their answers."""

    def __init__(self, ecs: Stubber, logs: Stubber) -> None:
        self.ecs, self.logs = ecs, logs

    def is_found(self, *services: Any) -> Self:
        """Let ECS describe the service."""
        asked = {"cluster": "the-cluster", "services": ["the-service"]}
        self.ecs.add_response("describe_services", {"services": list(services)}, asked)
        return self

    def starts(self, *words: str, variables: dict[str, str] | None = None, **answer: Any) -> Self:
        """Let ECS describe the service and start a task with these words of manage.py."""
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
        self.is_found(SERVICE)
        self.ecs.add_response("run_task", answer or {"tasks": [{"taskArn": TASK}]}, asked)
        return self

    def is_seen(self, status: str = "STOPPED", reason: str = "", **containers: Any) -> Self:
        """Let ECS describe the task and its containers."""
        task = {
            "taskArn": TASK,
            "lastStatus": status,
            "stoppedReason": reason,
            "containers": [{"name": name, **found} for name, found in containers.items()],
        }
        return self.is_among(task)

    def is_among(self, *tasks: Any) -> Self:
        """Let ECS describe these tasks."""
        asked = {"cluster": CLUSTER, "tasks": [TASK]}
        self.ecs.add_response("describe_tasks", {"tasks": list(tasks)}, asked)
        return self

    def has_logged(self, container: str, *pages: list[str]) -> Self:
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
        return self


def _resources(name: str, kind: str, *, called: str = "") -> list[str]:
    """Return what the stack has; of its services the one that runs the site must be asked for."""
    assert called == ("Site" if kind == "AWS::ECS::Service" else "")
    return RESOURCES[kind]


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Return the site of a stack called "it"; every answer must be used."""
    session = boto3.Session("x", "x", region_name="eu-central-1")
    clients: dict[str, Any] = {"ecs": session.client("ecs"), "logs": session.client("logs")}
    monkeypatch.setattr(manage, "client", clients.__getitem__)
    monkeypatch.setattr(manage, "resources", _resources)
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
    site.starts("sweep").is_seen("PENDING").is_seen("RUNNING", migrate={"exitCode": 0})
    site.is_seen(migrate={"exitCode": 0}, site={"exitCode": 1})
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
        ([r"""--line=shell -c "print('a b', \"$HOME\")" """], ["shell", "-c", PRINT]),
    ],
)
def test_words_arrive_as_given(site: Site, arguments: list[str], words: list[str]) -> None:
    site.starts(*words).is_seen(**SUCCESS).has_logged("site", ["done"])

    assert command.main(["manage", "it", *arguments]) == 0


@pytest.mark.parametrize(("looks", "printed"), [(0, []), (1, ["late"]), (manage.LOOKS, [])])
def test_log_is_waited_for_and_its_place_told_when_nothing_comes(
    site: Site, capsys: pytest.CaptureFixture[str], looks: int, printed: list[str]
) -> None:
    site.starts("sweep").is_seen(**KILLED)
    for _ in range(looks):
        site.logs.add_client_error("get_log_events", "ResourceNotFoundException")
    if looks < manage.LOOKS:
        site.has_logged("site", printed)

    assert command.main(["manage", "it", "--", "sweep"]) == 137
    told = capsys.readouterr()
    assert told.out.splitlines() == printed
    assert told.err.count("CloudWatch has no log of site yet.") == looks
    assert (LATE in told.err) == (not printed)
    assert REASON in told.err


def test_first_user_can_be_made_when_the_password_is_in_the_environment(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a $ecret word")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "elsewhere")
    words = ["createsuperuser", "--no-input", "--username=anna"]
    site.starts(*words, variables={"DJANGO_SUPERUSER_PASSWORD": "a $ecret word"})
    site.is_seen(**SUCCESS).has_logged("site", ["Superuser created successfully."])

    assert command.main(["manage", "it", "--", *words]) == 0
    assert "a $ecret word" not in "".join(capsys.readouterr())


# --- Refusals ---


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda site: site.is_found(), "The site of the stack it is gone"),
        (
            lambda site: site.is_found({**SERVICE, "status": "INACTIVE"}),
            "The site of the stack it is gone",
        ),
        (
            lambda site: site.starts("check", tasks=[], failures=[{"reason": "RESOURCE:ENI"}]),
            "The task could not be started: RESOURCE:ENI",
        ),
        (
            lambda site: site.starts("check").is_seen(
                reason="Task failed to start", migrate={"reason": MISSING}, site={}
            ),
            f"The task could not be started: Task failed to start\n  {MISSING}",
        ),
        (  # ECS reports 143 for the site, which it then never starts.
            lambda site: (
                site.starts("check")
                .is_seen(migrate={"exitCode": 1}, site={"exitCode": 143})
                .has_logged("migrate", ["OperationalError"])
            ),
            "migrate, which comes first, ended with 1:\n  OperationalError",
        ),
        (
            lambda site: site.starts("check").is_among(),
            "ECS no longer knows the task 0123abcd",
        ),
    ],
    ids=["no service", "old service", "refused", "not started", "migrate fails", "forgotten"],
)
def test_reason_is_told_when_the_command_was_not_run(
    site: Site,
    capsys: pytest.CaptureFixture[str],
    prepare: Callable[[Site], Site],
    message: str,
) -> None:
    prepare(site)

    assert command.main(["manage", "it", "--", "check"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert message in told.err


def test_it_is_refused_when_the_stack_has_no_site(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(manage, "resources", lambda name, kind, **_: [])

    assert command.main(["manage", "it", "--", "check"]) == 1
    assert "The stack it has no site: deploy it with Image=" in capsys.readouterr().err
