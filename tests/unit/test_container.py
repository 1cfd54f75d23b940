"""Dockerfile and compose.yaml, as far as they can be tested without a container engine."""

import re
import tomllib
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from django.conf import settings
from django.urls import reverse

from inspection.labels import PAGE_SIZE

ROOT = settings.BASE_DIR
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SITE = {"web", "streams", "daily", "migrate", "provision"}
DOCKERFILES = {"Dockerfile", "docker/store/Dockerfile"}
TEXT = (ROOT / "compose.yaml").read_text()


# --- The images ---


def instructions(name: str) -> list[str]:
    """Return the instructions of a Dockerfile's last stage, one line each."""
    joined = re.sub(r"\\\n", " ", (ROOT / name).read_text())
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    last = max(place for place, line in enumerate(lines) if line.startswith("FROM "))
    return lines[last:]


@pytest.mark.parametrize("name", sorted(DOCKERFILES))
def test_image_is_made_from_versions_and_runs_as_nobody_special(name: str) -> None:
    text = (ROOT / name).read_text()
    users = [line for line in instructions(name) if line.startswith("USER ")]

    for image in re.findall(r"^FROM (\S+)", text, flags=re.MULTILINE):
        assert re.search(r":\d+\.\d+(\.\d+)?-slim", image), image
    assert re.fullmatch(r"USER ([1-9]\d+):\1", users[-1])
    assert any(line.startswith("HEALTHCHECK ") for line in instructions(name))
    # The form of a list: with a shell in between no signal would arrive.
    for line in instructions(name):
        if line.startswith(("CMD", "ENTRYPOINT")):
            assert re.match(r"\w+ \[", line)


def test_image_of_the_site_has_no_tools_to_build_with() -> None:
    lines = instructions("Dockerfile")

    assert not re.search(r"\b(apt-get|pip|gcc|build-essential|curl)\b", "\n".join(lines))
    assert "pip uninstall --yes pip" in (ROOT / "Dockerfile").read_text()


def test_image_holds_the_whole_site_and_nothing_else() -> None:
    let_in = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = set(project["tool"]["importlinter"]["root_packages"]) - {"embedded_aws"}

    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*", "all else stays out"
    assert let_in - packages == {
        *("docker/entrypoint.sh", "docker/gunicorn.py", "docker/healthcheck.py"),
        *("static", "templates", "constraints.txt", "manage.py", "requirements.txt"),
    }
    assert packages <= let_in
    assert all((ROOT / path).exists() for path in let_in)


def test_image_leaves_out_what_only_the_demo_needs() -> None:
    production = (ROOT / "requirements.txt").read_text()

    assert "--requirement requirements.txt" in (ROOT / "Dockerfile").read_text()
    assert "gunicorn==" in production
    assert "moto" not in production
    assert "moto" in (ROOT / "requirements-demo.txt").read_text()


# --- The set ---


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]

    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["read_only"] or name == "table"
    assert not {"privileged", "network_mode", "pid", "devices"} & service.keys()
    assert not [volume for volume in service.get("volumes", []) if "docker.sock" in volume]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_service_is_of_a_version_and_is_watched(name: str) -> None:
    service = SERVICES[name]

    built = "build" in service or name in SITE
    assert built or re.search(r":\d+\.\d+(\.\d+)?(-\w+)?$", service["image"])
    # Those built here bring a health check of their own.
    assert built or service["healthcheck"]["test"]
    assert (service.get("healthcheck") == {"disable": True}) == (name in SITE - {"web", "streams"})


def test_image_of_the_site_is_built_once() -> None:
    builders = [name for name in SITE if "build" in SERVICES[name]]

    assert builders == ["web"]
    assert {SERVICES[name]["image"] for name in SITE} == {"triphase"}
    assert all(SERVICES[name]["pull_policy"] == "never" for name in SITE - {"web"})


def test_only_the_proxy_is_reached_and_by_this_machine_alone_unless_told() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {
        "proxy": [
            "${BIND_ADDRESS:-127.0.0.1}:80:8080",
            "${BIND_ADDRESS:-127.0.0.1}:443:8443",
        ]
    }
    assert COMPOSE["networks"]["data"] == {"internal": True}
    assert [name for name in SERVICES if SERVICES[name]["networks"] != ["data"]] == ["proxy"]


def test_variable_is_demanded_with_a_sentence_or_has_a_default() -> None:
    example = (ROOT / ".env.example").read_text()
    used = re.findall(r"\$\{(\w+)(:[?-])?([^}]*)\}", TEXT)

    assert len(used) > 10
    for name, kind, rest in used:
        assert kind == ":-" or (kind == ":?" and " must be set" in rest), name
        assert kind == ":-" or re.search(rf"^{name}=", example, re.MULTILINE), name


def test_no_secret_is_written_down() -> None:
    values = re.findall(r"^\s+\w*(?:SECRET|PASSWORD|KEY)\w*: (.*)$", TEXT, re.MULTILINE)

    assert len(values) >= 6
    assert all(value.startswith("${") and ":?" in value for value in values)
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD", "S3_SECRET_KEY", "EVENTS_SECRET"):
        assert f"\n{name}=\n" in (ROOT / ".env.example").read_text()


def test_site_is_given_settings_that_there_are() -> None:
    source = (ROOT / "config" / "settings.py").read_text()
    own = {"WEB_CONCURRENCY"}  # gunicorn's
    given = SERVICES["web"]["environment"].keys()

    assert {name for name in given - own if f'"{name}"' not in source} == set()
    assert all(SERVICES[name]["environment"].keys() == given for name in SITE)


def test_store_sends_its_events_to_the_site_within_the_internal_network() -> None:
    """``http://web:8000`` is the site itself: CORS lets in pages of its public name alone."""
    given = SERVICES["web"]["environment"]
    site = urlsplit(given["EVENTS_PUSH_URL"])

    assert site.path == reverse("receive-events")
    assert site.hostname in SERVICES
    assert site.hostname == given["ALLOWED_HOSTS"].rpartition(",")[2]
    assert given["SITE_ORIGINS"].startswith("https://${SITE_HOST:?")
    assert "web" not in given["SITE_ORIGINS"]
    assert {"data"} <= set(SERVICES["web"]["networks"]) & set(SERVICES["store"]["networks"])


# --- The server's figures ---


def test_threads_and_time_outs_fit_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    server: dict[str, Any] = {}
    exec((ROOT / "docker" / "gunicorn.py").read_text(), server)  # noqa: S102 (as gunicorn does)

    # Beside them a page of the inspection asks for all its rows at once.
    assert server["threads"] + PAGE_SIZE <= settings.AWS_POOL_CONNECTIONS
    # The longest of tests/faults/test_bounds.py.
    assert server["graceful_timeout"] > 90
    assert server["timeout"] > 90
    grace = int(SERVICES["web"]["stop_grace_period"].removesuffix("s"))
    assert grace > server["graceful_timeout"]
