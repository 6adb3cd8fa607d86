"""Identity on a real PostgreSQL: a schema with its tables alone, emptied between examples."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from projections.engine import offsets
from projections.engine.table import Row, Table
from projections.identity.adapters import save
from projections.identity.ports import Rules
from projections.identity.resolution.policy import Policy
from projections.identity.tables import CHANGES, READ_MODELS, TABLES, ChangeRow
from schemas.events import Event
from services.runtime.database import BY_KEY
from tests.support.streams import rules_of


@dataclass
class Identity:
    """The tables, and chunks into them."""

    connection: Any

    async def save(self, *events: Event, policy: Policy | None = None, rules: Rules | None = None) -> int:
        """One chunk, one transaction."""
        async with self.connection.transaction():
            return await save(self.connection, events, rules or rules_of(policy or Policy()))

    async def rows(self, table: Table) -> list[Any]:
        columns = ", ".join(column.name for column in table.columns)
        return [table.row(*row) for row in await self.connection.fetch(f"SELECT {columns} FROM {table.name}")]

    async def content(self) -> dict[Table, Iterable[Row]]:
        return {table: await self.rows(table) for table in READ_MODELS}

    async def told(self) -> list[ChangeRow]:
        columns = ", ".join(column.name for column in CHANGES.columns)
        return [ChangeRow(*row) for row in await self.connection.fetch(f"SELECT {columns} FROM changes ORDER BY id")]

    async def empty(self) -> None:
        await self.connection.execute(f"TRUNCATE {', '.join(table.name for table in TABLES)}")


@pytest.fixture
async def identity(database: str) -> AsyncIterator[Identity]:
    connection = await asyncpg.connect(database, server_settings=BY_KEY)
    await connection.execute("CREATE SCHEMA g1; SET search_path TO g1")
    await connection.execute(offsets.DDL)
    for table in TABLES:
        for statement in table.ddl:
            await connection.execute(statement)
    yield Identity(connection)
    await connection.close()
