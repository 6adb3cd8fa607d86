"""Identity in PostgreSQL: loads what a chunk can touch, and saves what it changes.

Each function is one statement, or one a table. None reads the holders of an identifier beyond the number it is given,
so the cost of a chunk does not grow with the number of contacts. Call them inside one transaction.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from projections.engine.connection import Connection
from projections.engine.metadata import Key, Row, key_columns, row_columns, row_type
from projections.engine.statements import compiled, unnested
from projections.engine.store import columns, delete_matching, insert, save, upsert
from projections.identity.delta import IdentityDelta
from projections.identity.incremental import CurrentCustomer
from projections.identity.keys import (
    ContactKey,
    CustomerKey,
    Holder,
    IdentifierKey,
    Reference,
    ResolutionKey,
    StatementKey,
)
from projections.identity.outbox import append_to_outbox
from projections.identity.tables import (
    CONFLICTS,
    CUSTOMERS,
    LINKS,
    MEMBERS,
    READ_MODELS,
    REFERENCES,
    STATEMENTS,
    ConflictRow,
    CustomerRow,
    MemberRow,
    StatementRow,
)

_MOST: Final = sa.column("most", sa.Integer())
_INTO: Final = sa.column("into", sa.Uuid())


def _same(one: sa.FromClause, other: sa.FromClause, *names: str) -> sa.ColumnElement[bool]:
    return sa.and_(*(one.c[name] == other.c[name] for name in ("tenant", "resolution_id", *names)))


def _rows_of(table: sa.Table, *names: str) -> str:
    """Selects the rows with these values in some columns, by arrays (tenant, resolution_id, *names)."""
    given = unnested("given", [table.c.tenant, table.c.resolution_id, *(table.c[name] for name in names)])
    found = given.join(table, _same(given, table, *names))
    return compiled(sa.select(*row_columns(table)).select_from(found), "tenant", "resolution_id", *names)


def _first(table: sa.Table, key: tuple[str, ...], value: tuple[str, str]) -> str:
    """Selects, by arrays (tenant, resolution_id, *key, most), the first ``most`` values of each key, as two arrays."""
    given = unnested("given", [table.c.tenant, table.c.resolution_id, *(table.c[name] for name in key), _MOST])
    ordered = [table.c[name] for name in value]
    first = (
        sa.select(*ordered)
        .where(_same(table, given, *key))
        .order_by(*ordered)
        .limit(given.c.most)
        .correlate(given)
        .lateral("first")
    )
    arrays = [sa.func.array_agg(first.c[name]).label(name) for name in value]
    found = sa.select(*arrays).select_from(first).correlate(given).lateral("found")
    return compiled(
        sa.select(given.c.tenant, *(given.c[name] for name in key), *(found.c[name] for name in value))
        .select_from(given.join(found, sa.true()))
        .where(found.c[value[0]].is_not(None)),
        "tenant",
        "resolution_id",
        *key,
        "most",
    )


def _components() -> str:
    given = unnested("given", key_columns(MEMBERS))
    of = MEMBERS.alias("of")
    component = (
        sa.select(of.c.tenant, of.c.resolution_id, of.c.component)
        .select_from(given.join(of, _same(given, of, "contact_id")))
        .distinct()
        .cte("component")
    )
    found = component.join(MEMBERS, _same(component, MEMBERS, "component"))
    return compiled(sa.select(*row_columns(MEMBERS)).select_from(found), "tenant", "resolution_id", "contact_id")


def _current_customers() -> str:
    """Members first, then their customers.

    Materialized: without statistics the planner takes (tenant, resolution_id) alone for selective, and would read all
    customers of a resolution instead.
    """
    given = unnested("given", key_columns(MEMBERS))
    member = (
        sa.select(*(MEMBERS.c[name] for name in ("tenant", "resolution_id", "contact_id", "component", "customer_id")))
        .select_from(given.join(MEMBERS, _same(given, MEMBERS, "contact_id")))
        .cte("member")
        .prefix_with("MATERIALIZED")
    )
    chosen = sa.select(member.c.contact_id, member.c.component, *row_columns(CUSTOMERS))
    found = chosen.select_from(member.join(CUSTOMERS, _same(member, CUSTOMERS, "customer_id")))
    return compiled(found, "tenant", "resolution_id", "contact_id")


def _contacts_by_customer() -> str:
    given = unnested("given", key_columns(CUSTOMERS))
    contacts = sa.func.array_agg(aggregate_order_by(MEMBERS.c.contact, MEMBERS.c.contact))
    found = given.join(MEMBERS, _same(given, MEMBERS, "customer_id"))
    customer = (MEMBERS.c.tenant, MEMBERS.c.customer_id)
    chosen = sa.select(*customer, contacts).select_from(found).group_by(*customer)
    return compiled(chosen, "tenant", "resolution_id", "customer_id")


def _merge_customers() -> str:
    given = unnested("given", [*key_columns(CUSTOMERS), _INTO])
    update = sa.update(MEMBERS).values(customer_id=given.c.into, component=given.c.into)
    return compiled(
        update.where(_same(MEMBERS, given, "customer_id")), "tenant", "resolution_id", "customer_id", "into"
    )


def _all_of(table: sa.Table) -> str:
    chosen = sa.select(*row_columns(table)).where(
        table.c.tenant == sa.bindparam("tenant"), table.c.resolution_id == sa.bindparam("resolution_id")
    )
    return compiled(chosen, "tenant", "resolution_id")


_STATEMENTS: Final = _rows_of(STATEMENTS, "contact_id", "event_id")
_MEMBERS: Final = _rows_of(MEMBERS, "contact_id")
_STATEMENTS_OF: Final = _rows_of(STATEMENTS, "contact_id")
_CONFLICTS_OF: Final = _rows_of(CONFLICTS, "contact_id")
_COMPONENTS: Final = _components()
_ALL_MEMBERS: Final = _all_of(MEMBERS)
_CURRENT_CUSTOMERS: Final = _current_customers()
_CONTACTS_BY_CUSTOMER: Final = _contacts_by_customer()
_HOLDERS: Final = _first(LINKS, ("type", "value"), ("tier", "contact_id"))
_FIRST_REFERENCES: Final = _first(REFERENCES, ("contact_id",), ("at", "by_id"))
_MERGE_CUSTOMERS: Final = _merge_customers()
_DELETE: Final = {
    table: delete_matching(table, *key_columns(table)) for table in (LINKS, REFERENCES, CUSTOMERS, CONFLICTS)
}
_SAVE_CUSTOMERS: Final = upsert(CUSTOMERS, only_different=True)


class PostgresIdentityStore:
    """See `projections.identity.ports.IdentityStore`. ``resolution_of`` gives the resolution of each tenant."""

    def __init__(self, connection: Connection, resolution_of: Callable[[str], str]) -> None:
        self._connection = connection
        self._resolution_of = resolution_of

    async def statements(self, keys: Collection[StatementKey]) -> dict[StatementKey, StatementRow]:
        """See IdentityStore."""
        found = await self._fetch(_STATEMENTS, keys)
        return {(row.tenant, row.contact_id, row.event_id): row for row in (StatementRow(*one) for one in found)}

    async def statements_of(self, contacts: Collection[ContactKey]) -> list[StatementRow]:
        """See IdentityStore."""
        return [StatementRow(*row) for row in await self._fetch(_STATEMENTS_OF, contacts)]

    async def members(self, contacts: Collection[ContactKey]) -> dict[ContactKey, MemberRow]:
        """See IdentityStore."""
        found = await self._fetch(_MEMBERS, contacts)
        return {(row.tenant, row.contact_id): row for row in (MemberRow(*one) for one in found)}

    async def components(self, contacts: Collection[ContactKey]) -> list[MemberRow]:
        """See IdentityStore."""
        return [MemberRow(*row) for row in await self._fetch(_COMPONENTS, contacts)]

    async def current_customers(self, contacts: Collection[ContactKey]) -> dict[ContactKey, CurrentCustomer]:
        """See IdentityStore."""
        found = map(tuple, await self._fetch(_CURRENT_CUSTOMERS, contacts))
        return {(row[2], row[0]): CurrentCustomer(row[1], CustomerRow(*row[2:])) for row in found}

    async def contacts_by_customer(self, customers: Collection[CustomerKey]) -> dict[CustomerKey, list[str]]:
        """See IdentityStore."""
        found = await self._fetch(_CONTACTS_BY_CUSTOMER, customers)
        return {(tenant, customer_id): contacts for tenant, customer_id, contacts in found}

    async def holders(self, wanted: Mapping[IdentifierKey, int]) -> dict[IdentifierKey, list[Holder]]:
        """See IdentityStore."""
        found = await self._fetch(_HOLDERS, [(*identifier, most) for identifier, most in wanted.items()])
        return {(row[0], row[1], row[2]): list(zip(row[3], row[4], strict=True)) for row in found}

    async def first_references(self, wanted: Mapping[ContactKey, int]) -> dict[ContactKey, list[Reference]]:
        """See IdentityStore."""
        found = await self._fetch(_FIRST_REFERENCES, [(*contact, most) for contact, most in wanted.items()])
        return {(row[0], row[1]): list(zip(row[2], row[3], strict=True)) for row in found}

    async def conflicts(self, contacts: Collection[ContactKey]) -> list[ConflictRow]:
        """See IdentityStore."""
        return [ConflictRow(*row) for row in await self._fetch(_CONFLICTS_OF, contacts)]

    async def save(self, delta: IdentityDelta) -> None:
        """See IdentityStore."""
        await self._copy(STATEMENTS, delta.statements_new)
        await save(self._connection, STATEMENTS, delta.statements)
        await self._delete(LINKS, delta.links_gone)
        await self._copy(LINKS, delta.links_new)
        await self._delete(REFERENCES, delta.references_gone)
        await save(self._connection, REFERENCES, delta.references)
        await self._copy(MEMBERS, delta.members_new)
        await save(self._connection, MEMBERS, delta.members)
        if delta.merges:
            await self._connection.execute(_MERGE_CUSTOMERS, *columns(delta.merges))
        await self._copy(CUSTOMERS, delta.customers_new)
        await insert(self._connection, _SAVE_CUSTOMERS, delta.customers)
        await self._delete(CUSTOMERS, delta.customers_gone)
        await self._delete(CONFLICTS, delta.conflicts_gone)
        await save(self._connection, CONFLICTS, delta.conflicts)
        await append_to_outbox(self._connection, delta.changes)

    async def _fetch(self, statement: str, keys: Collection[tuple[Any, ...]]) -> list[Any]:
        """Run a statement on keys that begin with the tenant; the tables have its resolution after it."""
        if not keys:
            return []
        tenants, *rest = columns(keys)
        return list(await self._connection.fetch(statement, tenants, [*map(self._resolution_of, tenants)], *rest))

    async def _copy(self, table: sa.Table, rows: Collection[Row]) -> None:
        """Write new rows. A row that is stored already is an error: another transaction writes the tenant."""
        if rows:
            await self._connection.copy_records_to_table(table.name, records=rows, columns=row_type(table)._fields)

    async def _delete(self, table: sa.Table, keys: Collection[Key]) -> None:
        if keys:
            await self._connection.execute(_DELETE[table], *columns(keys))


async def all_members(connection: Connection, resolution: ResolutionKey) -> AsyncIterator[MemberRow]:
    """Every member of a resolution, some thousand at a time, inside the caller's transaction."""
    async for row in connection.cursor(_ALL_MEMBERS, *resolution, prefetch=5000):
        yield MemberRow(*row)


