"""A generation is one complete build of the read models, in a PostgreSQL schema of its own.

It is made by one version of the code and never migrated. `onefold.generations` keeps its *schema digest*: of the DDL of
its tables and of the versions that the folds declare. Code of another digest refuses the generation, so it never meets
a missing column or a row that another fold has written; `onefold rebuild` folds the log into a new one.

Readers read the *active* generation. One that is *building* folds the log beside it. When it takes its place, the
former one is on *standby*: workers go on to fold the log into it, so that going back is the same step. One that is
*retired* is kept and not folded into any more. Only the active one announces changes of customers, so each chunk's
transaction begins with `share`, which the change of the active generation waits for.

A generation may be made of *some read models* only: those that have changed, with a timeline of its own to fold them
by. `adoption` puts them into the active generation, whose digest then is the one of the code that folded them.
"""

import re
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REGCLASS

from projections.engine.connection import Connection
from projections.engine.generation_records import (
    ACTIVE,
    BUILDING,
    EVERYTHING,
    FED,
    FIRST,
    RETIRED,
    STANDBY,
    Generation,
    GenerationRecord,
    Horizon,
    IncompatibleGeneration,
    NoGeneration,
    NoSuchGeneration,
)
from projections.engine.generation_schema import GenerationSchema
from projections.engine.generation_tables import create_generation
from projections.engine.statements import compiled
from projections.engine.views import point_views
from projections.migrations.tables import GENERATIONS

_NUMBERED: Final = re.compile(r"g([1-9][0-9]{0,8})")
_IS_ACTIVE: Final = GENERATIONS.c.state == ACTIVE
_NAMED: Final = GENERATIONS.c.name == sa.bindparam("of_name", type_=sa.Text())
# As JSON, because the columns are not there yet while a database waits for its control tables to be migrated.
_AS_JSON: Final = sa.func.to_jsonb(GENERATIONS.table_valued(), type_=JSONB())
_TOPIC_SUFFIX: Final = _AS_JSON["topic_suffix"].astext
_ACTIVE: Final = compiled(
    sa.select(
        GENERATIONS.c.name,
        _TOPIC_SUFFIX,
        sa.func.coalesce(_AS_JSON["changes_suffix"].astext, _TOPIC_SUFFIX),
        _AS_JSON["schema_digest"].astext,
    ).where(_IS_ACTIVE)
)
_NAMES: Final = compiled(sa.select(GENERATIONS.c.name))
_ALL: Final = sa.select(
    GENERATIONS.c.name,
    GENERATIONS.c.topic_suffix,
    GENERATIONS.c.changes_suffix,
    GENERATIONS.c.state,
    GENERATIONS.c.schema_digest,
    GENERATIONS.c.created_at,
    GENERATIONS.c.activated_at,
    GENERATIONS.c.as_of,
    GENERATIONS.c.known_at,
    GENERATIONS.c.caught_up_at,
    GENERATIONS.c.compared_at,
    GENERATIONS.c.read_models,
    GENERATIONS.c.model_digests,
)
_LIST: Final = compiled(_ALL.order_by(GENERATIONS.c.created_at, GENERATIONS.c.name))
_FIND: Final = compiled(_ALL.where(_NAMED), "of_name")
_RETIRE_ALL: Final = compiled(sa.update(GENERATIONS).where(GENERATIONS.c.state.in_(FED)).values(state=RETIRED))
_INSERT: Final = compiled(
    sa.insert(GENERATIONS).values(
        name=sa.bindparam("new"),
        state=sa.bindparam("in_state"),
        activated_at=sa.case((sa.bindparam("in_state", type_=sa.Text()) == ACTIVE, sa.func.now())),
        topic_suffix=sa.bindparam("suffix"),
        changes_suffix=sa.bindparam("changes"),
        schema_digest=sa.bindparam("digest"),
        as_of=sa.bindparam("as_of"),
        known_at=sa.bindparam("known_at"),
        fold_versions=sa.bindparam("versions", type_=JSONB()),
        read_models=sa.bindparam("models", type_=ARRAY(sa.Text())),
        model_digests=sa.bindparam("digests", type_=JSONB()),
    ),
    *("new", "in_state", "suffix", "changes", "digest", "as_of", "known_at", "versions", "models", "digests"),
)
_NOTE_DIGESTS: Final = compiled(
    sa.update(GENERATIONS)
    .where(_NAMED, GENERATIONS.c.model_digests.is_(None))
    .values(model_digests=sa.bindparam("digests", type_=JSONB())),
    *("of_name", "digests"),
)
_DIGEST_NOW: Final = compiled(
    sa.select(GENERATIONS.c.schema_digest).where(
        GENERATIONS.c.name == sa.func.current_schema(), GENERATIONS.c.state.in_(FED)
    )
)
_SET_STATE: Final = compiled(
    sa.update(GENERATIONS)
    .where(_NAMED)
    .values(
        state=sa.bindparam("in_state"),
        activated_at=sa.case(
            (sa.bindparam("in_state", type_=sa.Text()) == ACTIVE, sa.func.now()), else_=GENERATIONS.c.activated_at
        ),
    ),
    *("of_name", "in_state"),
)
_NOTE_CAUGHT_UP: Final = compiled(
    sa.update(GENERATIONS)
    .where(_NAMED)
    .values(caught_up_at=sa.func.coalesce(GENERATIONS.c.caught_up_at, sa.func.now())),
    "of_name",
)
_NOTE_COMPARED: Final = compiled(
    sa.update(GENERATIONS)
    .where(_NAMED)
    .values(compared_at=sa.func.now(), accepted=sa.bindparam("accepted", type_=JSONB())),
    *("of_name", "accepted"),
)
_RELEASE: Final = compiled(sa.update(GENERATIONS).where(_NAMED).values(hold=sa.null()), "of_name")
_LAST_DROPPED: Final = sa.select(sa.table("generation_numbers", sa.column("last_value"), schema="onefold"))
_GREATEST_DROPPED: Final = compiled(_LAST_DROPPED)
_NOTE_DROPPED: Final = compiled(
    sa.select(
        sa.func.setval(
            sa.cast(sa.literal_column("'onefold.generation_numbers'"), REGCLASS),
            sa.func.greatest(
                sa.bindparam("number", type_=sa.BigInteger()),
                _LAST_DROPPED.scalar_subquery(),
            ),
        )
    ),
    "number",
)
_FORGET: Final = compiled(sa.delete(GENERATIONS).where(_NAMED), "of_name")
_LOCK: Final = compiled(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext("onefold.generations"))))
_CHUNKS: Final = sa.func.hashtext("onefold.chunks")
_SHARE: Final = compiled(
    sa.select(sa.func.pg_advisory_xact_lock_shared(_CHUNKS, sa.func.hashtext(sa.func.current_schema())))
)
_STOP_CHUNKS: Final = compiled(
    sa.select(sa.func.pg_advisory_xact_lock(_CHUNKS, sa.func.hashtext(sa.bindparam("name", type_=sa.Text())))), "name"
)


