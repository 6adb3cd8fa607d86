"""The rows of customers' contacts in PostgreSQL, as searches ask of them. Only the composer writes them."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from projections.customers.tables import CUSTOMER_CONTACTS, CustomerContactRow
from projections.engine.connection import Connection
from projections.engine.statements import array, compiled
from projections.engine.store import columns, delete_matching, insert, upsert

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


async def replace_contacts(
    connection: Connection, tenant: str, customer_ids: Collection[UUID], rows: Collection[CustomerContactRow]
) -> None:
    """Make these the rows of the customers' contacts: write what differs, delete what is none any more."""
    kept = {row[:3] for row in rows}
    found = [tuple(row) for row in await connection.fetch(_OF_CUSTOMERS, tenant, list(customer_ids))]
    if gone := [key for key in found if key not in kept]:
        await connection.execute(_DELETE, *columns(gone))
    await insert(connection, _WRITE, rows)
