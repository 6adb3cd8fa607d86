"""The pace of a generation that is being built: the share of the time that each of its workers works.

Whoever rebuilds the generation sets it again each second. It holds for a minute, so workers that nobody paces any more
go on at full speed.
"""

from typing import Final

import sqlalchemy as sa

from projections.engine.connection import Connection
from projections.engine.statements import compiled
from projections.migrations.tables import GENERATIONS

FULL: Final = 1.0
_HOLDS_FOR: Final = "60 seconds"
_NAMED: Final = GENERATIONS.c.name == sa.bindparam("of_name", type_=sa.Text())
_PACED: Final = (
    sa.update(GENERATIONS)
    .where(_NAMED)
    .values(pace=sa.bindparam("pace", type_=sa.Double()), paced_at=sa.func.clock_timestamp())
)
_SET: Final = compiled(_PACED, "of_name", "pace")
# Whoever has said that the workers need no pace any more, which is no pace, has the last word.
_KEEP: Final = compiled(_PACED.where(GENERATIONS.c.pace.is_not(None)), "of_name", "pace")
_IS_PACED: Final = sa.and_(
    GENERATIONS.c.state == "building",
    GENERATIONS.c.paced_at > sa.func.clock_timestamp() - sa.cast(sa.literal_column(f"'{_HOLDS_FOR}'"), sa.Interval()),
    GENERATIONS.c.pace.is_not(None),
)
_READ: Final = compiled(sa.select(GENERATIONS.c.pace).where(_IS_PACED, _NAMED), "of_name")
_ALL: Final = compiled(sa.select(GENERATIONS.c.name, GENERATIONS.c.pace).where(_IS_PACED))


async def read_pace(connection: Connection, name: str) -> float:
    """The share of the time that a worker of the generation may work, above 0 and at most 1."""
    found: float | None = await connection.fetchval(_READ, name)
    return FULL if found is None else found


async def all_paces(connection: Connection) -> dict[str, float]:
    """The pace of each generation that somebody paces now."""
    return {row["name"]: row["pace"] for row in await connection.fetch(_ALL)}


async def set_pace(connection: Connection, name: str, pace: float | None) -> None:
    """Have workers of the generation work this share of the time from now on; with None, all of it."""
    await connection.execute(_SET, name, pace)


async def keep_pace(connection: Connection, name: str, pace: float) -> None:
    """Set the pace of a generation that has one."""
    await connection.execute(_KEEP, name, pace)
