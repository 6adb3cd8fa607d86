"""The tables of a generation: SQLAlchemy Core tables on one `MetaData`, the single source of DDL and statements.

A read model declares its row as a NamedTuple, and `define` builds the table from the row's annotations: a column is
listed once, and a row has its table's columns in the table's order. The first fields are the primary key, and it
begins with the tenant (for most tables with ``tenant, contact_id``), so that tables distribute by tenant and the rows
of one contact lie together. The metadata names no schema: the connection's search path chooses the generation.
"""

from collections.abc import Sequence
from inspect import getdoc
from types import NoneType
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON

Table = sa.Table  # for modules that handle rows by table, and speak no SQL
Row = tuple[Any, ...]  # in practice a NamedTuple whose first fields are the key
Key = tuple[Any, ...]
Rows = dict[Key, Row]

# Annotations for fields whose column is not what the Python type alone stands for (see `_TYPES`).
Json = Annotated[str, JSON()]  # JSON text; the folds read and write it, PostgreSQL keeps it as it is
Int = Annotated[int, sa.Integer()]
SmallInt = Annotated[int, sa.SmallInteger()]

METADATA: Final = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "ck": "%(table_name)s_%(constraint_name)s_ck",
        "uq": "%(table_name)s_%(column_0_N_name)s_uq",
        "ix": "%(table_name)s_%(column_0_N_name)s_ix",
    }
)

# Text compares by code point, whatever the database's locale.
_TYPES: Final[dict[Any, sa.types.TypeEngine[Any]]] = {
    str: sa.Text(collation="C"),
    int: sa.BigInteger(),
    bool: sa.Boolean(),
    UUID: sa.Uuid(),
}
_ROW: Final = "row"
_OFTEN: Final = "often"
# The info of an index that no fold needs: a generation that is built gets it once it has its rows.
FOR_READERS: Final = {"for": "readers"}


def define(  # noqa: PLR0913 - what makes a table
    name: str,
    row: type[Any],
    *more: sa.schema.SchemaItem,
    key: int,
    fillfactor: int = 85,
    often: Sequence[str] = (),
    metadata: sa.MetaData = METADATA,
) -> sa.Table:
    """The table of a row type, whose first ``key`` fields are the primary key.

    ``more`` are indexes (their columns given by name) and columns that PostgreSQL fills and no row has.
    The row type's docstring is the table's comment.
    ``fillfactor`` is in percent: below 100, a page keeps room for updates in place.
    ``often`` are the columns that most writes of a known row change, and no others.
    """
    hints = get_type_hints(row, include_extras=True)
    columns = [_column(field, hints[field], key=number < key) for number, field in enumerate(row._fields)]
    return sa.Table(
        name,
        metadata,
        *columns,
        *more,
        info={_ROW: row, _OFTEN: tuple(often)},
        postgresql_with={"fillfactor": fillfactor},
        comment=(getdoc(row) or "").replace("``", ""),
    )


def row_type(table: sa.Table) -> type[Any]:
    """The NamedTuple that the table was defined from."""
    found: type[Any] = table.info[_ROW]
    return found


def row_columns(table: sa.Table) -> list[sa.Column[Any]]:
    """The columns that a row has, in the row's order."""
    return [table.columns[field] for field in row_type(table)._fields]


def changing_often(table: sa.Table) -> tuple[str, ...]:
    """The names of the columns that most writes of a known row change."""
    found: tuple[str, ...] = table.info[_OFTEN]
    return found


def key_columns(table: sa.Table) -> list[sa.Column[Any]]:
    """The columns of the primary key."""
    return list(table.primary_key.columns)


def key_of(table: sa.Table, row: Row) -> Key:
    """A row's primary key."""
    return row[: len(table.primary_key)]


def _column(name: str, annotation: Any, *, key: bool) -> sa.Column[Any]:
    nullable = NoneType in get_args(annotation)
    if nullable:
        (annotation,) = (one for one in get_args(annotation) if one is not NoneType)
    kind = annotation.__metadata__[0] if get_origin(annotation) is Annotated else _TYPES[annotation]
    return sa.Column(name, kind, primary_key=key, nullable=nullable)
