"""What PostgreSQL shows of the service's reads. To ask is also to see how long PostgreSQL takes to answer."""

from typing import Final

import sqlalchemy as sa

from projections.engine.connection import Connection
from projections.engine.statements import compiled

_READERS: Final = ("onefold-query", "onefold-past")
_LATELY: Final = "100 milliseconds"
_LATELY_ASKED: Final = sa.column("query_start") > sa.func.now() - sa.cast(
    sa.literal_column(f"'{_LATELY}'"), sa.Interval()
)
_SESSIONS: Final = sa.table(
    "pg_stat_activity",
    *(sa.column(name) for name in ("application_name", "datname", "query_start", "state")),
    sa.column("query", sa.Text()),
)
# Query services look each second whether another generation is active: that is no use of the service.
_READS: Final = compiled(
    sa.select(
        sa.exists()
        .where(_SESSIONS.c.datname == sa.func.current_database())
        .where(_SESSIONS.c.application_name.in_([sa.literal_column(f"'{one}'") for one in _READERS]))
        .where(sa.or_(_SESSIONS.c.state == sa.literal_column("'active'"), _LATELY_ASKED))
        .where(sa.func.strpos(_SESSIONS.c.query, sa.literal_column("'onefold.generations'")) == 0)
    )
)


async def service_reads(connection: Connection) -> bool:
    """Whether a query service of this installation has asked for something in the last moment."""
    return bool(await connection.fetchval(_READS))
