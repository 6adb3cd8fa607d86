"""The read models' tables for SQLAlchemy's ORM: one mapped class a table, with the same columns and keys."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

from projections.engine.metadata import Row, row_columns, row_type
from projections.registry import CONTACT_TABLES

_JSON: Final = sa.JSON(none_as_null=True)  # the engine leaves the text as it is


class Base(DeclarativeBase):
    """The mapped classes' base."""


def _mapped(table: sa.Table) -> type[Any]:
    columns = [_column(column) for column in row_columns(table)]
    named = {"__table__": sa.Table(table.name, Base.metadata, *columns)}
    return type(row_type(table).__name__.removesuffix("Row"), (Base,), named)


def _column(column: sa.Column[Any]) -> sa.Column[Any]:
    kind = _JSON if isinstance(column.type, sa.JSON) else column.type
    return sa.Column(column.name, kind, primary_key=column.primary_key, nullable=column.nullable)


MODELS: Final[dict[sa.Table, type[Any]]] = {table: _mapped(table) for table in CONTACT_TABLES}


def row_of(table: sa.Table, entity: Any) -> Row:
    """Return an entity's values as a row for the folds."""
    row: Row = row_type(table)(*(getattr(entity, column.name) for column in row_columns(table)))
    return row


def assign(table: sa.Table, entity: Any, row: Row) -> None:
    """Set the entity's values to the row's; SQLAlchemy finds out what changed."""
    for column, value in zip(row_columns(table), row, strict=True):
        setattr(entity, column.name, value)
