"""Identity stored in dictionaries: the in-memory twin of the tables, for laws over thousands of histories."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from projections.engine.metadata import Key, Row, key_of
from projections.identity.delta import IdentityDelta
from projections.identity.handlers import save
from projections.identity.incremental import CurrentCustomer
from projections.identity.keys import ContactKey, CustomerKey, Holder, IdentifierKey, Reference, StatementKey
from projections.identity.outbox import outbox_row
from projections.identity.resolution.policy import Policy
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
    OutboxRow,
    StatementRow,
)
from schemas.events import Event
from tests.support.streams import rules_of


class Memory:
    """An in-memory `projections.identity.ports.IdentityStore` of one resolution a tenant.

    ``outbox`` are the changes in the order in which they were written; nobody publishes them.
    """

    def __init__(self) -> None:
        self.tables: dict[sa.Table, dict[Key, Any]] = {table: {} for table in READ_MODELS}
        self.outbox: list[OutboxRow] = []
        self.calls: list[tuple[str, int]] = []  # what was asked, and how many rows that gave

    def tables_of_rows(self) -> dict[sa.Table, list[Any]]:
        return {table: list(rows.values()) for table, rows in self.tables.items()}

    async def statements(self, keys: Collection[StatementKey]) -> dict[StatementKey, StatementRow]:
        wanted = set(keys)
        found = {(row.tenant, row.contact_id, row.event_id): row for row in self.tables[STATEMENTS].values()}
        known = {key: row for key, row in found.items() if key in wanted}
        self._note("statements", known)
        return known

    async def statements_of(self, contacts: Collection[ContactKey]) -> list[StatementRow]:
        return [row for row in self.tables[STATEMENTS].values() if (row.tenant, row.contact_id) in set(contacts)]

    async def members(self, contacts: Collection[ContactKey]) -> dict[ContactKey, MemberRow]:
        members = self._members()
        found = {one: members[one] for one in contacts if one in members}
        self._note("members", found)
        return found

    async def components(self, contacts: Collection[ContactKey]) -> list[MemberRow]:
        members = self._members()
        wanted = {(one[0], members[one].component) for one in contacts}
        found = [row for row in members.values() if (row.tenant, row.component) in wanted]
        self._note("components", found)
        return found

    async def current_customers(self, contacts: Collection[ContactKey]) -> dict[ContactKey, CurrentCustomer]:
        members = self._members()
        customers = {(row.tenant, row.customer_id): row for row in self.tables[CUSTOMERS].values()}
        rows = {one: members[one] for one in contacts if one in members}
        return {
            one: CurrentCustomer(row.component, customers[row.tenant, row.customer_id]) for one, row in rows.items()
        }

    async def contacts_by_customer(self, customers: Collection[CustomerKey]) -> dict[CustomerKey, list[str]]:
        found: dict[CustomerKey, list[str]] = {}
        for row in sorted(self._members().values(), key=lambda row: str(row.contact)):
            if (row.tenant, row.customer_id) in set(customers):
                found.setdefault((row.tenant, row.customer_id), []).append(row.contact)
        return found

    async def holders(self, wanted: Mapping[IdentifierKey, int]) -> dict[IdentifierKey, list[Holder]]:
        found: dict[IdentifierKey, list[Holder]] = {}
        for row in sorted(self.tables[LINKS].values()):
            if row.identifier in wanted and len(found.get(row.identifier, ())) < wanted[row.identifier]:
                found.setdefault(row.identifier, []).append(row.holder)
        self._note("holders", [one for holders in found.values() for one in holders])
        return found

    async def first_references(self, wanted: Mapping[ContactKey, int]) -> dict[ContactKey, list[Reference]]:
        found: dict[ContactKey, list[Reference]] = {}
        for row in sorted(self.tables[REFERENCES].values(), key=lambda row: (row.at, row.by_id)):
            contact = (row.tenant, row.contact_id)
            if contact in wanted and len(found.get(contact, ())) < wanted[contact]:
                found.setdefault(contact, []).append((row.at, row.by_id))
        return found

    async def conflicts(self, contacts: Collection[ContactKey]) -> list[ConflictRow]:
        return [row for row in self.tables[CONFLICTS].values() if (row.tenant, row.contact_id) in set(contacts)]

    async def save(self, delta: IdentityDelta) -> None:
        for table, new, stored in (
            (STATEMENTS, delta.statements_new, delta.statements),
            (MEMBERS, delta.members_new, delta.members),
            (CUSTOMERS, delta.customers_new, delta.customers),
        ):
            assert not any(key_of(table, row) in self.tables[table] for row in new)
            assert all(key_of(table, row) in self.tables[table] for row in stored)
            self._put(table, new)
            self._put(table, stored)
        for table, gone in (
            (LINKS, delta.links_gone),
            (REFERENCES, delta.references_gone),
            (CUSTOMERS, delta.customers_gone),
            (CONFLICTS, delta.conflicts_gone),
        ):
            for key in gone:
                del self.tables[table][key]
        assert not any(row in self.tables[LINKS] for row in delta.links_new)
        self._put(LINKS, delta.links_new)
        self._put(REFERENCES, delta.references)
        self._put(CONFLICTS, delta.conflicts)
        into = {one[:3]: one.into for one in delta.merges}
        for key, row in self.tables[MEMBERS].items():
            customer_id = into.get((row.tenant, row.resolution_id, row.customer_id))
            if customer_id:
                self.tables[MEMBERS][key] = row._replace(customer_id=customer_id, component=customer_id)
        numbers = Counter((row.tenant, row.customer_id) for row in self.outbox)
        assert len({one.customer_id for one in delta.changes}) == len(delta.changes)
        self.outbox += [outbox_row(one, numbers[one.tenant, one.customer_id] + 1) for one in delta.changes]

    def _members(self) -> dict[ContactKey, MemberRow]:
        return {(row.tenant, row.contact_id): row for row in self.tables[MEMBERS].values()}

    def _put(self, table: sa.Table, rows: Collection[Row]) -> None:
        keyed = {key_of(table, row): row for row in rows}
        assert len(keyed) == len(rows), f"a key of {table.name} comes twice"
        self.tables[table].update(keyed)

    def _note(self, name: str, found: Collection[Any]) -> None:
        self.calls.append((name, len(found)))


def fold(chunks: list[list[Event]], policy: Policy, *, in_full: bool = False) -> Memory:
    """The chunks, one after the other, in an empty memory."""
    memory, rules = Memory(), rules_of(policy)

    async def run() -> None:
        for chunk in chunks:
            await save(memory, chunk, rules, in_full=in_full)

    asyncio.run(run())
    return memory
