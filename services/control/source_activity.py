"""What came from each source, hour by hour, as rows: requests, events, and what was refused.

A process counts in memory and adds its counts to the rows every few seconds, so the number of writes does not depend on
how much comes in. A process that is killed loses the counts of those seconds. The rows are for people who look after
channels; nothing is computed from them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.migrations.tables import SOURCE_HOURS
from services.runtime.database import read

KEPT: Final = timedelta(days=8)
_COUNTS: Final = ("requests", "events", "unproven", "refused")
_KEY: Final = ("tenant", "source", "channel", "account", "hour")
_NEW: Final = insert(SOURCE_HOURS)
_ADD: Final = _NEW.on_conflict_do_update(
    index_elements=_KEY,
    set_={name: SOURCE_HOURS.c[name] + _NEW.excluded[name] for name in _COUNTS}
    | {"last_at": sa.func.greatest(SOURCE_HOURS.c.last_at, _NEW.excluded.last_at)},
)


class SourceOrigin(NamedTuple):
    """Where something came from. ``account`` is empty for what is about the source as a whole, such as requests."""

    tenant: str
    source: str
    channel: str
    account: str


class SourceHour(NamedTuple):
    """An hour and an origin, at whose beginning ``hour`` is in UTC."""

    origin: SourceOrigin
    hour: datetime


class SourceCounts(NamedTuple):
    """``unproven`` requests had a wrong signature or token; ``refused`` ones were the source's, and not accepted.

    ``last_at`` is when the last of the accepted ones came.
    """

    requests: int = 0
    events: int = 0
    unproven: int = 0
    refused: int = 0
    last_at: datetime | None = None

    def __add__(self, other: "SourceCounts") -> "SourceCounts":  # type: ignore[override]  # counts add up, they are no sequences
        last = max((at for at in (self.last_at, other.last_at) if at is not None), default=None)
        return SourceCounts(
            self.requests + other.requests,
            self.events + other.events,
            self.unproven + other.unproven,
            self.refused + other.refused,
            last,
        )


def hour_of(at: datetime) -> datetime:
    """The beginning of a time's hour, in UTC."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


async def add_counts(engine: AsyncEngine, counts: Mapping[SourceHour, SourceCounts]) -> None:
    """Add counts to the rows, in one transaction. Rows are locked in the order of their keys."""
    rows = [one.origin._asdict() | {"hour": one.hour} | found._asdict() for one, found in sorted(counts.items())]
    if not rows:
        return
    async with engine.begin() as connection:
        await connection.execute(_ADD, rows)


async def activity_of(engine: AsyncEngine, tenant: str) -> dict[SourceHour, SourceCounts]:
    """What is kept of a tenant's sources: each hour of the last days, and of each origin at least its latest hour."""
    rows = await read(engine, sa.select(SOURCE_HOURS).where(SOURCE_HOURS.c.tenant == tenant))
    found: dict[SourceHour, SourceCounts] = {}
    for row in rows:
        origin = SourceOrigin(*(row[name] for name in _KEY[:4]))
        counts = {name: row[name] for name in (*_COUNTS, "last_at")}
        found[SourceHour(origin, row["hour"])] = SourceCounts(**counts)
    return found


async def prune_activity(engine: AsyncEngine, before: datetime) -> int:
    """Delete hours from before a time, but for the latest of each origin; how many there were."""
    later = SOURCE_HOURS.alias("later")
    same = [later.c[name] == SOURCE_HOURS.c[name] for name in _KEY[:4]]
    newer = sa.exists().where(*same, later.c.hour > SOURCE_HOURS.c.hour)
    async with engine.begin() as connection:
        done = await connection.execute(sa.delete(SOURCE_HOURS).where(SOURCE_HOURS.c.hour < before, newer))
        return done.rowcount
