"""What chunks touched: the ids of contacts and customers of which something changed, until the composer takes them.

A chunk notes one row a tenant, in its own transaction, and reads nothing for it. Only the composer of customer rows
deletes rows, in the snapshot in which it reads what they name.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.engine.connection import Connection
from projections.engine.metadata import METADATA
from projections.engine.statements import array, compiled
from projections.engine.touched_ids import Touched, TouchedByTenant

TOUCHED: Final = sa.Table(
    "touched",
    METADATA,
    sa.Column("tenant", sa.Text(collation="C"), primary_key=True),
    sa.Column("number", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
    sa.Column("contacts", sa.ARRAY(sa.Uuid()), nullable=False),
    sa.Column("seen", sa.ARRAY(sa.Uuid()), nullable=False),
    sa.Column("customers", sa.ARRAY(sa.Uuid()), nullable=False),
    sa.Column("noted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    comment="The contacts and customers of which something changed since the composer of customer rows last looked.",
)


def _arrays(*names: str) -> dict[str, sa.BindParameter[list[UUID]]]:
    return {name: array(name, sa.Uuid()) for name in names}


def _take() -> str:
    """Deletes the earliest notes: as many as name ``limit`` ids, and the one with which that is reached."""
    tenant = sa.bindparam("tenant", type_=sa.Text())
    contacts, seen, customers = (sa.func.cardinality(TOUCHED.c[name]) for name in _IDS)
    earliest = (
        sa.select(TOUCHED.c.number, (contacts + seen + customers).label("ids"))
        .where(TOUCHED.c.tenant == tenant)
        .order_by(TOUCHED.c.number)
        .limit(_MOST_CHUNKS)
        .subquery("earliest")
    )
    before = sa.func.sum(earliest.c.ids).over(order_by=earliest.c.number) - earliest.c.ids
    counted = sa.select(earliest.c.number, before.label("before")).subquery("counted")
    chosen = sa.select(counted.c.number).where(counted.c.before < sa.bindparam("limit", type_=sa.Integer()))
    taken = sa.delete(TOUCHED).where(TOUCHED.c.tenant == tenant, TOUCHED.c.number.in_(chosen.scalar_subquery()))
    return compiled(taken.returning(*(TOUCHED.c[name] for name in _IDS)), "tenant", "limit")


_IDS: Final = ("contacts", "seen", "customers")
_MOST_CHUNKS: Final = 200  # that are taken at once
_NOTE: Final = compiled(
    sa.insert(TOUCHED).values(tenant=sa.bindparam("tenant", type_=sa.Text()), **_arrays(*_IDS)), "tenant", *_IDS
)
_TAKE: Final = _take()
_ALL: Final = compiled(
    sa.select(*(TOUCHED.c[name] for name in _IDS)).where(TOUCHED.c.tenant == sa.bindparam("tenant", type_=sa.Text())),
    "tenant",
)
_FORGET: Final = compiled(
    sa.delete(TOUCHED).where(TOUCHED.c.tenant == sa.bindparam("tenant", type_=sa.Text())), "tenant"
)
_ANY: Final = compiled(
    sa.select(sa.exists().where(TOUCHED.c.tenant == sa.bindparam("tenant", type_=sa.Text()))), "tenant"
)
_OF_TENANT: Final = TOUCHED.c.tenant == sa.bindparam("tenant", type_=sa.Text())
_LATEST: Final = compiled(sa.select(sa.func.max(TOUCHED.c.number)).where(_OF_TENANT), "tenant")
_ANY_UP_TO: Final = compiled(
    sa.select(sa.exists().where(_OF_TENANT, TOUCHED.c.number <= sa.bindparam("number", type_=sa.BigInteger()))),
    *("tenant", "number"),
)
_LATEST_OF_ALL: Final = compiled(sa.select(sa.func.coalesce(sa.func.max(TOUCHED.c.number), 0)))
_NUMBER_UP_TO: Final = compiled(
    sa.select(sa.func.count())
    .select_from(TOUCHED)
    .where(TOUCHED.c.number <= sa.bindparam("number", type_=sa.BigInteger())),
    "number",
)
_TENANTS: Final = compiled(sa.select(TOUCHED.c.tenant).distinct().order_by(TOUCHED.c.tenant))
_AGE: Final = sa.func.clock_timestamp() - sa.func.min(TOUCHED.c.noted_at)
_BEHIND: Final = compiled(
    sa.select(sa.func.count(), sa.cast(sa.func.coalesce(sa.func.extract("epoch", _AGE), 0), sa.Double())).select_from(
        TOUCHED
    )
)


class Behind(NamedTuple):
    """How many chunks changed something that the composer has not taken yet, and the age of the oldest in seconds."""

    chunks: int
    seconds: float


def seconds_waiting(tenant: sa.ColumnElement[str]) -> sa.ColumnElement[int]:
    """For how many seconds the earliest change of a tenant has waited for the composer; 0 if it has taken all."""
    age = sa.func.extract("epoch", sa.func.now() - TOUCHED.c.noted_at)
    earliest = sa.select(age).where(TOUCHED.c.tenant == tenant).order_by(TOUCHED.c.number).limit(1)
    return sa.cast(sa.func.greatest(earliest.scalar_subquery(), 0), sa.BigInteger())


async def note_touched(connection: Connection, touched: TouchedByTenant) -> None:
    """Note what a chunk changed, in its transaction: one statement, whatever the number of tenants."""
    rows = [(tenant, list(one.contacts), list(one.seen), list(one.customers)) for tenant, one in touched.items() if one]
    if len(rows) == 1:
        await connection.execute(_NOTE, *rows[0])
    elif rows:
        await connection.copy_records_to_table(TOUCHED.name, records=rows, columns=("tenant", *_IDS))


async def take_touched(connection: Connection, tenant: str, ids: int) -> Touched:
    """Take what the earliest chunks of a tenant changed: about so many ``ids``, and of one chunk at least."""
    return _together(await connection.fetch(_TAKE, tenant, ids))


async def all_touched(connection: Connection, tenant: str) -> Touched:
    """What changed of a tenant, and stays to be taken."""
    return _together(await connection.fetch(_ALL, tenant))


def _together(rows: Iterable[Any]) -> Touched:
    found = Touched()
    for contacts, seen, customers in rows:
        found.contacts.update(contacts)
        found.seen.update(seen)
        found.customers.update(customers)
    return found


async def forget_touched(connection: Connection, tenant: str) -> None:
    """Forget what changed of a tenant so far: all of it is going to be read."""
    await connection.execute(_FORGET, tenant)


async def is_touched(connection: Connection, tenant: str) -> bool:
    """Whether something changed of a tenant."""
    return bool(await connection.fetchval(_ANY, tenant))


async def latest_touched(connection: Connection, tenant: str) -> int | None:
    """The number of the latest change of a tenant that the composer has not taken; None if it has taken all."""
    found: int | None = await connection.fetchval(_LATEST, tenant)
    return found


async def is_touched_up_to(connection: Connection, tenant: str, number: int) -> bool:
    """Whether the composer has changes of a tenant to take of those with numbers up to this one."""
    return bool(await connection.fetchval(_ANY_UP_TO, tenant, number))


async def latest_of_all(connection: Connection) -> int:
    """The number of the latest change of any tenant that the composer has not taken; 0 if it has taken all."""
    return int(await connection.fetchval(_LATEST_OF_ALL))


async def number_touched_up_to(connection: Connection, number: int) -> int:
    """How many chunks changed something that the composer has not taken, of those with numbers up to this one."""
    return int(await connection.fetchval(_NUMBER_UP_TO, number))


async def touched_tenants(connection: Connection) -> list[str]:
    """The tenants of which something changed."""
    return [row[0] for row in await connection.fetch(_TENANTS)]


async def behind(connection: Connection) -> Behind:
    """How far the composer is behind."""
    (row,) = await connection.fetch(_BEHIND)
    return Behind(*row)
