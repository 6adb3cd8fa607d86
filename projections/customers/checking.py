"""Customer rows beside what their contacts and identity add up to in the same snapshot, for verifying them."""

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from projections.customers.composing import FIRST
from projections.customers.loading import customers_after, load_customers
from projections.customers.rows import customer_row
from projections.customers.store import state_of
from projections.customers.tables import CUSTOMER_ROWS
from projections.engine.connection import Connection
from projections.engine.metadata import Rows
from projections.engine.queries import all_rows
from projections.identity.resolutions import active_resolution, policy_of

_PAGE = 500  # contacts


class ComparedCustomers(NamedTuple):
    """The rows that are expected, and those that were found."""

    expected: Rows
    found: Rows


async def customer_rows(connection: Connection, tenants: Collection[str], region: str) -> ComparedCustomers:
    """The rows of the tenants whose composer is not behind: else they are of an earlier moment.

    Call it in one snapshot. ``region`` is for tenants without one of their own.
    """
    expected: Rows = {}
    compared: set[str] = set()
    for tenant in sorted(tenants):
        state = await state_of(connection, tenant)
        if state is not None and state.vector is not None:
            compared.add(tenant)
            expected |= await _rows_of(connection, tenant, region)
    stored = await all_rows(connection, CUSTOMER_ROWS)
    return ComparedCustomers(expected, {key: _plain(row) for key, row in stored.items() if key[0] in compared})


async def _rows_of(connection: Connection, tenant: str, region: str) -> Rows:
    active = await active_resolution(connection, tenant)
    policy = policy_of(active, region)
    rows: Rows = {}
    after: UUID | None = FIRST
    while after is not None:
        page = await customers_after(connection, active.key, after, _PAGE)
        found = await load_customers(connection, active.key, policy, page.customer_ids)
        for one in found.values():
            row, _ = customer_row(tenant, one.customer.identity, one.customer.contacts, one.conflicts)
            rows[tenant, row.customer_id] = _plain(row)
        after = page.next
    return rows


def _plain(row: Any) -> Any:
    """The row with values in place of JSON, which PostgreSQL writes in its own way, and with tuples."""
    json = {name: orjson.loads(getattr(row, name)) for name in ("tags", "attributes")}
    return row._replace(terms=tuple(row.terms), grams=tuple(row.grams), **json)
