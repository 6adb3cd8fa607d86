"""Reading identity in one resolution of a tenant: the active one, for readers.

A contact about which nothing was ever stated has no row, and is a customer by itself under its own personal id. So an
id that is not found here stands for itself; whether there is such a contact is in the contacts' table.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa

from projections.contacts.tables import TABLE as CONTACTS
from projections.engine.connection import Connection
from projections.engine.statements import array, compiled
from projections.identity.keys import ResolutionKey
from projections.identity.resolution.holders import MOST_HOLDERS
from projections.identity.resolution.links import MEMBER_ID
from projections.identity.tables import (
    CANONICAL_IDS,
    CONFLICTS,
    CUSTOMERS,
    HOLDINGS,
    MEMBERS,
)

_MOST: Final = sa.bindparam("most", type_=sa.Integer())


def _in(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """The rows of one resolution."""
    return sa.and_(table.c.tenant == sa.bindparam("tenant"), table.c.resolution_id == sa.bindparam("resolution_id"))


def _same(one: sa.FromClause, other: sa.FromClause, *names: str) -> sa.ColumnElement[bool]:
    return sa.and_(*(one.c[column] == other.c[column] for column in ("tenant", "resolution_id", *names)))


def _position(columns: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
    """A position in the order of these columns, as parameters of their names."""
    types = [sa.Text() if isinstance(column.type, sa.Text) else column.type for column in columns]
    return sa.tuple_(*(sa.bindparam(f"{one.key}", type_=kind) for one, kind in zip(columns, types, strict=True)))


_CUSTOMERS_OF: Final = compiled(
    sa.select(MEMBERS.c.contact_id, MEMBERS.c.customer_id).where(
        _in(MEMBERS), MEMBERS.c.contact_id == sa.any_(array("contact_ids", sa.Uuid())), MEMBERS.c.current
    ),
    "tenant",
    "resolution_id",
    "contact_ids",
)
_OF: Final = MEMBERS.alias("of")
_ITS_CUSTOMER: Final = (
    sa.select(_OF.c.customer_id)
    .where(_in(_OF), _OF.c.contact_id == sa.bindparam("contact_id"), _OF.c.current)
    .scalar_subquery()
)
_CONTACTS_OF_CUSTOMER: Final = compiled(
    sa.select(
        MEMBERS.c.contact_id,
        MEMBERS.c.contact,
        MEMBERS.c.session,
        MEMBERS.c.by_claim,
        MEMBERS.c.customer_id,
        CUSTOMERS.c.member_id,
        CUSTOMERS.c.phone,
        CUSTOMERS.c.email,
    )
    .select_from(MEMBERS.outerjoin(CUSTOMERS, _same(MEMBERS, CUSTOMERS, "customer_id")))
    .where(_in(MEMBERS), MEMBERS.c.current, MEMBERS.c.customer_id == _ITS_CUSTOMER)
    .order_by(MEMBERS.c.contact),
    "tenant",
    "resolution_id",
    "contact_id",
)
_KEYS_OF: Final = compiled(
    sa.select(CONTACTS.c.contact_id, CONTACTS.c.channel + ":" + CONTACTS.c.account + ":" + CONTACTS.c.uid).where(
        CONTACTS.c.tenant == sa.bindparam("tenant"),
        CONTACTS.c.contact_id == sa.any_(array("contact_ids", sa.Uuid())),
    ),
    "tenant",
    "contact_ids",
)
_CANONICAL: Final = compiled(
    sa.select(CANONICAL_IDS.c.member_id, CANONICAL_IDS.c.canonical).where(
        _in(CANONICAL_IDS), CANONICAL_IDS.c.member_id == sa.any_(array("member_ids", sa.Text()))
    ),
    "tenant",
    "resolution_id",
    "member_ids",
)
_OTHERS: Final = MEMBERS.alias("others")
_HEAD: Final = compiled(
    sa.select(MEMBERS.c.customer_id, CUSTOMERS.c.member_id)
    .select_from(MEMBERS.join(CUSTOMERS, _same(MEMBERS, CUSTOMERS, "customer_id")))
    .where(
        _in(MEMBERS),
        MEMBERS.c.contact_id == sa.bindparam("contact_id"),
        MEMBERS.c.current,
        sa.exists().where(
            _in(_OTHERS),
            _OTHERS.c.customer_id == MEMBERS.c.customer_id,
            _OTHERS.c.current,
            CONTACTS.c.tenant == _OTHERS.c.tenant,
            CONTACTS.c.contact_id == _OTHERS.c.contact_id,
        ),
    ),
    "tenant",
    "resolution_id",
    "contact_id",
)
_ALL_CONTACTS: Final = compiled(
    sa.select(
        MEMBERS.c.contact_id, MEMBERS.c.contact, MEMBERS.c.customer_id, CONTACTS.c.contact_id.is_not(None).label("seen")
    )
    .select_from(
        MEMBERS.outerjoin(
            CONTACTS,
            sa.and_(MEMBERS.c.tenant == CONTACTS.c.tenant, MEMBERS.c.contact_id == CONTACTS.c.contact_id),
        )
    )
    .where(_in(MEMBERS), MEMBERS.c.current),
    "tenant",
    "resolution_id",
)
_HOLDER: Final = (HOLDINGS.c.tier, HOLDINGS.c.contact_id, HOLDINGS.c.session)
_PAGE: Final = (  # every link has its member, so the page is cut before the members are joined
    sa.select(HOLDINGS)
    .where(
        _in(HOLDINGS),
        HOLDINGS.c.type == sa.bindparam("type"),
        HOLDINGS.c.value == sa.bindparam("value"),
        HOLDINGS.c.target == sa.literal_column("''"),
        HOLDINGS.c.tier.is_not(None),
        sa.tuple_(*_HOLDER) > _position(_HOLDER),
    )
    .order_by(*_HOLDER)
    .limit(_MOST)
    .subquery("page")
)
_HOLDERS: Final = compiled(
    sa.select(
        *(_PAGE.c[column.key] for column in _HOLDER),
        MEMBERS.c.contact,
        MEMBERS.c.customer_id,
        CONFLICTS.c.reason.is_(None),
    )
    .select_from(
        _PAGE.join(MEMBERS, _same(_PAGE, MEMBERS, "contact_id", "session")).outerjoin(
            CONFLICTS, _same(_PAGE, CONFLICTS, "contact_id", "session", "type", "value", "target")
        )
    )
    .order_by(*(_PAGE.c[column.key] for column in _HOLDER)),
    "tenant",
    "resolution_id",
    "type",
    "value",
    "tier",
    "contact_id",
    "session",
    "most",
)
_SPELLINGS: Final = compiled(
    sa.select(_PAGE.c.spellings)
    .select_from(
        _PAGE.join(MEMBERS, _same(_PAGE, MEMBERS, "contact_id", "session")).outerjoin(
            CONFLICTS, _same(_PAGE, CONFLICTS, "contact_id", "session", "type", "value", "target")
        )
    )
    .where(MEMBERS.c.customer_id == sa.bindparam("customer_id"), CONFLICTS.c.reason.is_(None)),
    "tenant",
    "resolution_id",
    "type",
    "value",
    "tier",
    "contact_id",
    "session",
    "most",
    "customer_id",
)


class IdentifierHolder(NamedTuple):
    """A node that has an identifier, how strongly, the customer that it is in, and whether the link is accepted.

    ``customer_id`` is None for a past session of a browser that belongs to no customer.
    """

    tier: int
    contact_id: UUID
    session: str
    contact: str
    customer_id: UUID | None
    accepted: bool


class CustomerContact(NamedTuple):
    """A contact of a customer, and the customer's member id and preferred phone and e-mail.

    ``session`` is the session that a browser is with. ``by_claim`` is whether all that ties the contact is claims, None
    where nothing ties it.
    """

    contact_id: UUID
    contact: str
    session: str
    by_claim: bool | None
    customer_id: UUID
    member_id: str | None
    phone: str | None
    email: str | None


class CustomerHead(NamedTuple):
    """A customer's id and its canonical member id."""

    customer_id: UUID
    member_id: str | None


