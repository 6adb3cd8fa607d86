"""Brings customer rows up to date: those of the customers that were touched, or of all, a page at a time.

Contacts and identity change what a customer adds up to, in transactions that know nothing of each other. So neither
writes the row: each notes what it touched, and this reads both in one snapshot. A row depends on that snapshot alone,
never on the row before.
"""

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from projections.customers.contacts_store import customers_with_addresses, update_hours
from projections.customers.loading import FIRST, LAST, load_customers, owners_of
from projections.customers.page_ahead import PageAhead, PagePlace, load_page
from projections.customers.store import (
    all_states,
    note_composed,
    note_state,
    replace_rows,
    rows_within,
    state_of,
    update_times,
)
from projections.customers.tables import ComposedRow
from projections.engine.connection import Connection
from projections.engine.generation_tables import AfterEach
from projections.engine.touched import forget_touched, is_touched, take_touched, touched_tenants
from projections.identity.resolutions import (
    ResolutionInUse,
    active_resolution,
    active_resolutions,
    all_tenants,
    policy_of,
)

_Part = TypeVar("_Part")

_PAGE: Final = 300  # contacts, of a pass over all
_IN_BULK: Final = 2000
_IDS: Final = 500  # that were touched, taken together
_AT_ONCE: Final = 500  # customers that are in memory
_TIMES_AT_ONCE: Final = 100  # customers whose times are brought up to date by one statement
_HOURS_AT_ONCE: Final = 500  # contacts likewise


async def unfinished_tenants(connection: Connection) -> list[str]:
    """The tenants whose rows are not all made; also those that are known by their events alone."""
    states = await all_states(connection)
    tenants = {*await all_tenants(connection), *await touched_tenants(connection), *states}
    active = await active_resolutions(connection, tenants)
    return sorted(one.tenant for one in active if not is_complete(states.get(one.tenant), one))


async def compose_all(
    connection: Connection, region: str, after_each: AfterEach, page: int = _IN_BULK, ahead: PageAhead | None = None
) -> None:
    """Bring the rows of every tenant up to date, a page a transaction, for whoever holds the composer's lock.

    It may be interrupted, and goes on where it was. ``after_each`` page something else may be awaited. With ``ahead``
    a page is loaded while the one before is written.
    """
    for tenant in sorted({*await unfinished_tenants(connection), *await touched_tenants(connection)}):
        more = True
        while more:
            async with connection.transaction(isolation="repeatable_read"):
                more = await compose_some(connection, tenant, region, page, ahead=ahead)
            await after_each()


def is_complete(state: ComposedRow | None, active: ResolutionInUse) -> bool:
    """Whether all rows were made of the resolution that readers read."""
    return state is not None and state.position is None and state.resolution_id == active.resolution_id


async def compose_some(  # noqa: PLR0913 - what of the customers, and how much at once
    connection: Connection,
    tenant: str,
    region: str,
    page: int = _PAGE,
    ids: int = _IDS,
    *,
    ahead: PageAhead | None = None,
) -> bool:
    """Bring the rows of some customers up to date; whether more is to be done.

    Call it in a transaction of isolation REPEATABLE READ, and only in the one that holds the composer's lock.
    ``page`` is the number of contacts of a pass over all, ``ids`` about that of what was touched. ``region`` is for
    tenants without one of their own.
    """
    active = await active_resolution(connection, tenant)
    state = await state_of(connection, tenant)
    if state is None or state.resolution_id != active.resolution_id:
        state = ComposedRow(tenant, active.resolution_id, FIRST, None, 0 if state is None else state.turn)
        await forget_touched(connection, tenant)
    state = state._replace(turn=state.turn + 1)
    composed = await _compose_touched(connection, active, region, ids)
    if state.position is not None:
        place, changed = PagePlace(active, region, state.position, page), bool(composed.changed or composed.seen)
        state = state._replace(position=await _compose_page(connection, place, ahead, changed=changed))
    else:
        await note_composed(connection, tenant, state.turn, composed.changed, composed.seen)
    await note_state(connection, state)
    noted = await state_of(connection, tenant)
    return noted is None or noted.vector is None


async def has_composed(connection: Connection) -> bool:
    """Whether nothing is left to do, for the moment. Call it in one snapshot."""
    return not await touched_tenants(connection) and not await unfinished_tenants(connection)


class _Composed(NamedTuple):
    """The customers that were written or deleted; of those ``seen`` only times are others."""

    changed: set[UUID]
    seen: set[UUID]


async def _compose_touched(connection: Connection, active: ResolutionInUse, region: str, ids: int) -> _Composed:
    touched = await take_touched(connection, active.tenant, ids)
    named = touched.contacts | touched.seen
    owners = await owners_of(connection, active.key, named) if named else {}
    changed = touched.contacts | touched.customers
    changed |= {owner for one in touched.contacts if (owner := owners.get(one)) is not None}
    # One contact of an address may tell of a message that another has as an echo: its times follow from both.
    seen_of = {owners.get(one) or one for one in touched.seen} - changed
    changed |= await customers_with_addresses(connection, active.tenant, seen_of)
    for some in _parts(changed, _AT_ONCE):
        found = await load_customers(connection, active.key, policy_of(active, region), some)
        await replace_rows(connection, active.tenant, some, found)
    seen = {one: owners.get(one) or one for one in touched.seen}
    only_seen = {*seen.values()} - changed
    for some in _parts(only_seen, _TIMES_AT_ONCE):
        await update_times(connection, active.key, some)
    of_seen = {(owner, one) for one, owner in seen.items() if owner not in changed}
    for pairs in _parts(of_seen, _HOURS_AT_ONCE):
        await update_hours(connection, active.tenant, pairs)
    return _Composed(changed, only_seen)


def _parts(given: Collection[_Part], size: int) -> Iterator[list[_Part]]:
    found = list(given)
    return (found[start : start + size] for start in range(0, len(found), size))


async def _compose_page(
    connection: Connection, place: PagePlace, ahead: PageAhead | None, *, changed: bool
) -> UUID | None:
    """Where the next page begins. ``changed``: something was touched, which a page loaded ahead may not know."""
    tenant = place.active.tenant
    page = None if ahead is None else await ahead.take(place)
    if page is None or changed or await is_touched(connection, tenant):
        page = await load_page(connection, place)
    if ahead is not None and page.next is not None:
        ahead.begin(place._replace(after=page.next))
    stale = await rows_within(connection, tenant, place.after, page.next or LAST)
    await replace_rows(connection, tenant, {*stale, *page.customer_ids}, page.found)
    return page.next
