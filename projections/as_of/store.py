"""Lays folded rows over a generation's tables, for one transaction on one connection: the same queries then read them.

Temporary tables of the same names come first in the search path; a temporary view shows the timeline up to the cutoff.
The connection must serve nothing else: its temporary tables hide those of the generation from statements that do not
say otherwise.
"""

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from projections.as_of.cutoff import Cutoff
from projections.contacts.tables import TABLE as CONTACTS
from projections.engine.connection import Connection
from projections.engine.metadata import Rows, Table, row_columns
from projections.engine.statements import array, compiled, ddl
from projections.identity.tables import POLICIES, READ_MODELS, RESOLUTIONS
from projections.registry import PROJECTIONS
from projections.timeline.tables import TABLE as TIMELINE

TABLES: Final[tuple[Table, ...]] = (*(one.table for one in PROJECTIONS), *READ_MODELS, POLICIES, RESOLUTIONS)
_SETTINGS: Final = ("onefold.occurred_by", "onefold.received_by")


def _temporary(table: sa.Table) -> sa.Table:
    """The same table without its indexes, which is emptied by the end of every transaction."""
    columns = (sa.Column(one.name, one.type, nullable=one.nullable) for one in row_columns(table))
    return sa.Table(table.name, sa.MetaData(), *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DELETE ROWS")


def _setting(name: str) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.current_setting(name), sa.BigInteger())


def _view(schema: str) -> str:
    timeline = TIMELINE.to_metadata(sa.MetaData(), schema=schema)
    occurred_by, received_by = map(_setting, _SETTINGS)
    rows = sa.select(*timeline.c).where(timeline.c.occurred_at <= occurred_by, timeline.c.received_at <= received_by)
    return f"CREATE TEMPORARY VIEW {TIMELINE.name} AS {compiled(rows)}"


_MADE: Final = compiled(sa.select(sa.func.to_regclass(f"pg_temp.{TIMELINE.name}").is_not(None)))
_SCHEMA: Final = compiled(sa.select(sa.func.current_schema()))
_SET: Final = compiled(
    sa.select(sa.func.set_config(sa.bindparam("name", type_=sa.Text()), sa.bindparam("value", type_=sa.Text()), True)),  # noqa: FBT003 - "local"
    "name",
    "value",
)
_DELETE: Final = compiled(
    sa.delete(CONTACTS).where(
        CONTACTS.c.tenant == sa.bindparam("tenant"), CONTACTS.c.contact_id == sa.any_(array("contact_ids", sa.Uuid()))
    ),
    "tenant",
    "contact_ids",
)


async def prepare(connection: Connection) -> str:
    """Make the temporary tables, if the connection has none; the name of the generation's schema.

    Call it outside of a transaction.
    """
    schema: str = await connection.fetchval(_SCHEMA)
    if not await connection.fetchval(_MADE):
        statements = [statement for table in TABLES for statement in ddl(_temporary(table))]
        async with connection.transaction():
            await connection.execute("; ".join([*statements, _view(schema)]))
    return schema


async def show_generation(connection: Connection, schema: str) -> None:
    """Until the transaction ends, or `lay_over`, names mean the generation's tables."""
    await connection.execute(_SET, "search_path", f"{schema}, pg_temp")


async def lay_over(connection: Connection, schema: str, tables: Mapping[Table, Rows], cutoff: Cutoff) -> None:
    """Until the transaction ends, names mean these rows, and the timeline ends at the cutoff."""
    await connection.execute(_SET, "search_path", f"pg_temp, {schema}")
    for name, value in zip(_SETTINGS, (cutoff.occurred_by, cutoff.received_by), strict=True):
        await connection.execute(_SET, name, str(value))
    await _add(connection, tables)


async def replace_contacts(
    connection: Connection, tenant: str, contacts: Collection[UUID], tables: Mapping[Table, Rows]
) -> None:
    """Put the rows of contacts in the place of those that only say that there are such contacts."""
    await connection.execute(_DELETE, tenant, list(contacts))
    await _add(connection, tables)


async def _add(connection: Connection, tables: Mapping[Table, Rows]) -> None:
    for table, rows in tables.items():
        if rows:
            columns = [column.name for column in row_columns(table)]
            await connection.copy_records_to_table(table.name, records=rows.values(), columns=columns)
