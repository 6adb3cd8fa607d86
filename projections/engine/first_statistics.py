"""What PostgreSQL is told of a new generation's tables before they have rows.

A statement is planned when it first runs, on tables that are empty, and its plan is kept until the table is analysed,
a minute later at the earliest. Without statistics all columns are alike to the planner: of two indexes that begin with
the tenant it may take the one that has the contact behind a time, and then read all of the tenant's entries for each
contact. So it is told how many different values the columns of indexes have, in proportion to the rows: one tenant,
few types and channels, many contacts, events and values. It is told no values. An analysis of a table of few rows finds
all columns alike again, so autovacuum leaves a table alone until it has a thousand.

PostgreSQL before version 18 has no such function, and learns it from its own analysis.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final

import sqlalchemy as sa

from projections.engine.connection import Connection
from projections.engine.statements import compiled, unnested
from projections.engine.store import columns

_ONE, _FEW = 1.0, 20.0
_MANY_EACH, _NEARLY_OWN = -0.1, -0.5  # below zero: different values a row
_ENOUGH: Final = 1000  # rows, from which on an analysis says more
_PLACE: Final = frozenset({"tenant", "resolution_id"})
_OF_FEW: Final = frozenset({"type", "channel", "account", "kind", "session", "tier", "rank", "state", "read_model"})
_HAS_FUNCTION: Final = compiled(
    sa.select(sa.func.to_regproc(sa.literal("pg_catalog.pg_restore_attribute_stats")).is_not(None))
)


def _tell() -> str:
    told_of: list[sa.ColumnElement[Any]] = [
        sa.column("of_table", sa.Text()),
        sa.column("of_column", sa.Text()),
        sa.column("width", sa.Integer()),
        sa.column("distinct_values", sa.REAL()),
    ]
    given = unnested("given", told_of)
    told = {
        "schemaname": sa.cast(sa.func.current_schema(), sa.Text()),
        "relname": given.c.of_table,
        "attname": given.c.of_column,
        "inherited": sa.false(),
        "null_frac": sa.cast(sa.literal(0), sa.REAL()),
        "avg_width": given.c.width,
        "n_distinct": given.c.distinct_values,
    }
    words = (word for name, value in told.items() for word in (sa.cast(sa.literal(name), sa.Text()), value))
    return compiled(sa.select(sa.func.pg_catalog.pg_restore_attribute_stats(*words)), *given.c.keys())


_TELL: Final = _tell()


async def tell_first_statistics(connection: Connection, tables: Collection[sa.Table]) -> None:
    """Tell PostgreSQL of the tables of the schema that comes first in the search path, inside a transaction."""
    if await connection.fetchval(_HAS_FUNCTION):
        rows = [
            (table.name, one.name, _width(one), _distinct_values(one)) for table in tables for one in _indexed(table)
        ]
        await connection.fetch(_TELL, *columns(rows))
        for table in tables:
            await connection.execute(f'ALTER TABLE "{table.name}" SET (autovacuum_analyze_threshold = {_ENOUGH})')


async def plan_anew(connection: Connection) -> None:
    """Plan each statement of the transaction when it runs, for the tables as they are then."""
    await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")


def _indexed(table: sa.Table) -> Iterable[sa.Column[Any]]:
    indexed = {one.name for index in table.indexes for one in index.columns} | {one.name for one in table.primary_key}
    return [one for one in table.columns if one.name in indexed and not isinstance(one.type, (sa.Boolean, sa.ARRAY))]


def _distinct_values(column: sa.Column[Any]) -> float:
    if column.name in _PLACE:
        return _ONE
    if column.name in _OF_FEW:
        return _FEW
    return _MANY_EACH if isinstance(column.type, sa.Uuid) else _NEARLY_OWN


def _width(column: sa.Column[Any]) -> int:
    """In bytes."""
    return 16 if isinstance(column.type, sa.Uuid) else 8 if isinstance(column.type, sa.BigInteger) else 20
