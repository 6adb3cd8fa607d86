"""Puts read models that were built alone into the active generation, in one transaction.

Their tables change places with those of the same names, which stay in the other generation: code of the former version
goes on to fold the log into them there, and puts them back by the same step. Tables of read models that the code does
not have any more go there, too. If there is none of either, the other generation is deleted.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from projections.engine.connection import Connection
from projections.engine.generation_records import BUILDING, RETIRED, STANDBY, GenerationRecord
from projections.engine.generation_schema import GenerationSchema, digest_of
from projections.engine.generation_tables import use_generation
from projections.engine.generations import as_json, forget_generation
from projections.engine.offsets import OFFSETS
from projections.engine.statements import compiled
from projections.engine.views import point_views
from projections.migrations.tables import GENERATIONS

_BESIDE: Final = "onefold_moving"
_FENCE: Final = compiled(sa.update(OFFSETS).values(epoch=OFFSETS.c.epoch + 1))
_NAMED: Final = GENERATIONS.c.name == sa.bindparam("of_name", type_=sa.Text())
_MADE_OF: Final = compiled(
    sa.update(GENERATIONS)
    .where(_NAMED)
    .values(
        schema_digest=sa.bindparam("digest"),
        model_digests=sa.bindparam("digests", type_=JSONB()),
        fold_versions=sa.bindparam("versions", type_=JSONB()),
    ),
    *("of_name", "digest", "digests", "versions"),
)
_KEEP: Final = compiled(
    sa.update(GENERATIONS)
    .where(_NAMED)
    .values(
        state=sa.bindparam("in_state"),
        read_models=sa.bindparam("models", type_=ARRAY(sa.Text())),
        schema_digest=sa.bindparam("digest"),
        model_digests=sa.bindparam("digests", type_=JSONB()),
        compared_at=sa.null(),
        hold=sa.null(),
    ),
    *("of_name", "in_state", "models", "digest", "digests"),
)
_BUILD_ON: Final = compiled(sa.update(GENERATIONS).where(_NAMED).values(state=BUILDING), "of_name")


def unlike(active: GenerationRecord, schema: GenerationSchema) -> frozenset[str] | None:
    """The names of the read models that the code has and the generation has not, or has of another version.

    None if that is not known, since the generation was made by code that kept no digests by read model.
    """
    if active.model_digests is None:
        return None
    known = active.model_digests
    return frozenset(name for name, digest in schema.model_digests.items() if known.get(name) != digest)


async def build_on(connection: Connection, name: str) -> None:
    """Go on with a generation of former read models: it is being built again."""
    await connection.execute(_BUILD_ON, name)


async def adopt(
    connection: Connection, active: GenerationRecord, built: GenerationRecord, schema: GenerationSchema
) -> None:
    """Put the read models of ``built`` into the active generation, which then is one of the schema.

    Nobody may write either of the two, and both must have folded the same events. Owners of partitions are fenced:
    workers of other code, which goes on without these read models, commit nothing from then on.
    """
    former, models = dict(active.model_digests or {}), built.read_models or frozenset()
    gone = sorted(former.keys() - schema.model_digests.keys())
    kept = sorted(models & former.keys())
    await connection.execute(f"CREATE SCHEMA {_BESIDE}")
    for name in (*kept, *gone):
        await connection.execute(f'ALTER TABLE {active.name}."{name}" SET SCHEMA {_BESIDE}')
    for name in sorted(models):
        await connection.execute(f'ALTER TABLE {built.name}."{name}" SET SCHEMA {active.name}')
    await point_views(connection, active.name, schema.views)  # while the former ones are still there
    for name in (*kept, *gone):
        await connection.execute(f'ALTER TABLE {_BESIDE}."{name}" SET SCHEMA {built.name}')
    await connection.execute(f"DROP SCHEMA {_BESIDE}")
    await use_generation(connection, active.name)
    await connection.execute(_FENCE)
    versions, digests = as_json(schema.fold_versions), as_json(schema.model_digests)
    await connection.execute(_MADE_OF, active.name, schema.digest, digests, versions)
    await _keep(connection, built, kept, {name: former[name] for name in kept}, retired=bool(gone))


async def _keep(
    connection: Connection, built: GenerationRecord, kept: list[str], former: dict[str, str], *, retired: bool
) -> None:
    """Keep the former tables with the timeline by which they can be folded on; delete what nobody could use."""
    if not kept and not retired:
        await forget_generation(connection, built.name)
        return
    models = built.read_models or frozenset()
    own = {name: digest for name, digest in (built.model_digests or {}).items() if name not in models}
    digests = own | former
    state = STANDBY if kept else RETIRED
    await connection.execute(_KEEP, built.name, state, kept, digest_of(digests), as_json(digests))
