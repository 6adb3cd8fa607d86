"""Identity in PostgreSQL, behind the handler's port: one connection, inside the caller's transaction."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from projections.engine.metadata import Key
from projections.identity import handlers, store
from projections.identity.ports import Rules
from projections.identity.store import ContactKey, CurrentCustomer, Holder, IdentityDelta, Value
from projections.identity.tables import ConflictRow, LinkRow, MemberRow, ReferenceRow, StatementRow
from schemas.events import Event


async def save(connection: Any, events: Iterable[Event], rules: Rules) -> int:
    """Fold the events into the identity tables of the connection's schema; how many were new.

    Inside the caller's transaction, which is the only one at its time that writes any of the events' tenants: the
    offsets' epoch sees to that, moved in the same transaction. Raises what PostgreSQL raises.
    """
    return await handlers.save(PostgresIdentities(connection), events, rules)


class PostgresIdentities:
    """See Identities."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def record(self, rows: Collection[StatementRow]) -> dict[Key, StatementRow]:
        """See Identities."""
        return await store.record(self._connection, rows)

    async def replace(self, rows: Collection[StatementRow]) -> None:
        """See Identities."""
        await store.replace(self._connection, rows)

    async def statements(self, contacts: Collection[ContactKey]) -> list[StatementRow]:
        """See Identities."""
        return await store.statements(self._connection, contacts)

    async def members(self, contacts: Collection[ContactKey]) -> dict[ContactKey, MemberRow]:
        """See Identities."""
        return await store.members(self._connection, contacts)

    async def components(self, contacts: Collection[ContactKey]) -> list[MemberRow]:
        """See Identities."""
        return await store.components(self._connection, contacts)

    async def homes(self, contacts: Collection[ContactKey]) -> dict[ContactKey, CurrentCustomer]:
        """See Identities."""
        return await store.homes(self._connection, contacts)

    async def crews(self, customers: Collection[ContactKey]) -> dict[ContactKey, list[str]]:
        """See Identities."""
        return await store.crews(self._connection, customers)

    async def holders(self, wanted: Mapping[Value, int]) -> dict[Value, list[Holder]]:
        """See Identities."""
        return await store.holders(self._connection, wanted)

    async def relink(self, gone: Collection[LinkRow], new: Collection[LinkRow]) -> None:
        """See Identities."""
        await store.relink(self._connection, gone, new)

    async def name(self, gone: Collection[Key], known: Collection[ReferenceRow]) -> None:
        """See Identities."""
        await store.name(self._connection, gone, known)

    async def named(self, contacts: Collection[ContactKey]) -> dict[ContactKey, int]:
        """See Identities."""
        return await store.named(self._connection, contacts)

    async def refusals(self, contacts: Collection[ContactKey]) -> list[ConflictRow]:
        """See Identities."""
        return await store.refusals(self._connection, contacts)

    async def write(self, outcome: IdentityDelta) -> None:
        """See Identities."""
        await store.write(self._connection, outcome)
