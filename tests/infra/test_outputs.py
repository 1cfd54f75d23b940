"""The outputs are environment variables: all that the settings need, and no others."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.stack import variable
from tests.infra.template import RESTORED, SITE, outputs, properties, template

ROOT = Path(__file__).resolve().parents[2]
READ = re.findall(r'"([A-Z][A-Z_0-9]+)"', (ROOT / "config" / "settings.py").read_text())
SECRETS = {"SECRET_KEY": "s" * 64, "DATABASE_URL": "postgres://triphase:x@127.0.0.1:1/triphase"}
STORAGE = {
    *("AWS_STORAGE_BUCKET_NAME", "AWS_REGION", "AVATARS_TABLE", "SITE_ORIGINS"),
    *("FILES_TABLE", "EVENTS_QUEUE", "EVENTS_TOPIC"),
}
TASKS = {
    "site": "SiteTask",
    "migrate": "SiteTask",
    "streams": "StreamsTask",
    "consumer": "ConsumerTask",
}
SERVED = {"ALLOWED_HOSTS", "BEHIND_HTTPS_PROXY", "TRUSTED_PROXIES", "RATE_LIMIT_STORAGE"}
WAYS: list[set[str]] = [set(), SITE, SITE | RESTORED]  # the conditions that may hold


def environment(where: set[str]) -> dict[str, str]:
    """Return the outputs as environment variables."""
    return {variable(name): value for name, value in outputs(where=where).items()}


def container(name: str, where: set[str] = SITE) -> dict[str, Any]:
    """Return a container of the site's task, or of the consumer's."""
    found = properties(TASKS[name], where=where)["ContainerDefinitions"]
    return next(each for each in found if each["Name"] == name)


def variables(name: str, where: set[str] = SITE) -> dict[str, str]:
    """Return the environment of a container, without its secrets."""
    return {each["Name"]: each["Value"] for each in container(name, where)["Environment"]}


@pytest.mark.parametrize(("where", "names"), [(set(), STORAGE), (SITE, STORAGE | SERVED)])
def test_outputs_are_exactly_the_variables(where: set[str], names: set[str]) -> None:
    assert environment(where).keys() == names


def test_every_output_is_read_by_the_settings() -> None:
    read = {variable(name) for name in template()["Outputs"]}

    assert read - set(READ) == set()


@pytest.mark.parametrize("where", WAYS)
def test_every_output_is_text(where: set[str]) -> None:
    assert all(isinstance(value, str) for value in environment(where).values())


@pytest.mark.parametrize("where", [SITE, SITE | RESTORED])
def test_container_has_what_the_outputs_say(where: set[str]) -> None:
    assert variables("site", where) == environment(where)
    assert variables("streams", where) == environment(where)


@pytest.mark.parametrize("where", [SITE, SITE | RESTORED])
def test_consumer_has_what_the_outputs_say_but_for_what_only_requests_need(
    where: set[str],
) -> None:
    only_requests = {"BEHIND_HTTPS_PROXY", "TRUSTED_PROXIES", "RATE_LIMIT_STORAGE"}

    wanted = {
        name: value for name, value in environment(where).items() if name not in only_requests
    }
    assert variables("consumer", where) == wanted


@pytest.mark.parametrize("name", TASKS)
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
