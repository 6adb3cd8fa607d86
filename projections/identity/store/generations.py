"""The membership of two generations side by side, and the outbox of one that kept its own."""

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from projections.engine.connection import Connection
from projections.engine.metadata import key_columns
from projections.engine.statements import compiled
from projections.engine.stored_columns import columns_of
from projections.identity.rules import DEFAULT_VERSION
from projections.identity.tables import MEMBERS, RESOLUTIONS
from projections.migrations.tables import CHANGE_SEQUENCES, OUTBOX, OUTBOX_POSITIONS

# They are read from end to end, which other statements of a worker must not do.
_ALLOW_FULL_SCANS: Final = (
    "SET LOCAL enable_hashjoin = on; SET LOCAL enable_seqscan = on; SET LOCAL enable_mergejoin = on"
)
_OWN_TABLES: Final = (CHANGE_SEQUENCES, OUTBOX, OUTBOX_POSITIONS)
_NOT_ADOPTED: Final = frozenset({"changes_suffix", "id"})


class MovedContact(NamedTuple):
    """A contact with its customer in one generation (None if it has no row there) and in another.

    ``lost`` says that it has no row in the other: it is a customer by itself there, under its own id.
    """

    tenant: str
    contact_id: UUID
    contact: str
    before: UUID | None
    after: UUID
    lost: bool


def _members(generation: str, name: str) -> sa.Subquery:
    """The current members of each tenant's active resolution."""
    metadata = sa.MetaData()
    members = MEMBERS.to_metadata(metadata, schema=generation)
    resolutions = RESOLUTIONS.to_metadata(metadata, schema=generation)
    active = sa.and_(resolutions.c.tenant == members.c.tenant, resolutions.c.state == "active")
    in_force = sa.func.coalesce(resolutions.c.resolution_id, sa.literal(DEFAULT_VERSION))
    return (
        sa.select(members.c.tenant, members.c.contact_id, members.c.contact, members.c.customer_id)
        .select_from(members.outerjoin(resolutions, active))
        .where(members.c.current, members.c.resolution_id == in_force)
        .subquery(name)
    )


def _difference(former: str, following: str) -> str:
    before, after = _members(former, "before"), _members(following, "after")
    same = sa.and_(before.c.tenant == after.c.tenant, before.c.contact_id == after.c.contact_id)
    contact_id = sa.func.coalesce(before.c.contact_id, after.c.contact_id)
    both = (
        sa.select(
            sa.func.coalesce(before.c.tenant, after.c.tenant).label("tenant"),
            contact_id.label("contact_id"),
            sa.func.coalesce(before.c.contact, after.c.contact).label("contact"),
            before.c.customer_id.label("before"),
            sa.func.coalesce(after.c.customer_id, contact_id).label("after"),
            after.c.contact_id.is_(None).label("lost"),
        )
        .select_from(before.join(after, same, full=True))
        .cte("both")
        .prefix_with("MATERIALIZED")
    )
    moved = both.c.before.is_distinct_from(both.c.after)
    touched = sa.union(
        sa.select(both.c.tenant, both.c.before.label("customer_id")).where(moved, both.c.before.is_not(None)),
        sa.select(both.c.tenant, both.c.after).where(moved),
    ).cte("touched")
    customers = sa.select(touched.c.tenant, touched.c.customer_id)
    is_touched = [sa.tuple_(both.c.tenant, both.c[side]).in_(customers) for side in ("before", "after")]
    return compiled(sa.select(both).where(sa.or_(both.c.lost, *is_touched)).order_by(both.c.tenant, both.c.contact))


async def membership_difference(connection: Connection, former: str, following: str) -> list[MovedContact]:
    """The contacts of all customers that differ between two generations, and those that the following one has lost."""
    await connection.execute(_ALLOW_FULL_SCANS)
    return [MovedContact(*row) for row in await connection.fetch(_difference(former, following))]


async def adopt_outbox(connection: Connection, generation: str, changes_suffix: str) -> None:
    """Move the outbox of a generation that older code made, and that has one of its own, to where all have theirs.

    Workers of the older code can announce nothing more then.
    """
    if await connection.fetchval("SELECT to_regclass($1)", f"{generation}.{CHANGE_SEQUENCES.name}") is None:
        return
    for table in _OWN_TABLES:
        await connection.execute(f"LOCK TABLE {generation}.{table.name} IN ACCESS EXCLUSIVE MODE")
    has = await columns_of(connection, generation, OUTBOX.name)
    for table in _OWN_TABLES:
        known = has if table is OUTBOX else table.columns.keys()
        statement = _adopt(generation, table, known)
        await connection.execute(statement, *([] if table is OUTBOX_POSITIONS else [changes_suffix]))
        await connection.execute(f"DROP TABLE {generation}.{table.name}")


def _adopt(generation: str, table: sa.Table, known: Collection[str]) -> str:
    """Inserts the rows of the generation's table, which has the ``known`` columns.

    Of a number that is known already the greater one stays.
    """
    names = [column.name for column in table.columns if column.name in known and column.name not in _NOT_ADOPTED]
    own = sa.table(table.name, *(sa.column(name) for name in [*names, "id"]), schema=generation)
    chosen: Iterable[sa.ColumnElement[object]] = [own.c[name] for name in names]
    if table is OUTBOX and "part" not in known:  # older code sent every change in one record
        names, chosen = [*names, "part"], [*chosen, sa.literal(1)]
    if table is not OUTBOX_POSITIONS:
        names, chosen = ["changes_suffix", *names], [sa.bindparam("suffix", type_=sa.Text()), *chosen]
    rows = sa.select(*chosen)
    insert = postgresql.insert(table).from_select(names, rows.order_by(own.c.id) if table is OUTBOX else rows)
    if table is OUTBOX:
        return compiled(insert.on_conflict_do_nothing(), "suffix")
    number = "seq" if table is CHANGE_SEQUENCES else "next_offset"
    greater = {number: sa.func.greatest(table.c[number], insert.excluded[number])}
    upsert = insert.on_conflict_do_update(index_elements=key_columns(table), set_=greater)
    return compiled(upsert, *([] if table is OUTBOX_POSITIONS else ["suffix"]))
