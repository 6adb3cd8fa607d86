"""The rows of customers' contacts in PostgreSQL, and the counters of quota. Only the composer writes them."""

from collections.abc import Collection, Iterable
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from projections.contacts.tables import TABLE as CONTACTS
from projections.contacts.valid_days import DayChanges
from projections.customers.rows import MS_OF_HOUR
from projections.customers.tables import (
    ADDRESS_CONTACTS,
    COMPOSED_DAYS,
    CUSTOMER_CONTACTS,
    AddressContactRow,
    CustomerContactRow,
)
from projections.engine.connection import Connection
from projections.engine.metadata import key_columns, row_columns
from projections.engine.statements import array, compiled, unnested
from projections.engine.store import columns, delete_matching, insert, insert_with, upsert

_TIMES: Final = ("last_customer", "last_team", "last_marketing")
_GIVEN: Final = ("customer_id", "contact_id")
_WRITE: Final = upsert(CUSTOMER_CONTACTS, only_different=True)
_DELETE: Final = delete_matching(
    CUSTOMER_CONTACTS, CUSTOMER_CONTACTS.c.tenant, CUSTOMER_CONTACTS.c.customer_id, CUSTOMER_CONTACTS.c.contact_id
)
_OF_CUSTOMERS: Final = compiled(
    sa.select(CUSTOMER_CONTACTS.c.tenant, CUSTOMER_CONTACTS.c.customer_id, CUSTOMER_CONTACTS.c.contact_id).where(
        CUSTOMER_CONTACTS.c.tenant == sa.bindparam("tenant", type_=sa.Text()),
        CUSTOMER_CONTACTS.c.customer_id == sa.any_(array("customer_ids", sa.Uuid())),
    ),
    "tenant",
    "customer_ids",
)
_WRITE_ADDRESSES: Final = upsert(ADDRESS_CONTACTS, only_different=True)
_DELETE_ADDRESSES: Final = delete_matching(ADDRESS_CONTACTS, *key_columns(ADDRESS_CONTACTS))
_ADDRESSES_OF: Final = compiled(
    sa.select(*row_columns(ADDRESS_CONTACTS)).where(
        ADDRESS_CONTACTS.c.tenant == sa.bindparam("tenant", type_=sa.Text()),
        ADDRESS_CONTACTS.c.customer_id == sa.any_(array("customer_ids", sa.Uuid())),
    ),
    "tenant",
    "customer_ids",
)


_WITH_ADDRESSES: Final = compiled(
    sa.select(ADDRESS_CONTACTS.c.customer_id)
    .distinct()
    .where(
        ADDRESS_CONTACTS.c.tenant == sa.bindparam("tenant", type_=sa.Text()),
        ADDRESS_CONTACTS.c.customer_id == sa.any_(array("customer_ids", sa.Uuid())),
    ),
    "tenant",
    "customer_ids",
)


def _add_days(statement: postgresql.Insert) -> postgresql.Insert:
    sums = {name: COMPOSED_DAYS.c[name] + statement.excluded[name] for name in ("valid", "began", "ended")}
    return statement.on_conflict_do_update(index_elements=key_columns(COMPOSED_DAYS), set_=sums)


_ADD_DAYS: Final = insert_with(COMPOSED_DAYS, _add_days)


def _hours() -> str:
    """Brings the hours of the given contacts up to date. Every plan finds all rows by key: see `store`."""
    tenant, ids = sa.bindparam("tenant", type_=sa.Text()), [CUSTOMER_CONTACTS.c[name] for name in _GIVEN]
    given = unnested("given", ids)
    latest = (
        sa.select(*(sa.func.max(CONTACTS.c[f"{name}_at"]).label(name) for name in _TIMES))
        .where(CONTACTS.c.tenant == tenant, CONTACTS.c.contact_id == given.c.contact_id)
        .having(sa.func.count() > 0)
        .lateral("latest")
    )
    hours = [sa.cast(latest.c[name].op("/")(MS_OF_HOUR), sa.Integer()).label(f"{name}_hour") for name in _TIMES]
    found = sa.select(*given.c, *hours).select_from(given.join(latest, sa.true())).subquery("found")
    names = [one.name for one in hours]
    before = sa.tuple_(*(CUSTOMER_CONTACTS.c[name] for name in names))
    update = (
        sa.update(CUSTOMER_CONTACTS)
        .values({name: found.c[name] for name in names})
        .where(
            CUSTOMER_CONTACTS.c.tenant == tenant,
            CUSTOMER_CONTACTS.c.customer_id == sa.any_(array(_GIVEN[0], sa.Uuid())),
            *(column == found.c[column.name] for column in ids),
            before.is_distinct_from(sa.tuple_(*(found.c[name] for name in names))),
        )
    )
    return compiled(update, "tenant", *_GIVEN)


