"""A generation is one complete build of the read models, in a PostgreSQL schema of its own.

It is made by one version of the code and never migrated. `onefold.generations` keeps its *schema digest*: of the DDL of
its tables and of the versions that the folds declare. Code of another digest refuses the generation, so it never meets
a missing column or a row that another fold has written; `onefold migrate --fresh` folds the log into a new one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from projections.engine.connection import Connection
from projections.engine.statements import comments, compiled, ddl
from projections.engine.views import View, point_views
from projections.migrations.tables import GENERATIONS

FIRST: Final = "g1"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,30}")
_NUMBERED: Final = re.compile(r"g([1-9][0-9]{0,8})")
_IS_ACTIVE: Final = GENERATIONS.c.state == "active"
# As JSON, because the columns are not there yet while a database waits for its control tables to be migrated.
_AS_JSON: Final = sa.func.to_jsonb(GENERATIONS.table_valued(), type_=JSONB())
_ACTIVE: Final = compiled(
    sa.select(GENERATIONS.c.name, _AS_JSON["topic_suffix"].astext, _AS_JSON["schema_digest"].astext).where(_IS_ACTIVE)
)
_NAMES: Final = compiled(sa.select(GENERATIONS.c.name))
_RETIRE: Final = compiled(sa.update(GENERATIONS).where(_IS_ACTIVE).values(state="retired"))
_ACTIVATE: Final = compiled(
    sa.insert(GENERATIONS).values(
        name=sa.bindparam("new"),
        state="active",
        activated_at=sa.func.now(),
        topic_suffix=sa.bindparam("suffix"),
        schema_digest=sa.bindparam("digest"),
    ),
    *("new", "suffix", "digest"),
)
_LOCK: Final = compiled(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext("onefold.generations"))))


class NoGeneration(LookupError):
    """No generation of the read models is active yet: run `onefold migrate`."""


class IncompatibleGeneration(NoGeneration):
    """The active generation was made by code with other tables or folds. The message says what to do."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The read models of generation {name} were made by another version of Onefold. To fold the whole log into "
            "a new, empty generation, run `onefold migrate --fresh` (where you use `onefold up`: `onefold up --fresh`)."
        )


class Generation(NamedTuple):
    """An active generation: the schema of its tables, and what the names of its own topics end with."""

    name: str
    topic_suffix: str


@dataclass(frozen=True)
class GenerationSchema:
    """What a generation is made of: its tables, the version of each read model's fold, by name, and views of it."""

    tables: tuple[sa.Table, ...]
    fold_versions: Mapping[str, int]
    views: tuple[View, ...] = ()

    @cached_property
    def ddl(self) -> list[str]:
        """The statements that create all tables and indexes in the schema that comes first in the search path."""
        return [statement for table in self.tables for statement in ddl(table)]

    @cached_property
    def comments(self) -> list[str]:
        """The statements that comment on the tables. They are no part of the digest."""
        return [statement for table in self.tables for statement in comments(table)]

    @cached_property
    def digest(self) -> str:
        """Differs wherever a table, an index or a fold's version does; not with the order in which they are listed."""
        tables = sorted(" ".join(statement.split()) for statement in self.ddl)
        versions = sorted(f"{name} {version}" for name, version in self.fold_versions.items())
        return sha256("\n".join([*tables, *versions]).encode()).hexdigest()[:32]


async def active_generation(connection: Connection, schema: GenerationSchema) -> Generation:
    """The generation that readers read and workers write. Raises NoGeneration, IncompatibleGeneration."""
    row = await connection.fetchrow(_ACTIVE)
    if row is None:
        raise NoGeneration(NoGeneration.__doc__)
    name, suffix, digest = row
    if digest != schema.digest:
        raise IncompatibleGeneration(name)
    return Generation(name, suffix)


async def create_generation(connection: Connection, name: str, schema: GenerationSchema) -> None:
    """Make the schema and its empty tables; the name is a plain identifier. Nobody reads or writes it yet."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a generation's name: {name!r}")
    async with connection.transaction():
        await connection.execute(f"CREATE SCHEMA {name}")
        await connection.execute(f"SET LOCAL search_path TO {name}")
        for statement in (*schema.ddl, *schema.comments):
            await connection.execute(statement)


async def activate_generation(
    connection: Connection, name: str, schema: GenerationSchema, *, topic_suffix: str = ""
) -> None:
    """Make a generation the active one, in one transaction, and have the views show it.

    The former one is retired, and kept.
    """
    async with connection.transaction():
        await point_views(connection, name, schema.views)
        await connection.execute(_RETIRE)
        await connection.execute(_ACTIVATE, name, topic_suffix, schema.digest)


async def ensure_generation(connection: Connection, schema: GenerationSchema) -> Generation:
    """The active generation, made if there is none yet. Safe to run twice at once. Raises IncompatibleGeneration."""
    async with connection.transaction():
        await connection.execute(_LOCK)
        try:
            return await active_generation(connection, schema)
        except IncompatibleGeneration:
            raise
        except NoGeneration:
            await create_generation(connection, FIRST, schema)
            await activate_generation(connection, FIRST, schema)
            return Generation(FIRST, "")


async def next_generation(connection: Connection) -> Generation:
    """The generation that `start_afresh` would make now: g2 after g1, with topics of its own."""
    found = (_NUMBERED.fullmatch(row["name"]) for row in await connection.fetch(_NAMES))
    name = f"g{max((int(one[1]) for one in found if one), default=0) + 1}"
    return Generation(name, "" if name == FIRST else name)


async def start_afresh(connection: Connection, generation: Generation, schema: GenerationSchema) -> None:
    """Make the next generation, empty, and make it active; the former one is retired, and kept.

    Its topics must be there already: workers begin to fold into it at the log's first record. In one transaction;
    raises what PostgreSQL raises if somebody else has made a generation of this name meanwhile.
    """
    async with connection.transaction():
        await connection.execute(_LOCK)
        await create_generation(connection, generation.name, schema)
        await activate_generation(connection, generation.name, schema, topic_suffix=generation.topic_suffix)
