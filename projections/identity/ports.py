"""The store that identity is loaded from and saved to."""

from collections.abc import Collection, Mapping
from typing import Protocol

from projections.identity.delta import IdentityDelta
from projections.identity.incremental import CurrentCustomer
from projections.identity.keys import ContactKey, CustomerKey, Holder, IdentifierKey, Reference, StatementKey
from projections.identity.tables import ConflictRow, MemberRow, StatementRow


class IdentityStore(Protocol):
    """One resolution a tenant, inside one transaction of the only writer of each tenant.

    Every method is at most one statement, or one a table for ``save``. What is asked for and not there is left out.
    """

    async def statements(self, keys: Collection[StatementKey]) -> dict[StatementKey, StatementRow]:
        """The stored statements with these keys."""

    async def statements_of(self, contacts: Collection[ContactKey]) -> list[StatementRow]:
        """Everything that these contacts stated."""

    async def members(self, contacts: Collection[ContactKey]) -> dict[ContactKey, MemberRow]:
        """The rows of these contacts."""

    async def components(self, contacts: Collection[ContactKey]) -> list[MemberRow]:
        """The rows of all contacts in the components of these contacts."""

    async def current_customers(self, contacts: Collection[ContactKey]) -> dict[ContactKey, CurrentCustomer]:
        """The component and the customer of each of these contacts."""

    async def contacts_by_customer(self, customers: Collection[CustomerKey]) -> dict[CustomerKey, list[str]]:
        """The contact keys of each customer, sorted."""

    async def holders(self, wanted: Mapping[IdentifierKey, int]) -> dict[IdentifierKey, list[Holder]]:
        """The first so many holders of each identifier, by tier and contact id."""

    async def first_references(self, wanted: Mapping[ContactKey, int]) -> dict[ContactKey, list[Reference]]:
        """The first so many references to each contact, by time."""

    async def conflicts(self, contacts: Collection[ContactKey]) -> list[ConflictRow]:
        """The conflicts of these contacts."""

    async def save(self, delta: IdentityDelta) -> None:
        """Write what a chunk changes."""