# The schema of a generation of these read models; with None, of a whole one.
SchemaOf = Callable[[Collection[str] | None], GenerationSchema]


def changes_suffix(*, only_active: bool = False) -> sa.Select[tuple[str]]:
    """Selects the suffix of the customer-changes topic of the connection's generation.

    ``only_active``: selects nothing while that generation is not the active one.
    """
    found = sa.select(GENERATIONS.c.changes_suffix).where(GENERATIONS.c.name == sa.func.current_schema())
    return found.where(_IS_ACTIVE) if only_active else found


async def active_generation(connection: Connection, schema: GenerationSchema) -> Generation:
    """The generation that readers read and workers write. Raises NoGeneration, IncompatibleGeneration."""
    row = await connection.fetchrow(_ACTIVE)
    if row is None:
        raise NoGeneration(NoGeneration.__doc__)
    *found, digest = row
    if digest != schema.digest:
        raise IncompatibleGeneration(found[0])
    return Generation(*found)


async def all_generations(connection: Connection) -> list[GenerationRecord]:
    """Every generation, the oldest first."""
    return [_record(row) for row in await connection.fetch(_LIST)]


async def find_generation(connection: Connection, name: str) -> GenerationRecord:
    """The generation of this name. Raises NoSuchGeneration."""
    row = await connection.fetchrow(_FIND, name)
    if row is None:
        raise NoSuchGeneration(f"There is no generation {name}. `onefold generations list` shows which there are.")
    return _record(row)


def _record(row: Iterable[Any]) -> GenerationRecord:
    found = GenerationRecord(*row)
    models, digests = found.read_models, found.model_digests  # as PostgreSQL gives them: an array, and JSON text
    return found._replace(
        read_models=None if models is None else frozenset(models),
        model_digests=None if digests is None else orjson.loads(str(digests)),
    )


async def named_generation(connection: Connection, name: str, schema_of: SchemaOf) -> Generation:
    """The generation of this name, for workers. Raises NoSuchGeneration, IncompatibleGeneration."""
    found = await find_generation(connection, name)
    if found.schema_digest != schema_of(found.read_models).digest:
        raise IncompatibleGeneration(name)
    return found.generation


async def check_still_fed(connection: Connection, digest: str) -> None:
    """Return if the connection's generation is still fed, with this digest. Raises IncompatibleGeneration.

    Call it after `share`, which has waited for whoever changes that.
    """
    if await connection.fetchval(_DIGEST_NOW) != digest:
        raise IncompatibleGeneration(await connection.fetchval("SELECT current_schema()") or "that was dropped")


async def share(connection: Connection) -> None:
    """Begin a transaction that writes the connection's generation: its state stays as it is until the end.

    It must come before any other lock. Waits while another generation is being made the active one.
    """
    await connection.execute(_SHARE)


@asynccontextmanager
async def writing(connection: Connection) -> AsyncIterator[None]:
    """A transaction that writes the connection's generation: it begins as `share` says, in one round trip."""
    try:
        await connection.execute(f"BEGIN; {_SHARE}")
        yield
    except BaseException:
        await connection.execute("ROLLBACK")
        raise
    await connection.execute("COMMIT")


