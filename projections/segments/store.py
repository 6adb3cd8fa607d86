"""Counts the customers of segments, and keeps the numbers by day."""

from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from projections.customers.search.costs import TooDear
from projections.customers.search.filters import parse
from projections.customers.search.queries import composed, count, plan_for_values
from projections.customers.search.rewriting import Unsearchable
from projections.customers.search.time_limit import within_time
from projections.engine.connection import Connection
from projections.engine.statements import compiled
from projections.identity.resolutions import active_resolution, policy_of
from projections.migrations.tables import SEGMENT_SIZES
from projections.segments.queries import SegmentSize, segment_due
from projections.segments.searching import check_cost, search_of

_LONGEST: Final = "10s"  # that one count may take
_LOCK: Final = compiled(
    sa.select(
        sa.func.pg_try_advisory_lock(sa.func.hashtext("onefold.segments"), sa.func.hashtext(sa.func.current_schema()))
    )
)
_BOUND: Final = compiled(sa.select(sa.func.set_config("statement_timeout", _LONGEST, sa.true())))
_KEEP: Final = compiled(
    postgresql.insert(SEGMENT_SIZES)
    .values({column.name: sa.bindparam(column.name, type_=column.type) for column in SEGMENT_SIZES.c})
    .on_conflict_do_nothing(),
    *SEGMENT_SIZES.c.keys(),
)


async def lock_counting(connection: Connection) -> bool:
    """Try to become the only one that counts in this schema, for as long as the connection lasts."""
    return bool(await connection.fetchval(_LOCK))


async def count_next(connection: Connection, tenant: str, region: str, now: int) -> str | None:
    """Count one of the tenant's segments that has no size of the day of ``now``, in ms, and keep it; its id.

    None if there is none, or while some customers have no row yet. Call it in a REPEATABLE READ transaction.
    """
    day = datetime.fromtimestamp(now / 1000, UTC).date()
    segment = await segment_due(connection, tenant, day)
    if segment is None or not (await composed(connection, tenant)).complete:
        return None
    try:
        size = SegmentSize(day, await _count(connection, tenant, segment, region, now), None, now)
    except (Unsearchable, TooDear) as error:
        size = SegmentSize(day, None, str(error), now)
    await connection.execute(_KEEP, tenant, segment, *size)
    return segment


async def _count(connection: Connection, tenant: str, segment: str, region: str, now: int) -> int:
    """How many customers a segment has. Raises Unsearchable, and TooDear also for a count that takes too long."""
    active = await active_resolution(connection, tenant)
    search = await search_of(connection, active.key, policy_of(active, region), parse({"segment": segment}), now)
    known = (await check_cost(connection, search)).total
    if known is not None:
        return known
    async with within_time(connection, _LONGEST):
        await connection.fetchval(_BOUND)
        await plan_for_values(connection)
        return await count(connection, search, None)
