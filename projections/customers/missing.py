"""Notices that a table of the customer rows lost its rows, such as one that somebody emptied, and has all made again.

The composer writes what is touched, and takes it that the rest is there. The tables are written together, so the rows
of some customers tell what must be in each of the others. Single rows that are missing elsewhere are found by
`onefold verify`.
"""

from projections.customers.checking import pending_customers
from projections.customers.contacts_store import contacts_of, lacks_addresses
from projections.customers.days import composed_days
from projections.customers.loading import FIRST
from projections.customers.page_ahead import PagePlace, load_page
from projections.customers.store import all_states, compose_anew, sample_of
from projections.customers.tables import (
    ADDRESS_CONTACTS,
    ATTRIBUTE_VALUES,
    COMPOSED_DAYS,
    CUSTOMER_CONTACTS,
    CUSTOMER_ROWS,
    CUSTOMER_TERMS,
    TAG_ENDS,
)
from projections.customers.value_counts import Facts, value_counts
from projections.engine.connection import Connection
from projections.engine.store import load
from projections.identity.resolutions import active_resolution

_SAMPLE = 200  # customers


async def make_missing_again(connection: Connection, region: str) -> dict[str, str]:
    """Have the composer make all rows of the tenants that lack some; the table that lacks them, by tenant.

    Call it where nobody else composes. ``region`` is for tenants without one of their own.
    """
    made: dict[str, str] = {}
    for tenant, state in sorted((await all_states(connection)).items()):
        if state.position is None:
            async with connection.transaction(isolation="repeatable_read"):
                if table := await lacking(connection, tenant, region):
                    await compose_anew(connection, state)
                    made[tenant] = table
    return made


async def lacking(connection: Connection, tenant: str, region: str) -> str | None:
    """The name of a table that lacks rows of the tenant; some statements. Call it in one snapshot."""
    rows = await sample_of(connection, tenant, _SAMPLE)
    if not rows:
        return CUSTOMER_ROWS.name if await _has_customers(connection, tenant, region) else None
    if {row.customer_id for row in rows} - await contacts_of(connection, tenant, [row.customer_id for row in rows]):
        return CUSTOMER_CONTACTS.name
    counts = value_counts(Facts(row.attributes, row.tags) for row in rows)
    for table, keys in (
        (CUSTOMER_TERMS, {(tenant, term) for row in rows for term in row.terms}),
        (ATTRIBUTE_VALUES, {(tenant, *key) for key in counts.values}),
        (TAG_ENDS, {(tenant, *key) for key in counts.ends}),
        (COMPOSED_DAYS, set(composed_days(tenant, (row.valid_days for row in rows), ()))),
    ):
        if keys - (await load(connection, table, keys)).keys():
            return table.name
    return ADDRESS_CONTACTS.name if await lacks_addresses(connection, tenant) else None


async def _has_customers(connection: Connection, tenant: str, region: str) -> bool:
    """Whether some of the first contacts' customers must have a row, since nothing of them is still to be taken."""
    active = await active_resolution(connection, tenant)
    page = await load_page(connection, PagePlace(active, region, FIRST, _SAMPLE))
    pending = await pending_customers(connection, tenant)
    return any(one not in pending for one in page.found)
