"""Identity remembered in dictionaries: the twin of the tables, for laws over thousands of histories."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from projections.engine.metadata import Key, Row, key_of
from projections.identity.store import ContactKey, CurrentCustomer, Holder, IdentityDelta, Value, numbered
from projections.identity.tables import (
    CUSTOMERS,
    LINKS,
    MEMBERS,
    NAMINGS,
    READ_MODELS,
    REFUSALS,
    STATEMENTS,
    ChangeRow,
    ConflictRow,
    LinkRow,
    MemberRow,
    ReferenceRow,
    StatementRow,
)


class Memory:
    """An in-memory `projections.identity.ports.Identities`; ``told`` are the changes in the order they were written."""

    def __init__(self) -> None:
        self.tables: dict[sa.Table, dict[Key, Any]] = {table: {} for table in READ_MODELS}
        self.told: list[ChangeRow] = []
        self.calls: list[tuple[str, int]] = []  # what was asked, and how many rows that gave

    def tables_of_rows(self) -> dict[sa.Table, list[Any]]:
        return {table: list(rows.values()) for table, rows in self.tables.items()}

    async def record(self, rows: Collection[StatementRow]) -> dict[Key, StatementRow]:
        table = self.tables[STATEMENTS]
        known = {row[:3]: table[row[:3]] for row in rows if row[:3] in table}
        self._put(STATEMENTS, [row for row in rows if row[:3] not in known])
        self._note("record", known)
        return known

    async def replace(self, rows: Collection[StatementRow]) -> None:
        assert all(row[:3] in self.tables[STATEMENTS] for row in rows)
        self._put(STATEMENTS, rows)

    async def statements(self, contacts: Collection[ContactKey]) -> list[StatementRow]:
        return [row for row in self.tables[STATEMENTS].values() if row[:2] in set(contacts)]

    async def members(self, contacts: Collection[ContactKey]) -> dict[ContactKey, MemberRow]:
        found = {who: self.tables[MEMBERS][who] for who in contacts if who in self.tables[MEMBERS]}
        self._note("members", found)
        return found

    async def components(self, contacts: Collection[ContactKey]) -> list[MemberRow]:
        members = self.tables[MEMBERS]
        wanted = {(who[0], members[who].component) for who in contacts}
        found = [row for row in members.values() if (row.tenant, row.component) in wanted]
        self._note("components", found)
        return found

    async def homes(self, contacts: Collection[ContactKey]) -> dict[ContactKey, CurrentCustomer]:
        rows = (self.tables[MEMBERS].get(who) for who in contacts)
        customers = self.tables[CUSTOMERS]
        return {row[:2]: CurrentCustomer(row.component, customers[row.tenant, row.customer_id]) for row in rows if row}

    async def crews(self, customers: Collection[ContactKey]) -> dict[ContactKey, list[str]]:
        found: dict[ContactKey, list[str]] = {}
        for tenant, customer_id in customers:
            rows = [row for row in self.tables[MEMBERS].values() if row.customer_id == customer_id]
            contacts = sorted(row.contact for row in rows if row.tenant == tenant)
            found[tenant, customer_id] = contacts
        return found

    async def holders(self, wanted: Mapping[Value, int]) -> dict[Value, list[Holder]]:
        found: dict[Value, list[Holder]] = {}
        for row in sorted(self.tables[LINKS].values()):
            value = (row.tenant, row.type, row.value)
            if value in wanted and len(found.get(value, ())) < wanted[value]:
                found.setdefault(value, []).append((row.tier, row.contact_id))
        self._note("holders", [one for holders in found.values() for one in holders])
        return found

    async def relink(self, gone: Collection[LinkRow], new: Collection[LinkRow]) -> None:
        self._drop(LINKS, gone)
        assert not any(row in self.tables[LINKS] for row in new)
        self._put(LINKS, new)

    async def name(self, gone: Collection[Key], known: Collection[ReferenceRow]) -> None:
        self._drop(NAMINGS, gone)
        self._put(NAMINGS, known)

    async def named(self, contacts: Collection[ContactKey]) -> dict[ContactKey, int]:
        found: dict[ContactKey, int] = {}
        for row in self.tables[NAMINGS].values():
            if row[:2] in set(contacts):
                found[row[:2]] = min(row.at, found.get(row[:2], row.at))
        return found

    async def refusals(self, contacts: Collection[ContactKey]) -> list[ConflictRow]:
        return [row for row in self.tables[REFUSALS].values() if row[:2] in set(contacts)]

    async def write(self, outcome: IdentityDelta) -> None:
        for table, new, known in (
            (MEMBERS, outcome.members_new, outcome.members),
            (CUSTOMERS, outcome.customers_new, outcome.customers),
        ):
            assert not any(key_of(table, row) in self.tables[table] for row in new)
            assert all(key_of(table, row) in self.tables[table] for row in known)
            self._put(table, new)
            self._put(table, known)
        joined = {(move.tenant, move.customer_id): move.to for move in outcome.moves}
        for who, row in self.tables[MEMBERS].items():
            if to := joined.get((row.tenant, row.customer_id)):
                self.tables[MEMBERS][who] = row._replace(customer_id=to, component=to)
        self._drop(CUSTOMERS, outcome.customers_gone)
        self._drop(REFUSALS, outcome.refusals_gone)
        self._put(REFUSALS, outcome.refusals)
        numbers = Counter((row.tenant, row.customer_id) for row in self.told)
        assert len({one.customer_id for one in outcome.changes}) == len(outcome.changes)
        self.told += [numbered(one, numbers[one.tenant, one.customer_id] + 1) for one in outcome.changes]

    def _put(self, table: sa.Table, rows: Collection[Row]) -> None:
        keyed = {key_of(table, row): row for row in rows}
        assert len(keyed) == len(rows), f"a key of {table.name} comes twice"
        self.tables[table].update(keyed)

    def _drop(self, table: sa.Table, keys: Collection[Key]) -> None:
        for key in keys:
            del self.tables[table][key]

    def _note(self, what: str, found: Collection[Any]) -> None:
        self.calls.append((what, len(found)))
