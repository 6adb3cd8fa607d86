"""Rows in and out of PostgreSQL, by the chunk: one statement a table, whatever the number of rows."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from projections.engine.connection import Connection
from projections.engine.metadata import Key, Row, key_columns, row_columns, row_type
from projections.engine.statements import compiled, ddl, for_each, unnested

MANY: Final = 200  # rows that go by COPY


@dataclass(frozen=True, slots=True)
class Insert:
    """How rows go into a table: from array parameters, one a column, or from a temporary table filled by COPY.

    A table with a column of arrays has no ``from_arrays``: PostgreSQL has no arrays of arrays of several lengths.
    """

    from_arrays: str | None
    from_staging: str
    staging: str
    empty_staging: str
    columns: tuple[str, ...]


def upsert(table: sa.Table, *, only_different: bool = False) -> Insert:
    """Insert rows, or bring known ones up to date; ``only_different`` leaves known ones alone that are as they come."""

    def update(statement: postgresql.Insert) -> postgresql.Insert:
        values = [column for column in row_columns(table) if not column.primary_key]
        changed = {column.name: statement.excluded[column.name] for column in values}
        differs = sa.tuple_(*values).is_distinct_from(sa.tuple_(*changed.values())) if only_different else None
        return statement.on_conflict_do_update(index_elements=key_columns(table), set_=changed, where=differs)

    return insert_with(table, update)


def insert_new(table: sa.Table) -> Insert:
    """Insert the rows whose key is new; it returns their keys."""

    def ignore(statement: postgresql.Insert) -> Any:
        return statement.on_conflict_do_nothing(index_elements=key_columns(table)).returning(*key_columns(table))

    return insert_with(table, ignore)


def select_matching(table: sa.Table, *by: sa.Column[Any]) -> str:
    """Selects the rows whose columns have values that are given as arrays, one a column."""
    given = unnested("given", by)
    found = for_each(sa.select(*row_columns(table)).where(*(one == given.c[one.name] for one in by)), "found")
    return compiled(sa.select(*found.c).select_from(given.join(found, sa.true())), *given.c.keys())


def delete_matching(table: sa.Table, *by: sa.Column[Any]) -> str:
    """Deletes the rows whose columns have values that are given as arrays, one a column."""
    given = unnested("given", by)
    same = (column == given.c[column.name] for column in by)
    return compiled(sa.delete(table).where(*same), *given.c.keys())


async def load(connection: Connection, table: sa.Table, keys: Collection[Key]) -> dict[Key, Any]:
    """The rows that exist, by key."""
    if not keys:
        return {}
    records = await connection.fetch(_load_statement(table), *columns(keys))
    make, size = row_type(table)._make, len(table.primary_key)
    return {row[:size]: row for row in map(make, records)}


async def save(connection: Connection, table: sa.Table, rows: Collection[Row]) -> None:
    """Write the rows, new ones and known ones alike. Each key comes once."""
    await insert(connection, _upsert(table), rows)


async def insert(connection: Connection, how: Insert, rows: Collection[Row]) -> list[Any]:
    """Insert the rows, inside a transaction; what the statement returns.

    Few rows go as arrays, in one round trip. Many go by COPY into a staging table, which costs half as much a row.
    """
    if not rows:
        return []
    if how.from_arrays is not None and len(rows) < MANY:
        return list(await connection.fetch(how.from_arrays, *columns(rows)))
    await connection.execute(how.empty_staging)
    await connection.copy_records_to_table(how.staging, records=rows, columns=how.columns)
    return list(await connection.fetch(how.from_staging))


async def copy(connection: Connection, table: sa.Table, rows: Collection[Row]) -> None:
    """Write rows of which none was there when the transaction read them.

    Raises SerializationError, by which a transaction is tried again, where another one has written one meanwhile.
    """
    if not rows:
        return
    try:
        await connection.copy_records_to_table(table.name, records=rows, columns=row_type(table)._fields)
    except asyncpg.UniqueViolationError as error:
        raise asyncpg.SerializationError(f"another transaction has written rows of {table.name}") from error


async def delete_contacts(connection: Connection, table: sa.Table, contacts: Collection[Key]) -> None:
    """Remove every row of the contacts, each given as (tenant, contact_id)."""
    await connection.execute(_delete_contacts_statement(table), *columns(contacts))


def columns(rows: Iterable[Row]) -> list[tuple[Any, ...]]:
    """Rows as arrays, one a column."""
    return list(zip(*rows, strict=True))


def insert_with(table: sa.Table, on_conflict: Callable[[postgresql.Insert], Any]) -> Insert:
    """Insert rows; ``on_conflict`` is given the insert and says what becomes of rows whose key is known."""
    rows = row_columns(table)
    names = tuple(column.name for column in rows)
    of_arrays = any(isinstance(column.type, sa.ARRAY) for column in rows)
    # One a connection, emptied by the end of every transaction.
    staging = sa.Table(
        f"staged_{table.name}",
        sa.MetaData(),
        *(sa.Column(column.name, column.type, nullable=column.nullable) for column in rows),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DELETE ROWS",
    )

    def text(source: sa.FromClause, *parameters: str) -> str:
        statement = postgresql.insert(table).from_select(names, sa.select(*source.c), include_defaults=False)
        return compiled(on_conflict(statement), *parameters)

    # Rows of an insert before this one, in the same transaction, are still in it.
    empty = f"{ddl(staging, if_not_exists=True)[0]}; {compiled(sa.delete(staging))}"
    from_arrays = None if of_arrays else text(unnested("given", rows), *names)
    return Insert(from_arrays, text(staging), staging.name, empty, names)


@cache
def _upsert(table: sa.Table) -> Insert:
    return upsert(table)


@cache
def _load_statement(table: sa.Table) -> str:
    return select_matching(table, *key_columns(table))


@cache
def _delete_contacts_statement(table: sa.Table) -> str:
    return delete_matching(table, table.c.tenant, table.c.contact_id)
