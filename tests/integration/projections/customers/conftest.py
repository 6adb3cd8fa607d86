"""An empty generation, for read models of customers."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from projections.engine.generation_tables import create_generation
from projections.registry import SCHEMA


@pytest.fixture
async def generation(database: str) -> AsyncIterator[Any]:
    """A connection to it."""
    connection = await asyncpg.connect(database)
    await create_generation(connection, "g1", SCHEMA)
    await connection.execute("SET search_path TO g1")
    yield connection
    await connection.close()
