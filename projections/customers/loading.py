"""Loads many customers at once: a bounded number of statements, whatever their number. Call it in one snapshot."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.contacts.tables import TABLE as CONTACTS
from projections.customers.folds import CustomerIdentity, OwnContact
from projections.customers.queries import LoadedCustomer, own_contacts, selected_members
from projections.engine.connection import Connection
from projections.engine.statements import array, compiled
from projections.identity.keys import ResolutionKey
from projections.identity.resolution.policy import Policy
from projections.identity.tables import CONFLICTS, CUSTOMERS, MEMBERS

FIRST: Final = UUID(int=0)
LAST: Final = UUID(int=(1 << 128) - 1)
_KEY: Final = ("tenant", "resolution_id")
_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_AFTER: Final = sa.bindparam("after", type_=sa.Uuid())


def _in(table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
    return (table.c.tenant == _TENANT, table.c.resolution_id == sa.bindparam("resolution_id", type_=sa.Text()))


def _any(column: sa.Column[Any], name: str) -> sa.ColumnElement[bool]:
    return column == sa.any_(array(name, column.type))


def _customers_after() -> str:
    """Selects the next contacts in the order of their ids, and the customer of those that identity knows."""
    limit = sa.bindparam("limit", type_=sa.Integer())
    known = (
        sa.select(MEMBERS.c.contact_id)
        .where(*_in(MEMBERS), MEMBERS.c.contact_id > _AFTER, MEMBERS.c.current)
        .order_by(MEMBERS.c.contact_id)
        .limit(limit)
    )
    seen = (
        sa.select(CONTACTS.c.contact_id)
        .where(CONTACTS.c.tenant == _TENANT, CONTACTS.c.contact_id > _AFTER)
        .order_by(CONTACTS.c.contact_id)
        .limit(limit)
    )
    both = sa.union(known.subquery("known").select(), seen.subquery("seen").select()).subquery("both")
    page = sa.select(both.c.contact_id).order_by(both.c.contact_id).limit(limit).subquery("page")
    owner = (
        sa.select(MEMBERS.c.customer_id)
        .where(*_in(MEMBERS), MEMBERS.c.contact_id == page.c.contact_id, MEMBERS.c.current)
        .scalar_subquery()
    )
    chosen = sa.select(page.c.contact_id, owner).order_by(page.c.contact_id)
    return compiled(chosen, *_KEY, "after", "limit")


_CUSTOMERS_AFTER: Final = _customers_after()
_OF_CUSTOMERS: Final = selected_members(_any(MEMBERS.c.customer_id, "customer_ids"), parameters=["customer_ids"])
_OF_CONTACTS: Final = selected_members(_any(MEMBERS.c.contact_id, "contact_ids"), parameters=["contact_ids"])
_ACCOUNT: Final = sa.func.split_part(MEMBERS.c.contact, ":", 1) + ":" + sa.func.split_part(MEMBERS.c.contact, ":", 2)
_ON_ACCOUNTS: Final = selected_members(
    _any(MEMBERS.c.customer_id, "customer_ids"),
    sa.any_(array("accounts", sa.Text())) == _ACCOUNT,
    parameters=["customer_ids", "accounts"],
)
_OWNERS: Final = compiled(
    sa.select(MEMBERS.c.contact_id, MEMBERS.c.customer_id).where(
        *_in(MEMBERS), MEMBERS.c.current, _any(MEMBERS.c.contact_id, "contact_ids")
    ),
    *_KEY,
    "contact_ids",
)
_BEST: Final = compiled(
    sa.select(CUSTOMERS.c.customer_id, CUSTOMERS.c.member_id, CUSTOMERS.c.phone, CUSTOMERS.c.email).where(
        *_in(CUSTOMERS), _any(CUSTOMERS.c.customer_id, "customer_ids")
    ),
    *_KEY,
    "customer_ids",
)
_CONFLICTS: Final = compiled(
    sa.select(CONFLICTS.c.contact_id, sa.func.count())
    .where(*_in(CONFLICTS), _any(CONFLICTS.c.contact_id, "contact_ids"))
    .group_by(CONFLICTS.c.contact_id),
    *_KEY,
    "contact_ids",
)


class FounderPage(NamedTuple):
    """The ids of some customers, and the contact after which the next page begins; None at the end."""

    customer_ids: list[UUID]
    next: UUID | None


class CountedCustomer(NamedTuple):
    """A customer, and how many links of its contacts are refused."""

    customer: LoadedCustomer
    conflicts: int


async def customers_after(connection: Connection, resolution: ResolutionKey, after: UUID, limit: int) -> FounderPage:
    """The customers whose founders are among the next ``limit`` contacts: a customer has its founder's id."""
    rows = await connection.fetch(_CUSTOMERS_AFTER, *resolution, after, limit)
    found = [contact_id for contact_id, customer_id in rows if customer_id in (None, contact_id)]
    return FounderPage(found, rows[-1][0] if len(rows) == limit else None)


