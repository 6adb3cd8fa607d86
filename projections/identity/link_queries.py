"""Reads stored links: of nodes, to nodes, and of whole customers page by page. Every statement reads a bounded number.

A link is a holding with a tier; it is accepted unless `conflicts` has it. What a node's own rules refused has no tier,
and is among the conflicts too.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.contacts.tables import TABLE as CONTACTS
from projections.engine.connection import Connection
from projections.engine.metadata import row_columns
from projections.engine.statements import array, compiled, for_each, unnested
from projections.engine.store import columns
from projections.identity.keys import ResolutionKey
from projections.identity.resolution.holders import MOST_HOLDERS
from projections.identity.resolution.links import CONTACT, MEMBER_ID
from projections.identity.tables import (
    CONFLICTS,
    HOLDINGS,
    IS_LINK,
    MEMBERS,
    PAIR_DECISIONS,
    SET_ASIDE,
    ConflictRow,
    HoldingRow,
    MemberRow,
    PairDecisionRow,
    SetAsideRow,
)

_KEY: Final = ("tenant", "resolution_id")
_LINK: Final = ("contact_id", "session", "type", "value", "target")
_MOST: Final = sa.bindparam("most", type_=sa.Integer())
_MOST_BOUND_TO_ONE: Final = 200


class StoredLink(NamedTuple):
    """A holding, and the conflict that its link is in, if there is one."""

    holding: HoldingRow
    reason: str | None
    tier: int | None  # of the refused link
    since: int | None
    detail: str | None


def _in(table: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(*(table.c[name] == sa.bindparam(name) for name in _KEY))


def _same(one: sa.FromClause, other: sa.FromClause, *names: str) -> sa.ColumnElement[bool]:
    return sa.and_(*(one.c[name] == other.c[name] for name in names))


def _with_conflicts(held: sa.FromClause) -> sa.Select[Any]:
    """Holdings, each with its conflict."""
    found = [held.c[column.key] for column in row_columns(HOLDINGS)]
    against = (CONFLICTS.c.reason, CONFLICTS.c.tier, CONFLICTS.c.since, CONFLICTS.c.detail)
    of_link = sa.select(*(column.label(f"conflict_{column.key}") for column in against))
    conflict = for_each(of_link.where(_same(held, CONFLICTS, *_KEY, *_LINK)), "conflict")
    return sa.select(*found, *conflict.c).select_from(held.outerjoin(conflict, sa.true()))


def _linked() -> str:
    given = unnested("given", [HOLDINGS.c.contact_id, HOLDINGS.c.session])
    of_node = (_in(HOLDINGS), _same(given, HOLDINGS, "contact_id", "session"), IS_LINK)
    link = for_each(sa.select(*row_columns(HOLDINGS)).where(*of_node), "link")
    held = (
        sa.select(*link.c)
        .select_from(given.join(link, sa.true()))
        .order_by(*(link.c[name] for name in _LINK))
        .limit(_MOST)
        .subquery("held")
    )
    return compiled(_with_conflicts(held), *_KEY, "contact_id", "session", "most")


def _refused() -> str:
    given = unnested("given", [CONFLICTS.c.contact_id, CONFLICTS.c.session])
    of_node = (_in(CONFLICTS), _same(given, CONFLICTS, "contact_id", "session"))
    refused_link = for_each(sa.select(*row_columns(CONFLICTS)).where(*of_node), "refused")
    found = sa.select(*refused_link.c).select_from(given.join(refused_link, sa.true()))
    order = (refused_link.c[name] for name in _LINK)
    return compiled(found.order_by(*order).limit(_MOST), *_KEY, "contact_id", "session", "most")


def _bound_to() -> str:
    given = unnested("given", [HOLDINGS.c.value, HOLDINGS.c.target])
    first = (
        sa.select(*row_columns(HOLDINGS))
        .where(
            _in(HOLDINGS),
            HOLDINGS.c.type == sa.literal_column(f"'{CONTACT}'"),
            _same(HOLDINGS, given, "value", "target"),
            HOLDINGS.c.tier.is_not(None),
        )
        .order_by(HOLDINGS.c.tier, HOLDINGS.c.contact_id, HOLDINGS.c.session)
        .limit(_MOST_BOUND_TO_ONE)
        .lateral("first")
    )
    held = sa.select(*first.c).select_from(given.join(first, sa.true())).subquery("held")
    found = _with_conflicts(held)
    member = sa.select(MEMBERS.c.contact).where(_same(MEMBERS, held, *_KEY, "contact_id", "session")).scalar_subquery()
    return compiled(found.add_columns(member), *_KEY, "value", "target")


def _links_to_values() -> str:
    """Selects the links of contacts to given values, the strongest first and of those the latest."""
    given = unnested("given", [HOLDINGS.c.type, HOLDINGS.c.value])
    contacts = sa.func.unnest(array("contact_ids", sa.Uuid())).table_valued("contact_id").render_derived(name="of")
    of_contact = (_in(HOLDINGS), HOLDINGS.c.contact_id == contacts.c.contact_id)
    to_value = (_same(given, HOLDINGS, "type", "value"), IS_LINK)
    link = for_each(sa.select(*row_columns(HOLDINGS)).where(*of_contact, *to_value), "link")
    held = (
        sa.select(*link.c)
        .select_from(contacts.join(given, sa.true()).join(link, sa.true()))
        .order_by(link.c.tier, link.c.latest_at.desc(), link.c.contact_id, link.c.session)
        .limit(_MOST)
        .subquery("held")
    )
    order = (held.c.tier, held.c.latest_at.desc(), held.c.contact_id, held.c.session)
    return compiled(_with_conflicts(held).order_by(*order), *_KEY, "contact_ids", "type", "value", "most")


def _held_members() -> str:
    given = sa.func.unnest(array("values", sa.Text())).table_valued("value").render_derived(name="given")
    held = sa.exists().where(
        _in(HOLDINGS),
        HOLDINGS.c.type == sa.literal_column(f"'{MEMBER_ID}'"),
        HOLDINGS.c.value == given.c.value,
        HOLDINGS.c.tier.is_not(None),
    )
    return compiled(sa.select(given.c.value).where(held), *_KEY, "values")


def _holders_in() -> str:
    given = unnested("given", [HOLDINGS.c.type, HOLDINGS.c.value])
    first = (
        sa.select(HOLDINGS.c.tenant, HOLDINGS.c.resolution_id, HOLDINGS.c.contact_id, HOLDINGS.c.session)
        .where(
            _in(HOLDINGS),
            _same(HOLDINGS, given, "type", "value"),
            HOLDINGS.c.target == sa.literal_column("''"),
            HOLDINGS.c.tier.is_not(None),
        )
        .order_by(HOLDINGS.c.tier, HOLDINGS.c.contact_id, HOLDINGS.c.session)
        .limit(MOST_HOLDERS + 1)
        .lateral("first")
    )
    within = MEMBERS.c.component_id == sa.any_(array("component_ids", sa.Uuid()))
    of_node = (_same(first, MEMBERS, *_KEY, "contact_id", "session"), within)
    node = for_each(sa.select(MEMBERS.c.contact, MEMBERS.c.session).where(*of_node), "node")
    found = sa.select(*node.c).select_from(given.join(first, sa.true()).join(node, sa.true()))
    return compiled(found.distinct(), *_KEY, "type", "value", "component_ids")


def _decisions() -> str:
    ids = sa.any_(array("contact_ids", sa.Uuid()))
    by, of = (
        sa.select(*row_columns(PAIR_DECISIONS)).where(_in(PAIR_DECISIONS), column == ids).limit(_MOST)
        for column in (PAIR_DECISIONS.c.by_id, PAIR_DECISIONS.c.other_id)
    )
    return compiled(sa.union(by, of), *_KEY, "contact_ids", "most")


def _nodes_of_customer() -> str:
    position = sa.tuple_(sa.bindparam("contact_id", type_=sa.Uuid()), sa.bindparam("session", type_=sa.Text()))
    seen = sa.exists().where(CONTACTS.c.tenant == MEMBERS.c.tenant, CONTACTS.c.contact_id == MEMBERS.c.contact_id)
    return compiled(
        sa.select(*row_columns(MEMBERS), seen)
        .where(
            _in(MEMBERS),
            MEMBERS.c.customer_id == sa.bindparam("customer_id"),
            sa.tuple_(MEMBERS.c.contact_id, MEMBERS.c.session) >= position,
        )
        .order_by(MEMBERS.c.contact_id, MEMBERS.c.session)
        .limit(_MOST),
        *_KEY,
        "customer_id",
        "contact_id",
        "session",
        "most",
    )


def _holdings_of_nodes() -> str:
    names = ("type", "value", "target")
    given = unnested("given", [HOLDINGS.c[name] for name in _LINK])
    first = (
        sa.select(*row_columns(HOLDINGS))
        .where(
            _in(HOLDINGS),
            _same(HOLDINGS, given, "contact_id", "session"),
            sa.tuple_(*(HOLDINGS.c[name] for name in names)) > sa.tuple_(*(given.c[name] for name in names)),
        )
        .order_by(*(HOLDINGS.c[name] for name in names))
        .limit(_MOST)
        .lateral("first")
    )
    held = (
        sa.select(*first.c)
        .select_from(given.join(first, sa.true()))
        .order_by(*(first.c[name] for name in _LINK))
        .limit(_MOST)
        .subquery("held")
    )
    found = _with_conflicts(held)
    return compiled(found.order_by(*(held.c[name] for name in _LINK)), *_KEY, *_LINK, "most")


def _set_aside_of() -> str:
    after = ("event_id", "digest")
    given = unnested("given", [SET_ASIDE.c[name] for name in ("contact_id", *after)])
    first = (
        sa.select(*row_columns(SET_ASIDE))
        .where(
            _in(SET_ASIDE),
            _same(SET_ASIDE, given, "contact_id"),
            sa.tuple_(*(SET_ASIDE.c[name] for name in after)) > sa.tuple_(*(given.c[name] for name in after)),
        )
        .order_by(*(SET_ASIDE.c[name] for name in after))
        .limit(_MOST)
        .lateral("first")
    )
    found = sa.select(*first.c).select_from(given.join(first, sa.true()))
    return compiled(
        found.order_by(first.c.contact_id, first.c.event_id, first.c.digest).limit(_MOST),
        *_KEY,
        "contact_id",
        *after,
        "most",
    )


_LINKED: Final = _linked()
_REFUSED: Final = _refused()
_BOUND_TO: Final = _bound_to()
_LINKS_TO_VALUES: Final = _links_to_values()
_HELD_MEMBERS: Final = _held_members()
_HOLDERS_IN: Final = _holders_in()
_DECISIONS: Final = _decisions()
_NODES_OF_CUSTOMER: Final = _nodes_of_customer()
_HOLDINGS_OF_NODES: Final = _holdings_of_nodes()
_SET_ASIDE_OF: Final = _set_aside_of()
_COMPONENTS: Final = compiled(
    sa.select(MEMBERS.c.contact_id, MEMBERS.c.contact, MEMBERS.c.session, MEMBERS.c.component_id).where(
        _in(MEMBERS), MEMBERS.c.contact_id == sa.any_(array("contact_ids", sa.Uuid())), MEMBERS.c.current
    ),
    *_KEY,
    "contact_ids",
)
_SESSIONS: Final = compiled(
    sa.select(MEMBERS.c.contact, MEMBERS.c.session)
    .where(_in(MEMBERS), MEMBERS.c.contact_id == sa.any_(array("contact_ids", sa.Uuid())))
    .order_by(MEMBERS.c.contact_id, MEMBERS.c.session)
    .limit(_MOST),
    *_KEY,
    "contact_ids",
    "most",
)
_STATING: Final = compiled(
    sa.select(sa.func.count()).select_from(
        sa.select(HOLDINGS.c.contact_id)
        .where(
            _in(HOLDINGS),
            HOLDINGS.c.type == sa.literal_column(f"'{MEMBER_ID}'"),
            HOLDINGS.c.value == sa.any_(array("member_ids", sa.Text())),
        )
        .limit(_MOST)
        .subquery()
    ),
    *_KEY,
    "member_ids",
    "most",
)
_WIDTH: Final = len(HoldingRow._fields)

NodeKey = tuple[UUID, str]  # contact_id, session
LinkPosition = tuple[UUID, str, str, str, str]  # contact_id, session, type, value, target
BEFORE_ALL: Final = -(2**63)


class CurrentNodeOf(NamedTuple):
    """The node that a contact is with, and its component."""

    contact: str
    session: str
    component_id: UUID


class CustomerNode(NamedTuple):
    """A node of a customer; ``seen`` is whether its contact has an event of its own."""

    member: MemberRow
    seen: bool


async def current_nodes(
    connection: Connection, resolution: ResolutionKey, contact_ids: Sequence[UUID]
) -> dict[UUID, CurrentNodeOf]:
    """The nodes of those of the contacts of which something is known."""
    found = await connection.fetch(_COMPONENTS, *resolution, contact_ids)
    return {row["contact_id"]: CurrentNodeOf(*tuple(row)[1:]) for row in found}


async def count_stating(connection: Connection, resolution: ResolutionKey, member_ids: Sequence[str], most: int) -> int:
    """How many holdings there are of canonical member ids, linked or not; ``most`` at most."""
    return int(await connection.fetchval(_STATING, *resolution, member_ids, most))


async def nodes_of(
    connection: Connection, resolution: ResolutionKey, contact_ids: Sequence[UUID], most: int
) -> list[tuple[str, str]]:
    """The nodes of contacts, also those that they are not with, at most so many."""
    found = await connection.fetch(_SESSIONS, *resolution, contact_ids, most)
    return [(contact, session) for contact, session in found]


async def linked(
    connection: Connection, resolution: ResolutionKey, nodes: Collection[NodeKey], most: int
) -> list[StoredLink]:
    """The links of nodes after the node's own rules, at most so many."""
    return [_stored(row) for row in await connection.fetch(_LINKED, *resolution, *columns(nodes), most)]


