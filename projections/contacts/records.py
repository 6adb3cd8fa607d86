"""A contact with all its rows: what the read models hold of it."""

from dataclasses import dataclass, field
from uuid import UUID

from projections.attributes.tables import AttributeRow
from projections.bindings.tables import BindingRow
from projections.consents.tables import ConsentRow
from projections.contacts.tables import ContactRow
from projections.notifications.tables import NotificationRow
from projections.tags.tables import TagRow


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """A contact's rows, each table's in the order of their keys.

    A contact that was not ``seen`` has no event of its own: another contact's event named it. It has a key and no rows.
    """

    contact: ContactRow
    tags: tuple[TagRow, ...] = ()
    attributes: tuple[AttributeRow, ...] = ()
    consents: tuple[ConsentRow, ...] = ()
    notifications: tuple[NotificationRow, ...] = ()
    bindings: tuple[BindingRow, ...] = ()
    seen: bool = field(default=True, kw_only=True)

    @property
    def key(self) -> str:
        """The contact key, ``channel:account:uid``."""
        return f"{self.contact.channel}:{self.contact.account}:{self.contact.uid}"


def placeholder(tenant: str, contact_id: UUID, key: str) -> ContactRecord:
    """The record of a contact that others named and that has no event of its own yet."""
    channel, account, uid = key.split(":", 2)
    return ContactRecord(ContactRow(tenant, contact_id, channel, account, uid, 0), seen=False)
