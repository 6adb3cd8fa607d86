"""Fixtures of a world of real servers and processes, which several folders use."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.worker_processes import ForkServer
from tests.support.worlds import World, settings_for


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    made = ForkServer()
    yield made
    made.close()


@pytest.fixture
async def world(
    kafka: str, database: str, topic_prefix: str, tmp_path: Path, fork_server: ForkServer
) -> AsyncIterator[World]:
    """A log and a database on the session's servers, prepared; its workers are killed in the end."""
    made = await World(settings_for(kafka, database, topic_prefix, tmp_path), tmp_path, fork_server).prepare()
    yield made
    made.end()
