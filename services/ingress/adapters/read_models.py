"""A connection that reads the active generation of the read models."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from projections.engine.connection import Connection
from projections.engine.generation_records import NoGeneration
from projections.engine.generations import active_generation
from projections.registry import SCHEMA

LookupPool = asyncpg.Pool
# What may be raised while the read models can't be read: PostgreSQL is away, or there are no read models that fit.
READ_MODELS_AWAY: Final = (OSError, NoGeneration, asyncpg.PostgresError, asyncpg.InterfaceError)


@asynccontextmanager
async def reading(db: asyncpg.Pool) -> AsyncIterator[Connection]:
    """A read-only transaction on whichever generation is active at the time. Raises one of READ_MODELS_AWAY."""
    async with db.acquire() as connection, connection.transaction(readonly=True):
        generation = await active_generation(connection, SCHEMA)
        await connection.execute(f"SET LOCAL search_path TO {generation.name}")
        yield connection
