"""The template by itself: the linter's findings, and resources that must not be lost."""

import json
import re
import runpy
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint_file  # type: ignore[import-untyped]
from django.urls import reverse
from pytest_django.fixtures import Settings

from infra.deploy import TEMPLATE
from infra.protection import POLICY
from tests.infra.template import SITE, properties, template

RESOURCES: dict[str, Any] = template()["Resources"]
ALWAYS = {
    *("Bucket", "BucketPolicy", "AvatarsTable", "FilesTable", "SitePermissions", "SiteRole"),
    *("EventsQueue", "EventsDeadLetters", "EventsPolicyAtFirst", "EventsPolicy", "EventsTopic"),
}
TASKS = ["SiteTask", "StreamsTask", "ConsumerTask"]
MAX_BYTES = 51_200  # what one request takes without a bucket to put it in
ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = ROOT / "docs" / "operations.md"
A_NAME = ["pictures.example.org", "xn--bcher-kva.example", "a1.b-2.example"]
NO_NAME = ["https://pictures.example.org", "pictures.example.org/", "Pictures.example.org", "a b.c"]
TAKEN = {
    "SiteHost": ["", *A_NAME],
    "SiteOrigins": ["https://pictures.example.org", "http://localhost:8000", "http://127.0.0.1:8"],
    "RateLimitStorage": ["memory://", "redis://10.20.0.9", "rediss://name.cache.example:6379/1"],
    "RestoredTable": ["", "triphase-restored", "it-AvatarsTable-1X2Y", "a.b_c"],
    "RestoredFilesTable": ["", "triphase-restored-files", "it-FilesTable-1X2Y", "a.b_c"],
    "RestoredDatabase": ["", "restored.abc123.eu-central-1.rds.amazonaws.com"],
}
REFUSED = {
    "SiteHost": [*NO_NAME, "localhost", "pictures.example.org:443", "pictures..example.org"],
    "SiteOrigins": ["", "*", "a.example", "https://a.example/", "ftp://a.example", "https://a:"],
    "RateLimitStorage": ["", "redis", "redis://:hunter2@10.20.0.9", "redis://a:port", "memory://a"],
    "RestoredTable": ["ab", "a table", "arn:aws:dynamodb:eu-central-1:123456789012:table/a"],
    "RestoredFilesTable": ["ab", "a table", "arn:aws:dynamodb:eu-central-1:123456789012:table/a"],
    "RestoredDatabase": [*NO_NAME, "restored", "restored.rds.amazonaws.com:5432"],
}


def test_linter_finds_nothing() -> None:
    assert [str(found) for found in lint_file(TEMPLATE)] == []


def test_template_fits_a_request() -> None:
    assert len(TEMPLATE.read_bytes()) <= MAX_BYTES


@pytest.mark.parametrize("name", TAKEN)
def test_parameter_is_taken_when_it_can_be_used(name: str) -> None:
    """CloudFormation matches the whole value, and each value of a list."""
    parameter = template()["Parameters"][name]

    values = [*TAKEN[name], *parameter["Default"].split(",")]

    assert [each for each in values if not re.fullmatch(parameter["AllowedPattern"], each)] == []


@pytest.mark.parametrize("name", REFUSED)
def test_parameter_is_refused_in_words_when_it_cannot_be_used(name: str) -> None:
    parameter = template()["Parameters"][name]

    assert [each for each in REFUSED[name] if re.fullmatch(parameter["AllowedPattern"], each)] == []
    assert parameter["ConstraintDescription"].startswith("must be ")


def test_storage_alone_is_made_when_there_is_no_image() -> None:
    assert {name for name, made in RESOURCES.items() if "Condition" not in made} == ALWAYS


def test_update_may_do_everything_but_lose_data() -> None:
    """What the stack policy forbids is what the template keeps all the same."""
    kept = {
        made["Type"]
        for made in RESOURCES.values()
        if made.get("UpdateReplacePolicy") in {"Retain", "Snapshot"}
    }
    everything = {"Principal": "*", "Resource": "*"}

    [allowed, denied] = json.loads(POLICY.read_text())["Statement"]

    tables = [made for made in RESOURCES.values() if made["Type"] == "AWS::DynamoDB::Table"]
    types = denied.pop("Condition")["StringEquals"]["ResourceType"]
    assert [made["UpdateReplacePolicy"] for made in tables] == ["Retain", "Retain"]
    assert set(types) == kept == {"AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::RDS::DBInstance"}
    assert allowed == {"Effect": "Allow", "Action": "Update:*", **everything}
    assert denied == {"Effect": "Deny", "Action": ["Update:Replace", "Update:Delete"], **everything}


