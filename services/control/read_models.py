"""Prepares a database and its topics for this version of the code: control tables, read models, topics."""

import asyncpg

from projections.engine.generation_records import Generation
from projections.engine.generations import ensure_generation, next_generation, start_afresh
from projections.migrations.upgrade import upgrade
from projections.registry import SCHEMA
from services.runtime.broker import ensure_topics
from services.runtime.settings import Settings
from services.vault.records import wrap_by_first_master_key

_CONNECT_WITHIN = 10.0


async def prepare_read_models(settings: Settings, *, fresh: bool = False) -> Generation:
    """Make what is missing, and return the active generation. Safe to repeat; topics only where Kafka is set.

    ``fresh`` makes the next generation, empty, and makes it active: workers that start after this fold the log into it
    from its first record. Raises IncompatibleGeneration, BrokerRefused, BadMasterKeys, WrongMasterKeys,
    and what PostgreSQL and Kafka raise.
    """
    await upgrade(settings.database_url)
    await wrap_by_first_master_key(settings)
    connection = await asyncpg.connect(settings.database_url, timeout=_CONNECT_WITHIN)
    try:
        generation = await (next_generation(connection) if fresh else ensure_generation(connection, SCHEMA))
        if settings.kafka:
            await ensure_topics(settings, generation)
        if fresh:
            await start_afresh(connection, generation, SCHEMA)
    finally:
        await connection.close()
    return generation
