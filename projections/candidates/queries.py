"""Reads what is compared of customers, and the list of candidates. The number of statements is constant."""

from collections.abc import Collection
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.attributes.tables import TABLE as ATTRIBUTES
from projections.candidates.assembly import (
    CONTACT,
    MEMBER_ID,
    AttributeJson,
    BoundNode,
    CustomerRows,
    NamedAlias,
    NodeDecision,
    NodeLink,
    NodeOwner,
    SeenContact,
    customers_in,
)
from projections.candidates.folds import CustomerProfiles
from projections.candidates.profiles import ATTRIBUTES as COMPARED
from projections.candidates.tables import CANDIDATES, SWEEPS, CandidateRow
from projections.contacts.tables import TABLE as CONTACTS
from projections.engine.connection import Connection
from projections.engine.metadata import row_columns
from projections.engine.statements import array, compiled
from projections.identity.keys import ResolutionKey
from projections.identity.queries import canonical_of
from projections.identity.tables import CANONICAL_IDS, CONFLICTS, HOLDINGS, IS_LINK, MEMBERS, PAIR_DECISIONS
from projections.timeline.tables import ALIAS_TYPE
from projections.timeline.tables import TABLE as TIMELINE

_STAFF: Final = "staff"
_TEN_THOUSANDTHS: Final = 10_000
_MOST_ALIASES: Final = 10  # of a contact


class CandidatePosition(NamedTuple):
    """A position in the list of candidates, best first."""

    doubt: int
    one_id: UUID
    other_id: UUID


BEST: Final = CandidatePosition(-1, UUID(int=0), UUID(int=0))


def _of_resolution(table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        table.c.tenant == sa.bindparam("tenant", type_=sa.Text()),
        table.c.resolution_id == sa.bindparam("resolution_id", type_=sa.Text()),
    )


def _by(column: sa.Column[Any], name: str) -> sa.ColumnElement[bool]:
    return column == sa.any_(array(name, column.type))


_NODES: Final = compiled(
    sa.select(MEMBERS.c.customer_id, MEMBERS.c.contact_id, MEMBERS.c.session, MEMBERS.c.contact, MEMBERS.c.current)
    .where(*_of_resolution(MEMBERS), _by(MEMBERS.c.customer_id, "customer_ids"))
    .order_by(MEMBERS.c.contact_id, MEMBERS.c.session),
    "tenant",
    "resolution_id",
    "customer_ids",
)
_HAVE_NODES: Final = compiled(
    sa.select(MEMBERS.c.contact_id)
    .distinct()
    .where(*_of_resolution(MEMBERS), MEMBERS.c.current, _by(MEMBERS.c.contact_id, "customer_ids")),
    "tenant",
    "resolution_id",
    "customer_ids",
)
_PAST: Final = sa.exists().where(
    *_of_resolution(MEMBERS), MEMBERS.c.contact_id == CONTACTS.c.contact_id, ~MEMBERS.c.current
)
_CONTACTS: Final = compiled(
    sa.select(CONTACTS.c.contact_id, CONTACTS.c.display_name, _PAST).where(
        CONTACTS.c.tenant == sa.bindparam("tenant", type_=sa.Text()), _by(CONTACTS.c.contact_id, "contact_ids")
    ),
    "tenant",
    "resolution_id",
    "contact_ids",
)
_ATTRIBUTES: Final = compiled(
    sa.select(ATTRIBUTES.c.contact_id, ATTRIBUTES.c.key, sa.cast(ATTRIBUTES.c.value, sa.Text())).where(
        ATTRIBUTES.c.tenant == sa.bindparam("tenant", type_=sa.Text()),
        _by(ATTRIBUTES.c.contact_id, "contact_ids"),
        ATTRIBUTES.c.key.in_(sorted(COMPARED)),
        ATTRIBUTES.c.value.is_not(None),
    ),
    "tenant",
    "contact_ids",
)


