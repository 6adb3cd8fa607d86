"""The counts of attributes' values and of tags' ends in PostgreSQL. Only the composer writes them."""

from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from projections.customers.tables import ATTRIBUTE_VALUES, TAG_ENDS
from projections.customers.value_counts import KeyCounter, ValueCounts
from projections.engine.connection import Connection
from projections.engine.metadata import key_columns
from projections.engine.statements import compiled, unnested
from projections.engine.store import columns, insert, insert_with


def _adding(table: sa.Table) -> Any:
    def add(statement: postgresql.Insert) -> postgresql.Insert:
        more = table.c.customers + statement.excluded.customers
        return statement.on_conflict_do_update(index_elements=key_columns(table), set_={"customers": more})

    return insert_with(table, add)


def _removing(table: sa.Table) -> str:
    """Deletes those of the given rows that nobody is counted in any more."""
    keys = key_columns(table)
    given = unnested("given", keys)
    same = (column == given.c[column.name] for column in keys)
    return compiled(sa.delete(table).where(*same, table.c.customers == 0), *given.c.keys())


_TABLES: Final = (ATTRIBUTE_VALUES, TAG_ENDS)
_ADD: Final = {table.name: _adding(table) for table in _TABLES}
_REMOVE: Final = {table.name: _removing(table) for table in _TABLES}


async def change_value_counts(connection: Connection, tenant: str, changes: ValueCounts) -> None:
    """Change the counts. Two statements for each kind, at most."""
    for table, counts in zip(_TABLES, changes, strict=True):
        await _change(connection, table, tenant, counts)


async def _change(connection: Connection, table: sa.Table, tenant: str, counts: KeyCounter) -> None:
    await insert(connection, _ADD[table.name], [(tenant, *key, number) for key, number in sorted(counts.items())])
    fewer: Collection[Any] = [(tenant, *key) for key, number in counts.items() if number < 0]
    if fewer:
        await connection.execute(_REMOVE[table.name], *columns(fewer))
