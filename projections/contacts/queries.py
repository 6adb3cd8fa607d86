"""Reading contacts: everything the read models hold of them, in one statement, and whom they belong to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from projections.attributes import queries as attributes
from projections.attributes.tables import TABLE as ATTRIBUTES
from projections.attributes.tables import AttributeRow
from projections.bindings import queries as bindings
from projections.bindings.tables import TABLE as BINDINGS
from projections.bindings.tables import BindingRow
from projections.consents import queries as consents
from projections.consents.tables import TABLE as CONSENTS
from projections.consents.tables import ConsentRow
from projections.contacts.tables import TABLE as CONTACTS
from projections.contacts.tables import ContactRow
from projections.engine.queries import nested_rows
from projections.identity.queries import customers_of
from projections.notifications import queries as notifications
from projections.notifications.tables import TABLE as NOTIFICATIONS
from projections.notifications.tables import NotificationRow
from projections.tags import queries as tags
from projections.tags.tables import TABLE as TAGS
from projections.tags.tables import TagRow

_CONTACT_COLUMNS: Final = ", ".join(f"c.{column.name}" for column in CONTACTS.columns)
_WIDTH: Final = len(CONTACTS.columns)
_CARDS: Final = f"""
SELECT {_CONTACT_COLUMNS},
    {tags.COUNTED}, {attributes.HAVING_A_VALUE}, {consents.ALL}, {notifications.ALL}, {bindings.ALL}
FROM contacts c WHERE c.tenant = $1 AND c.contact_id = ANY($2::uuid[])
"""  # noqa: S608 - names are constants
_WITHOUT_IDENTITY: Final = """
SELECT count(*) FROM contacts c
WHERE c.tenant = $1 AND NOT EXISTS (SELECT FROM members m WHERE m.tenant = $2 AND m.contact_id = c.contact_id)
"""


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """What the read models hold of one contact, each table's rows in the order of their keys.

    ``belongs_to`` is the customer, if anything was ever stated to tie it to one. A contact that was not ``seen`` is one
    that others spoke of: it has its key and nothing else.
    """

    contact: ContactRow
    tags: tuple[TagRow, ...] = ()
    attributes: tuple[AttributeRow, ...] = ()
    consents: tuple[ConsentRow, ...] = ()
    notifications: tuple[NotificationRow, ...] = ()
    bindings: tuple[BindingRow, ...] = ()
    belongs_to: UUID | None = field(default=None, kw_only=True)
    seen: bool = field(default=True, kw_only=True)

    @property
    def key(self) -> str:
        """The contact key, ``channel:account:uid``."""
        return f"{self.contact.channel}:{self.contact.account}:{self.contact.uid}"

    @property
    def customer_id(self) -> UUID:
        """The customer whom the contact belongs to: itself, if nothing was ever stated of it."""
        return self.belongs_to or self.contact.contact_id


async def cards(connection: Any, tenant: str, space: str, contact_ids: Sequence[UUID]) -> list[ContactRecord]:
    """The cards of those of the contacts that there are, in no particular order."""
    records = await connection.fetch(_CARDS, tenant, contact_ids)
    belong_to = await customers_of(connection, space, contact_ids) if records else {}
    return [_card(record, belong_to) for record in records]


async def count_without_identity(connection: Any, tenant: str, space: str) -> int:
    """How many contacts have no identity evidence: each is a customer by itself."""
    return int(await connection.fetchval(_WITHOUT_IDENTITY, tenant, space))


def unseen(tenant: str, contact_id: UUID, key: str, belongs_to: UUID) -> ContactRecord:
    """The card of a contact of whom others spoke before anything happened with it."""
    channel, account, uid = key.split(":", 2)
    return ContactRecord(ContactRow(tenant, contact_id, channel, account, uid, 0), belongs_to=belongs_to, seen=False)


def _card(record: Any, belong_to: Mapping[UUID, UUID]) -> ContactRecord:
    values = tuple(record)
    contact = ContactRow(*values[:_WIDTH])
    related = zip((TAGS, ATTRIBUTES, CONSENTS, NOTIFICATIONS, BINDINGS), values[_WIDTH:], strict=True)
    nested = (nested_rows(table, contact.tenant, contact.contact_id, text) for table, text in related)
    return ContactRecord(contact, *nested, belongs_to=belong_to[contact.contact_id])
