"""The template by itself: what a linter says of it, and what may not be lost by accident."""

import re
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint_file  # type: ignore[import-untyped]

from infra.deploy import TEMPLATE
from infra.stack import STATEFUL
from tests.infra.template import SITE, properties, template

RESOURCES: dict[str, Any] = template()["Resources"]
ALWAYS = {"Bucket", "BucketPolicy", "AvatarsTable", "SitePermissions", "SiteRole"}
MAX_BYTES = 51_200  # what one request takes without a bucket to put it in
OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
A_NAME = ["pictures.example.org", "xn--bcher-kva.example", "a1.b-2.example"]
NO_NAME = ["https://pictures.example.org", "pictures.example.org/", "Pictures.example.org", "a b.c"]
TAKEN = {
    "SiteHost": ["", *A_NAME],
    "SiteOrigins": ["https://pictures.example.org", "http://localhost:8000", "http://127.0.0.1:8"],
    "RestoredTable": ["", "triphase-restored", "it-AvatarsTable-1X2Y", "a.b_c"],
    "RestoredDatabase": ["", "restored.abc123.eu-central-1.rds.amazonaws.com"],
}
REFUSED = {
    "SiteHost": [*NO_NAME, "localhost", "pictures.example.org:443", "pictures..example.org"],
    "SiteOrigins": ["", "*", "a.example", "https://a.example/", "ftp://a.example", "https://a:"],
    "RestoredTable": ["ab", "a table", "arn:aws:dynamodb:eu-central-1:123456789012:table/a"],
    "RestoredDatabase": [*NO_NAME, "restored", "restored.rds.amazonaws.com:5432"],
}


def test_linter_finds_nothing() -> None:
    assert [str(found) for found in lint_file(TEMPLATE)] == []


def test_template_fits_a_request() -> None:
    assert len(TEMPLATE.read_bytes()) <= MAX_BYTES


@pytest.mark.parametrize("name", TAKEN)
def test_parameter_is_taken_when_it_can_be_used(name: str) -> None:
    """CloudFormation compares the whole value; of a list, each."""
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


@pytest.mark.parametrize(
    "name", [name for name, made in RESOURCES.items() if made["Type"] in STATEFUL]
)
def test_data_is_kept_when_its_resource_is_replaced(name: str) -> None:
    assert RESOURCES[name]["UpdateReplacePolicy"] in {"Retain", "Snapshot"}


def test_database_is_not_protected_before_its_stack_is_up() -> None:
    """Or a roll-back could not delete it; infra/protection.py protects it afterwards."""
    assert "DeletionProtection" not in properties("Database", where=SITE)


def test_database_is_out_of_reach() -> None:
    database = properties("Database", where=SITE)

    assert database["PubliclyAccessible"] is False
    assert database["StorageEncrypted"] is True
    [rule] = properties("DatabaseGroup")["SecurityGroupIngress"]
    assert rule["SourceSecurityGroupId"] == {"Ref": "SiteGroup"}
    assert "CidrIp" not in rule


def test_secrets_are_in_no_environment_and_no_output() -> None:
    task = str(properties("SiteTask", where=SITE)["ContainerDefinitions"])

    assert "resolve:" not in task
    assert "resolve:" not in str(template()["Outputs"])
    for container in properties("SiteTask")["ContainerDefinitions"]:
        secrets = {secret["Name"] for secret in container["Secrets"]}
        assert secrets == {"SECRET_KEY", "DATABASE_URL"}


def test_containers_log_under_their_own_names() -> None:
    """infra/manage.py looks there."""
    for container in properties("SiteTask")["ContainerDefinitions"]:
        options = container["LogConfiguration"]["Options"]
        assert options["awslogs-stream-prefix"] == container["Name"]
        assert options["awslogs-group"] == {"Ref": "Logs"}


def test_task_runs_what_the_documented_build_makes() -> None:
    platform = properties("SiteTask")["RuntimePlatform"]

    assert platform == {"CpuArchitecture": "X86_64", "OperatingSystemFamily": "LINUX"}
    assert "docker build --platform linux/amd64" in OPERATIONS.read_text()


def test_site_is_served_by_https_alone() -> None:
    [plain] = properties("PlainHttp")["DefaultActions"]
    balancer = [rule["FromPort"] for rule in properties("BalancerGroup")["SecurityGroupIngress"]]
    [site] = properties("SiteGroup")["SecurityGroupIngress"]

    assert plain["RedirectConfig"]["Protocol"] == "HTTPS"
    assert balancer == [80, 443]
    assert site["SourceSecurityGroupId"] == {"Ref": "BalancerGroup"}
