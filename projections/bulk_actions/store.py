"""The items of bulk actions: whom one affects, what was decided of each, and what an undo still finds of it.

Decisions are stored before their events are sent, and never replaced: a job that is interrupted sends the same again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from projections.attributes.tables import TABLE as ATTRIBUTES
from projections.bulk_actions.deciding import Before
from projections.bulk_actions.events import ContactChange
from projections.bulk_actions.order import (
    Action,
    BindContacts,
    BulkOrder,
    SetAttributeOfContacts,
    TagContacts,
    UntagContacts,
)
from projections.consents.tables import TABLE as CONSENTS
from projections.contacts.tables import TABLE as CONTACTS
from projections.customers.search.conditions import StatementParameters
from projections.engine.connection import Connection
from projections.engine.statements import compiled, unnested
from projections.erasures.tables import TABLE as ERASURES
from projections.migrations.tables import BULK_ITEMS
from projections.tags.tables import TABLE as TAGS
from projections.timeline.tables import TABLE as TIMELINE

Stands = sa.ColumnElement[Any]
_ITEM: Final = BULK_ITEMS.c
_JOB: Final = sa.bindparam("job_id", type_=sa.Uuid())
_AFTER: Final = sa.bindparam("after", type_=sa.BigInteger())
_LIMIT: Final = sa.bindparam("limit", type_=sa.Integer())


class BulkItem(NamedTuple):
    """A customer of a bulk action, with the contacts that are meant.

    ``outcome`` is None before its turn. ``changes`` are by contact id, as text; so is ``undone``: what stood of them,
    and the time.
    """

    number: int
    customer_id: UUID
    contact_ids: Sequence[UUID]
    outcome: str | None
    changes: Mapping[str, ContactChange]
    undone: Mapping[str, tuple[Any, int]] | None


class ContactBefore(NamedTuple):
    """A contact's key, and what it had before, None where the action changes nothing; or that it was erased."""

    contact: str
    before: Any
    erased: bool


_LOCK: Final = compiled(
    sa.select(sa.func.pg_advisory_lock(sa.func.hashtextextended(sa.cast(_JOB, sa.Text), sa.literal_column("0")))),
    "job_id",
)
_COUNT: Final = compiled(
    sa.select(sa.func.coalesce(sa.func.max(_ITEM.number), sa.literal_column("0"))).where(_ITEM.job_id == _JOB), "job_id"
)
_ITEMS: Final = compiled(
    sa.select(
        _ITEM.number,
        _ITEM.customer_id,
        _ITEM.contact_ids,
        _ITEM.outcome,
        sa.cast(_ITEM.changes, sa.Text).label("changes"),
        sa.cast(_ITEM.undone, sa.Text).label("undone"),
    )
    .where(_ITEM.job_id == _JOB, _ITEM.number > _AFTER)
    .order_by(_ITEM.number)
    .limit(_LIMIT),
    *("job_id", "after", "limit"),
)
_OUTCOMES: Final = compiled(
    sa.select(_ITEM.outcome, sa.func.count()).where(_ITEM.job_id == _JOB).group_by(_ITEM.outcome), "job_id"
)
_UNDONE: Final = compiled(
    sa.select(
        sa.func.count().filter(_ITEM.undone.is_not(None), sa.cast(_ITEM.undone, sa.Text) != sa.literal_column("'{}'")),
        sa.func.count().filter(_ITEM.undone.is_not(None)),
    ).where(_ITEM.job_id == _JOB),
    "job_id",
)
_EARLIER: Final = compiled(
    sa.select(_ITEM.present_id)
    .where(
        _ITEM.job_id == _JOB,
        _ITEM.present_id == sa.any_(sa.bindparam("present_ids", type_=sa.ARRAY(sa.Uuid()))),
        _ITEM.number <= _AFTER,
    )
    .distinct(),
    *("job_id", "present_ids", "after"),
)
_NEWS: Final = unnested("news", [_ITEM.number, _ITEM.present_id, _ITEM.outcome, sa.column("changes", sa.Text())])
_DECIDE: Final = compiled(
    sa.update(BULK_ITEMS)
    .values(present_id=_NEWS.c.present_id, outcome=_NEWS.c.outcome, changes=sa.cast(_NEWS.c.changes, JSONB))
    .where(_ITEM.job_id == _JOB, _ITEM.number == _NEWS.c.number, _ITEM.outcome.is_(None)),
    "job_id",
    *_NEWS.c.keys(),
)
_LEFT: Final = unnested("left_over", [_ITEM.number, sa.column("undone", sa.Text())])
_NOTE_UNDONE: Final = compiled(
    sa.update(BULK_ITEMS)
    .values(undone=sa.cast(_LEFT.c.undone, JSONB))
    .where(_ITEM.job_id == _JOB, _ITEM.number == _LEFT.c.number, _ITEM.undone.is_(None)),
    "job_id",
    *_LEFT.c.keys(),
)


