"""PostgreSQL's statistics of a new generation's tables.

Until a table was analysed for the first time, PostgreSQL plans for the table as it was when it was still empty, and
keeps such plans: it may then look for an event by its contact alone, and read all events of the contact. Autovacuum
comes after a minute at the earliest.
"""

from typing import Final

import sqlalchemy as sa

from projections.engine.connection import Connection
from projections.engine.statements import compiled, quoted

_CLASS: Final = sa.table(
    "pg_class", *(sa.column(name) for name in ("oid", "relname", "relnamespace", "relkind", "reltuples"))
)
_NAMESPACE: Final = sa.table("pg_namespace", sa.column("oid"), sa.column("nspname"))
_NEVER: Final = compiled(
    sa.select(_CLASS.c.relname)
    .select_from(_CLASS.join(_NAMESPACE, _NAMESPACE.c.oid == _CLASS.c.relnamespace))
    .where(
        _NAMESPACE.c.nspname == sa.func.current_schema(),
        _CLASS.c.relkind == sa.literal_column("'r'"),
        _CLASS.c.reltuples < 0,
        sa.func.pg_relation_size(_CLASS.c.oid) > 0,
    )
    .order_by(_CLASS.c.relname)
)


async def analyse_new_tables(connection: Connection) -> list[str]:
    """Analyse the tables that have rows and never were; their names. Those that somebody else has locked wait."""
    names = [row[0] for row in await connection.fetch(_NEVER)]
    if names:
        await connection.execute(f"ANALYZE (SKIP_LOCKED) {', '.join(map(quoted, names))}")
    return names
