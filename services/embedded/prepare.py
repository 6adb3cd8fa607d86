"""What has to be there before our processes start: tables, the active generation, topics, and the tenant `demo`."""

from typing import Any

import asyncpg

from projections.engine.generations import ensure_generation
from projections.registry import TABLES
from services.control import registry as control
from services.embedded.datadir import DataDir
from services.runtime.broker import ensure_topics
from services.runtime.settings import Settings

TENANT = "demo"
_KEY_FILE = "demo.key"
_SCOPES = ("events:write", "customers:read", "customers:write", "admin")


async def prepare(settings: Settings) -> None:
    """Brings tables and topics up to date, as `onefold migrate` does. Safe to repeat."""
    await control.migrate(settings.database_url)
    connection = await asyncpg.connect(settings.database_url)
    try:
        await ensure_generation(connection, TABLES)
    finally:
        await connection.close()
    await ensure_topics(settings)


async def demo_key(settings: Settings, home: DataDir) -> str:
    """The key of the tenant `demo`, which is added first if it is not there; the same at every start.

    A kept key that the database doesn't know, because the database is another one now, is replaced.
    """
    connection = await asyncpg.connect(settings.database_url)
    try:
        kept = home.kept_secret(_KEY_FILE)
        if kept is not None and await control.find_key(connection, control.hash_of(kept)):
            return kept
        return home.keep_secret(_KEY_FILE, await _new_key(connection))
    finally:
        await connection.close()


async def _new_key(connection: Any) -> str:
    if TENANT not in {known.tenant for known in await control.list_tenants(connection)}:
        await control.add_tenant(connection, TENANT, name="Demo")
    return await control.add_key(connection, TENANT, _SCOPES, name="up")
