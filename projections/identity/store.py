"""Identity in PostgreSQL: rows in, rows out, by the chunk. What the rows mean is the resolver's business.

Every function is one statement, or one a table; none walks a value's holders beyond the limit it is given, so what
a chunk costs does not grow with the number of contacts. Call them inside one transaction.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

import sqlalchemy as sa

from projections.engine.metadata import Key, Row, key_columns, row_columns, row_type
from projections.engine.store import columns, delete_matching, insert, load, save, upsert
from projections.identity.tables import (
    CHANGES,
    CUSTOMERS,
    LINKS,
    MEMBERS,
    NAMINGS,
    REFUSALS,
    STATEMENTS,
    ChangeRow,
    ConflictRow,
    CustomerRow,
    LinkRow,
    MemberRow,
    ReferenceRow,
    StatementRow,
)
from schemas.changes import CustomerChange, encode_change

ContactKey = tuple[str, UUID]  # (tenant, contact_id)
Value = tuple[str, str, str]  # (tenant, type, value)
Holder = tuple[int, UUID]  # (tier, contact_id)

_OF_CONTACTS: Final = "unnest($1::text[], $2::uuid[]) AS k(tenant, contact_id)"
_HOLDERS: Final = """
SELECT k.tenant, k.type, k.value, l.tiers, l.contacts
FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) AS k(tenant, type, value, most)
CROSS JOIN LATERAL (
    SELECT array_agg(tier) AS tiers, array_agg(contact_id) AS contacts FROM (
        SELECT tier, contact_id FROM links
        WHERE tenant = k.tenant AND type = k.type AND value = k.value ORDER BY tier, contact_id LIMIT k.most
    ) first
) l
WHERE l.tiers IS NOT NULL
"""
_UNLINK: Final = """
DELETE FROM links l USING unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::uuid[])
    AS k(tenant, type, value, tier, contact_id)
WHERE l.tenant = k.tenant AND l.type = k.type AND l.value = k.value AND l.tier = k.tier AND l.contact_id = k.contact_id
"""
_NAMED: Final = f"""
SELECT k.tenant, k.contact_id, n.at FROM {_OF_CONTACTS}
CROSS JOIN LATERAL (
    SELECT at FROM namings WHERE tenant = k.tenant AND contact_id = k.contact_id ORDER BY at LIMIT 1
) n
"""  # noqa: S608 - constants


def _selected(table: sa.Table, alias: str) -> str:
    return ", ".join(f"{alias}.{column.name}" for column in row_columns(table))


def _of_contacts(table: sa.Table) -> str:
    """The table's rows of some contacts."""
    return (
        f"SELECT {_selected(table, 't')} FROM {_OF_CONTACTS} "  # noqa: S608 - names are constants
        f"JOIN {table.name} t ON t.tenant = k.tenant AND t.contact_id = k.contact_id"
    )


