"""Run a command of manage.py on the deployed site, as a task of its own."""

import os
import time
from collections.abc import Iterator
from typing import Any

from infra.aws import StackError, client, say, unless_gone
from infra.stack import resources, state

SECONDS = 5  # between two requests
LOOKS = 6  # times that a log is asked for which CloudWatch has not delivered yet
PASSED_ON = "DJANGO_SUPERUSER_"  # what `createsuperuser --no-input` reads


def manage(name: str, command: list[str]) -> int:
    """Run ``manage.py command`` on the site, print its log once it has ended.

    Return its exit status. Migrations run first, as before each start of the site.
    """
    service = _service(name)
    task = _ended(service["clusterArn"], _started(service, command))
    _refuse_unless_it_ran(name, task)
    for line in _log(name, task, "site"):
        print(line, flush=True)
    if reason := _of(task, "site").get("reason"):  # such as OutOfMemoryError
        say(f"triphase: {reason}")
    return int(_of(task, "site")["exitCode"])


def _service(name: str) -> Any:
    """Return the service that runs the site."""
    if not state(name):
        raise StackError(f"There is no stack called {name}.")
    clusters = resources(name, "AWS::ECS::Cluster")
    services = resources(name, "AWS::ECS::Service", called="Site")
    if not services:
        raise StackError(f"The stack {name} has no site: deploy it with Image=….")
    found = client("ecs").describe_services(cluster=clusters[0], services=services)["services"]
    found = [each for each in found if each["status"] != "INACTIVE"]  # ECS keeps deleted ones
    if not found:
        raise StackError(f"The site of the stack {name} is gone: its service was deleted.")
    return found[0]


def _started(service: Any, command: list[str]) -> str:
    """Start the site's task with another command; return its ARN."""
    passed_on = sorted(each for each in os.environ.items() if each[0].startswith(PASSED_ON))
    override = {
        "name": "site",
        "command": ["python", "manage.py", *command],
        "environment": [{"name": name, "value": value} for name, value in passed_on],
    }
    answer = client("ecs").run_task(
        cluster=service["clusterArn"],
        taskDefinition=service["taskDefinition"],
        launchType="FARGATE",
        networkConfiguration=service["networkConfiguration"],
        overrides={"containerOverrides": [override]},
    )
    if answer.get("failures"):
        raise StackError(f"The task could not be started: {answer['failures'][0]['reason']}")
    task = str(answer["tasks"][0]["taskArn"])
    say(f"The task {_id(task)} has been started; its log follows when it has ended.")
    return task


def _ended(cluster: str, task: str) -> Any:
    """Return what ECS says of the task once it has stopped."""
    while True:
        time.sleep(SECONDS)  # first, since ECS may not list a new task at once
        found = client("ecs").describe_tasks(cluster=cluster, tasks=[task])["tasks"]
        if not found:
            raise StackError(f"ECS no longer knows the task {_id(task)}: look for its log on AWS.")
        if found[0]["lastStatus"] == "STOPPED":
            return found[0]


def _refuse_unless_it_ran(name: str, task: Any) -> None:
    """Raise StackError with the reason if the command was not run."""
    migrated = _of(task, "migrate").get("exitCode")
    if migrated:  # first, since ECS then gives the site, which was never started, the status 143
        why = f"The command was not run: migrate, which comes first, ended with {migrated}:"
        raise StackError("\n  ".join([why, *_log(name, task, "migrate")]))
    if migrated is None or "exitCode" not in _of(task, "site"):
        reasons = [found["reason"] for found in task["containers"] if "reason" in found]
        why = f"The task could not be started: {task.get('stoppedReason', '')}"
        raise StackError("\n  ".join([why, *reasons]))


def _of(task: Any, container: str) -> Any:
    """Return a task's entry for a container, empty if it has none."""
    return next((found for found in task["containers"] if found["name"] == container), {})


def _log(name: str, task: Any, container: str) -> Iterator[str]:
    """Yield the lines that a container of a task has printed, as far as they are delivered."""
    logs, [group] = client("logs"), resources(name, "AWS::Logs::LogGroup")
    stream = f"{container}/{container}/{_id(task['taskArn'])}"
    request = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
    for _ in range(LOOKS):
        if page := unless_gone(logs.get_log_events, **request):
            break
        say(f"CloudWatch has no log of {container} yet.")
        time.sleep(SECONDS)
    printed = False
    while page:
        for event in page["events"]:
            printed = True
            yield event["message"]
        # CloudWatch repeats the token when there is no more.
        if page["nextForwardToken"] == request.get("nextToken"):
            break
        request["nextToken"] = page["nextForwardToken"]
        page = unless_gone(logs.get_log_events, **request)
    if not printed:
        say(f"{container} printed nothing, or CloudWatch delivers it later: {stream} in {group}.")


def _id(task: str) -> str:
    return task.rpartition("/")[2]
