"""A contact with all its rows: what the read models hold of it."""

from dataclasses import dataclass

from projections.attributes.tables import AttributeRow
from projections.bindings.tables import BindingRow
from projections.consents.tables import ConsentRow
from projections.contacts.tables import ContactRow
from projections.notifications.tables import NotificationRow
from projections.tags.tables import TagRow


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """A contact's rows, each table's in the order of their keys."""

    contact: ContactRow
    tags: tuple[TagRow, ...] = ()
    attributes: tuple[AttributeRow, ...] = ()
    consents: tuple[ConsentRow, ...] = ()
    notifications: tuple[NotificationRow, ...] = ()
    bindings: tuple[BindingRow, ...] = ()

    @property
    def key(self) -> str:
        """The contact key, ``channel:account:uid``."""
        return self.contact.key