_STATEMENTS_OF: Final = _of_contacts(STATEMENTS)
_REFUSALS_OF: Final = _of_contacts(REFUSALS)
_COMPONENTS: Final = f"""
WITH c AS (
    SELECT DISTINCT m.tenant, m.component FROM {_OF_CONTACTS}
    JOIN members m ON m.tenant = k.tenant AND m.contact_id = k.contact_id
)
SELECT {_selected(MEMBERS, "m")} FROM c JOIN members m ON m.tenant = c.tenant AND m.component = c.component
"""  # noqa: S608 - names are constants
_ALL_MEMBERS: Final = f"SELECT {', '.join(MemberRow._fields)} FROM members WHERE tenant = $1"  # noqa: S608 - constants
_HOMES: Final = f"""
SELECT m.tenant, m.contact_id, m.component, {_selected(CUSTOMERS, "c")} FROM {_OF_CONTACTS}
JOIN members m ON m.tenant = k.tenant AND m.contact_id = k.contact_id
JOIN customers c ON c.tenant = m.tenant AND c.customer_id = m.customer_id
"""  # noqa: S608 - names are constants
_CREWS: Final = """
SELECT m.tenant, m.customer_id, array_agg(m.contact ORDER BY m.contact)
FROM unnest($1::text[], $2::uuid[]) AS k(tenant, customer_id)
JOIN members m ON m.tenant = k.tenant AND m.customer_id = k.customer_id
GROUP BY 1, 2
"""
_MOVE: Final = """
UPDATE members m SET customer_id = k.joined, component = k.joined
FROM unnest($1::text[], $2::uuid[], $3::uuid[]) AS k(tenant, customer_id, joined)
WHERE m.tenant = k.tenant AND m.customer_id = k.customer_id
"""
_NUMBER: Final = """
INSERT INTO told AS t (tenant, customer_id, seq) SELECT k.tenant, k.customer_id, 1
FROM unnest($1::text[], $2::uuid[]) AS k(tenant, customer_id)
ON CONFLICT (tenant, customer_id) DO UPDATE SET seq = t.seq + 1 RETURNING tenant, customer_id, seq
"""
_DELETE_CUSTOMERS: Final = delete_matching(CUSTOMERS, *key_columns(CUSTOMERS))
_DELETE_REFUSALS: Final = delete_matching(REFUSALS, *key_columns(REFUSALS))
_DELETE_NAMINGS: Final = delete_matching(NAMINGS, *key_columns(NAMINGS))
_SAVE_CUSTOMERS: Final = upsert(CUSTOMERS, only_different=True)


class Move(NamedTuple):
    """All of a customer's contacts go to another, with whom they make one component."""

    tenant: str
    customer_id: UUID
    to: UUID


@dataclass(frozen=True, slots=True)
class IdentityDelta:
    """What a chunk changes in who is who; keys come once. What is not new is there, maybe already as it should be."""

    members_new: Collection[MemberRow] = ()
    members: Collection[MemberRow] = ()
    moves: Collection[Move] = ()  # once the rows above are written
    customers_new: Collection[CustomerRow] = ()
    customers: Collection[CustomerRow] = ()
    customers_gone: Collection[Key] = ()
    refusals: Collection[ConflictRow] = ()
    refusals_gone: Collection[Key] = ()
    changes: Collection[CustomerChange] = ()  # at most one a customer; they are numbered when they are written


class CurrentCustomer(NamedTuple):
    """Where a contact belongs."""

    component: UUID
    customer: CustomerRow


async def record(connection: Any, rows: Collection[StatementRow]) -> dict[Key, StatementRow]:
    """Add the statements that are new; those that are not, by key, as they were recorded."""
    known = await load(connection, STATEMENTS, [row[:3] for row in rows])
    await _copy(connection, STATEMENTS, [row for row in rows if row[:3] not in known])
    return cast("dict[Key, StatementRow]", known)


async def replace(connection: Any, rows: Collection[StatementRow]) -> None:
    """Put other statements in the place of known ones."""
    await save(connection, STATEMENTS, rows)


async def statements(connection: Any, contacts: Collection[ContactKey]) -> list[StatementRow]:
    """Everything that these contacts stated."""
    return [StatementRow(*one) for one in await connection.fetch(_STATEMENTS_OF, *columns(contacts))]


async def members(connection: Any, contacts: Collection[ContactKey]) -> dict[ContactKey, MemberRow]:
    """The rows of those of the contacts that have one."""
    return cast("dict[ContactKey, MemberRow]", await load(connection, MEMBERS, contacts))


async def components(connection: Any, contacts: Collection[ContactKey]) -> list[MemberRow]:
    """The rows of all contacts in these contacts' components."""
    return [MemberRow(*one) for one in await connection.fetch(_COMPONENTS, *columns(contacts))] if contacts else []


async def all_members(connection: Any, tenant: str) -> AsyncIterator[MemberRow]:
    """Every row of a space, some thousand at a time, inside the caller's transaction."""
    async for row in connection.cursor(_ALL_MEMBERS, tenant, prefetch=5000):
        yield MemberRow(*row)