async def links_to_values(
    connection: Connection,
    resolution: ResolutionKey,
    contact_ids: Collection[UUID],
    values: Collection[tuple[str, str]],
    most: int,
) -> list[StoredLink]:
    """The links of contacts to values, given as (type, value): the strongest first, of those the latest."""
    given: Sequence[Sequence[str]] = columns(values) or ([], [])
    found = await connection.fetch(_LINKS_TO_VALUES, *resolution, list(contact_ids), *given, most)
    return [_stored(row) for row in found]


async def refused(
    connection: Connection, resolution: ResolutionKey, nodes: Collection[NodeKey], most: int
) -> list[ConflictRow]:
    """The refused links of nodes, at most so many."""
    return [ConflictRow(*row) for row in await connection.fetch(_REFUSED, *resolution, *columns(nodes), most)]


async def bound_to(
    connection: Connection, resolution: ResolutionKey, nodes: Collection[tuple[str, str]]
) -> list[tuple[StoredLink, str]]:
    """The bindings to nodes, given as (contact key, session), each with its contact; 200 of each at most."""
    found = await connection.fetch(_BOUND_TO, *resolution, *columns(nodes))
    return [(_stored(tuple(row)[:-1]), row[-1]) for row in found]


async def holders_in(
    connection: Connection,
    resolution: ResolutionKey,
    identifiers: Collection[tuple[str, str]],
    components: Iterable[UUID],
) -> list[tuple[str, str]]:
    """The nodes of some components among the first 1,001 holders of each identifier, the strongest first."""
    found = await connection.fetch(_HOLDERS_IN, *resolution, *columns(identifiers), list(components))
    return [(contact, session) for contact, session in found]


