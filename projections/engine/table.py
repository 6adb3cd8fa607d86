"""A read model's table: named columns over rows that are named tuples, in the same order.

Every table's key begins with (tenant, contact_id), so it distributes by tenant and one contact's rows lie
together. Rows travel as arrays, one a column, so that a chunk is one statement with a constant text.
"""

from dataclasses import dataclass, field
from typing import Any

Row = tuple[Any, ...]  # in practice a NamedTuple whose first fields are the key
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its PostgreSQL type, and whether it may be null."""

    name: str
    type: str
    nullable: bool = False

    @property
    def ddl(self) -> str:
        """The column as CREATE TABLE has it; text compares by code point, whatever the database's locale."""
        collate = ' COLLATE "C"' if self.type == "text" else ""
        return f"{self.name} {self.type}{collate}{'' if self.nullable else ' NOT NULL'}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table and the statements that load and save its rows by the chunk. ``row`` makes a row of its columns."""

    name: str
    row: type[Any]
    columns: tuple[Column, ...]
    key_size: int
    indexes: tuple[str, ...] = ()
    fillfactor: int = 85
    load_sql: str = field(init=False, default="")
    insert_sql: str = field(init=False, default="")
    insert_staged_sql: str = field(init=False, default="")
    on_conflict_update: str = field(init=False, default="")

    def __post_init__(self) -> None:
        """The statements' texts never change, so each is prepared once a connection."""
        if tuple(column.name for column in self.columns) != self.row._fields:
            raise TypeError(f"the columns of {self.name} are not the fields of {self.row.__name__}")
        object.__setattr__(self, "load_sql", self._load_sql())
        arrays = ", ".join(f"${i}::{column.type}[]" for i, column in enumerate(self.columns, 1))
        object.__setattr__(self, "insert_sql", self._insert_sql(f"unnest({arrays})"))
        object.__setattr__(self, "insert_staged_sql", self._insert_sql(self.staging))
        object.__setattr__(self, "on_conflict_update", f"DO UPDATE SET {self._assignments()}")

    @property
    def staging(self) -> str:
        """The temporary table, one a connection, through which many rows come in by COPY."""
        return f"staged_{self.name}"

    @property
    def staging_ddl(self) -> str:
        """Makes it; it is empty again after every transaction."""
        columns = ", ".join(column.ddl for column in self.columns)
        return f"CREATE TEMPORARY TABLE IF NOT EXISTS {self.staging} ({columns}) ON COMMIT DELETE ROWS"

    @property
    def key_columns(self) -> tuple[Column, ...]:
        """The columns of the primary key."""
        return self.columns[: self.key_size]

    def key(self, row: Row) -> Key:
        """A row's primary key."""
        return row[: self.key_size]

    @property
    def ddl(self) -> list[str]:
        """The statements that create the table and its indexes in the schema that comes first in the search path."""
        columns = ", ".join(column.ddl for column in self.columns)
        create = f"CREATE TABLE {self.name} ({columns}, PRIMARY KEY ({self._key_names()}))"
        return [f"{create} WITH (fillfactor = {self.fillfactor})", *self.indexes]

    def _key_names(self) -> str:
        return ", ".join(column.name for column in self.key_columns)

    def _load_sql(self) -> str:
        names = ", ".join(f"t.{column.name}" for column in self.columns)
        wanted = ", ".join(f"${i}::{column.type}[]" for i, column in enumerate(self.key_columns, 1))
        matches = " AND ".join(f"t.{column.name} = k.{column.name}" for column in self.key_columns)
        return f"SELECT {names} FROM unnest({wanted}) AS k({self._key_names()}) JOIN {self.name} t ON {matches}"  # noqa: S608 - names are constants

    def _insert_sql(self, source: str) -> str:
        names = ", ".join(column.name for column in self.columns)
        return f"INSERT INTO {self.name} ({names}) SELECT * FROM {source} ON CONFLICT ({self._key_names()})"  # noqa: S608 - names are constants

    def _assignments(self) -> str:
        return ", ".join(f"{column.name} = excluded.{column.name}" for column in self.columns[self.key_size :])
