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
    kafka: str, database_with_read_models: str, topic_prefix: str, tmp_path: Path, fork_server: ForkServer
) -> AsyncIterator[World]:
    """A log and a database on the session's servers, prepared; its workers are killed in the end."""
    settings = settings_for(kafka, database_with_read_models, topic_prefix, tmp_path)
    made = await World(settings, tmp_path, fork_server).prepare()
    yield made
    made.end()
