"""The outputs are environment variables: those that the settings read, and all they need."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.stack import variable
from tests.infra.template import outputs, properties, template

ROOT = Path(__file__).resolve().parents[2]
READ = re.findall(r'"([A-Z][A-Z_0-9]+)"', (ROOT / "config" / "settings.py").read_text())
SECRETS = {"SECRET_KEY": "s" * 64, "DATABASE_URL": "postgres://triphase:x@127.0.0.1:1/triphase"}
STORAGE = {"AWS_STORAGE_BUCKET_NAME", "AWS_REGION", "AVATARS_TABLE", "SITE_ORIGINS"}
SITE = {"ALLOWED_HOSTS", "BEHIND_HTTPS_PROXY", "TRUSTED_PROXIES"}


def environment(*, has_site: bool) -> dict[str, str]:
    """Return the outputs as the variables they are."""
    return {variable(name): value for name, value in outputs(has_site=has_site).items()}


def container(name: str) -> dict[str, Any]:
    """Return a container of the site's task."""
    found = properties("SiteTask", has_site=True)["ContainerDefinitions"]
    return next(each for each in found if each["Name"] == name)


def variables(name: str) -> dict[str, str]:
    """Return the environment of a container, without its secrets."""
    return {each["Name"]: each["Value"] for each in container(name)["Environment"]}


@pytest.mark.parametrize(("has_site", "names"), [(False, STORAGE), (True, STORAGE | SITE)])
def test_outputs_are_exactly_the_variables(has_site: bool, names: set[str]) -> None:
    assert environment(has_site=has_site).keys() == names


def test_every_output_is_read_by_the_settings() -> None:
    read = {variable(name) for name in template()["Outputs"]}

    assert read - set(READ) == set()


def test_every_output_is_text() -> None:
    for has_site in (True, False):
        assert all(isinstance(value, str) for value in environment(has_site=has_site).values())


def test_container_has_what_the_outputs_say() -> None:
    assert variables("site") == environment(has_site=True)


@pytest.mark.parametrize("name", ["site", "migrate"])
def test_production_settings_load_with_what_a_container_has(name: str) -> None:
    secrets = {each["Name"] for each in container(name)["Secrets"]}

    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--fail-level", "ERROR"],
        cwd=ROOT,
        env={**variables(name), **{secret: SECRETS[secret] for secret in secrets}},
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("output", "name"),
    [
        ("AwsStorageBucketName", "AWS_STORAGE_BUCKET_NAME"),
        ("AwsRegion", "AWS_REGION"),
        ("AvatarsTable", "AVATARS_TABLE"),
    ],
)
def test_output_is_the_variable_in_camel_case(output: str, name: str) -> None:
    assert variable(output) == name