def _statements_after() -> str:
    after = sa.tuple_(STATEMENTS.c.contact_id, STATEMENTS.c.event_id)
    place = sa.tuple_(sa.bindparam("contact_id", type_=sa.Uuid()), sa.bindparam("event_id", type_=sa.Text()))
    found = STATEMENTS.outerjoin(MEMBERS, _same(STATEMENTS, MEMBERS, "contact_id"))
    return compiled(
        sa.select(sa.func.coalesce(MEMBERS.c.contact, ""), *row_columns(STATEMENTS))
        .select_from(found)
        .where(
            STATEMENTS.c.tenant == sa.bindparam("tenant"),
            STATEMENTS.c.resolution_id == sa.bindparam("resolution_id"),
            after > place,
        )
        .order_by(STATEMENTS.c.contact_id, STATEMENTS.c.event_id)
        .limit(sa.bindparam("most", type_=sa.Integer())),
        "tenant",
        "resolution_id",
        "contact_id",
        "event_id",
        "most",
    )


def _reassigned() -> str:
    """Members of both resolutions side by side, of all customers that are not the same in both."""

    def side(name: str) -> sa.Subquery:
        return (
            sa.select(MEMBERS.c.contact_id, MEMBERS.c.contact, MEMBERS.c.customer_id)
            .where(MEMBERS.c.tenant == sa.bindparam("tenant"), MEMBERS.c.resolution_id == sa.bindparam(name))
            .subquery(name)
        )

    before, after = side("before"), side("after")
    contact_id = sa.func.coalesce(before.c.contact_id, after.c.contact_id)
    both = (
        sa.select(
            contact_id.label("contact_id"),
            sa.func.coalesce(before.c.contact, after.c.contact).label("contact"),
            before.c.customer_id.label("before"),
            sa.func.coalesce(after.c.customer_id, contact_id).label("after"),
        )
        .select_from(before.join(after, before.c.contact_id == after.c.contact_id, full=True))
        .cte("both")
        .prefix_with("MATERIALIZED")
    )
    moved = both.c.before.is_distinct_from(both.c.after)
    touched = sa.union(
        sa.select(both.c.before.label("customer_id")).where(moved), sa.select(both.c.after).where(moved)
    ).cte("touched")
    customers = sa.select(touched.c.customer_id)
    return compiled(
        sa.select(both).where(sa.or_(both.c.before.in_(customers), both.c.after.in_(customers))),
        "tenant",
        "before",
        "after",
    )