async def owners_of(
    connection: Connection, resolution: ResolutionKey, contact_ids: Collection[UUID]
) -> dict[UUID, UUID | None]:
    """The customer of each contact that identity knows."""
    return {one: of for one, of in await connection.fetch(_OWNERS, *resolution, list(contact_ids))}  # noqa: C416 - rows


async def load_neighbours(
    connection: Connection, resolution: ResolutionKey, policy: Policy, contact_ids: Collection[UUID]
) -> dict[UUID, list[OwnContact]]:
    """The contacts, by customer, with those of the same customer and accounts: some may be one address with them.

    Only contacts that have an event of their own. Three statements and a few.
    """
    ids = list(contact_ids)
    members = {row["contact_id"]: row for row in await connection.fetch(_OF_CONTACTS, *resolution, ids)}
    shared = [row for row in members.values() if row["intrinsic"]]  # no other contact is of an address with others
    accounts = {":".join(row["contact"].split(":", 2)[:2]) for row in shared}
    customers = {row["customer_id"] for row in shared}
    for row in await connection.fetch(_ON_ACCOUNTS, *resolution, list(customers), list(accounts)) if shared else ():
        members.setdefault(row["contact_id"], row)
    alone = [one for one in ids if one not in members]
    found: dict[UUID, list[OwnContact]] = {}
    for one in await own_contacts(connection, resolution, policy, list(members.values()), alone):
        contact_id = one.record.contact.contact_id
        owner = members[contact_id]["customer_id"] if contact_id in members else contact_id
        found.setdefault(owner, []).append(one)
    return found


async def load_customers(
    connection: Connection, resolution: ResolutionKey, policy: Policy, customer_ids: Collection[UUID]
) -> dict[UUID, CountedCustomer]:
    """Those of the ids that are customers with a contact that has an event of its own. Four statements and a few.

    A contact without identity evidence is a customer by itself. ``member_ids`` are left out.
    """
    ids = list(customer_ids)
    members = await connection.fetch(_OF_CUSTOMERS, *resolution, ids)
    owners = await owners_of(connection, resolution, ids)
    alone = [one for one in ids if one not in owners]
    contacts = await own_contacts(connection, resolution, policy, members, alone)
    customer_of = {row["contact_id"]: row["customer_id"] for row in members}
    of_customer: dict[UUID, list[OwnContact]] = {}
    for one in contacts:
        contact_id = one.record.contact.contact_id
        of_customer.setdefault(customer_of.get(contact_id, contact_id), []).append(one)
    conflicts = await _conflicts(connection, resolution, of_customer)
    best = {row[0]: CustomerIdentity(*row) for row in await connection.fetch(_BEST, *resolution, list(of_customer))}
    return {
        one: CountedCustomer(LoadedCustomer(best.get(one, CustomerIdentity(one)), own), conflicts.get(one, 0))
        for one, own in of_customer.items()
    }


async def _conflicts(
    connection: Connection, resolution: ResolutionKey, of_customer: Mapping[UUID, Sequence[OwnContact]]
) -> dict[UUID, int]:
    owner = {one.record.contact.contact_id: customer for customer, own in of_customer.items() for one in own}
    found: dict[UUID, int] = {}
    for contact_id, count in await connection.fetch(_CONFLICTS, *resolution, list(owner)):
        found[owner[contact_id]] = found.get(owner[contact_id], 0) + count
    return found