_UPDATE_HOURS: Final = _hours()
_OF: Final = sa.bindparam("tenant", type_=sa.Text())
_LACKS_ADDRESSES: Final = compiled(
    sa.select(
        sa.exists().where(
            COMPOSED_DAYS.c.tenant == _OF,
            COMPOSED_DAYS.c.channel > "",
            sa.or_(*(COMPOSED_DAYS.c[name] != 0 for name in ("valid", "began", "ended"))),
        )
        & ~sa.exists().where(ADDRESS_CONTACTS.c.tenant == _OF)
    ),
    "tenant",
)


async def replace_contacts(
    connection: Connection, tenant: str, customer_ids: Collection[UUID], rows: Collection[CustomerContactRow]
) -> None:
    """Make these the rows of the customers' contacts: write what differs, delete what is none any more."""
    kept = {row[:3] for row in rows}
    found = [tuple(row) for row in await connection.fetch(_OF_CUSTOMERS, tenant, list(customer_ids))]
    if gone := [key for key in found if key not in kept]:
        await connection.execute(_DELETE, *columns(gone))
    known = set(found)
    if new := [row for row in rows if row[:3] not in known]:  # nobody else writes them, so none is there
        await connection.copy_records_to_table(CUSTOMER_CONTACTS.name, records=new, columns=CustomerContactRow._fields)
    await insert(connection, _WRITE, [row for row in rows if row[:3] in known])


async def contacts_of(connection: Connection, tenant: str, customer_ids: Collection[UUID]) -> set[UUID]:
    """Those of the customers that have rows of contacts."""
    return {row[1] for row in await connection.fetch(_OF_CUSTOMERS, tenant, list(customer_ids))}


async def lacks_addresses(connection: Connection, tenant: str) -> bool:
    """Whether addresses of several contacts are counted of which there is no row."""
    return bool(await connection.fetchval(_LACKS_ADDRESSES, tenant))


async def replace_addresses(
    connection: Connection, tenant: str, customer_ids: Collection[UUID], rows: Collection[AddressContactRow]
) -> list[AddressContactRow]:
    """The same for the rows of contacts that are an address with others. Returns the rows that were there."""
    kept = {row[:3] for row in rows}
    found = [AddressContactRow(*row) for row in await connection.fetch(_ADDRESSES_OF, tenant, list(customer_ids))]
    if gone := [row[:3] for row in found if row[:3] not in kept]:
        await connection.execute(_DELETE_ADDRESSES, *columns(gone))
    await insert(connection, _WRITE_ADDRESSES, rows)
    return found


async def customers_with_addresses(connection: Connection, tenant: str, customer_ids: Collection[UUID]) -> set[UUID]:
    """Those of the customers that have an address of several contacts. One statement."""
    if not customer_ids:
        return set()
    return {row[0] for row in await connection.fetch(_WITH_ADDRESSES, tenant, list(customer_ids))}


async def update_hours(connection: Connection, tenant: str, contacts: Iterable[tuple[UUID, UUID]]) -> None:
    """Bring the hours of contacts up to date, given as (customer, contact); of those that have a row. One statement."""
    await connection.execute(_UPDATE_HOURS, tenant, *columns(contacts))


async def change_days(connection: Connection, changes: DayChanges) -> None:
    """Change the counters by day. One statement."""
    rows = [(*key, *counts) for key, counts in sorted(changes.items())]
    await insert(connection, _ADD_DAYS, rows)
