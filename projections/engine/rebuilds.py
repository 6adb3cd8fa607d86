"""What is noted of a rebuild in the row of its generation."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from projections.engine.connection import Connection
from projections.engine.statements import compiled
from projections.migrations.tables import GENERATIONS

_NAMED: Final = GENERATIONS.c.name == sa.bindparam("of_name", type_=sa.Text())
_VERSIONS: Final = compiled(sa.select(GENERATIONS.c.fold_versions).where(_NAMED), "of_name")
_COMPARISON: Final = compiled(sa.select(GENERATIONS.c.comparison).where(_NAMED), "of_name")
_NOTE: Final = compiled(
    sa.update(GENERATIONS).where(_NAMED).values(comparison=sa.bindparam("comparison", type_=JSONB())),
    *("of_name", "comparison"),
)
_LEFT_OUT: Final = compiled(
    sa.select(GENERATIONS.c.name, GENERATIONS.c.comparison["left_out"].as_integer()).where(
        GENERATIONS.c.comparison["left_out"].is_not(None)
    )
)
_UNLOCK: Final = compiled(sa.select(sa.func.pg_advisory_unlock(sa.func.hashtext("onefold.rebuild"))))
_LOCK: Final = compiled(sa.select(sa.func.pg_try_advisory_lock(sa.func.hashtext("onefold.rebuild"))))


async def fold_versions(connection: Connection, name: str) -> Mapping[str, int] | None:
    """The versions of the folds that made a generation, by name; None if it was made by code that kept none."""
    text = await connection.fetchval(_VERSIONS, name)
    found: Mapping[str, int] | None = None if text is None else orjson.loads(text)
    return found


async def note_comparison(connection: Connection, name: str, comparison: Mapping[str, Any]) -> None:
    """Keep the result of the latest comparison."""
    await connection.execute(_NOTE, name, orjson.dumps(dict(comparison)).decode())


async def latest_comparison(connection: Connection, name: str) -> Mapping[str, Any] | None:
    """The result of the latest comparison, without values; None if it was not compared, or if there is none."""
    text = await connection.fetchval(_COMPARISON, name)
    found: Mapping[str, Any] | None = None if text is None else orjson.loads(text)
    return found


async def customers_left_out(connection: Connection) -> dict[str, int]:
    """How many customers the latest comparison of each generation left out, of those that were compared."""
    return {row[0]: row[1] for row in await connection.fetch(_LEFT_OUT)}


async def lock_rebuild(connection: Connection) -> bool:
    """Try to become the only rebuild, for as long as the connection lasts."""
    return bool(await connection.fetchval(_LOCK))


async def unlock_rebuild(connection: Connection) -> None:
    """Let another connection become the only rebuild."""
    await connection.execute(_UNLOCK)
