"""Reading a table so that two generations can be compared: digests by tenant, rows in the order of their keys, rows.

A digest does not depend on the order of rows: it is the sum of a hash of each row's text. Two connections, each in a
transaction of its own, read the same table of two generations by their search paths.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import REGCLASS
from sqlalchemy.sql import visitors

from projections.engine.connection import Connection
from projections.engine.metadata import Key, key_columns
from projections.engine.statements import compiled, unnested

_PREFETCH: Final = 5000  # rows
_BLOCKS_AT_ONCE: Final = 1000  # of 8 kB
# The block of a row, and its number there: they stay in one snapshot.
_PLACE: Final[sa.ColumnElement[Any]] = sa.literal_column("ctid")
_FIRST: Final[sa.BindParameter[Any]] = sa.bindparam("first")
_BEYOND: Final[sa.BindParameter[Any]] = sa.bindparam("beyond")
_BLOCKS: Final = compiled(
    sa.select(
        sa.func.pg_relation_size(sa.cast(sa.bindparam("name", type_=sa.Text()), REGCLASS), type_=sa.BigInteger())
        // sa.cast(sa.func.current_setting(sa.literal_column("'block_size'")), sa.BigInteger)
    ),
    "name",
)
_TENANT: Final = sa.bindparam("of_tenant", type_=sa.Text())


class Digest(NamedTuple):
    """The number of rows, and the sum of their hashes."""

    rows: int
    hashes: int

    def together(self, other: "Digest") -> "Digest":
        """The digest of the rows of both."""
        return Digest(self.rows + other.rows, self.hashes + other.hashes)


EMPTY: Final = Digest(0, 0)


@dataclass(frozen=True)
class ComparedTable:
    """What is compared of a table: these columns, the key's among them, of the rows that ``where`` selects."""

    table: sa.Table
    columns: tuple[sa.Column[Any], ...]
    where: tuple[sa.ColumnElement[bool], ...] = ()

    @property
    def name(self) -> str:
        """The table's name."""
        return str(self.table.name)  # not the quoted name, which is no plain text

    def only(self, known: Collection[str]) -> "ComparedTable":
        """The same with the columns of these names alone: another version of the table may have others."""
        return ComparedTable(self.table, tuple(one for one in self.columns if one.name in known), self.where)

    def readable(self, known: Mapping[str, Collection[str]]) -> bool:
        """Whether a generation with these columns, by table, has all that the key and the conditions need."""
        needed = [*key_columns(self.table), *(one for where in self.where for one in _columns_in(where))]
        return all(one.name in known.get(one.table.name, ()) for one in needed)

    @property
    def hash(self) -> sa.ColumnElement[int]:
        """A row's hash."""
        text = sa.cast(sa.func.row(*self.columns), sa.Text)
        return sa.func.hashtextextended(text, sa.literal_column("0"), type_=sa.BigInteger())


def _columns_in(condition: sa.ColumnElement[bool]) -> list[sa.Column[Any]]:
    return [one for one in visitors.iterate(condition) if isinstance(one, sa.Column)]


async def digests(connection: Connection, compared: ComparedTable) -> dict[str, Digest]:
    """The digest of each tenant's rows."""
    return _digests(await connection.fetch(compiled(_select_digests(compared))))


async def digests_in_pieces(
    connection: Connection, compared: ComparedTable, after_each: Callable[[], Awaitable[None]]
) -> dict[str, Digest]:
    """The same in short statements, after each of which something else may be awaited. Needs one snapshot."""
    statement = compiled(_select_digests(compared).where(_PLACE >= _FIRST, _PLACE < _BEYOND), "first", "beyond")
    found: dict[str, Digest] = {}
    blocks: int = await connection.fetchval(_BLOCKS, compared.name)
    for start in range(0, blocks, _BLOCKS_AT_ONCE):
        piece = _digests(await connection.fetch(statement, (start, 0), (start + _BLOCKS_AT_ONCE, 0)))
        found |= {tenant: found.get(tenant, EMPTY).together(one) for tenant, one in piece.items()}
        await after_each()
    return found


def _select_digests(compared: ComparedTable) -> sa.Select[Any]:
    tenant = compared.table.c.tenant
    return sa.select(tenant, sa.func.count(), sa.func.sum(compared.hash)).where(*compared.where).group_by(tenant)


def _digests(rows: Iterable[Iterable[Any]]) -> dict[str, Digest]:
    return {name: Digest(rows, int(hashes)) for name, rows, hashes in rows}


async def hashes_by_key(connection: Connection, compared: ComparedTable, tenant: str) -> AsyncIterator[tuple[Key, int]]:
    """The key and the hash of each of the tenant's rows, in the order of the keys. Needs a transaction."""
    key = key_columns(compared.table)
    own = sa.select(*key, compared.hash).where(compared.table.c.tenant == _TENANT, *compared.where)
    statement = compiled(own.order_by(*key), "of_tenant")
    async for row in connection.cursor(statement, tenant, prefetch=_PREFETCH):
        *found, number = row
        yield tuple(found), number


async def rows_by_key(
    connection: Connection, compared: ComparedTable, keys: Sequence[Key]
) -> dict[Key, dict[str, Any]]:
    """The rows of these keys that exist, as column names to values."""
    if not keys:
        return {}
    key = key_columns(compared.table)
    given = unnested("given", key)
    same = sa.and_(*(column == given.c[column.name] for column in key))
    statement = sa.select(*compared.columns).select_from(given.join(compared.table, same))
    records = await connection.fetch(compiled(statement, *given.c.keys()), *map(list, zip(*keys, strict=True)))
    found = [dict(record) for record in records]
    return {tuple(row[column.name] for column in key): row for row in found}
