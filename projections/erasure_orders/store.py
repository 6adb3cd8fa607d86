"""Carrying out erasures: what generations have folded of them, and what else has copies of contacts' data."""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

from projections.engine.connection import Connection
from projections.engine.generation_tables import use_generation
from projections.engine.metadata import key_columns
from projections.engine.statements import array, compiled, unnested
from projections.engine.store import columns
from projections.engine.touched import TOUCHED
from projections.erasures.tables import ERASED_EVENTS, ErasedEventRow
from projections.erasures.tables import TABLE as ERASURES
from projections.identity.tables import ERASED_CONTACTS, ERASED_STATEMENTS
from projections.migrations.tables import (
    BULK_ITEMS,
    DELETION_REQUESTS,
    ERASURE_ORDERS,
    GENERATIONS,
    JOB_FILES,
    JOBS,
    OUTBOX,
    WEBHOOK_ENDPOINTS,
    WEBHOOK_WAITING,
)
from projections.timeline.tables import TABLE as TIMELINE

_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_IDS: Final = array("contact_ids", sa.Uuid())
_AT: Final = sa.bindparam("at", type_=sa.BigInteger())
_ID: Final = sa.bindparam("erasure_id", type_=sa.Uuid())
_NOW: Final = sa.func.clock_timestamp()
_STOPPED: Final = {
    "type": "about:blank",
    "title": "Its file was deleted",
    "status": 410,
    "detail": "A person was erased, who may be in the file. Send the file again without the person.",
}
_NO_ROWS: Final[dict[str, list[Any]]] = {"first_rows": [], "refused": [], "warnings": []}  # of the result of an import


class ErasureOrder(NamedTuple):
    """An erasure; its contacts are None once it is done, and it has a ``receipt``. Times are in ms, UTC."""

    requested_at: int
    sealed_contacts: bytes | None


