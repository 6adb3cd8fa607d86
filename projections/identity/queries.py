"""Reading identity in one resolution of a tenant: the active one, for readers.

A contact about which nothing was ever stated has no row, and is a customer by itself under its own personal id. So an
id that is not found here stands for itself; whether there is such a contact is in the contacts' table.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.contacts.tables import TABLE as CONTACTS
from projections.engine.connection import Connection
from projections.engine.metadata import row_columns
from projections.engine.statements import array, compiled
from projections.identity.keys import ResolutionKey
from projections.identity.tables import CONFLICTS, CUSTOMERS, LINKS, MEMBERS, ConflictRow

_MOST: Final = sa.bindparam("most", type_=sa.Integer())


def _in(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """The rows of one resolution."""
    return sa.and_(table.c.tenant == sa.bindparam("tenant"), table.c.resolution_id == sa.bindparam("resolution_id"))


def _same(one: sa.FromClause, other: sa.FromClause, name: str) -> sa.ColumnElement[bool]:
    return sa.and_(*(one.c[column] == other.c[column] for column in ("tenant", "resolution_id", name)))


def _position(columns: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
    """A position in the order of these columns, as parameters of their names."""
    types = [sa.Text() if isinstance(column.type, sa.Text) else column.type for column in columns]
    return sa.tuple_(*(sa.bindparam(f"{one.key}", type_=kind) for one, kind in zip(columns, types, strict=True)))


_CUSTOMERS_OF: Final = compiled(
    sa.select(MEMBERS.c.contact_id, MEMBERS.c.customer_id).where(
        _in(MEMBERS), MEMBERS.c.contact_id == sa.any_(array("contact_ids", sa.Uuid()))
    ),
    "tenant",
    "resolution_id",
    "contact_ids",
)
_OF: Final = MEMBERS.alias("of")
_ITS_CUSTOMER: Final = (
    sa.select(_OF.c.customer_id).where(_in(_OF), _OF.c.contact_id == sa.bindparam("contact_id")).scalar_subquery()
)
_CONTACTS_OF_CUSTOMER: Final = compiled(
    sa.select(
        MEMBERS.c.contact_id,
        MEMBERS.c.contact,
        MEMBERS.c.customer_id,
        CUSTOMERS.c.member_id,
        CUSTOMERS.c.phone,
        CUSTOMERS.c.email,
    )
    .select_from(MEMBERS.outerjoin(CUSTOMERS, _same(MEMBERS, CUSTOMERS, "customer_id")))
    .where(_in(MEMBERS), MEMBERS.c.customer_id == _ITS_CUSTOMER)
    .order_by(MEMBERS.c.contact),
    "tenant",
    "resolution_id",
    "contact_id",
)
_KEYS_OF: Final = compiled(
    sa.union(
        sa.select(CONTACTS.c.contact_id, CONTACTS.c.channel + ":" + CONTACTS.c.account + ":" + CONTACTS.c.uid).where(
            CONTACTS.c.tenant == sa.bindparam("tenant"),
            CONTACTS.c.contact_id == sa.any_(array("contact_ids", sa.Uuid())),
        ),
        sa.select(MEMBERS.c.contact_id, MEMBERS.c.contact).where(
            _in(MEMBERS), MEMBERS.c.contact_id == sa.any_(array("contact_ids", sa.Uuid()))
        ),
    ),
    "tenant",
    "resolution_id",
    "contact_ids",
)
_HOLDER: Final = (LINKS.c.tier, LINKS.c.contact_id)
_PAGE: Final = (  # every link has its member, so the page is cut before the members are joined
    sa.select(LINKS)
    .where(
        _in(LINKS),
        LINKS.c.type == sa.bindparam("type"),
        LINKS.c.value == sa.bindparam("value"),
        sa.tuple_(*_HOLDER) > _position(_HOLDER),
    )
    .order_by(*_HOLDER)
    .limit(_MOST)
    .subquery("page")
)
_HOLDERS: Final = compiled(
    sa.select(_PAGE.c.tier, MEMBERS.c.contact_id, MEMBERS.c.contact, MEMBERS.c.customer_id)
    .select_from(_PAGE.join(MEMBERS, _same(_PAGE, MEMBERS, "contact_id")))
    .order_by(_PAGE.c.tier, _PAGE.c.contact_id),
    "tenant",
    "resolution_id",
    "type",
    "value",
    "tier",
    "contact_id",
    "most",
)
_NEWEST_FIRST: Final = (CONFLICTS.c.at, CONFLICTS.c.contact_id, CONFLICTS.c.type, CONFLICTS.c.value)
_REASONS: Final = array("reasons", sa.Text())
_CONFLICTS: Final = compiled(
    sa.select(*row_columns(CONFLICTS))
    .where(
        _in(CONFLICTS),
        sa.tuple_(*_NEWEST_FIRST) < _position(_NEWEST_FIRST),
        sa.or_(_REASONS.is_(None), CONFLICTS.c.reason == sa.any_(_REASONS)),
    )
    .order_by(*(column.desc() for column in _NEWEST_FIRST))
    .limit(_MOST),
    "tenant",
    "resolution_id",
    "at",
    "contact_id",
    "type",
    "value",
    "reasons",
    "most",
)


class IdentifierHolder(NamedTuple):
    """A contact that holds an identifier, how strongly, and its customer."""

    tier: int
    contact_id: UUID
    contact: str
    customer_id: UUID


class CustomerContact(NamedTuple):
    """A contact of a customer, and the customer's member id and preferred phone and e-mail."""

    contact_id: UUID
    contact: str
    customer_id: UUID
    member_id: str | None
    phone: str | None
    email: str | None


class ConflictPosition(NamedTuple):
    """The position of a conflict among a tenant's, newest first."""

    at: int
    contact_id: UUID
    type: str
    value: str


FIRST_HOLDER: Final = (-1, UUID(int=0))
NEWEST: Final = ConflictPosition(2**63 - 1, UUID(int=0), "", "")


def position_of(row: ConflictRow) -> ConflictPosition:
    """Where a page that follows this conflict begins."""
    return ConflictPosition(row.at, row.contact_id, row.type, row.value)


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

    They may include contacts that others referenced and that have no event of their own.
    """
    return [CustomerContact(*row) for row in await connection.fetch(_CONTACTS_OF_CUSTOMER, *resolution, any_id)]


async def keys_of(connection: Connection, resolution: ResolutionKey, contact_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The contact keys of those contacts that exist, by an event of their own or by a reference."""
    found = await connection.fetch(_KEYS_OF, *resolution, contact_ids)
    return {contact_id: key for contact_id, key in found}  # noqa: C416 - a record is no pair to the type checker


async def holders(
    connection: Connection,
    resolution: ResolutionKey,
    identifier: tuple[str, str],
    *,
    after: tuple[int, UUID] = FIRST_HOLDER,
    limit: int,
) -> list[IdentifierHolder]:
    """The holders of a normalised (type, value), the strongest first.

    The next page begins after the last one's (tier, contact_id).
    """
    found = await connection.fetch(_HOLDERS, *resolution, *identifier, *after, limit)
    return [IdentifierHolder(*row) for row in found]


async def conflicts(
    connection: Connection,
    resolution: ResolutionKey,
    *,
    after: ConflictPosition = NEWEST,
    reasons: Sequence[str] | None = None,
    limit: int,
) -> list[ConflictRow]:
    """Conflicts with these reasons (None: all), the newest first."""
    found = await connection.fetch(_CONFLICTS, *resolution, *after, reasons, limit)
    return [ConflictRow(*row) for row in found]
