"""The read models' tables as SQLAlchemy's ORM has them: one mapped class a table, with the same columns and keys."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

from projections.engine.table import Column, Row, Table
from projections.registry import CONTACT_TABLES

_TYPES: Final[dict[str, sa.types.TypeEngine[Any]]] = {
    "text": sa.Text(),
    "uuid": sa.Uuid(),
    "bigint": sa.BigInteger(),
    "integer": sa.Integer(),
    "boolean": sa.Boolean(),
    "json": sa.JSON(none_as_null=True),  # the engine leaves the text as it is
}


class Base(DeclarativeBase):
    """The mapped classes' base."""


def _mapped(table: Table) -> type[Any]:
    columns = [_column(column, key=number < table.key_size) for number, column in enumerate(table.columns)]
    named = {"__table__": sa.Table(table.name, Base.metadata, *columns)}
    return type(table.row.__name__.removesuffix("Row"), (Base,), named)


def _column(column: Column, *, key: bool) -> sa.Column[Any]:
    return sa.Column(column.name, _TYPES[column.type], primary_key=key, nullable=column.nullable)


MODELS: Final[dict[Table, type[Any]]] = {table: _mapped(table) for table in CONTACT_TABLES}


def row_of(table: Table, entity: Any) -> Row:
    """What an entity says, as the folds read it."""
    row: Row = table.row(*(getattr(entity, column.name) for column in table.columns))
    return row


def assign(table: Table, entity: Any, row: Row) -> None:
    """Have the entity say what the row says; SQLAlchemy finds out what changed."""
    for column, value in zip(table.columns, row, strict=True):
        setattr(entity, column.name, value)