async def lock_items(connection: Connection, job_id: UUID) -> None:
    """Let no other attempt of the job fix its items, until the connection is closed."""
    await connection.execute(_LOCK, job_id)


async def number_of_items(connection: Connection, job_id: UUID) -> int:
    """How many items the job has."""
    return int(await connection.fetchval(_COUNT, job_id))


async def items(connection: Connection, job_id: UUID, after: int, limit: int) -> list[BulkItem]:
    """The next items of a job after a number."""
    return [_item(row) for row in await connection.fetch(_ITEMS, job_id, after, limit)]


async def outcomes(connection: Connection, job_id: UUID) -> dict[str | None, int]:
    """How many items came to what; None for those whose turn has not come."""
    return dict(tuple(row) for row in await connection.fetch(_OUTCOMES, job_id))


async def undone_so_far(connection: Connection, job_id: UUID) -> tuple[int, int]:
    """How many items were undone, and how many were looked at."""
    ((undone, looked_at),) = await connection.fetch(_UNDONE, job_id)
    return undone, looked_at


async def handled_before(connection: Connection, job_id: UUID, present_ids: Sequence[UUID], upto: int) -> set[UUID]:
    """Those of the customers that items up to a number turned out to be."""
    return {row[0] for row in await connection.fetch(_EARLIER, job_id, list(present_ids), upto)}


async def decide(
    connection: Connection, job_id: UUID, decided: Sequence[tuple[int, UUID, str, Mapping[str, ContactChange]]]
) -> None:
    """Store (number, present customer, outcome, changes) of items whose turn it is."""
    rows = [(number, present, outcome, _json(changes)) for number, present, outcome, changes in decided]
    await connection.execute(_DECIDE, job_id, *map(list, zip(*rows, strict=True)))


async def note_undone(
    connection: Connection, job_id: UUID, undone: Sequence[tuple[int, Mapping[str, tuple[Any, int]]]]
) -> None:
    """Store (number, what stands by contact) of items that are undone."""
    rows = [(number, _json(standing)) for number, standing in undone]
    await connection.execute(_NOTE_UNDONE, job_id, *map(list, zip(*rows, strict=True)))


async def contacts_before(  # noqa: PLR0913, PLR0917 - one statement's facts
    connection: Connection, tenant: str, order: BulkOrder, customers: Mapping[UUID, UUID], since: int, now: int
) -> dict[UUID, ContactBefore]:
    """What the contacts, given with their customers, have now; erased ones are those erased after ``since``, in ms."""
    parameters = StatementParameters()
    contact_ids = parameters(list(customers), sa.ARRAY(sa.Uuid()))
    customer_ids = parameters(list(customers.values()), sa.ARRAY(sa.Uuid()))
    given = (
        sa.func.unnest(contact_ids, customer_ids)
        .table_valued(sa.column("contact_id", sa.Uuid()), sa.column("customer_id", sa.Uuid()))
        .render_derived(name="given")
    )
    mine = sa.and_(CONTACTS.c.tenant == parameters(tenant, sa.Text()), CONTACTS.c.contact_id == given.c.contact_id)
    erased = sa.exists(
        sa.select(sa.literal(1))
        .select_from(ERASURES)
        .where(
            ERASURES.c.tenant == CONTACTS.c.tenant,
            ERASURES.c.contact_id == CONTACTS.c.contact_id,
            ERASURES.c.at >= parameters(since, sa.BigInteger()),
        )
    )
    before = Before(tenant, order, now, parameters).of(given)
    statement = sa.select(
        CONTACTS.c.contact_id,
        (CONTACTS.c.channel + ":" + CONTACTS.c.account + ":" + CONTACTS.c.uid).label("contact"),
        sa.cast(before, sa.Text).label("before"),
        erased.label("erased"),
    ).select_from(given.join(CONTACTS, mine))
    rows = await connection.fetch(compiled(statement, *parameters.values), *parameters.values.values())
    return {
        row["contact_id"]: ContactBefore(
            row["contact"], None if row["before"] is None else orjson.loads(row["before"]), row["erased"]
        )
        for row in rows
    }


