"""Reading read models: the rows of many tables, for many contacts, in one statement.

A contact's page needs a row or a few of every table. Each table gives a subquery that turns its rows of one contact
into one JSON text, so a page is one round trip whatever the number of tables, and comes back as the same row types
that the folds work on.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON, aggregate_order_by

from projections.engine.connection import Connection
from projections.engine.metadata import Key, Row, key_columns, key_of, row_columns, row_type
from projections.engine.statements import compiled

_PREFETCH = 5000  # rows
_PARENT_KEY = 2  # (tenant, contact_id): known from the contact the rows belong to


def nested(
    table: sa.Table, contact_id: sa.ColumnElement[UUID], *conditions: sa.ColumnElement[bool]
) -> sa.ScalarSelect[str]:
    """A subquery of the table's rows that belong to a contact of the outer statement, as one JSON text or null.

    The tenant is the statement's parameter ``tenant``. JSON columns travel as text, so that they come back unread.
    """
    values = [
        sa.cast(column, sa.Text) if isinstance(column.type, JSON) else column
        for column in row_columns(table)[_PARENT_KEY:]
    ]
    rows = aggregate_order_by(sa.func.json_build_array(*values), *key_columns(table)[_PARENT_KEY:])
    mine = (table.c.tenant == sa.bindparam("tenant"), table.c.contact_id == contact_id)
    return sa.select(sa.func.json_agg(rows)).where(*mine, *conditions).scalar_subquery()


def among_latest(
    table: sa.Table,
    contact_id: sa.ColumnElement[UUID],
    most: int,
    which: Callable[[sa.FromClause], sa.ColumnElement[bool]],
) -> sa.ColumnElement[bool]:
    """Whether a row is one of the ``most`` latest, by (at, event_id, key), of the contact's rows of that kind.

    For what the public may send without end: a reader then shows a bounded part of it.
    """
    other = table.alias("other")
    keys = [column.name for column in key_columns(table)[_PARENT_KEY:]]
    latest = (
        sa.select(*(other.c[name] for name in keys))
        .where(other.c.tenant == sa.bindparam("tenant"), other.c.contact_id == contact_id, which(other))
        .order_by(*(other.c[name].desc() for name in ("at", "event_id", *keys)))
        .limit(most)
        .correlate_except(other)
    )
    return sa.tuple_(*(table.c[name] for name in keys)).in_(latest)


def nested_rows(table: sa.Table, tenant: str, contact_id: UUID, text: str | None) -> tuple[Any, ...]:
    """The rows that a subquery of ``nested`` found, in the order of their keys."""
    found: list[Row] = orjson.loads(text) if text else []
    make = row_type(table)
    return tuple(make(tenant, contact_id, *values) for values in found)


async def all_rows(connection: Connection, table: sa.Table) -> dict[Key, Row]:
    """Every row of the table by its key, for whole comparisons. Needs a transaction, for it reads by a cursor."""
    make = row_type(table)
    rows: dict[Key, Row] = {}
    async for record in connection.cursor(compiled(sa.select(*row_columns(table))), prefetch=_PREFETCH):
        row = make(*record)
        rows[key_of(table, row)] = row
    return rows
