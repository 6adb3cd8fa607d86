"""One connection to the active generation, for commands and for the process that makes a preview."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from projections.engine.connection import Connection
from projections.engine.generations import active_generation
from projections.registry import SCHEMA

_CONNECT_WITHIN: Final = 10.0


@asynccontextmanager
async def generation_connection(url: str, *, name: str) -> AsyncIterator[Connection]:
    """A connection that sees the active generation's tables; PostgreSQL lists it under ``name``.

    Raises NoGeneration, IncompatibleGeneration, OSError, and what asyncpg raises.
    """
    connection = await asyncpg.connect(
        url, timeout=_CONNECT_WITHIN, server_settings={"application_name": f"onefold-{name}"}
    )
    try:
        await connection.execute(f"SET search_path TO {(await active_generation(connection, SCHEMA)).name}")
        yield connection
    finally:
        await connection.close()


class SingleConnection:
    """The ReadModels port on one connection that the caller keeps open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """The connection, which stays open."""
        yield self._connection
