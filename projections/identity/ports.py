"""What resolving the stream needs of the world outside: where identity is remembered, policies, and ids."""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple, Protocol
from uuid import UUID

from projections.engine.metadata import Key
from projections.identity.resolution.policy import Policy
from projections.identity.store import ContactKey, CurrentCustomer, Holder, IdentityDelta, Value
from projections.identity.tables import ConflictRow, LinkRow, MemberRow, ReferenceRow, StatementRow


class PolicyInForce(NamedTuple):
    """The policy of a space and what it goes by; whose it is, and whether what changes in it is told to others."""

    version: str
    policy: Policy
    tenant: str
    told: bool = True


def _itself(tenant: str) -> str:
    return tenant


class Rules(NamedTuple):
    """What resolving depends on besides events: each tenant's space, its policy, and the personal ids of contacts.

    What `projections.identity.resolutions` calls a space goes by the name of ``tenant`` in all that resolves.
    """

    policy_of: Callable[[str], PolicyInForce]  # of a space
    id_of: Callable[[str, str], UUID]  # of a space's or its tenant's contact
    space_of: Callable[[str], str] = _itself  # of an event's tenant


class Identities(Protocol):
    """Where identity is remembered, inside one transaction of one writer a tenant.

    `projections.identity.store` says what each does; there is one in PostgreSQL and one in memory, and they are
    the same to whoever uses them.
    """

    async def record(self, rows: Collection[StatementRow]) -> dict[Key, StatementRow]:
        """Add the statements that are new; those that are not, by key, as they were recorded."""

    async def replace(self, rows: Collection[StatementRow]) -> None:
        """Put other statements in the place of known ones."""

    async def statements(self, contacts: Collection[ContactKey]) -> list[StatementRow]:
        """Everything that these contacts stated."""

    async def members(self, contacts: Collection[ContactKey]) -> dict[ContactKey, MemberRow]:
        """The rows of those of the contacts that have one."""

    async def components(self, contacts: Collection[ContactKey]) -> list[MemberRow]:
        """The rows of all contacts in these contacts' components."""

    async def homes(self, contacts: Collection[ContactKey]) -> dict[ContactKey, CurrentCustomer]:
        """The component and the customer of those of the contacts that have a row."""

    async def crews(self, customers: Collection[ContactKey]) -> dict[ContactKey, list[str]]:
        """The contacts of each customer, by key."""

    async def holders(self, wanted: Mapping[Value, int]) -> dict[Value, list[Holder]]:
        """The first so many holders of each value, by tier and contact_id."""

    async def relink(self, gone: Collection[LinkRow], new: Collection[LinkRow]) -> None:
        """Take links away and add others."""

    async def name(self, gone: Collection[Key], known: Collection[ReferenceRow]) -> None:
        """Take namings away, by key, and write others."""

    async def named(self, contacts: Collection[ContactKey]) -> dict[ContactKey, int]:
        """When each of the contacts was first named by another, if it was."""

    async def refusals(self, contacts: Collection[ContactKey]) -> list[ConflictRow]:
        """The refused links of these contacts."""

    async def write(self, outcome: IdentityDelta) -> None:
        """Write what a chunk changes."""
