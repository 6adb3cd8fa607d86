"""Customer rows beside what their contacts and identity add up to in the same snapshot, for verifying them."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Container, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from projections.customers.composing import is_complete
from projections.customers.days import composed_days
from projections.customers.loading import FIRST, customers_after, load_customers, owners_of
from projections.customers.rows import ComposedCustomer, customer_row
from projections.customers.store import state_of
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
from projections.engine.metadata import Key, Rows
from projections.engine.queries import all_rows
from projections.engine.touched import all_touched
from projections.identity.resolutions import ResolutionInUse, active_resolution, policy_of

_PAGE = 500  # contacts


class ComparedCustomers(NamedTuple):
    """The rows that are expected, and those that were found; the same of what belongs to them.

    That are the rows of their contacts and addresses, the counts of terms and of values, and the counters of quota.
    """

    expected: Rows
    found: Rows
    expected_contacts: Rows
    found_contacts: Rows
    expected_counts: Rows
    found_counts: Rows
    expected_addresses: Rows
    found_addresses: Rows
    expected_days: Rows
    found_days: Rows
    expected_values: Rows
    found_values: Rows
    expected_ends: Rows
    found_ends: Rows


async def customer_rows(connection: Connection, tenants: Collection[str], region: str) -> ComparedCustomers:
    """The rows of the customers of which nothing is touched that the composer has still to take.

    Tenants of which the composer has not made all rows yet are left out. Call it in one snapshot. ``region`` is for
    tenants without one of their own.
    """
    expected: Rows = {}
    found: Rows = {}
    expected_contacts: Rows = {}
    found_contacts: Rows = {}
    expected_addresses: Rows = {}
    found_addresses: Rows = {}
    stored = await all_rows(connection, CUSTOMER_ROWS)
    stored_contacts = await all_rows(connection, CUSTOMER_CONTACTS)
    stored_addresses = await all_rows(connection, ADDRESS_CONTACTS)
    for tenant in sorted(tenants):
        active = await active_resolution(connection, tenant)
        if is_complete(await state_of(connection, tenant), active):
            pending = await _pending(connection, active)
            async for one in _customers(connection, active, region):
                if one.row.customer_id not in pending:
                    expected[one.row[:2]] = plain_row(one.row)
                    expected_contacts |= {row[:3]: row for row in one.contacts}
                    expected_addresses |= {row[:3]: row for row in one.addresses}
            found |= {key: plain_row(row) for key, row in stored.items() if key[0] == tenant and key[1] not in pending}
            own = ((key, row) for key, row in stored_contacts.items() if key[0] == tenant and key[1] not in pending)
            found_contacts |= {key: _with_tuples(row) for key, row in own}
            rest = stored_addresses.items()
            found_addresses |= {key: row for key, row in rest if key[0] == tenant and key[1] not in pending}
    counts = await all_rows(connection, CUSTOMER_TERMS)
    values, ends = _values(stored)
    return ComparedCustomers(
        *(expected, found, expected_contacts, found_contacts, _counted(stored, counts), counts),
        *(expected_addresses, found_addresses, _days(stored, stored_addresses)),
        {key: row for key, row in (await all_rows(connection, COMPOSED_DAYS)).items() if any(row[len(key) :])},
        *(values, await all_rows(connection, ATTRIBUTE_VALUES), ends, await all_rows(connection, TAG_ENDS)),
    )


async def pending_customers(connection: Connection, tenant: str) -> Container[UUID]:
    """The customers of a tenant whose rows may be of an earlier moment. Call it in one snapshot."""
    active = await active_resolution(connection, tenant)
    if not is_complete(await state_of(connection, tenant), active):
        return _Every()
    return await _pending(connection, active)


async def _pending(connection: Connection, active: ResolutionInUse) -> set[UUID]:
    touched = await all_touched(connection, active.tenant)
    contacts = touched.contacts | touched.seen
    owners = await owners_of(connection, active.key, contacts)
    return touched.customers | contacts | {one for one in owners.values() if one is not None}


class _Every:
    """Contains everything."""

    def __contains__(self, _: object) -> bool:
        return True


def _counted(rows: Mapping[Key, Any], counts: Mapping[Key, Any]) -> Rows:
    """What the counts must be: how many of the rows have each term."""
    number = Counter((tenant, term) for (tenant, _), row in rows.items() for term in row.terms)
    return {
        key: counts[key]._replace(customers=of) if key in counts else (*key, "", "", of) for key, of in number.items()
    }


def _days(rows: Mapping[Key, Any], addresses: Mapping[Key, Any]) -> Rows:
    """What the counters must be, from the rows that were stored with them."""
    found: Rows = {}
    for tenant in sorted({key[0] for key in rows}):
        valid = (row.valid_days for key, row in rows.items() if key[0] == tenant)
        own = (row for key, row in addresses.items() if key[0] == tenant)
        found |= {key: (*key, *counts) for key, counts in composed_days(tenant, valid, own).items()}
    return found


def _values(rows: Mapping[Key, Any]) -> tuple[Rows, Rows]:
    """What the counts of attributes' values and of tags' ends must be, from the rows that were stored with them."""
    values: Rows = {}
    ends: Rows = {}
    for tenant in sorted({key[0] for key in rows}):
        counts = value_counts(Facts(row.attributes, row.tags) for key, row in rows.items() if key[0] == tenant)
        values |= {(tenant, *key): (tenant, *key, of) for key, of in counts.values.items()}
        ends |= {(tenant, *key): (tenant, *key, of) for key, of in counts.ends.items()}
    return values, ends


async def _customers(connection: Connection, active: ResolutionInUse, region: str) -> AsyncIterator[ComposedCustomer]:
    policy = policy_of(active, region)
    after: UUID | None = FIRST
    while after is not None:
        page = await customers_after(connection, active.key, after, _PAGE)
        found = await load_customers(connection, active.key, policy, page.customer_ids)
        for one in found.values():
            yield customer_row(active.tenant, one.customer.identity, one.customer.contacts, one.conflicts)
        after = page.next


def _with_tuples(row: Any) -> Any:
    return type(row)(*(tuple(one) if isinstance(one, list) else one for one in row))


def plain_row(row: Any) -> Any:
    """The row with values in place of JSON, which PostgreSQL writes in its own way, and with tuples."""
    json = {name: orjson.loads(getattr(row, name)) for name in ("tags", "attributes")}
    arrays = {name: tuple(getattr(row, name)) for name in ("terms", "names", "grams")}
    return row._replace(**arrays, **json)
