"""Keeps what is erased from coming back in another generation of the read models.

Records of an erased contact can't be read any more once its key is destroyed, so a generation that is built afterwards
can't know by itself which events they were. It is told by the one that knew them.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from projections.engine.connection import Connection
from projections.engine.metadata import Table, key_columns
from projections.engine.statements import compiled
from projections.engine.stored_columns import columns_of


async def carry_over(connection: Connection, before: str, following: str, tables: Iterable[Table]) -> None:
    """Add the rows of these tables in one generation to those in another.

    Only where both have the table as this code knows it: other code may have hashed in another way.
    """
    for table in tables:
        columns = set(table.c.keys())
        if all([set(await columns_of(connection, name, str(table.name))) == columns for name in (before, following)]):
            await connection.execute(_copy(table, before, following))


def _copy(table: Table, before: str, following: str) -> str:
    metadata = sa.MetaData()
    known, target = (table.to_metadata(metadata, schema=name) for name in (before, following))
    rows = sa.select(*known.c).order_by(*key_columns(known))
    insert = postgresql.insert(target).from_select(known.c.keys(), rows)
    return compiled(insert.on_conflict_do_nothing(index_elements=key_columns(target)))
