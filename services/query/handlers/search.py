"""Searches among customers, each answer as of one moment, and why a customer is found or not."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

from projections.customers.folds import states_of, summarise
from projections.customers.loading import load_customers, owners_of
from projections.customers.origins import origins_of
from projections.customers.search import facets, filters, queries
from projections.customers.search.evaluating import evaluate
from projections.customers.search.looking import Fact, Searched
from projections.customers.search.time_limit import within_time
from projections.segments.searching import SearchCounts, check_cost, search_of
from services.query.core import cursors, search_views
from services.query.core.errors import NotFound
from services.query.core.search_models import FacetsAnswer, FacetsRequest, MatchAnswer, SearchPage, SearchRequest, Total
from services.query.handlers.customer_lookup import NO_CUSTOMER, CustomerLookup
from services.query.handlers.search_indexes import SearchIndexes, unless_outrun
from services.query.handlers.snapshots import Snapshot, snapshot
from services.query.ports import ReadModels
from services.runtime.auditing import note_ids

_COUNTED_AT_ONCE: Final = 10_000


class CustomerSearch:
    """Finds customers by filters.

    Every method raises Unsearchable for a filter with a condition that can't be searched, and ReadModelsUnavailable.
    """

    def __init__(self, read_models: ReadModels, lookup: CustomerLookup, indexes: SearchIndexes) -> None:
        self._read_models = read_models
        self._lookup = lookup
        self._indexes = indexes

    async def page(self, tenant: str, wanted: SearchRequest, now: int) -> SearchPage:
        """A page of the customers that fulfil a filter. Raises TooDear, BadCursor and CursorOfAnotherSearch.

        All pages of one search are asked at the moment of the first.
        """
        return await unless_outrun(partial(self._page, tenant, wanted, now))

    async def _page(self, tenant: str, wanted: SearchRequest, now: int, by_index: bool) -> SearchPage:  # noqa: FBT001 - of `unless_outrun`
        sort = search_views.sort_of(wanted.sort)
        query = search_views.query_of(tenant, wanted.filter, sort)
        place = None if wanted.cursor is None else cursors.read_search(wanted.cursor, query)
        async with snapshot(self._read_models, tenant) as moment:
            search = await self._search(moment, wanted.filter, now if place is None else place.now)
            counts = await check_cost(moment.connection, search)
            await queries.plan_for_values(moment.connection)
            after = None if place is None else place.after
            most, among = counts.cost.customers, counts.customers
            asked = queries.Page(sort, wanted.limit + 1, after, most, among=among)
            async with within_time(moment.connection):
                found = await self._by_index(moment, search, asked, counts) if by_index else None
                if found is not None and found[1] is not None:
                    rows = await queries.rows_of(moment.connection, tenant, found[1])
                    total = Total(count=found[0], relation="exact")
                else:
                    known = counts._replace(total=found[0]) if found else counts
                    rows, total = await _page_and_total(moment, search, asked, known, exact=wanted.total == "exact")
            shown = rows[: wanted.limit]
            accounts = await queries.accounts_of(moment.connection, tenant, search_views.customer_ids(shown))
            composed = await queries.composed(moment.connection, tenant)
        following = None
        if len(rows) > wanted.limit:
            last = search_views.position_of(shown[-1], sort)
            following = cursors.write_search(cursors.SearchPlace(query, search.asked.now, last))
        return SearchPage(
            customers=[
                search_views.found_customer(row, accounts.get(row["customer_id"], []), search.asked.now)
                for row in shown
            ],
            total=total,
            as_of=search_views.as_of(composed, search.asked.now),
            next=following,
        )

    async def _by_index(
        self, moment: Snapshot, search: queries.Search, asked: queries.Page, counts: SearchCounts
    ) -> tuple[int, list[UUID] | None] | None:
        """How many customers there are, and those of the page, as far as the index tells."""
        return await self._indexes.ask(
            moment.connection, search, counts.customers, lambda found: (found.total, found.page(asked))
        )

    async def facets(self, tenant: str, wanted: FacetsRequest, now: int) -> FacetsAnswer:
        """How the customers that fulfil a filter spread. Raises TooDear."""
        return await unless_outrun(partial(self._facets, tenant, wanted, now))

    async def _facets(self, tenant: str, wanted: FacetsRequest, now: int, by_index: bool) -> FacetsAnswer:  # noqa: FBT001 - of `unless_outrun`
        most = wanted.limit + 1
        async with snapshot(self._read_models, tenant) as moment:
            connection = moment.connection
            search = await self._search(moment, wanted.filter, now)
            named = {name: await facets.facet_of_all(connection, search, name, most) for name in wanted.facets}
            keys = wanted.attributes
            values = {key: await facets.attribute_values_of_all(connection, search, key, most) for key in keys}
            left: list[facets.FacetName] = [name for name, found in named.items() if found is None]
            left_keys = [key for key, found in values.items() if found is None]
            counts = await check_cost(connection, search, left, len(left_keys))
            await queries.plan_for_values(connection)
            async with within_time(connection):
                if by_index and (left or left_keys):
                    found = await self._indexes.ask(
                        *(connection, search, counts.customers),
                        lambda one: (one.facets(left, most), one.values(left_keys, most)),
                    )
                    of_facets, of_values = found or ({}, {})
                    named.update(of_facets)
                    values.update(of_values)
                named |= await _facets(moment, search, [one for one in left if named[one] is None], most)
                for key in (one for one in left_keys if values[one] is None):
                    values[key] = await facets.attribute_values(connection, search, key, most)
            composed = await queries.composed(connection, tenant)
        return FacetsAnswer(
            facets=[search_views.facet_view(name, found or [], wanted.limit) for name, found in named.items()],
            attributes=[search_views.facet_view(key, found or [], wanted.limit) for key, found in values.items()],
            as_of=search_views.as_of(composed, now),
        )

    async def totals(
        self, tenant: str, node: filters.FilterNode, parts: Sequence[filters.ByAttribute], now: int
    ) -> list[int]:
        """How many of the customers that fulfil a filter fulfil each of these conditions, too. Raises TooDear."""
        return await unless_outrun(partial(self._totals, tenant, node, parts, now))

    async def _totals(
        self,
        tenant: str,
        node: filters.FilterNode,
        parts: Sequence[filters.ByAttribute],
        now: int,
        by_index: bool,  # noqa: FBT001 - of `unless_outrun`
    ) -> list[int]:
        async with snapshot(self._read_models, tenant) as moment:
            connection = moment.connection
            search = await self._search(moment, node, now)
            counts = await check_cost(connection, search, (), len({one.attribute for one in parts}))
            await queries.plan_for_values(connection)
            async with within_time(connection):
                asked = (connection, search, counts.customers, lambda one: one.totals(parts))
                found = await self._indexes.ask(*asked) if by_index else None
                wanted = (search._replace(filter=filters.All(all=[search.filter, one])) for one in parts)
                return found or [await queries.count(connection, one, None) for one in wanted]

    async def match(self, tenant: str, name: str, node: filters.FilterNode, now: int) -> MatchAnswer:
        """Whether a customer, by any of its names, fulfils a filter, and why. Raises NotFound and Ambiguous.

        The customer is read from its contacts as they are at this moment.
        """
        async with snapshot(self._read_models, tenant) as moment:
            search = await self._search(moment, node, now)
            customer_id, searched = await self._searched(moment, await self._lookup.customer(moment, name), now)
            evaluation = evaluate(search.filter, searched, search.asked)
            events = await _events_of(moment, searched, search_views.facts_in(evaluation))
        return MatchAnswer(
            id=customer_id,
            holds=evaluation.holds,
            asked_at=now,
            match=search_views.condition_match(evaluation, events),
        )

    async def _search(self, moment: Snapshot, node: filters.FilterNode, now: int) -> queries.Search:
        return await search_of(moment.connection, moment.resolution, self._lookup.policy_in(moment), node, now)

    async def _searched(self, moment: Snapshot, any_id: UUID, now: int) -> tuple[UUID, Searched]:
        owner = (await owners_of(moment.connection, moment.resolution, [any_id])).get(any_id) or any_id
        found = await load_customers(moment.connection, moment.resolution, self._lookup.policy_in(moment), [owner])
        if owner not in found:
            raise NotFound(NO_CUSTOMER)
        note_ids(owner)
        loaded, conflicts = found[owner]
        contacts = states_of(loaded.contacts, now)
        policy, identity = self._lookup.policy_in(moment), loaded.identity
        origins = await origins_of(moment.connection, moment.resolution, policy, identity, contacts)
        return owner, Searched(summarise(identity, contacts), contacts, conflicts, origins)


async def _facets(
    moment: Snapshot, search: queries.Search, names: Sequence[facets.FacetName], most: int
) -> dict[facets.FacetName, list[facets.FacetCount]]:
    """Facets by terms, as far as these tell values from each other."""
    found = await facets.facets_by_terms(moment.connection, search, names, most) if names else {}
    left = [name for name in names if name not in found]
    return found | {name: await facets.facet(moment.connection, search, name, most) for name in left}


async def _page_and_total(
    moment: Snapshot, search: queries.Search, asked: queries.Page, counts: SearchCounts, *, exact: bool
) -> tuple[list[Any], Total]:
    """A page, and how many customers there are in all.

    Where many may be found they are counted first, since their number says how the page is found best. Few are only
    counted where the page does not show all of them.
    """
    if asked.is_walked_to:
        total = await counted(moment, search, counts, exact=exact)
        found = total.count if total.relation == "exact" else None
        return await queries.page(moment.connection, search, asked._replace(found=found)), total
    rows = await queries.page(moment.connection, search, asked)
    all_shown = asked.after is None and len(rows) < asked.limit
    known = counts._replace(total=len(rows)) if all_shown else counts
    return rows, await counted(moment, search, known, exact=exact)


async def counted(moment: Snapshot, search: queries.Search, counts: SearchCounts, *, exact: bool) -> Total:
    """How many customers the search finds, if that is not known; not ``exact``, at most 10,000 are counted."""
    if counts.total is not None:
        return Total(count=counts.total, relation="exact")
    if not exact and counts.least > _COUNTED_AT_ONCE:
        return Total(count=_COUNTED_AT_ONCE, relation="at_least")
    most = None if exact else _COUNTED_AT_ONCE + 1
    number = await queries.count(moment.connection, search, most)
    if most is not None and number == most:
        return Total(count=_COUNTED_AT_ONCE, relation="at_least")
    return Total(count=number, relation="exact")


async def _events_of(moment: Snapshot, searched: Searched, facts: Sequence[Fact]) -> dict[Fact, str]:
    """The ids of the events of which only the time is known."""
    ids = {contact.key: contact.record.contact.contact_id for contact in searched.contacts}
    sought = {
        fact: (ids[fact.contact], fact.at)
        for fact in facts
        if fact.contact is not None and fact.at is not None and fact.event_id is None
    }
    found = await queries.events_at(moment.connection, moment.tenant, set(sought.values()))
    events: dict[Fact, str] = {}
    for fact, time in sought.items():
        at = (one for one in found if (one.contact_id, one.occurred_at) == time)
        event = next((one for one in at if not fact.types or one.type in fact.types), None)
        if event is not None:
            events[fact] = event.event_id
    return events