def _ms(moment: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.cast(sa.func.floor(sa.extract("epoch", moment) * sa.literal_column("1000")), sa.BigInteger())


def _overlap(column: sa.ColumnElement[Any], ids: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return column.bool_op("&&")(ids)


def _count(source: sa.FromClause, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(source).where(*conditions)


def _of(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
    contact = sa.and_(table.c.tenant == _TENANT, table.c.contact_id == sa.any_(_IDS))
    return _count(table, contact, *conditions).scalar_subquery()


_ORDER: Final = compiled(
    sa.select(_ms(ERASURE_ORDERS.c.requested_at), ERASURE_ORDERS.c.sealed_contacts)
    .where(ERASURE_ORDERS.c.erasure_id == _ID)
    .with_for_update(),
    "erasure_id",
)
_EVENTS: Final = compiled(sa.select(_of(TIMELINE)), "tenant", "contact_ids")
_GENERATIONS: Final = compiled(
    sa.select(GENERATIONS.c.name, GENERATIONS.c.state)
    .where(GENERATIONS.c.state != "retired", GENERATIONS.c.read_models.is_(None))
    .order_by(GENERATIONS.c.name)
)
_FOLDED: Final = compiled(
    sa.select(_of(ERASURES, ERASURES.c.at >= _AT), _of(ERASED_CONTACTS, ERASED_CONTACTS.c.at >= _AT)),
    "tenant",
    "contact_ids",
    "at",
)
_SINGLE: Final = unnested("given", key_columns(ERASED_EVENTS))


def _has_erased(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.exists().where(*(column == _SINGLE.c[column.name] for column in key_columns(table)))


_UNFOLDED: Final = compiled(
    _count(_SINGLE, sa.not_(sa.and_(_has_erased(ERASED_EVENTS), _has_erased(ERASED_STATEMENTS)))), *_SINGLE.c.keys()
)
_UNCOMPOSED: Final = compiled(
    sa.select(sa.exists().where(TOUCHED.c.tenant == _TENANT, _overlap(TOUCHED.c.contacts, _IDS))),
    "tenant",
    "contact_ids",
)
_JOBS_OF_TENANT: Final = sa.select(JOBS.c.job_id).where(JOBS.c.tenant == _TENANT)
# An upload that is still being sent has failed until it is complete, and comes after the erasure.
_ENDED: Final = sa.and_(
    JOBS.c.tenant == _TENANT,
    JOBS.c.finished_at.is_not(None),
    sa.not_(sa.and_(JOBS.c.kind == "upload", JOBS.c.state == "failed")),
)
_DROP_PARTS: Final = compiled(
    sa.delete(JOB_FILES).where(JOB_FILES.c.job_id.in_(sa.select(JOBS.c.job_id).where(_ENDED))), "tenant"
)
_EXPIRE_FILES: Final = compiled(
    sa.update(JOBS).where(_ENDED, JOBS.c.file_expires_at > _NOW).values(file_expires_at=_NOW).returning(JOBS.c.job_id),
    "tenant",
)
_EMPTY_RESULTS: Final = compiled(
    sa.update(JOBS)
    .where(JOBS.c.tenant == _TENANT, JOBS.c.kind == "import", JOBS.c.result.is_not(None))
    .values(result=JOBS.c.result.concat(sa.cast(sa.literal(orjson.dumps(_NO_ROWS).decode(), sa.Text()), JSONB())))
    .returning(JOBS.c.job_id),
    "tenant",
)
# A filter may name the person. One that finds everybody stands in its place, so that the job can still be undone.
_FILTERED: Final = ("export", "bulk_action", "bulk_undo")
_EVERYBODY: Final = sa.cast(sa.literal('{"contacts": {"gte": 1}}', sa.Text()), JSONB())


_FORGET_FILTERS: Final = compiled(
    sa.update(JOBS)
    .where(_ENDED, JOBS.c.kind.in_(_FILTERED), JOBS.c.parameters["filter"] != _EVERYBODY)
    .values(
        parameters=sa.func.jsonb_set(
            sa.func.jsonb_set(JOBS.c.parameters, postgresql.array(["filter"]), _EVERYBODY, sa.false()),
            postgresql.array(["order", "filter"]),
            _EVERYBODY,
            sa.false(),
        )
    )
    .returning(JOBS.c.job_id),
    "tenant",
)
_STOP_IMPORTS: Final = compiled(
    sa.update(JOBS)
    .where(JOBS.c.tenant == _TENANT, JOBS.c.kind == "import", JOBS.c.finished_at.is_(None))
    .values(
        state="failed",
        finished_at=_NOW,
        checkpoint=sa.null(),
        problem=sa.cast(sa.literal(orjson.dumps(_STOPPED).decode(), sa.Text()), JSONB()),
    )
    .returning(JOBS.c.job_id),
    "tenant",
)
# The attempt that runs can't save any more; another one begins, without the person.
_RESTART_EXPORTS: Final = compiled(
    sa.update(JOBS)
    .where(JOBS.c.tenant == _TENANT, JOBS.c.kind == "export", JOBS.c.state == "running")
    .values(state="waiting", attempt=JOBS.c.attempt + 1, checkpoint=sa.null(), leased_until=sa.null())
    .returning(JOBS.c.job_id),
    "tenant",
)
_DROP_ITEMS: Final = compiled(
    sa.delete(BULK_ITEMS)
    .where(BULK_ITEMS.c.job_id.in_(_JOBS_OF_TENANT), _overlap(BULK_ITEMS.c.contact_ids, _IDS))
    .returning(BULK_ITEMS.c.number),
    "tenant",
    "contact_ids",
)
_GIVEN: Final = (
    sa.func.unnest(array("names", BYTEA())).table_valued(sa.column("name", BYTEA())).render_derived(name="given")
)
_WAITS: Final = (
    WEBHOOK_WAITING.c.endpoint_id.in_(
        sa.select(WEBHOOK_ENDPOINTS.c.endpoint_id).where(WEBHOOK_ENDPOINTS.c.tenant == _TENANT)
    ),
    sa.exists(
        sa.select(_GIVEN.c.name).where(sa.func.pg_catalog.position(WEBHOOK_WAITING.c.payload, _GIVEN.c.name) > 0)
    ),
)
_WAITING: Final = compiled(_count(WEBHOOK_WAITING, *_WAITS), "tenant", "names")
_DROP_WAITING: Final = compiled(sa.delete(WEBHOOK_WAITING).where(*_WAITS), "tenant", "names")
_FINISH: Final = compiled(
    sa.update(ERASURE_ORDERS)
    .where(ERASURE_ORDERS.c.erasure_id == _ID)
    .values(
        finished_at=_NOW,
        sealed_contacts=sa.null(),
        receipt=sa.cast(sa.bindparam("receipt", type_=sa.Text()), JSONB()),
        signature=sa.bindparam("signature", type_=BYTEA()),
    ),
    "erasure_id",
    "receipt",
    "signature",
)
_GIVEN_TEXTS: Final = (
    sa.func.unnest(array("names", sa.Text())).table_valued(sa.column("name", sa.Text())).render_derived(name="given")
)
_UNSENT: Final = compiled(
    _count(
        OUTBOX,
        OUTBOX.c.tenant == _TENANT,
        sa.exists(sa.select(_GIVEN_TEXTS.c.name).where(sa.func.strpos(OUTBOX.c.payload, _GIVEN_TEXTS.c.name) > 0)),
    ),
    "tenant",
    "names",
)
_CLOSE_REQUEST: Final = compiled(
    sa.update(DELETION_REQUESTS)
    .where(
        DELETION_REQUESTS.c.closed_at.is_(None),
        DELETION_REQUESTS.c.code
        == sa.select(ERASURE_ORDERS.c.deletion).where(ERASURE_ORDERS.c.erasure_id == _ID).scalar_subquery(),
    )
    .values(state="done", closed_at=_NOW, sealed_subject=sa.null()),
    "erasure_id",
)
_COPIES: Final = (
    ("files", _EXPIRE_FILES),
    ("imports_stopped", _STOP_IMPORTS),
    ("import_results", _EMPTY_RESULTS),
    ("exports_restarted", _RESTART_EXPORTS),
    ("filters", _FORGET_FILTERS),
)


async def find_order(connection: Connection, erasure_id: UUID) -> ErasureOrder | None:
    """The erasure, locked until the transaction ends."""
    row = await connection.fetchrow(_ORDER, erasure_id)
    return ErasureOrder(*row) if row else None


async def number_of_events(connection: Connection, tenant: str, contact_ids: Collection[UUID]) -> int:
    """How many events the timelines of contacts have."""
    found: Any = await connection.fetchval(_EVENTS, tenant, list(contact_ids))
    return int(found)


async def generations_behind(
    connection: Connection, tenant: str, contact_ids: Collection[UUID], at: int
) -> Mapping[str, str]:
    """The generations, by name, in which some contact is not erased up to ``at`` yet, with their states.

    In the active one the composer has left out what was erased, too. Call it in a transaction; it changes the
    search path.
    """
    behind = {}
    for name, state in await connection.fetch(_GENERATIONS):
        await use_generation(connection, name)
        counts = await connection.fetchrow(_FOLDED, tenant, list(contact_ids), at)
        folded = counts is not None and min(counts) >= len(set(contact_ids))
        if not folded or (state == "active" and await connection.fetchval(_UNCOMPOSED, tenant, list(contact_ids))):
            behind[name] = state
    return behind


async def unfolded_events(connection: Connection, rows: Collection[ErasedEventRow]) -> int:
    """How many of these single events the timeline, or identity, has not erased yet."""
    found: Any = await connection.fetchval(_UNFOLDED, *columns(rows))
    return int(found)


async def waiting_changes(connection: Connection, tenant: str, contact_keys: Collection[str]) -> int:
    """How many changes wait for webhook endpoints and name one of the contacts."""
    found: Any = await connection.fetchval(_WAITING, tenant, _quoted(contact_keys))
    return int(found)


async def drop_waiting_changes(connection: Connection, tenant: str, contact_keys: Collection[str]) -> None:
    """Delete the changes that wait for webhook endpoints and name one of the contacts."""
    await connection.execute(_DROP_WAITING, tenant, _quoted(contact_keys))


def _quoted(contact_keys: Collection[str]) -> list[bytes]:
    return [orjson.dumps(one) for one in contact_keys]  # with the quotes: a key may begin another one


async def unsent_changes(connection: Connection, tenant: str, contact_keys: Collection[str]) -> int:
    """How many changes that name one of the contacts are not in Kafka yet: they would be sealed under a new key."""
    names = [name.decode() for name in _quoted(contact_keys)]
    found: Any = await connection.fetchval(_UNSENT, tenant, names)
    return int(found)


async def drop_copies(connection: Connection, tenant: str, contact_ids: Collection[UUID]) -> dict[str, int]:
    """Delete what jobs keep that may have the contacts, in the caller's transaction; how much there was, by kind.

    All files that are kept are deleted, since any may have a row of the contacts. Imports that have not ended fail;
    exports that run begin again.
    """
    await connection.execute(_DROP_PARTS, tenant)
    dropped = {place: len(await connection.fetch(statement, tenant)) for place, statement in _COPIES}
    items = await connection.fetch(_DROP_ITEMS, tenant, list(contact_ids))
    return dropped | {"bulk_items": len(items)}


async def finish(connection: Connection, erasure_id: UUID, receipt: Mapping[str, Any], signature: bytes) -> None:
    """Store the receipt, delete the contacts' keys, and close the request for deletion that it answers, if any."""
    await connection.execute(_FINISH, erasure_id, orjson.dumps(receipt).decode(), signature)
    await connection.execute(_CLOSE_REQUEST, erasure_id)
