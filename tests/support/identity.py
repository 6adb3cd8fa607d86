"""Identity on a real PostgreSQL, its tables emptied between examples."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from projections.engine.connection import Connection
from projections.engine.metadata import Rows, Table, key_of, row_columns, row_type
from projections.engine.touched import TOUCHED
from projections.identity.handlers import save_events
from projections.identity.keys import ResolutionKey
from projections.identity.outbox import OutboxRow, stored_changes
from projections.identity.resolution.policy import Policy
from projections.identity.rules import PolicyInForce
from projections.identity.tables import READ_MODELS, TABLES
from projections.migrations.tables import CHANGE_SEQUENCES, OUTBOX, OUTBOX_POSITIONS
from schemas.events import Event
from services.runtime.database import BY_KEY
from tests.support.streams import id_of, policies_for

Policies = Mapping[ResolutionKey, PolicyInForce]


@dataclass
class Identity:
    """The tables, and chunks into them."""

    connection: Connection

    async def save(self, *events: Event, policy: Policy | None = None, policies: Policies | None = None) -> int:
        """One chunk, one transaction. ``policies`` of resolutions, or one policy of every tenant."""
        found = policies or policies_for({event.tenant for event in events}, policy or Policy())
        async with self.connection.transaction():
            return await save_events(self.connection, events, found, id_of)

    async def rows(self, table: sa.Table) -> list[Any]:
        columns = ", ".join(column.name for column in row_columns(table))
        found = await self.connection.fetch(f'SELECT {columns} FROM "{table.name}"')
        return [row_type(table)(*row) for row in found]

    async def tables(self) -> dict[Table, Rows]:
        """The rows of the tables that the events decide, by key."""
        return {table: {key_of(table, row): row for row in await self.rows(table)} for table in READ_MODELS}

    async def outbox(self) -> list[OutboxRow]:
        async with self.connection.transaction():
            return [row async for row in stored_changes(self.connection)]

    async def empty(self) -> None:
        """Delete all rows, to begin another example."""
        tables = (TOUCHED, *TABLES, OUTBOX, CHANGE_SEQUENCES, OUTBOX_POSITIONS)
        await self.connection.execute(f"TRUNCATE {', '.join(table.fullname for table in tables)}")


@pytest.fixture
async def identity(database_with_read_models: str) -> AsyncIterator[Identity]:
    connection = await asyncpg.connect(database_with_read_models, server_settings=BY_KEY)
    await connection.execute("SET search_path TO g1")
    yield Identity(connection)
    await connection.close()
