"""Reads a customer: who its contacts are, and their rows. Two statements, whatever the number of contacts."""

from typing import Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.contacts.queries import load_contacts
from projections.contacts.records import ContactRecord, placeholder
from projections.contacts.tables import TABLE as CONTACTS
from projections.customers.folds import CustomerIdentity
from projections.engine.connection import Connection
from projections.engine.statements import compiled
from projections.identity.keys import ResolutionKey
from projections.identity.queries import contacts_of_customer
from projections.identity.tables import MEMBERS

_LONE_CONTACTS: Final = compiled(
    sa.select(sa.func.count())
    .select_from(CONTACTS)
    .where(
        CONTACTS.c.tenant == sa.bindparam("tenant"),
        ~sa.exists().where(
            MEMBERS.c.tenant == CONTACTS.c.tenant,
            MEMBERS.c.resolution_id == sa.bindparam("resolution_id"),
            MEMBERS.c.contact_id == CONTACTS.c.contact_id,
        ),
    ),
    "tenant",
    "resolution_id",
)


class LoadedCustomer(NamedTuple):
    """A customer's identity, and the records of its contacts in no particular order."""

    identity: CustomerIdentity
    contacts: list[ContactRecord]


async def load_customer(connection: Connection, resolution: ResolutionKey, any_id: UUID) -> LoadedCustomer | None:
    """The customer that the id of any of its contacts leads to; None if this tenant has no such contact.

    A contact without identity evidence is a customer by itself. Read it in one snapshot.
    """
    members = await contacts_of_customer(connection, resolution, any_id)
    contacts = await load_contacts(connection, resolution.tenant, [one.contact_id for one in members] or [any_id])
    if not members:
        return LoadedCustomer(CustomerIdentity(any_id), contacts) if contacts else None
    seen = {record.contact.contact_id for record in contacts}
    named_only = [
        placeholder(resolution.tenant, one.contact_id, one.contact) for one in members if one.contact_id not in seen
    ]
    first = members[0]
    identity = CustomerIdentity(first.customer_id, first.member_id, first.phone, first.email)
    return LoadedCustomer(identity, contacts + named_only)


async def count_lone_contacts(connection: Connection, resolution: ResolutionKey) -> int:
    """How many contacts have no identity evidence: each is a customer by itself."""
    return int(await connection.fetchval(_LONE_CONTACTS, *resolution))
