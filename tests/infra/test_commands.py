"""The command line: arguments, AWS's errors as messages, and the targets of the Makefile."""

import os
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    WaiterError,
)

from infra import __main__ as command
from infra import aws, deploy

ROOT = Path(__file__).resolve().parents[2]
REFUSED = ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "CreateStack")
WAITED = WaiterError("DBInstanceAvailable", "Max attempts exceeded", {})


def fail_with(error: Exception) -> Any:
    """Return a function that raises ``error``."""

    def fail(*_: object) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (NoCredentialsError(), "no AWS credentials"),
        (NoRegionError(), "set AWS_REGION"),
        (WAITED, "Waiting for DBInstanceAvailable took too long or failed: Max attempts exceeded"),
        (EndpointConnectionError(endpoint_url="https://x"), "AWS cannot be reached"),
        (REFUSED, "CreateStack was refused: AccessDenied: not you"),
    ],
)
def test_error_of_aws_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    message: str,
) -> None:
    monkeypatch.setattr(command, "deploy", fail_with(error))

    assert command.main(["deploy", "it"]) == 1
    assert message in capsys.readouterr().err


def test_bug_is_not_taken_for_an_error_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "deploy", fail_with(ValueError("a bug")))

    with pytest.raises(ValueError, match="a bug"):
        command.main(["deploy", "it"])


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AWS_ENDPOINT_URL", "nonsense"), ("AWS_PROFILE", "nope"), ("AWS_REGION", "no region!")],
)
def test_setting_is_named_when_it_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    known = {"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    for name, text in {**known, variable: value}.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setattr(deploy, "client", aws.client.__wrapped__)

    assert command.main(["deploy", "it"]) == 1
    assert "AWS was not asked, for a setting cannot be used" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["remove"],
        ["deploy"],
        ["deploy", ""],
        ["deploy", "1st"],
        ["manage", "it"],
        ["manage", "it", "--"],
        ["manage", "it", "migrate", "--plan"],
        ["manage", "it", "--line", " "],
        ["manage", "it", "--line=shell -c 'print(1)"],
        ["manage", "it", "--line=check", "--", "check"],
    ],
)
def test_arguments_are_refused_when_they_make_no_sense(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(arguments)
    assert "usage:" in capsys.readouterr().err


def test_values_are_quoted_for_a_shell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "deploy", lambda *_: {"A": "x; rm", "B": "y=z"})
    monkeypatch.setattr(command, "protect", lambda name: None)

    assert command.main(["deploy", "it"]) == 0
    assert capsys.readouterr().out == "export A='x; rm'\nexport B=y=z\n"


# --- make ---

LINE = """shell -c 'print("two  words"); import os' `echo no` * ; echo no"""


@pytest.mark.parametrize(
    ("target", "variables", "arguments"),
    [
        ("deploy", ["PARAMETERS=A=1 B=x,y"], ["A=1", "B=x,y"]),
        ("manage", [f"COMMAND={LINE}"], [f"--line={LINE}"]),
        ("destroy", [], []),
        ("destroy", ["CONFIRM=yes"], ["--yes"]),
    ],
)
def test_make_passes_its_variables_on_unchanged(
    tmp_path: Path, target: str, variables: list[str], arguments: list[str]
) -> None:
    """No shell on the way expands what is in them."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    python.chmod(0o755)
    for stamp in (".run", ".aws"):
        (tmp_path / stamp).touch()

    done = subprocess.run(  # noqa: S603 (our own Makefile)
        ["make", target, f"VENV={tmp_path}", f"AWS_VENV={tmp_path}", "STACK=it", *variables],  # noqa: S607
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines() == ["-m", "infra", target, "it", *arguments], done.stderr
