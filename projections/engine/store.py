"""Rows in and out of PostgreSQL, by the chunk: one statement a table, whatever the number of rows."""

from collections.abc import Collection, Iterable
from typing import Any, Final

from projections.engine.table import Key, Row, Table

_WORTH_STAGING: Final = 200


async def load(connection: Any, table: Table, keys: Collection[Key]) -> dict[Key, Row]:
    """The rows that exist, by key."""
    if not keys:
        return {}
    records = await connection.fetch(table.load_sql, *columns(keys))
    make, size = table.row, table.key_size
    return {record[:size]: make(*record) for record in map(tuple, records)}


async def save(connection: Any, table: Table, rows: Collection[Row]) -> None:
    """Write the rows, new ones and known ones alike. Each key comes once."""
    await insert(connection, table, rows, table.on_conflict_update)


async def insert(connection: Any, table: Table, rows: Collection[Row], on_conflict: str) -> list[Any]:
    """Insert the rows, inside a transaction; what ``on_conflict`` says to return.

    Few rows go as arrays, in one round trip. Many go by COPY into a staging table, which costs half as much a row.
    """
    if not rows:
        return []
    if len(rows) < _WORTH_STAGING:
        return list(await connection.fetch(f"{table.insert_sql} {on_conflict}", *columns(rows)))
    await connection.execute(table.staging_ddl)
    names = [column.name for column in table.columns]
    await connection.copy_records_to_table(table.staging, records=rows, columns=names)
    return list(await connection.fetch(f"{table.insert_staged_sql} {on_conflict}"))


async def delete_contacts(connection: Any, table: Table, contacts: Collection[Key]) -> None:
    """Remove every row of the contacts, each given as (tenant, contact_id)."""
    await connection.execute(
        f"DELETE FROM {table.name} t USING unnest($1::text[], $2::uuid[]) AS k(tenant, contact_id) "  # noqa: S608 - a constant name
        "WHERE t.tenant = k.tenant AND t.contact_id = k.contact_id",
        *columns(contacts),
    )


def columns(rows: Iterable[Row]) -> list[tuple[Any, ...]]:
    """Rows as arrays, one a column."""
    return list(zip(*rows, strict=True))
