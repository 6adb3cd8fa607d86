"""The tables and indexes of a generation, in its schema. `generations` says what a generation is."""

import re
from collections.abc import Awaitable, Callable
from typing import Final

import sqlalchemy as sa

from projections.engine.connection import Connection
from projections.engine.first_statistics import tell_first_statistics
from projections.engine.generation_schema import GenerationSchema
from projections.engine.statements import compiled

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,30}")
_SORT_MEMORY: Final = "256MB"  # of each of the few processes that make an index
_HAS: Final = compiled(sa.select(sa.cast(sa.func.to_regclass(sa.bindparam("name", type_=sa.Text())), sa.Text)), "name")

AfterEach = Callable[[], Awaitable[None]]


async def _at_once() -> None:
    """Go on without a rest."""


async def use_generation(connection: Connection, name: str) -> None:
    """Have the tables' names mean this generation's until the transaction ends."""
    await connection.execute(f"SET LOCAL search_path TO {name}")


async def create_generation(
    connection: Connection, name: str, schema: GenerationSchema, *, for_readers: bool = True
) -> None:
    """Make the schema and its empty tables; the name is a plain identifier. Nobody reads or writes it yet.

    Without ``for_readers`` the indexes that no fold needs are left to `index_for_readers`.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a generation's name: {name!r}")
    async with connection.transaction():
        await connection.execute(f"CREATE SCHEMA {name}")
        await connection.execute(f"SET LOCAL search_path TO {name}")
        left_out = () if for_readers else schema.indexes_for_readers.values()
        for statement in (*schema.ddl, *schema.comments):
            if statement not in left_out:
                await connection.execute(statement)
        await tell_first_statistics(connection, schema.tables)


async def index_for_readers(
    connection: Connection, name: str, schema: GenerationSchema, after_each: AfterEach = _at_once
) -> None:
    """Make the indexes of a generation that it was made without. Each is a transaction; it can be called again.

    ``after_each`` index something else may be awaited.
    """
    for index, statement in schema.indexes_for_readers.items():
        if await connection.fetchval(_HAS, f"{name}.{index}") is None:
            async with connection.transaction():
                await use_generation(connection, name)
                await connection.execute(f"SET LOCAL maintenance_work_mem = '{_SORT_MEMORY}'; {statement}")
            await after_each()
