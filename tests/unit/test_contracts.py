"""The import contracts of pyproject.toml hold, and break when a file is put on the wrong floor."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PROJECT["tool"]["importlinter"]["root_packages"]
NOT_OF_THE_PRODUCT = {"benchmarks", "infra", "tests"}

MISPLACED = {
    "web/thing.py": ("from aws.bucket import live_bucket", "Imports point down"),
    "aws/thing.py": ("from uploads.keys import owner_of", "Imports point down"),
    "uploads/thing.py": ("from avatars.references import Reference", "Imports point down"),
    "pictures/thing.py": ("from aws.bucket import live_bucket", "Imports point down"),
    "avatars/thing.py": ("import boto3", "Only aws imports boto3 and botocore"),
    "inspection/views.py": ("import pynamodb.models", "Only aws and models import PynamoDB"),
    "avatars/errors.py": ("from avatars import services", "Within avatars"),
    "aws/errors.py": ("from aws import clients", "Within aws"),
    "web/errors.py": ("from web import api", "Within web"),
    "uploads/keys.py": ("from uploads import tokens", "Within uploads"),
    "accounts/models.py": ("from accounts import selectors", "Within accounts"),
    "inspection/selectors.py": ("from inspection import views", "Within inspection and demo"),
    "aws/clients.py": ("import embedded_aws.server", "Only the demo knows the embedded AWS"),
    "embedded_aws/front.py": (
        "from aws.policies import tagging_xml",
        "The embedded AWS imports nothing of the product",
    ),
}


def test_contracts_are_about_every_package_of_the_product() -> None:
    found = {init.parent.name for init in ROOT.glob("*/__init__.py")}

    assert found - NOT_OF_THE_PRODUCT == set(PACKAGES)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the product's packages with their contracts."""
    folder = tmp_path_factory.mktemp("product")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    return folder


def broken_contracts(folder: Path) -> tuple[int, set[str]]:
    """Return the linter's exit status, and the contracts that it calls broken."""
    program = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports())"
    ran = subprocess.run(  # noqa: S603 (our own program)
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    marked = " BROKEN"
    lines = [line for line in ran.stdout.splitlines() if line.endswith(marked)]
    return ran.returncode, {line.removesuffix(marked).strip() for line in lines}


def test_contracts_hold(copy: Path) -> None:
    assert broken_contracts(copy) == (0, set())


def test_contract_breaks_when_a_file_is_on_the_wrong_floor(copy: Path) -> None:
    """All at once, since the linter takes two seconds; each breaks the contract that it names."""
    before = {name: (copy / name).read_text() for name in MISPLACED if (copy / name).exists()}
    for name, (line, _contract) in MISPLACED.items():
        (copy / name).write_text(f"{before.get(name, '')}\n{line}\n")
    try:
        status, broken = broken_contracts(copy)
    finally:
        for name in MISPLACED:
            (copy / name).write_text(before[name]) if name in before else (copy / name).unlink()

    assert status == 1
    assert broken >= {contract for _line, contract in MISPLACED.values()}
