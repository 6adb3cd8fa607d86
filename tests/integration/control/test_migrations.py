import asyncio
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from alembic import command

from projections.migrations.upgrade import config_for, upgrade


async def test_migrating_again_and_concurrently_changes_nothing(database: str, db: asyncpg.Connection) -> None:
    await asyncio.gather(*(upgrade(database) for _ in range(3)))
    assert await db.fetchval("SELECT count(*) FROM onefold.schema_version") == 1


async def test_the_migrations_create_what_the_tables_declare(database: str) -> None:
    """`alembic check` raises when autogenerate finds a difference."""
    await asyncio.to_thread(command.check, config_for(database))


async def test_migrating_needs_no_current_directory(database: str, tmp_path: Path) -> None:
    code = "import asyncio, sys; from projections.migrations.upgrade import upgrade; asyncio.run(upgrade(sys.argv[1]))"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code, database], cwd=tmp_path, env=environment, check=True
    )


async def test_only_one_generation_is_active(db: asyncpg.Connection) -> None:
    insert = "INSERT INTO onefold.generations (name, state) VALUES ($1, $2)"
    await db.execute(insert, "g7", "active")
    await db.execute(insert, "g8", "building")
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute(insert, "g9", "active")
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute(insert, "g9", "asleep")