async def homes(connection: Any, contacts: Collection[ContactKey]) -> dict[ContactKey, CurrentCustomer]:
    """The component and the customer of those of the contacts that have a row."""
    found = await connection.fetch(_HOMES, *columns(contacts)) if contacts else []
    return {(one[0], one[1]): CurrentCustomer(one[2], CustomerRow(*one[3:])) for one in map(tuple, found)}


async def crews(connection: Any, customers: Collection[ContactKey]) -> dict[ContactKey, list[str]]:
    """The contacts of each customer, by key."""
    found = await connection.fetch(_CREWS, *columns(customers)) if customers else []
    return {(tenant, customer_id): contacts for tenant, customer_id, contacts in found}


async def holders(connection: Any, wanted: Mapping[Value, int]) -> dict[Value, list[Holder]]:
    """The first so many holders of each value, the strongest first; a value that nobody holds is left out."""
    if not wanted:
        return {}
    asked = columns((*value, most) for value, most in wanted.items())
    found = await connection.fetch(_HOLDERS, *asked)
    return {(one[0], one[1], one[2]): list(zip(one[3], one[4], strict=True)) for one in found}


async def relink(connection: Any, gone: Collection[LinkRow], new: Collection[LinkRow]) -> None:
    """Take links away and add others."""
    if gone:
        await connection.execute(_UNLINK, *columns(gone))
    await _copy(connection, LINKS, new)


async def name(connection: Any, gone: Collection[Key], known: Collection[ReferenceRow]) -> None:
    """Take namings away, by key, and write others."""
    if gone:
        await connection.execute(_DELETE_NAMINGS, *columns(gone))
    await save(connection, NAMINGS, known)


async def named(connection: Any, contacts: Collection[ContactKey]) -> dict[ContactKey, int]:
    """When each of the contacts was first named by another, if it was."""
    found = await connection.fetch(_NAMED, *columns(contacts)) if contacts else []
    return {(tenant, contact_id): at for tenant, contact_id, at in found}


async def refusals(connection: Any, contacts: Collection[ContactKey]) -> list[ConflictRow]:
    """The refused links of these contacts."""
    found = await connection.fetch(_REFUSALS_OF, *columns(contacts)) if contacts else []
    return [ConflictRow(*one) for one in found]


async def write(connection: Any, outcome: IdentityDelta) -> None:
    """Write what a chunk changes."""
    await _copy(connection, MEMBERS, outcome.members_new)
    await save(connection, MEMBERS, outcome.members)
    await _for_keys(connection, _MOVE, outcome.moves)
    await _copy(connection, CUSTOMERS, outcome.customers_new)
    await insert(connection, _SAVE_CUSTOMERS, outcome.customers)
    await _for_keys(connection, _DELETE_CUSTOMERS, outcome.customers_gone)
    await _for_keys(connection, _DELETE_REFUSALS, outcome.refusals_gone)
    await save(connection, REFUSALS, outcome.refusals)
    await tell(connection, outcome.changes)


async def tell(connection: Any, changes: Collection[CustomerChange]) -> None:
    """Number the changes, each after its customer's last one, and put them into the outbox."""
    if changes:
        whose = columns((one.tenant, one.customer_id) for one in changes)
        numbers = {(tenant, customer): seq for tenant, customer, seq in await connection.fetch(_NUMBER, *whose)}
        await _copy(connection, CHANGES, [numbered(one, numbers[one.tenant, one.customer_id]) for one in changes])


def numbered(change: CustomerChange, seq: int) -> ChangeRow:
    """The change as a row of the outbox."""
    told = encode_change(change.model_copy(update={"seq": seq})).decode()
    return ChangeRow(change.tenant, change.customer_id, seq, told)


async def _copy(connection: Any, table: sa.Table, rows: Collection[Row]) -> None:
    """Write rows that are new, in their order. One that is known after all fails: somebody else writes the tenant."""
    if rows:
        await connection.copy_records_to_table(table.name, records=rows, columns=row_type(table)._fields)


async def _for_keys(connection: Any, statement: str, keys: Collection[Key]) -> None:
    if keys:
        await connection.execute(statement, *columns(keys))