async def standing(
    connection: Connection, tenant: str, action: Action, made: Mapping[UUID, str], since: int
) -> dict[UUID, Any]:
    """What stands of an action's events, given by contact, for those that readers see already.

    None where something newer took its place, or the contact is gone; of marketing the kinds, of all else true. A
    contact whose event is not folded yet is left out.
    """
    parameters = StatementParameters()
    given = (
        sa.func.unnest(
            parameters(list(made), sa.ARRAY(sa.Uuid())), parameters(list(made.values()), sa.ARRAY(sa.Text()))
        )
        .table_valued(sa.column("contact_id", sa.Uuid()), sa.column("event_id", sa.Text()))
        .render_derived(name="given")
    )
    of_tenant = parameters(tenant, sa.Text())
    found = sa.select(sa.literal(1)).correlate(given)
    seen = sa.exists(
        found.select_from(TIMELINE).where(
            TIMELINE.c.tenant == of_tenant,
            TIMELINE.c.contact_id == given.c.contact_id,
            TIMELINE.c.event_id == given.c.event_id,
        )
    )
    erased = sa.exists(
        found.select_from(ERASURES).where(
            ERASURES.c.tenant == of_tenant,
            ERASURES.c.contact_id == given.c.contact_id,
            ERASURES.c.at >= parameters(since, sa.BigInteger()),
        )
    )
    stands = sa.case((erased, sa.null()), else_=_stands(action, given, of_tenant, parameters))
    statement = sa.select(given.c.contact_id, sa.cast(stands, sa.Text)).where(sa.or_(seen, erased))
    rows = await connection.fetch(compiled(statement, *parameters.values), *parameters.values.values())
    return {row[0]: None if row[1] is None else orjson.loads(row[1]) for row in rows}


def _stands(
    action: Action, given: sa.FromClause, tenant: sa.ColumnElement[str], parameters: StatementParameters
) -> Stands:
    """JSON of what the event decides now; null for nothing."""
    yes = sa.cast(sa.literal_column("'true'"), JSONB)

    def of(table: sa.Table, shown: sa.ColumnElement[Any], *conditions: sa.ColumnElement[bool]) -> Stands:
        mine = (table.c.tenant == tenant, table.c.contact_id == given.c.contact_id)
        return sa.select(shown).select_from(table).where(*mine, *conditions).correlate(given).scalar_subquery()

    match action:
        case TagContacts(tag=tag):
            return of(TAGS, yes, TAGS.c.tag == parameters(tag, sa.Text()), TAGS.c.last_event == given.c.event_id)
        case UntagContacts(tag=tag):
            removed = (TAGS.c.removed_event == given.c.event_id, TAGS.c.taggings == 0)
            return of(TAGS, yes, TAGS.c.tag == parameters(tag, sa.Text()), *removed)
        case SetAttributeOfContacts(key=key):
            named = ATTRIBUTES.c.key == parameters(key, sa.Text())
            return of(ATTRIBUTES, yes, named, ATTRIBUTES.c.event_id == given.c.event_id)
        case BindContacts():
            stamp = sa.cast(CONTACTS.c.stamps, JSONB)["staff"]
            return of(CONTACTS, yes, stamp[2].astext == given.c.event_id)
        case _:
            kinds = sa.func.jsonb_agg(CONSENTS.c.kind, type_=JSONB)
            return of(CONSENTS, kinds, CONSENTS.c.event_id == given.c.event_id)


def _item(row: Any) -> BulkItem:
    changes = {} if row["changes"] is None else orjson.loads(row["changes"])
    undone = None if row["undone"] is None else orjson.loads(row["undone"])
    made = {contact_id: ContactChange(*one) for contact_id, one in changes.items()}
    return BulkItem(row["number"], row["customer_id"], row["contact_ids"], row["outcome"], made, undone)


def _json(value: Any) -> str:
    return orjson.dumps(value, default=list).decode()
