"""Whole resolutions: compares the membership of two, and deletes one that was retired."""

from typing import Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.engine.connection import Connection
from projections.engine.statements import compiled
from projections.identity.keys import ResolutionKey
from projections.identity.tables import CONTACT_STATES, MEMBERS, RESOLVED


def _reassigned() -> str:
    """Members of both resolutions side by side, of all customers that are not the same in both."""

    def side(name: str) -> sa.Subquery:
        return (
            sa.select(MEMBERS.c.contact_id, MEMBERS.c.contact, MEMBERS.c.customer_id)
            .where(
                MEMBERS.c.tenant == sa.bindparam("tenant"),
                MEMBERS.c.resolution_id == sa.bindparam(name),
                MEMBERS.c.current,
            )
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


def _contacts_without_state() -> str:
    """The contacts that have a state in the one resolution and none in the other."""
    before, after = CONTACT_STATES.alias("before"), CONTACT_STATES.alias("after")
    there = sa.and_(
        after.c.tenant == before.c.tenant,
        after.c.resolution_id == sa.bindparam("after"),
        after.c.contact_id == before.c.contact_id,
    )
    missing = (
        sa.select(before.c.contact)
        .where(before.c.tenant == sa.bindparam("tenant"), before.c.resolution_id == sa.bindparam("before"))
        .where(~sa.exists().where(there))
    )
    return compiled(missing.order_by(before.c.contact), "tenant", "before", "after")


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


_REASSIGNED: Final = _reassigned()
_WITHOUT_STATE: Final = _contacts_without_state()
# Comparing two resolutions reads both from end to end, which other statements of this schema must not do.
_ALLOW_FULL_SCANS: Final = "SET LOCAL enable_hashjoin = on; SET LOCAL enable_seqscan = on"
_DELETE_SOME: Final = {table: _delete_some(table) for table in RESOLVED}


class Reassigned(NamedTuple):
    """A contact with its customer in one resolution (None if it has no row there) and in another."""

    contact_id: UUID
    contact: str
    before: UUID | None
    after: UUID


async def reassigned(connection: Connection, tenant: str, before: str, after: str) -> list[Reassigned]:
    """The contacts of all customers that differ between two resolutions of a tenant."""
    await connection.execute(_ALLOW_FULL_SCANS)
    return [Reassigned(*row) for row in await connection.fetch(_REASSIGNED, tenant, before, after)]


async def contacts_without_state(connection: Connection, resolution: ResolutionKey, other: str) -> list[str]:
    """The contacts that have a state in a resolution, and none in another one of the tenant."""
    await connection.execute(_ALLOW_FULL_SCANS)
    return [row[0] for row in await connection.fetch(_WITHOUT_STATE, *resolution, other)]


async def delete_some(connection: Connection, resolution: ResolutionKey, most: int) -> int:
    """Delete at most so many rows of a resolution in each table. Returns how many were deleted."""
    statuses = [await connection.execute(statement, *resolution, most) for statement in _DELETE_SOME.values()]
    return sum(int(status.rpartition(" ")[2]) for status in statuses)
