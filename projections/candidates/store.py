"""Writes the blocking keys and the pairs of some customers at a time, in the order of their ids.

A sweep goes through all of a tenant's customers. What it finds of a customer replaces what was stored of it, so that
keys and pairs of customers that are no more go, too. Only what differs is written.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.candidates.folds import Candidate, CustomerPair, CustomerProfiles, candidate, pair_of
from projections.candidates.keys import MOST_HOLDERS, keys_of
from projections.candidates.queries import doubt_of, load_customers
from projections.candidates.tables import CANDIDATES, KEYS, SWEEPS, CandidateKeyRow, CandidateRow, CandidateSweepRow
from projections.customers.loading import LAST, customers_after
from projections.engine.connection import Connection
from projections.engine.metadata import Row, key_columns, row_columns
from projections.engine.offsets import OFFSETS
from projections.engine.statements import array, compiled
from projections.engine.store import columns, delete_matching, insert, insert_new, save, upsert
from projections.identity.keys import ResolutionKey
from projections.identity.tables import RESOLUTIONS

FIRST: Final = UUID(int=0)
_COMPARED_AT_ONCE: Final = 1000  # customers in memory beside those of the page
_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_AFTER: Final = sa.bindparam("after", type_=sa.Uuid())
_UPTO: Final = sa.bindparam("upto", type_=sa.Uuid())


def _holders() -> str:
    """Selects the customers that have the given keys, of each key one more than may have it."""
    given = sa.func.unnest(array("keys", sa.BigInteger())).table_valued("key").render_derived(name="given")
    few = (
        sa.select(KEYS.c.customer_id)
        .where(KEYS.c.tenant == _TENANT, KEYS.c.key == given.c.key)
        .order_by(KEYS.c.customer_id)
        .limit(MOST_HOLDERS + 1)
        .lateral("few")
    )
    return compiled(sa.select(given.c.key, few.c.customer_id).select_from(given.join(few, sa.true())), "tenant", "keys")


def _within(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    return sa.and_(column > _AFTER, column <= _UPTO)


_HOLDERS: Final = _holders()
_KEYS_WITHIN: Final = compiled(
    sa.select(*row_columns(KEYS)).where(KEYS.c.tenant == _TENANT, _within(KEYS.c.customer_id)),
    "tenant",
    "after",
    "upto",
)
_PAIRS_WITHIN: Final = compiled(
    sa.union(
        *(
            sa.select(*row_columns(CANDIDATES)).where(CANDIDATES.c.tenant == _TENANT, _within(column))
            for column in (CANDIDATES.c.one_id, CANDIDATES.c.other_id)
        )
    ),
    "tenant",
    "after",
    "upto",
)
_DELETE_KEYS: Final = delete_matching(KEYS, *key_columns(KEYS))
_DELETE_PAIRS: Final = delete_matching(CANDIDATES, *key_columns(CANDIDATES))
_ADD_KEYS: Final = insert_new(KEYS)
_WRITE_PAIRS: Final = upsert(CANDIDATES, only_different=True)
_LOCK: Final = compiled(
    sa.select(
        sa.func.pg_try_advisory_lock(sa.func.hashtext("onefold.candidates"), sa.func.hashtext(sa.func.current_schema()))
    )
)
_VERSION: Final = compiled(
    sa.select(
        sa.select(sa.func.coalesce(sa.func.sum(OFFSETS.c.next_offset), 0)).scalar_subquery(),
        sa.select(
            sa.func.string_agg(
                RESOLUTIONS.c.tenant + " " + RESOLUTIONS.c.resolution_id + " " + RESOLUTIONS.c.state,
                sa.text("','"),
            )
        ).scalar_subquery(),
    )
)


class Swept(NamedTuple):
    """What a page of contacts came to, and where the next page begins; None at the end."""

    customers: int
    pairs: int
    next: UUID | None


async def lock_sweep(connection: Connection) -> bool:
    """Try to become the only sweep of this schema, for as long as the connection lasts."""
    return bool(await connection.fetchval(_LOCK))


async def version_of_read_models(connection: Connection) -> Row:
    """What differs whenever the read models may have changed."""
    return tuple(await connection.fetchrow(_VERSION) or ())


async def note_sweep(connection: Connection, tenant: str, began_at: int) -> None:
    """Note when the latest complete sweep of a tenant began."""
    await save(connection, SWEEPS, [CandidateSweepRow(tenant, began_at)])


async def sweep_page(connection: Connection, resolution: ResolutionKey, after: UUID, limit: int) -> Swept:
    """Bring the keys and the pairs of the next customers up to date, in a transaction of the caller's.

    They are those whose founders are among the next ``limit`` contacts in the order of ids, since a customer has its
    founder's id.
    No other sweep may run. All is as `folds.find_candidates` has it once a sweep has gone through all customers without
    a change among them; where a key came to have too many holders, once another has.
    """
    tenant = resolution.tenant
    found = await customers_after(connection, resolution, after, limit)
    upto = found.next or LAST
    page = await load_customers(connection, resolution, found.customer_ids)
    keys = {customer_id: keys_of(profile) for customer_id, profile in page.profiles.items()}
    await _save_keys(connection, tenant, keys, (after, upto))
    pairs = await _pairs(connection, resolution, page, keys)
    await _save_pairs(connection, tenant, pairs, (after, upto))
    return Swept(len(found.customer_ids), len(pairs), found.next)


async def _save_keys(
    connection: Connection, tenant: str, keys: Mapping[UUID, Iterable[int]], within: tuple[UUID, UUID]
) -> None:
    known = {CandidateKeyRow(*row) for row in await connection.fetch(_KEYS_WITHIN, tenant, *within)}
    rows = {CandidateKeyRow(tenant, key, one) for one, of_customer in keys.items() for key in of_customer}
    if gone := known - rows:
        await connection.execute(_DELETE_KEYS, *columns(gone))
    await insert(connection, _ADD_KEYS, rows - known)


async def _save_pairs(
    connection: Connection, tenant: str, pairs: Mapping[CustomerPair, Candidate], within: tuple[UUID, UUID]
) -> None:
    known = {CandidateRow(*row) for row in await connection.fetch(_PAIRS_WITHIN, tenant, *within)}
    rows = {CandidateRow(tenant, *pair, doubt_of(one.score)) for pair, one in pairs.items()}
    if gone := {row[:3] for row in known} - {row[:3] for row in rows}:
        await connection.execute(_DELETE_PAIRS, *columns(gone))
    await insert(connection, _WRITE_PAIRS, rows - known)


async def _pairs(
    connection: Connection, resolution: ResolutionKey, page: CustomerProfiles, keys: Mapping[UUID, Collection[int]]
) -> dict[CustomerPair, Candidate]:
    """The candidates of the page's customers, among them and with others."""
    partners = await _partners(connection, resolution.tenant, keys)
    found = _compared(page, {one: partners[one] for one in page.profiles if one in partners})
    others = sorted(partners.keys() - page.profiles.keys())
    for begin in range(0, len(others), _COMPARED_AT_ONCE):
        some = others[begin : begin + _COMPARED_AT_ONCE]
        # Decisions and merged ids are between these and the page's, so both sides are loaded.
        both = await load_customers(connection, resolution, [*some, *page.profiles])
        found |= _compared(both, {one: partners[one] for one in some})
    return found


async def _partners(connection: Connection, tenant: str, keys: Mapping[UUID, Collection[int]]) -> dict[UUID, set[UUID]]:
    """The page's customers with which each customer shares a key that not too many have."""
    in_page: defaultdict[int, set[UUID]] = defaultdict(set)
    for customer_id, of_customer in keys.items():
        for key in of_customer:
            in_page[key].add(customer_id)
    holders: defaultdict[int, list[UUID]] = defaultdict(list)
    for key, customer_id in await connection.fetch(_HOLDERS, tenant, list(in_page)):
        holders[key].append(customer_id)
    partners: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for key, together in holders.items():
        if len(together) <= MOST_HOLDERS:
            for one in together:
                partners[one] |= in_page[key] - {one}
    return {one: with_these for one, with_these in partners.items() if with_these}


def _compared(customers: CustomerProfiles, partners: Mapping[UUID, Iterable[UUID]]) -> dict[CustomerPair, Candidate]:
    pairs = {pair_of(one, other) for one, others in partners.items() for other in others}
    found = ((pair, candidate(customers, pair)) for pair in pairs)
    return {pair: one for pair, one in found if one is not None}
