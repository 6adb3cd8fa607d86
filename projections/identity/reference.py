"""Identity in memory, from the whole set of events at once: what the tables must come to.

One chunk, resolved in full, into an empty store: no fast case and no loading. The tables, which are written component
by component as evidence arrives, are checked against it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from projections.engine.metadata import Key, Row, Rows, Table, key_of
from projections.identity import handlers
from projections.identity.contact_evidence import NO_EVIDENCE
from projections.identity.delta import IdentityDelta
from projections.identity.incremental import CurrentCustomer
from projections.identity.keys import ContactKey, CustomerKey, Holder, IdentifierKey, Reference, StatementKey
from projections.identity.rules import Rules
from projections.identity.tables import (
    CONFLICTS,
    CUSTOMERS,
    LINKS,
    MEMBERS,
    READ_MODELS,
    REFERENCES,
    STATEMENTS,
    ConflictRow,
    MemberRow,
    StatementRow,
)
from schemas.events import Event


async def resolve_log(events: Iterable[Event], rules: Rules) -> dict[Table, Rows]:
    """Every row of every table of identity that the set of events determines, by table and key."""
    store = WriteOnlyStore()
    await handlers.save(store, events, rules, in_full=True)
    delta = store.delta
    tables: dict[Table, Collection[Row]] = {
        STATEMENTS: delta.statements_new,
        MEMBERS: delta.members_new,
        LINKS: delta.links_new,
        REFERENCES: delta.references,
        CUSTOMERS: delta.customers_new,
        CONFLICTS: delta.conflicts,
    }
    return determined({table: {key_of(table, row): row for row in rows} for table, rows in tables.items()})


def determined(tables: Mapping[Table, Mapping[Key, Row]]) -> dict[Table, Rows]:
    """The rows that the set of events alone determines.

    A contact about which nothing is stated any more, since a statement was superseded, may have a row or not.
    """
    found = {table: dict(tables[table]) for table in READ_MODELS}
    rows = with_evidence(MemberRow(*row) for row in tables[MEMBERS].values())
    found[MEMBERS] = {key_of(MEMBERS, row): row for row in rows}
    customers = {(row.tenant, row.resolution_id, row.customer_id) for row in rows}
    found[CUSTOMERS] = {key: row for key, row in tables[CUSTOMERS].items() if key in customers}
    return found


def with_evidence(members: Iterable[MemberRow]) -> list[MemberRow]:
    """Without the contacts that are alone in their component and have no evidence, as if they had no row."""
    rows = list(members)
    sizes = Counter((row.tenant, row.resolution_id, row.component) for row in rows)
    return [
        row
        for row in rows
        if sizes[row.tenant, row.resolution_id, row.component] > 1
        or (row.holdings, row.decisions, row.first_referenced_at) != (NO_EVIDENCE, NO_EVIDENCE, None)
    ]


class WriteOnlyStore:
    """An empty `projections.identity.ports.IdentityStore` that keeps the delta of one chunk."""

    def __init__(self) -> None:
        self.delta = IdentityDelta()

    async def statements(self, keys: Collection[StatementKey]) -> dict[StatementKey, StatementRow]:
        """See IdentityStore."""
        return {}

    async def statements_of(self, contacts: Collection[ContactKey]) -> list[StatementRow]:
        """See IdentityStore."""
        return []

    async def members(self, contacts: Collection[ContactKey]) -> dict[ContactKey, MemberRow]:
        """See IdentityStore."""
        return {}

    async def components(self, contacts: Collection[ContactKey]) -> list[MemberRow]:
        """See IdentityStore."""
        return []

    async def current_customers(self, contacts: Collection[ContactKey]) -> dict[ContactKey, CurrentCustomer]:
        """See IdentityStore."""
        return {}

    async def contacts_by_customer(self, customers: Collection[CustomerKey]) -> dict[CustomerKey, list[str]]:
        """See IdentityStore."""
        return {}

    async def holders(self, wanted: Mapping[IdentifierKey, int]) -> dict[IdentifierKey, list[Holder]]:
        """See IdentityStore."""
        return {}

    async def first_references(self, wanted: Mapping[ContactKey, int]) -> dict[ContactKey, list[Reference]]:
        """See IdentityStore."""
        return {}

    async def conflicts(self, contacts: Collection[ContactKey]) -> list[ConflictRow]:
        """See IdentityStore."""
        return []

    async def save(self, delta: IdentityDelta) -> None:
        """See IdentityStore. Raises AssertionError for a delta that changes stored rows."""
        stored = (delta.statements, delta.links_gone, delta.references_gone, delta.members, delta.merges)
        if any((*stored, delta.customers, delta.customers_gone, delta.conflicts_gone)):
            raise AssertionError("the delta changes rows, and the store is empty")
        self.delta = delta
