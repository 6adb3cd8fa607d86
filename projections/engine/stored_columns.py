"""Which columns the stored tables have: a generation that other code made may have others than this code knows."""

from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa

from projections.engine.connection import Connection
from projections.engine.statements import compiled

_COLUMNS: Final = sa.table(
    "columns",
    *(sa.column(name, sa.Text()) for name in ("table_schema", "table_name", "column_name")),
    schema="information_schema",
)
_OF_TABLE: Final = compiled(
    sa.select(_COLUMNS.c.column_name).where(
        _COLUMNS.c.table_schema == sa.bindparam("of_schema", type_=sa.Text()),
        _COLUMNS.c.table_name == sa.bindparam("of_table", type_=sa.Text()),
    ),
    *("of_schema", "of_table"),
)
_BY_TABLE: Final = compiled(
    sa.select(sa.cast(_COLUMNS.c.table_name, sa.Text), sa.func.array_agg(sa.cast(_COLUMNS.c.column_name, sa.Text)))
    .where(_COLUMNS.c.table_schema == sa.func.current_schema())
    .group_by(_COLUMNS.c.table_name)
)


async def columns_of(connection: Connection, generation: str, table: str) -> list[str]:
    """The names of the columns of a generation's table; none if it has no such table."""
    return [name for (name,) in await connection.fetch(_OF_TABLE, generation, table)]


async def columns_by_table(connection: Connection) -> Mapping[str, frozenset[str]]:
    """The names of the columns of every table of the connection's generation."""
    return {name: frozenset(columns) for name, columns in await connection.fetch(_BY_TABLE)}