async def stop_chunks(connection: Connection, name: str) -> None:
    """Have all others wait who want to write the generation, until the transaction ends. Waits for those who do."""
    await connection.execute(_STOP_CHUNKS, name)


async def lock_generations(connection: Connection) -> None:
    """Keep others from changing states of generations until the transaction ends."""
    await connection.execute(_LOCK)


async def add_generation(  # noqa: PLR0913 - one a property of the generation
    connection: Connection,
    generation: Generation,
    schema: GenerationSchema,
    *,
    state: str = BUILDING,
    horizon: Horizon = EVERYTHING,
    for_readers: bool = True,
) -> None:
    """Make a generation, empty, in this state. Its topics must be there already: workers begin to fold into it.

    Without ``for_readers`` the indexes that no fold needs are left to `index_for_readers`.
    In one transaction; raises what PostgreSQL raises if somebody else has made a generation of this name meanwhile.
    """
    async with connection.transaction():
        await connection.execute(_LOCK)
        await create_generation(connection, generation.name, schema, for_readers=for_readers)
        await connection.execute(
            _INSERT,
            *(generation.name, state, generation.topic_suffix, generation.changes_suffix, schema.digest, *horizon),
            as_json(schema.fold_versions),
            None if schema.read_models is None else sorted(schema.read_models),
            as_json(schema.model_digests),
        )
        if state == ACTIVE:
            await point_views(connection, generation.name, schema.views)


def as_json(values: Mapping[str, Any]) -> str:
    """JSON text for a column."""
    return orjson.dumps(dict(values), option=orjson.OPT_NON_STR_KEYS).decode()


async def ensure_generation(connection: Connection, schema: GenerationSchema) -> Generation:
    """The active generation, made if there is none yet. Safe to run twice at once. Raises IncompatibleGeneration."""
    async with connection.transaction():
        await connection.execute(_LOCK)
        try:
            found = await active_generation(connection, schema)
        except IncompatibleGeneration:
            raise
        except NoGeneration:
            found = Generation(FIRST, "", "")
            await add_generation(connection, found, schema, state=ACTIVE)
        await connection.execute(_NOTE_DIGESTS, found.name, as_json(schema.model_digests))
        return found


async def next_generation(connection: Connection, *, takes_over: bool = False) -> Generation:
    """The generation that can be made next: g2 after g1, also if g1 was dropped, with topics of its own.

    If it is to take the place of the active one (``takes_over``), it goes on with the topic of changes of that one.
    """
    names = [row["name"] for row in await connection.fetch(_NAMES)]
    name = f"g{max([await connection.fetchval(_GREATEST_DROPPED), *map(_number, names)]) + 1}"
    suffix = "" if name == FIRST else name
    active = await connection.fetchrow(_ACTIVE) if takes_over else None
    return Generation(name, suffix, active[2] if active else suffix)


async def start_afresh(connection: Connection, generation: Generation, schema: GenerationSchema) -> None:
    """Make the next generation, empty, and make it active; all former ones are retired, and kept."""
    async with connection.transaction():
        await connection.execute(_LOCK)
        await connection.execute(_RETIRE_ALL)
        await add_generation(connection, generation, schema, state=ACTIVE)


async def exchange(connection: Connection, former: GenerationRecord, name: str, schema: GenerationSchema) -> None:
    """Make a generation the active one in the place of the former, and have the views show it, in the transaction.

    The former one is on standby if this code's workers can go on with it; else it is retired.
    """
    await connection.execute(_SET_STATE, former.name, STANDBY if former.schema_digest == schema.digest else RETIRED)
    await connection.execute(_SET_STATE, name, ACTIVE)
    await point_views(connection, name, schema.views)


async def retire_generation(connection: Connection, name: str) -> None:
    """Have workers fold no more into the generation. It must not be the active one."""
    await connection.execute(_SET_STATE, name, RETIRED)


async def drop_generation(connection: Connection, name: str) -> None:
    """Delete a retired generation with all its rows."""
    async with connection.transaction():
        await stop_chunks(connection, name)
        await forget_generation(connection, name)


async def forget_generation(connection: Connection, name: str) -> None:
    """Delete a generation that nobody writes, with all its rows, in the caller's transaction."""
    await connection.execute(_FORGET, name)
    await connection.execute(_NOTE_DROPPED, _number(name))
    await connection.execute(f"DROP SCHEMA {name} CASCADE")


def _number(name: str) -> int:
    """The number in a generation's name; 0 if it has another name."""
    found = _NUMBERED.fullmatch(name)
    return int(found[1]) if found else 0


async def release_hold(connection: Connection, name: str) -> None:
    """Have workers fold all of the log into the generation."""
    await connection.execute(_RELEASE, name)


async def note_caught_up(connection: Connection, name: str) -> None:
    """Note, once, that the generation has come to the end of the log."""
    await connection.execute(_NOTE_CAUGHT_UP, name)


async def note_compared(connection: Connection, name: str, accepted: Any) -> None:
    """Note that the generation was compared with the active one; ``accepted`` is JSON text of what may differ."""
    await connection.execute(_NOTE_COMPARED, name, accepted)