_STATEMENTS_AFTER: Final = _statements_after()
_REASSIGNED: Final = _reassigned()
# Comparing two resolutions reads both from end to end, which other statements of this schema must not do.
_ALLOW_FULL_SCANS: Final = "SET LOCAL enable_hashjoin = on; SET LOCAL enable_seqscan = on"


class Reassigned(NamedTuple):
    """A contact with its customer in one resolution (None if it has no row there) and in another."""

    contact_id: UUID
    contact: str
    before: UUID | None
    after: UUID


async def statements_after(
    connection: Connection, resolution: ResolutionKey, place: tuple[UUID, str], most: int
) -> list[tuple[str, StatementRow]]:
    """The next statements after a (contact_id, event_id), each with its contact key ("" if it has no member)."""
    found = await connection.fetch(_STATEMENTS_AFTER, *resolution, *place, most)
    return [(row[0], StatementRow(*row[1:])) for row in map(tuple, found)]


async def reassigned(connection: Connection, tenant: str, before: str, after: str) -> list[Reassigned]:
    """The contacts of all customers that differ between two resolutions of a tenant."""
    await connection.execute(_ALLOW_FULL_SCANS)
    return [Reassigned(*row) for row in await connection.fetch(_REASSIGNED, tenant, before, after)]


def _delete_some(table: sa.Table) -> str:
    row: sa.ColumnElement[str] = sa.literal_column("ctid")  # the place of a row on disk
    some = (
        sa.select(row)
        .select_from(table)
        .where(table.c.tenant == sa.bindparam("tenant"), table.c.resolution_id == sa.bindparam("resolution_id"))
        .limit(sa.bindparam("most", type_=sa.Integer()))
    )
    chosen = sa.func.array(some.scalar_subquery())
    return compiled(sa.delete(table).where(row == sa.any_(chosen)), "tenant", "resolution_id", "most")


_DELETE_SOME: Final = {table: _delete_some(table) for table in READ_MODELS}


async def delete_some(connection: Connection, resolution: ResolutionKey, most: int) -> int:
    """Delete at most so many rows of a resolution in each table. Returns how many were deleted."""
    statuses = [await connection.execute(statement, *resolution, most) for statement in _DELETE_SOME.values()]
    return sum(int(status.rpartition(" ")[2]) for status in statuses)
