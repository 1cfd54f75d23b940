"""Fixtures of the tests of the assets API."""

import pytest

from tests.functional.assets.steps import Program
from tests.functional.files.conftest import anna, berta, file_stores
from tests.functional.files.steps import Uploader

__all__ = ["anna", "berta", "file_stores"]


@pytest.fixture
def program(anna: Uploader) -> Program:
    """Return a program with a key of anna's."""
    return Program(anna.user)
