"""A data folder, and what was started on it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running_up import Up


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="onefold-up-", dir="/tmp") as name:
        Path(name).chmod(0o711)  # PostgreSQL, which can't run as root, has to get through
        yield Path(name, "data")


@pytest.fixture
def ups() -> Iterator[list[Up]]:
    """Whatever a test started, to be ended with it."""
    started: list[Up] = []
    yield started
    for up in started:
        up.close()