def test_database_is_not_protected_before_its_stack_is_up() -> None:
    """A rollback could not delete a protected one; infra/protection.py protects it later."""
    assert "DeletionProtection" not in properties("Database", where=SITE)


def test_database_is_out_of_reach() -> None:
    database = properties("Database", where=SITE)

    assert database["PubliclyAccessible"] is False
    assert database["StorageEncrypted"] is True
    [rule] = properties("DatabaseGroup")["SecurityGroupIngress"]
    assert rule["SourceSecurityGroupId"] == {"Ref": "SiteGroup"}
    assert "CidrIp" not in rule


def test_secrets_are_in_no_environment_and_no_output() -> None:
    assert "resolve:" not in str(template()["Outputs"])
    for container in all_containers():
        assert "resolve:" not in str(container)
        secrets = {secret["Name"] for secret in container["Secrets"]}
        assert secrets == {"SECRET_KEY", "DATABASE_URL"}


def test_containers_log_under_their_own_names() -> None:
    """infra/manage.py reads the log under these names."""
    for container in all_containers():
        options = container["LogConfiguration"]["Options"]
        assert options["awslogs-stream-prefix"] == container["Name"]
        assert options["awslogs-group"] == {"Ref": "Logs"}


def test_task_runs_what_the_documented_build_makes() -> None:
    for task in TASKS:
        platform = properties(task)["RuntimePlatform"]
        assert platform == {"CpuArchitecture": "X86_64", "OperatingSystemFamily": "LINUX"}
    assert "docker build --platform linux/amd64" in OPERATIONS.read_text()


def test_site_is_served_by_https_alone() -> None:
    [plain] = properties("PlainHttp")["DefaultActions"]
    balancer = [rule["FromPort"] for rule in properties("BalancerGroup")["SecurityGroupIngress"]]
    [site] = properties("SiteGroup")["SecurityGroupIngress"]

    assert plain["RedirectConfig"]["Protocol"] == "HTTPS"
    assert balancer == [80, 443]
    assert site["SourceSecurityGroupId"] == {"Ref": "BalancerGroup"}


# --- What runs ---


def containers() -> dict[str, Any]:
    """Return the containers of the site's task by name."""
    return {each["Name"]: each for each in properties("SiteTask")["ContainerDefinitions"]}


def all_containers() -> list[dict[str, Any]]:
    """Return the containers of the site's task and of the consumer's."""
    return [each for task in TASKS for each in properties(task)["ContainerDefinitions"]]


def attributes(listed: list[dict[str, str]]) -> dict[str, str]:
    """Return the attributes of a load balancer or target group by key."""
    return {each["Key"]: each["Value"] for each in listed}


def gunicorn() -> dict[str, Any]:
    """Return gunicorn's settings in the container."""
    return runpy.run_path(str(ROOT / "docker" / "gunicorn.py"))


def test_site_starts_only_when_its_migrations_have_succeeded() -> None:
    assert containers()["site"]["DependsOn"] == [
        {"ContainerName": "migrate", "Condition": "SUCCESS"}
    ]
    assert containers()["migrate"]["Essential"] is False  # or its end would be the task's


def test_rates_are_counted_in_each_process_unless_it_is_said_otherwise() -> None:
    settings = (ROOT / "config" / "settings.py").read_text()
    default = template()["Parameters"]["RateLimitStorage"]["Default"]

    assert f'env.str("RATE_LIMIT_STORAGE", "{default}")' in settings


def test_running_requests_are_answered_when_a_task_is_stopped() -> None:
    targets = attributes(properties("SiteTargets")["TargetGroupAttributes"])
    longest = gunicorn()["graceful_timeout"]

    assert containers()["site"]["StopTimeout"] > longest
    assert int(targets["deregistration_delay.timeout_seconds"]) > longest


def test_balancer_waits_for_the_longest_request_and_closes_idle_connections_first() -> None:
    balancer = attributes(properties("Balancer")["LoadBalancerAttributes"])
    idle = int(balancer["idle_timeout.timeout_seconds"])

    assert gunicorn()["timeout"] < idle < gunicorn()["keepalive"]


def test_balancer_does_not_ask_what_fails_with_aws() -> None:
    assert properties("SiteTargets")["HealthCheckPath"] == "/ping"


def test_version_is_taken_back_when_it_does_not_come_up() -> None:
    deployment = properties("Site")["DeploymentConfiguration"]

    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert deployment["MinimumHealthyPercent"] == 100


def test_consumer_runs_the_command_with_time_to_finish_what_it_has_in_hand() -> None:
    [consumer] = properties("ConsumerTask")["ContainerDefinitions"]

    assert consumer["Command"] == ["python", "manage.py", "consume_events"]
    assert 60 < consumer["StopTimeout"] <= 120  # what Fargate allows


