"""How Alembic reaches the control schema: by the URL in its attributes (`upgrade.py`), else by ONEFOLD_DATABASE."""

import asyncio
import os
from typing import Any, Final

import asyncpg
import sqlalchemy as sa
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from projections.migrations.tables import KEYS_SCHEMA, METADATA, SCHEMA

# Any number that is the same in every process that migrates.
_LOCK: Final = 0x0F01D


def _only_ours(name: str | None, kind: str, _: Any) -> bool:
    return kind != "schema" or name in {SCHEMA, KEYS_SCHEMA}


def _run(connection: sa.Connection) -> None:
    # One process migrates; the others wait here and then find nothing to do.
    connection.execute(sa.text("SET LOCAL lock_timeout = '60s'"))
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
    # A migration that can't have its lock at once gives up: behind one that waits, every query of the service waits.
    connection.execute(sa.text("SET LOCAL lock_timeout = '2s'"))
    connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        version_table="schema_version",
        version_table_schema=SCHEMA,
        include_schemas=True,
        include_name=_only_ours,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _migrate(database_url: str) -> None:
    async def connect() -> asyncpg.Connection:
        # By the very URL that the services' own pools take, with whatever options asyncpg knows. For a role named
        # as our schema is, that schema would be the default one, and `alembic check` would find nothing in it.
        return await asyncpg.connect(database_url, timeout=10, server_settings={"search_path": "public"})

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_run)
    finally:
        await engine.dispose()


asyncio.run(_migrate(context.config.attributes.get("database_url") or os.environ["ONEFOLD_DATABASE"]))
