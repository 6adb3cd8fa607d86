"""Reads a customer: who its contacts are, and their rows. Two statements, whatever the number of contacts."""

from typing import Any, NamedTuple
from uuid import UUID

from projections.contacts.queries import load_contacts
from projections.contacts.records import ContactRecord, placeholder
from projections.customers.folds import CustomerIdentity
from projections.identity.queries import together


class LoadedCustomer(NamedTuple):
    """A customer's identity, and the records of its contacts in no particular order."""

    identity: CustomerIdentity
    contacts: list[ContactRecord]


async def load_customer(connection: Any, tenant: str, space: str, any_id: UUID) -> LoadedCustomer | None:
    """The customer that the id of any of its contacts leads to; None if this tenant has no such contact.

    A contact without identity evidence is a customer by itself. Read it in one snapshot.
    """
    members = await together(connection, space, any_id)
    contacts = await load_contacts(connection, tenant, [one.contact_id for one in members] or [any_id])
    if not members:
        return LoadedCustomer(CustomerIdentity(any_id), contacts) if contacts else None
    seen = {record.contact.contact_id for record in contacts}
    named_only = [placeholder(tenant, one.contact_id, one.contact) for one in members if one.contact_id not in seen]
    first = members[0]
    identity = CustomerIdentity(first.customer_id, first.member_id, first.phone, first.email)
    return LoadedCustomer(identity, contacts + named_only)
