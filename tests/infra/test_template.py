"""The template by itself: what a linter says of it, and what may not be lost by accident."""

from typing import Any

import pytest
from cfnlint.api import lint_file  # type: ignore[import-untyped]

from infra.deploy import TEMPLATE
from infra.stack import STATEFUL
from tests.infra.template import properties, template

RESOURCES: dict[str, Any] = template()["Resources"]
ALWAYS = {"Bucket", "BucketPolicy", "AvatarsTable", "SitePermissions", "SiteRole"}
MAX_BYTES = 51_200  # what one request takes without a bucket to put it in


def test_linter_finds_nothing() -> None:
    assert [str(found) for found in lint_file(TEMPLATE)] == []


def test_template_fits_a_request() -> None:
    assert len(TEMPLATE.read_bytes()) <= MAX_BYTES


def test_storage_alone_is_made_when_there_is_no_image() -> None:
    assert {name for name, made in RESOURCES.items() if "Condition" not in made} == ALWAYS


@pytest.mark.parametrize(
    "name", [name for name, made in RESOURCES.items() if made["Type"] in STATEFUL]
)
def test_data_is_kept_when_its_resource_is_replaced(name: str) -> None:
    assert RESOURCES[name]["UpdateReplacePolicy"] in {"Retain", "Snapshot"}


def test_database_is_out_of_reach() -> None:
    database = properties("Database", has_site=True)

    assert database["PubliclyAccessible"] is False
    assert database["StorageEncrypted"] is True
    assert database["DeletionProtection"] is True
    [rule] = properties("DatabaseGroup")["SecurityGroupIngress"]
    assert rule["SourceSecurityGroupId"] == {"Ref": "SiteGroup"}
    assert "CidrIp" not in rule


def test_secrets_are_in_no_environment_and_no_output() -> None:
    task = str(properties("SiteTask", has_site=True)["ContainerDefinitions"])

    assert "resolve:" not in task
    assert "resolve:" not in str(template()["Outputs"])
    for container in properties("SiteTask")["ContainerDefinitions"]:
        secrets = {secret["Name"] for secret in container["Secrets"]}
        assert secrets == {"SECRET_KEY", "DATABASE_URL"}


def test_site_is_served_by_https_alone() -> None:
    [plain] = properties("PlainHttp")["DefaultActions"]
    balancer = [rule["FromPort"] for rule in properties("BalancerGroup")["SecurityGroupIngress"]]
    [site] = properties("SiteGroup")["SecurityGroupIngress"]

    assert plain["RedirectConfig"]["Protocol"] == "HTTPS"
    assert balancer == [80, 443]
    assert site["SourceSecurityGroupId"] == {"Ref": "BalancerGroup"}
