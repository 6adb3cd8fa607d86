"""SQLAlchemy Core statements as constant texts for raw asyncpg.

A statement is built and compiled once, when its module is imported; what runs is its text, so that asyncpg prepares it
once a connection and nothing is compiled while chunks are folded:

    _CUSTOMERS_OF: Final = compiled(
        sa.select(MEMBERS.c.contact_id, MEMBERS.c.customer_id).where(
            MEMBERS.c.tenant == sa.bindparam("tenant"), MEMBERS.c.contact_id == sa.any_(array("contact_ids", sa.Uuid()))
        ),
        "tenant", "contact_ids",
    )
    await connection.fetch(_CUSTOMERS_OF, tenant, contact_ids)

Parameters are `sa.bindparam`s without a value, numbered ``$1, $2, …`` in the order that is stated, with a cast to their
type. Every other value in a statement is a constant and stands in the text, where the planner sees it (a partial index
needs that). Values are never formatted into a statement in any other way.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import PGCompiler_asyncpg, PGDialect_asyncpg
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement, SetTableComment
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.selectable import LateralFromClause, TableValuedAlias

_DIALECT: Final = PGDialect_asyncpg()  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped


def compiled(statement: ClauseElement, *parameters: str) -> str:
    """The statement's text. ``parameters`` are the names of its `sa.bindparam`s: the first one is ``$1``.

    Raises ValueError if they are not exactly those that the statement has.
    """
    found = _Compiler(_Dialect(parameters), statement)
    if missing := set(parameters).difference(found.binds):
        raise ValueError(f"the statement has no parameters {sorted(missing)}")
    return str(found)


def compiled_once(statement: ClauseElement, *parameters: str) -> str:
    """The same for a statement that is made anew for each question: those of one shape are compiled once.

    Compiling costs more than making the statement, and as much as many a search takes in PostgreSQL.
    """
    return _compiled_shape(_Shape(statement, parameters))


class _Shape:
    """What a statement's text depends on: how it is made, its literals, and the order of its parameters."""

    def __init__(self, statement: ClauseElement, parameters: tuple[str, ...]) -> None:
        self.statement, self.parameters = statement, parameters
        found = statement._generate_cache_key()  # noqa: SLF001 - by it SQLAlchemy's engines keep compiled statements
        literals = tuple((type(one.value), one.value) for one in found.bindparams if not one.required) if found else ()
        self._key = (found.key, literals, parameters) if found else (id(statement),)
        self._hash = hash(self._key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shape) and self._key == other._key


@lru_cache(maxsize=512)
def _compiled_shape(shape: _Shape) -> str:
    return compiled(shape.statement, *shape.parameters)


def array(name: str, of: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
    """A parameter that takes a list of values of a type."""
    return sa.bindparam(name, type_=sa.ARRAY(_plain(of)))


def unnested(alias: str, columns: Iterable[sa.ColumnElement[Any]]) -> TableValuedAlias:
    """Rows as parameters: a FROM clause with these columns, of which each is an array parameter of the same name.

    `projections.engine.store.columns` turns rows into the arrays.
    """
    named = [(str(column.key), column.type) for column in columns]
    arrays = [array(name, kind) for name, kind in named]
    return sa.func.unnest(*arrays).table_valued(*(sa.column(*one) for one in named)).render_derived(name=alias)


def for_each(statement: sa.Select[Any], name: str) -> LateralFromClause:
    """The rows of a select whose conditions name columns of what it is joined to: looked for once for each row there.

    A plain join lets the planner take a table for nearly empty, as it was when it was analysed, and read all of it
    beside the given rows; the plan is kept while the table grows.
    """
    return statement.offset(sa.literal_column("0")).lateral(name)


def ddl(table: sa.Table, *, if_not_exists: bool = False) -> list[str]:
    """The statements that create the table and its indexes in the schema that comes first in the search path."""
    create = CreateTable(table, if_not_exists=if_not_exists)
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    return [_ddl_text(create), *(index_ddl(one) for one in indexes)]


def index_ddl(index: sa.Index, *, if_not_exists: bool = False) -> str:
    """The statement that creates the index."""
    return _ddl_text(CreateIndex(index, if_not_exists=if_not_exists))


def comments(table: sa.Table) -> list[str]:
    """The statement that sets the table's comment, where it has one."""
    return [str(SetTableComment(table).compile(dialect=_DIALECT))] if table.comment else []


def _ddl_text(create: ExecutableDDLElement) -> str:
    return str(create.compile(dialect=_DIALECT)).strip()


class _Compiler(PGCompiler_asyncpg):
    """Renders parameters as ``$n`` by the dialect's order, and all other values as literals."""

    dialect: "_Dialect"

    def visit_bindparam(self, bindparam: Any, *args: Any, **options: Any) -> str:
        options["literal_binds"] = not bindparam.required
        return str(super().visit_bindparam(bindparam, *args, **options))  # type: ignore[no-untyped-call]

    def bindparam_string(self, name: str, *args: Any, **options: Any) -> str:
        rendered = str(super().bindparam_string(name, *args, **options))  # ":name" or ":name::TYPE"
        if name not in self.dialect.numbers:
            raise ValueError(f"the statement has a parameter {name!r} that is not stated")
        return f"${self.dialect.numbers[name]}{rendered.removeprefix(f':{name}')}"

    def render_bind_cast(self, type_: Any, dbapi_type: Any, sqltext: str) -> str:
        return str(super().render_bind_cast(type_, _plain(dbapi_type), sqltext))  # type: ignore[no-untyped-call]


class _Dialect(PGDialect_asyncpg):
    """The asyncpg dialect for one statement, with its parameters' numbers."""

    statement_compiler = _Compiler
    supports_statement_cache = False

    def __init__(self, parameters: Iterable[str]) -> None:
        super().__init__(paramstyle="named")  # type: ignore[no-untyped-call]
        self.numbers = {name: number for number, name in enumerate(parameters, 1)}


def _plain(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    """Text without a collation: a parameter's cast has none."""
    return sa.Text() if isinstance(kind, sa.String) else kind