async def decisions_about(
    connection: Connection, resolution: ResolutionKey, contact_ids: Sequence[UUID], most: int
) -> list[PairDecisionRow]:
    """What staff decided about contacts, at most so many that they state and so many that state them."""
    found = await connection.fetch(_DECISIONS, *resolution, contact_ids, most)
    return [PairDecisionRow(*row) for row in found]


async def nodes_of_customer(
    connection: Connection, resolution: ResolutionKey, customer_id: UUID, first: NodeKey, most: int
) -> list[CustomerNode]:
    """A customer's nodes from one on, by contact id and session."""
    found = await connection.fetch(_NODES_OF_CUSTOMER, *resolution, customer_id, *first, most)
    return [CustomerNode(MemberRow(*tuple(row)[:-1]), row[-1]) for row in found]


async def holdings_of_nodes(
    connection: Connection, resolution: ResolutionKey, after: Collection[LinkPosition], most: int
) -> list[StoredLink]:
    """What nodes hold, linked or not, by key: of each node what follows its position; at most so many in all."""
    found = await connection.fetch(_HOLDINGS_OF_NODES, *resolution, *columns(after), most) if after else ()
    return [_stored(row) for row in found]


async def set_aside_of(
    connection: Connection,
    resolution: ResolutionKey,
    after: Collection[tuple[UUID, str, int]],
    most: int,
) -> list[SetAsideRow]:
    """What was set aside of contacts, of each what follows its (event_id, digest); at most so many in all."""
    found = await connection.fetch(_SET_ASIDE_OF, *resolution, *columns(after), most)
    return [SetAsideRow(*row) for row in found]


def _stored(row: Iterable[Any]) -> StoredLink:
    values = tuple(row)
    return StoredLink(HoldingRow(*values[:_WIDTH]), *values[_WIDTH:])


async def held_members(connection: Connection, resolution: ResolutionKey, member_ids: Sequence[str]) -> set[str]:
    """Those of the canonical member ids that any node is linked to."""
    return {value for (value,) in await connection.fetch(_HELD_MEMBERS, *resolution, member_ids)}
