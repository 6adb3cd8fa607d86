"""Checks: every record is counted once, and the tables are what a fold of the log gives."""

from collections.abc import Collection

import sqlalchemy as sa

from benchmarks.figures import BenchmarkFailed
from projections.engine.connection import Connection
from schemas.topics import CHANNEL_EVENTS
from services.runtime.broker import log_ends
from services.runtime.settings import Settings
from services.verify.main import verify

_ACCOUNTS = f"""
SELECT coalesce(sum(committed), 0)::bigint AS committed, coalesce(sum(duplicates), 0)::bigint AS duplicates,
    coalesce(sum(dead_letters), 0)::bigint AS dead_letters, (SELECT count(*) FROM timeline) AS rows
FROM offsets WHERE topic LIKE '%.{CHANNEL_EVENTS.name}'
"""


async def require_balance(connection: Connection, events: int) -> None:
    """Require that each record was committed or a duplicate, and that each committed one is in the timeline."""
    (found,) = await connection.fetch(_ACCOUNTS)
    if (
        found["committed"] + found["duplicates"] != events
        or found["dead_letters"]
        or found["rows"] != found["committed"]
    ):
        raise BenchmarkFailed(f"of {events} events the counters are {dict(found)}")


async def require_tables_as_folded(settings: Settings, tables: Collection[sa.Table]) -> None:
    """Require that these tables are what a fold of the log in memory gives, and that the counters add up."""
    verdict = await verify(settings)
    names = {table.name for table in tables}
    wrong = [f"{one.table}: {one.difference}" for one in verdict.tables if one.difference and one.table in names]
    if wrong or not verdict.counted:
        raise BenchmarkFailed(f"the tables are not what the log gives: {'; '.join(wrong) or 'the counters are off'}")


async def note_offsets(connection: Connection, settings: Settings) -> None:
    """Write the offsets of a contender that keeps none, so that its tables can be compared with the log."""
    topic = CHANNEL_EVENTS.full_name(settings.topic_prefix)
    ends = await log_ends(settings.kafka_servers, topic)
    rows = await connection.fetchval("SELECT count(*) FROM timeline")
    counters = {min(ends): (rows, sum(ends.values()) - rows)}  # the partition does not matter
    await connection.executemany(
        "INSERT INTO offsets (topic, partition, next_offset, committed, duplicates) VALUES ($1, $2, $3, $4, $5)",
        [(topic, partition, end, *counters.get(partition, (0, 0))) for partition, end in ends.items()],
    )
