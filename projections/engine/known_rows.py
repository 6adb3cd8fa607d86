"""What a chunk's transaction has read of the read models, so that each row is written in the cheapest way.

A row that is not there yet goes by COPY straight into its table: no insert has to look for a conflict. A row of which
only columns changed that change often (`metadata.define`) is updated in these alone. Only the owner of a partition
writes the rows of its contacts, so what was not there stays away, and what was there stays as it was, until the
transaction ends. Where a former owner writes them at the same time, or two partitions have an event of no contact, one
of the two transactions is tried again.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, Final

import sqlalchemy as sa

from projections.engine import store
from projections.engine.connection import Connection
from projections.engine.metadata import Key, Row, Table, changing_often, key_columns, row_columns
from projections.engine.statements import compiled, unnested

_UNKNOWN: Final = object()


class KnownRows:
    """The rows of one transaction; see the module."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: dict[Table, dict[Key, Any]] = {}

    async def load(self, table: Table, keys: Collection[Key]) -> dict[Key, Any]:
        """The rows that exist, by key."""
        rows = await store.load(self._connection, table, keys)
        known = self._rows.setdefault(table, {})
        known.update(dict.fromkeys(keys))
        known.update(rows)
        return rows

    def forget(self, table: Table) -> None:
        """Some rows of the table were written or deleted: what was read of it does not hold any more."""
        self._rows.pop(table, None)

    async def save(self, table: Table, rows: Collection[Row]) -> None:
        """Write the rows, new ones and known ones alike. Each key comes once."""
        known = self._rows.pop(table, None)
        if known is None or len(rows) < store.MANY:
            await store.save(self._connection, table, rows)
            return
        size, rest = len(table.primary_key), _changing_seldom(table)
        new, moved, others = list[Row](), list[Row](), list[Row]()
        for row in rows:
            before = known.get(row[:size], _UNKNOWN)
            if before is None:
                new.append(row)
            elif rest is not None and before is not _UNKNOWN and rest(before) == rest(row):
                moved.append(row)
            else:
                others.append(row)
        await store.copy(self._connection, table, new)
        if moved:
            await self._connection.execute(_move_statement(table), *store.columns(map(_moved(table), moved)))
        await store.save(self._connection, table, others)


@cache
def _changing_seldom(table: Table) -> Callable[[Row], Any] | None:
    """Takes the columns of a row that change seldom; None where no column changes often."""
    often = changing_often(table)
    return _taking(table, [one.name for one in row_columns(table) if one.name not in often]) if often else None


@cache
def _moved(table: Table) -> Callable[[Row], Row]:
    """Takes the key and the columns that change often."""
    return _taking(table, _moved_columns(table))


@cache
def _move_statement(table: Table) -> str:
    """Updates the columns that change often, of rows that are given as arrays, one a column."""
    given = unnested("given", [table.c[name] for name in _moved_columns(table)])
    same = (column == given.c[column.name] for column in key_columns(table))
    update = sa.update(table).values({name: given.c[name] for name in changing_often(table)}).where(*same)
    return compiled(update, *given.c.keys())


def _moved_columns(table: Table) -> list[str]:
    return [*(column.name for column in key_columns(table)), *changing_often(table)]


def _taking(table: Table, names: Sequence[str]) -> Callable[[Row], Any]:
    fields = [column.name for column in row_columns(table)]
    return itemgetter(*map(fields.index, names))
