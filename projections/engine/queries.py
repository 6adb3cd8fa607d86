"""Reading read models: the rows of many tables, for many contacts, in one statement.

A contact's page needs a row or a few of every table. Each table gives a subquery that turns its rows of one contact
into one JSON text, so a page is one round trip whatever the number of tables, and comes back as the same row types
that the folds work on.
"""

from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON

from projections.engine.metadata import Row, key_columns, row_columns, row_type

_PARENT_KEY = 2  # (tenant, contact_id): known from the contact the rows belong to


def nested(table: sa.Table, where: str = "true") -> str:
    """A subquery of the table's rows that belong to the contact ``c`` of tenant ``$1``, as one JSON text or null.

    ``where`` is a constant condition on the row ``t``. JSON columns travel as text, so that they come back unread.
    """
    columns = ", ".join(
        f"t.{column.name}::text" if isinstance(column.type, JSON) else f"t.{column.name}"
        for column in row_columns(table)[_PARENT_KEY:]
    )
    order = ", ".join(f"t.{column.name}" for column in key_columns(table)[_PARENT_KEY:])
    return (
        f"(SELECT json_agg(json_build_array({columns}) ORDER BY {order}) FROM {table.name} t "  # noqa: S608 - names are constants
        f"WHERE t.tenant = $1 AND t.contact_id = c.contact_id AND {where})"
    )


def nested_rows(table: sa.Table, tenant: str, contact_id: UUID, text: str | None) -> tuple[Any, ...]:
    """The rows that a subquery of ``nested`` found, in the order of their keys."""
    found: list[Row] = orjson.loads(text) if text else []
    return tuple(row_type(table)(tenant, contact_id, *values) for values in found)