def _links(table: sa.Table, *more: sa.ColumnElement[Any], where: sa.ColumnElement[bool]) -> str:
    chosen = (table.c.contact_id, table.c.session, table.c.type, table.c.value, table.c.target, table.c.tier)
    return compiled(
        sa.select(*chosen, *more).where(*_of_resolution(table), _by(table.c.contact_id, "contact_ids"), where),
        "tenant",
        "resolution_id",
        "contact_ids",
    )


_HELD: Final = _links(HOLDINGS, sa.null().label("reason"), where=IS_LINK)
_REFUSED: Final = _links(CONFLICTS, CONFLICTS.c.reason, where=CONFLICTS.c.type != _STAFF)


def _bound_to() -> str:
    """Selects those of the given nodes to which another contact was bound, and how strongly."""
    given = (
        sa.func.unnest(array("contacts", sa.Text()), array("sessions", sa.Text()))
        .table_valued(sa.column("contact", sa.Text()), sa.column("session", sa.Text()))
        .render_derived(name="given")
    )
    bindings = (
        sa.select(HOLDINGS.c.tier)
        .where(
            *_of_resolution(HOLDINGS),
            HOLDINGS.c.type == CONTACT,
            HOLDINGS.c.value == given.c.contact,
            HOLDINGS.c.target == given.c.session,
            HOLDINGS.c.tier.is_not(None),
        )
        .order_by(HOLDINGS.c.tier)
        .limit(1)
        .lateral("binding")
    )
    return compiled(
        sa.select(given.c.contact, given.c.session, bindings.c.tier).select_from(given.join(bindings, sa.true())),
        "tenant",
        "resolution_id",
        "contacts",
        "sessions",
    )


_BOUND_TO: Final = _bound_to()
_MERGED_INTO: Final = compiled(
    sa.select(CANONICAL_IDS.c.canonical)
    .distinct()
    .where(
        *_of_resolution(CANONICAL_IDS),
        _by(CANONICAL_IDS.c.canonical, "member_ids"),
        CANONICAL_IDS.c.member_id != CANONICAL_IDS.c.canonical,
    ),
    "tenant",
    "resolution_id",
    "member_ids",
)


def _aliases() -> str:
    """Selects the ids that the latest aliases of the given contacts name, of each contact a few."""
    given = sa.func.unnest(array("contact_ids", sa.Uuid())).table_valued("contact_id").render_derived(name="given")
    latest = (
        sa.select(TIMELINE.c.data["previousId"].astext.label("member_id"))
        .where(
            TIMELINE.c.tenant == sa.bindparam("tenant", type_=sa.Text()),
            TIMELINE.c.contact_id == given.c.contact_id,
            TIMELINE.c.type == sa.literal_column(f"'{ALIAS_TYPE}'"),
            TIMELINE.c.data["userId"].astext.is_not(None),
        )
        .order_by(TIMELINE.c.occurred_at.desc(), TIMELINE.c.event_id)
        .limit(_MOST_ALIASES)
        .lateral("latest")
    )
    named = sa.select(given.c.contact_id, latest.c.member_id).select_from(given.join(latest, sa.true()))
    return compiled(named, "tenant", "contact_ids")


_ALIASES: Final = _aliases()


def _decisions(column: sa.Column[Any]) -> sa.Select[Any]:
    return sa.select(*(PAIR_DECISIONS.c[name] for name in NodeDecision._fields)).where(
        *_of_resolution(PAIR_DECISIONS), _by(column, "contact_ids")
    )