def test_consumer_has_the_memory_that_the_document_allows_for(settings: Settings) -> None:
    task, text = properties("ConsumerTask"), OPERATIONS.read_text()
    each = re.search(r"(\d+) MB for each of `AVATAR_DECODERS` in the consumer", text)

    assert each
    assert int(task["Memory"]) >= 1.5 * (100 + int(each[1]) * settings.AVATAR_DECODERS)


def test_parts_are_kept_as_long_as_their_upload_can_be_gone_on_with() -> None:
    rules = properties("Bucket")["LifecycleConfiguration"]["Rules"]
    [days] = [
        rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
        for rule in rules
        if "AbortIncompleteMultipartUpload" in rule
    ]

    source = (ROOT / "config" / "settings.py").read_text()
    assert f'whole_number("FILE_UPLOAD_DAYS", {days},' in source


def test_consumer_runs_beside_the_site_with_its_role_and_network() -> None:
    site, consumer = properties("Site"), properties("Consumer")

    assert consumer["NetworkConfiguration"] == site["NetworkConfiguration"]
    assert consumer["DeploymentConfiguration"] == site["DeploymentConfiguration"]
    assert "LoadBalancers" not in consumer
    assert RESOURCES["Consumer"]["DependsOn"] == "Site"
    for role in ("TaskRoleArn", "ExecutionRoleArn"):
        assert properties("ConsumerTask")[role] == properties("SiteTask")[role]


def test_streams_are_served_as_the_site_is_and_by_threads_of_their_own() -> None:
    site, streams = properties("Site"), properties("Streams")
    [container] = properties("StreamsTask")["ContainerDefinitions"]

    assert container["Command"] == ["streams"]
    for name in ("NetworkConfiguration", "DeploymentConfiguration"):
        assert streams[name] == site[name]
    assert properties("StreamsTargets") == properties("SiteTargets")
    assert {"Site", "StreamsRule"} == set(RESOURCES["Streams"]["DependsOn"])


def test_balancer_and_caddy_send_the_same_paths_to_the_streams() -> None:
    [condition] = properties("StreamsRule")["Conditions"]
    caddy = re.search(r"@streams path (.+)", (ROOT / "docker" / "Caddyfile").read_text())

    assert caddy
    assert condition["PathPatternConfig"]["Values"] == caddy[1].split()


@pytest.mark.parametrize("route", ["assets", "asset", "asset-token", "file-download"])
def test_every_route_that_streams_goes_there(route: str) -> None:
    [condition] = properties("StreamsRule")["Conditions"]
    patterns = condition["PathPatternConfig"]["Values"]
    path = reverse(route, args=[] if route == "assets" else ["a/b" if route == "asset" else "a"])

    assert [pattern for pattern in patterns if fnmatch(path, pattern)]
    others = ("/", "/files/", "/files/x/", "/keys/", "/s/x", "/files/uploads/", "/ping")
    assert not [path for path in others if any(fnmatch(path, each) for each in patterns)]


def test_subnets_lie_in_different_zones() -> None:
    zones = [properties(f"Subnet{letter}")["AvailabilityZone"] for letter in "AB"]

    assert zones == [{"Fn::Select": [number, {"Fn::GetAZs": ""}]} for number in (0, 1)]


# --- What the roles may do ---


def granted(role: str) -> dict[str, Any]:
    """Return the resources on which a role's own policy allows each action."""
    [policy] = properties(role)["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    assert all(statement["Effect"] == "Allow" for statement in statements)
    return {statement["Action"]: statement["Resource"] for statement in statements}


def test_schedule_may_start_the_task_with_its_two_roles_and_no_more() -> None:
    assert granted("DailyStarterRole") == {
        "ecs:RunTask": {"Ref": "SiteTask"},
        "iam:PassRole": [{"Fn::GetAtt": "SiteRole.Arn"}, {"Fn::GetAtt": "StarterRole.Arn"}],
    }


def test_starter_may_read_the_two_secrets_and_no_more() -> None:
    assert granted("StarterRole") == {
        "secretsmanager:GetSecretValue": [{"Ref": "SecretKey"}, {"Ref": "DatabaseUrl"}]
    }


@pytest.mark.parametrize("role", ["SiteRole", "StarterRole"])
def test_role_has_one_policy_of_its_kind(role: str) -> None:
    execution = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    policies = {"SiteRole": [{"Ref": "SitePermissions"}], "StarterRole": [execution]}

    assert properties(role)["ManagedPolicyArns"] == policies[role]
