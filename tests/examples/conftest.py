"""What the tests of the examples share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def examples() -> Path:
    return Path(__file__).parents[2] / "examples"
