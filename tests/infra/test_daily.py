"""The daily job of the schedule, run by the image's own entry point."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.infra.template import SITE, properties, template

ENTRY_POINT = Path(__file__).resolve().parents[2] / "docker" / "entrypoint.sh"
PYTHON = """#!/bin/sh
echo "$@"
case "$2" in clearsessions) exit "$CLEARED" ;; sweep) exit "$SWEPT" ;; esac
"""


def command() -> list[str]:
    """Return the command that replaces the site's command in the daily task."""
    overrides = json.loads(properties("Daily", where=SITE)["Target"]["Input"])
    [override] = overrides["containerOverrides"]
    assert override["name"] == "site"
    found: list[str] = override["command"]
    return found


@pytest.mark.parametrize(("cleared", "swept"), [(0, 0), (1, 0), (0, 1), (1, 2)])
def test_sweep_runs_last_and_its_status_is_kept_when_it_runs(
    tmp_path: Path, cleared: int, swept: int
) -> None:
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)

    done = subprocess.run(  # noqa: S603 (our own script)
        ["/bin/sh", ENTRY_POINT, *command()],
        env={"PATH": f"{tmp_path}:{os.defpath}", "CLEARED": str(cleared), "SWEPT": str(swept)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines() == ["manage.py clearsessions", "manage.py sweep --delete"]
    assert done.returncode == swept


def test_it_runs_unless_it_is_switched_off() -> None:
    parameter = template()["Parameters"]["DailyState"]

    assert properties("Daily", where=SITE)["State"] == {"Ref": "DailyState"}
    assert parameter["Default"] == "ENABLED"
    assert parameter["AllowedValues"] == ["ENABLED", "DISABLED"]