class MemberContact(NamedTuple):
    """A contact of which something is known; ``seen`` is whether it has an event of its own."""

    contact_id: UUID
    contact: str
    customer_id: UUID
    seen: bool


FIRST_HOLDER: Final = (-1, UUID(int=0), "")


async def customers_of(
    connection: Connection, resolution: ResolutionKey, contact_ids: Sequence[UUID]
) -> dict[UUID, UUID]:
    """The customers of those of the contacts that have identity evidence; any other is a customer by itself."""
    found = await connection.fetch(_CUSTOMERS_OF, *resolution, contact_ids)
    return {row["contact_id"]: row["customer_id"] for row in found}


async def contacts_of_customer(
    connection: Connection, resolution: ResolutionKey, any_id: UUID
) -> list[CustomerContact]:
    """The contacts of the customer to which any contact's id leads, by contact key; none if nothing was stated.

    They may include contacts that others named and that have no event of their own: leave out what has no row among
    the contacts.
    """
    return [CustomerContact(*row) for row in await connection.fetch(_CONTACTS_OF_CUSTOMER, *resolution, any_id)]


async def all_contacts(connection: Connection, resolution: ResolutionKey) -> AsyncIterator[MemberContact]:
    """Every contact of which something is known, in no particular order. Call it in a transaction."""
    async for row in connection.cursor(_ALL_CONTACTS, *resolution, prefetch=1000):
        yield MemberContact(*row)


