"""What a test needs, and a machine may not have."""

import os
from typing import NoReturn

import pytest


def leave_out(reason: str) -> NoReturn:
    """Skip the test and say why; where CI runs, fail: it leaves nothing out."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
