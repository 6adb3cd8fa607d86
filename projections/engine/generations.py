"""A generation is one complete build of the read models, in a PostgreSQL schema of its own.

It is made by one version of the code and never migrated: other code builds another one from the log.
"""

import re
from typing import Any, Final

import sqlalchemy as sa

from projections.engine.offsets import OFFSETS
from projections.engine.statements import ddl

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,30}")


class NoGeneration(LookupError):
    """No generation of the read models is active yet: run `onefold migrate`."""


async def active_generation(connection: Any) -> str:
    """The name of the generation (a schema) that readers read. Raises NoGeneration."""
    name = await connection.fetchval("SELECT name FROM onefold.generations WHERE state = 'active'")
    if name is None:
        raise NoGeneration(NoGeneration.__doc__)
    return str(name)


async def create_generation(connection: Any, name: str, tables: tuple[sa.Table, ...]) -> None:
    """Make the schema and its empty tables; the name is a plain identifier."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a generation's name: {name!r}")
    async with connection.transaction():
        await connection.execute(f"CREATE SCHEMA {name}")
        await connection.execute(f"SET LOCAL search_path TO {name}")
        for table in (OFFSETS, *tables):
            for statement in ddl(table):
                await connection.execute(statement)


async def ensure_generation(connection: Any, tables: tuple[sa.Table, ...], name: str = "g1") -> str:
    """The active generation, made and made active if there is none yet. Safe to run twice at once."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('onefold.generations'))")
        known = await connection.fetchval("SELECT name FROM onefold.generations WHERE state = 'active'")
        if known is not None:
            return str(known)
        await create_generation(connection, name, tables)
        await connection.execute("INSERT INTO onefold.generations (name, state) VALUES ($1, 'active')", name)
    return name