_DECISIONS: Final = compiled(
    sa.union(_decisions(PAIR_DECISIONS.c.by_id), _decisions(PAIR_DECISIONS.c.other_id)),
    "tenant",
    "resolution_id",
    "contact_ids",
)
_PLACE: Final = (CANDIDATES.c.doubt, CANDIDATES.c.one_id, CANDIDATES.c.other_id)
_PAGE: Final = compiled(
    sa.select(*row_columns(CANDIDATES))
    .where(
        CANDIDATES.c.tenant == sa.bindparam("tenant", type_=sa.Text()),
        CANDIDATES.c.doubt <= sa.bindparam("most_doubt", type_=sa.Integer()),
        sa.tuple_(*_PLACE) > sa.tuple_(*(sa.bindparam(column.name, type_=column.type) for column in _PLACE)),
    )
    .order_by(*_PLACE)
    .limit(sa.bindparam("limit", type_=sa.Integer())),
    *("tenant", "most_doubt", "doubt", "one_id", "other_id", "limit"),
)
_SWEPT: Final = compiled(
    sa.select(SWEEPS.c.began_at).where(SWEEPS.c.tenant == sa.bindparam("tenant", type_=sa.Text())), "tenant"
)


def position_of(row: CandidateRow) -> CandidatePosition:
    """Where the row is in the list."""
    return CandidatePosition(row.doubt, row.one_id, row.other_id)


def doubt_of(score: float) -> int:
    """What the score lacks of 1, in ten-thousandths."""
    return _TEN_THOUSANDTHS - round(score * _TEN_THOUSANDTHS)


async def candidates(
    connection: Connection, tenant: str, *, least: float, after: CandidatePosition = BEST, limit: int
) -> list[CandidateRow]:
    """Pairs with at least this score, the best first, as of the latest sweep."""
    return [CandidateRow(*row) for row in await connection.fetch(_PAGE, tenant, doubt_of(least), *after, limit)]


async def swept_at(connection: Connection, tenant: str) -> int | None:
    """When the latest complete sweep of the tenant's customers began, in ms; None if there was none yet."""
    found: int | None = await connection.fetchval(_SWEPT, tenant)
    return found


async def load_customers(
    connection: Connection, resolution: ResolutionKey, customer_ids: Collection[UUID]
) -> CustomerProfiles:
    """What is compared of those of the ids that are customers with a contact that has an event of its own.

    Read it in one snapshot.
    """
    rows = await _load_rows(connection, resolution, list(customer_ids))
    member_ids = {one.value for one in rows.links if one.type == MEMBER_ID}
    merged = await connection.fetch(_MERGED_INTO, *resolution, list(member_ids)) if member_ids else []
    return customers_in(rows, (value for (value,) in merged))


async def _load_rows(connection: Connection, resolution: ResolutionKey, customer_ids: list[UUID]) -> CustomerRows:
    nodes = [NodeOwner(*row) for row in await connection.fetch(_NODES, *resolution, customer_ids)]
    known = {contact_id for (contact_id,) in await connection.fetch(_HAVE_NODES, *resolution, customer_ids)}
    alone = frozenset(customer_ids).difference(known)
    contact_ids = list({one.contact_id for one in nodes} | alone)
    links = [
        NodeLink(*row)
        for statement in (_HELD, _REFUSED)
        for row in await connection.fetch(statement, *resolution, contact_ids)
    ]
    keys = [one.contact for one in nodes], [one.session for one in nodes]
    named = await connection.fetch(_ALIASES, resolution.tenant, contact_ids)
    former = await canonical_of(connection, resolution, [one for _, one in named]) if named else []
    return CustomerRows(
        nodes=nodes,
        alone=alone,
        contacts=[SeenContact(*row) for row in await connection.fetch(_CONTACTS, *resolution, contact_ids)],
        attributes=[AttributeJson(*row) for row in await connection.fetch(_ATTRIBUTES, resolution.tenant, contact_ids)],
        links=links,
        bound=[BoundNode(*row) for row in await connection.fetch(_BOUND_TO, *resolution, *keys)],
        decisions=[NodeDecision(*row) for row in await connection.fetch(_DECISIONS, *resolution, contact_ids)],
        aliases=[NamedAlias(row["contact_id"], one) for row, one in zip(named, former, strict=True)],
    )