async def keys_of(connection: Connection, tenant: str, contact_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The contact keys of those contacts that have an event of their own."""
    found = await connection.fetch(_KEYS_OF, tenant, contact_ids)
    return {contact_id: key for contact_id, key in found}  # noqa: C416 - a record is no pair to the type checker


async def customer_head(connection: Connection, resolution: ResolutionKey, any_id: UUID) -> CustomerHead | None:
    """The customer to which any contact's id leads; None where nothing was stated, or nobody but named contacts is."""
    found = await connection.fetchrow(_HEAD, *resolution, any_id)
    return CustomerHead(*found) if found else None


async def canonical_of(connection: Connection, resolution: ResolutionKey, member_ids: Sequence[str]) -> list[str]:
    """The ids that normalised member ids are read as: each itself, or the one that it became."""
    found = await connection.fetch(_CANONICAL, *resolution, member_ids)
    became: dict[str, str] = {member_id: canonical for member_id, canonical in found}  # noqa: C416 - as in `keys_of`
    return [became.get(one, one) for one in member_ids]


async def member_ids_of(
    connection: Connection, resolution: ResolutionKey, customer_id: UUID, member_id: str | None
) -> list[str]:
    """Every live spelling that led to a customer's canonical member id, sorted: ids that were merged into it, too."""
    if member_id is None:
        return []
    limit = MOST_HOLDERS + 1  # more holders make a member id generic
    found = await connection.fetch(_SPELLINGS, *resolution, MEMBER_ID, member_id, *FIRST_HOLDER, limit, customer_id)
    return sorted({one for (written,) in found for one in (orjson.loads(written) if written else [member_id])})


async def holders(
    connection: Connection,
    resolution: ResolutionKey,
    identifier: tuple[str, str],
    *,
    after: tuple[int, UUID, str] = FIRST_HOLDER,
    limit: int,
) -> list[IdentifierHolder]:
    """The holders of a normalised (type, value), the strongest first.

    The next page begins after the last one's (tier, contact_id, session).
    """
    found = await connection.fetch(_HOLDERS, *resolution, *identifier, *after, limit)
    return [IdentifierHolder(*row) for row in found]
