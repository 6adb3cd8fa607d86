"""Makes a search of a filter: with what its segments ask for, values as identity compares them, and the quota's end.

Call it in one snapshot, so that all of these are of one moment.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from pydantic import ValidationError

from projections.customers.search import filters
from projections.customers.search.asking import AskedAt, QuotaEnd
from projections.customers.search.costs import Cost, cost_of, known_total, least_total, terms_in
from projections.customers.search.exact import plain_tag
from projections.customers.search.known_values import expired_of
from projections.customers.search.queries import Search, counts_of
from projections.customers.search.rewriting import (
    MOST_NESTED,
    SegmentFilters,
    Unsearchable,
    expanded,
    normalised,
    rewritten,
    with_values,
)
from projections.customers.terms import EVERYBODY, TAG, Term
from projections.engine.connection import Connection
from projections.identity.keys import ResolutionKey
from projections.identity.queries import canonical_of
from projections.identity.resolution.policy import Policy
from projections.quota.queries import boundary_of
from projections.segments.queries import SegmentVersion, segments_named
from projections.settings.queries import quota_setting
from schemas.refusals import refusals

# More segments than these can't be within the limits of a filter, so that no more are read.
_MOST_SEGMENTS: Final = MOST_NESTED * filters.MOST_LEAVES


async def search_of(
    connection: Connection, resolution: ResolutionKey, policy: Policy, node: filters.FilterNode, now: int
) -> Search:
    """The search of a filter at the moment ``now``. Raises Unsearchable."""
    tenant = resolution.tenant
    segments = await load_segments(connection, tenant, node)
    wanted = await _canonical(connection, resolution, normalised(expanded(node, segments), policy, now))
    return Search(tenant, wanted, await _asked_at(connection, tenant, wanted, now))


async def _canonical(connection: Connection, resolution: ResolutionKey, node: filters.FilterNode) -> filters.FilterNode:
    """The filter with each member id that was merged into another replaced by the one that it became."""
    asked = [one.member_id for one in filters.walk(node) if isinstance(one, filters.ByMemberId)]
    ids = sorted({value for test in asked for value in (test.eq, *(test.in_ or ())) if value is not None})
    if not ids:
        return node
    became = dict(zip(ids, await canonical_of(connection, resolution, ids), strict=True))

    def change(leaf: filters.FilterNode) -> filters.FilterNode:
        if not isinstance(leaf, filters.ByMemberId):
            return leaf
        return leaf.model_copy(update={"member_id": with_values(leaf.member_id, lambda value: [became[value]])})

    return rewritten(node, change)


async def load_segments(connection: Connection, tenant: str, node: filters.FilterNode) -> SegmentFilters:
    """What the segments of a filter ask for, and those within them; as many statements as they are nested."""
    found: dict[str, filters.FilterNode | Unsearchable] = {}
    wanted = _named_in([node])
    for _ in range(MOST_NESTED):
        if not wanted or len(found) > _MOST_SEGMENTS:
            break
        saved = await segments_named(connection, tenant, wanted)
        read = {segment: filter_of(one) for segment, one in saved.items() if not one.deleted}
        found |= read
        inner = _named_in(one for one in read.values() if not isinstance(one, Unsearchable))
        wanted = inner - found.keys()
    return found


def filter_of(segment: SegmentVersion) -> filters.FilterNode | Unsearchable:
    """What a segment asks for; or, where its filter can't be read, the error that says so."""
    try:
        return filters.parse(segment.filter)
    except ValidationError as error:
        first = refusals(error.errors(), segment.filter)[0]
        place = f"{first.place}: " if first.place else ""
        return Unsearchable(f"the segment {segment.segment!r} can't be read: {place}{first.why}")


class SearchCounts(NamedTuple):
    """What the counts of terms say of a search: its cost, and its total if they say that exactly.

    ``customers`` is how many the tenant has, ``least`` how many the search finds at least.
    """

    cost: Cost
    total: int | None
    customers: int
    least: int


async def check_cost(
    connection: Connection, search: Search, facets: Collection[str] = (), attributes: int = 0
) -> SearchCounts:
    """What a search costs, or counting these facets of it and the values of so many attributes. Raises TooDear."""
    counts = await counts_of(connection, search.tenant, terms_in(search.filter))
    cost = cost_of(search.filter, counts, facets, attributes)
    cost.check()
    live, customers = await _live_tags(connection, search, counts), counts.get(EVERYBODY, 0)
    total = known_total(search.filter, counts)
    if total is None:
        total = _total_of_tag(search.filter, live, customers)
    return SearchCounts(cost, total, customers, least_total(search.filter, counts, live))


async def _live_tags(connection: Connection, search: Search, counts: Mapping[Term, int]) -> dict[str, int]:
    """How many customers have each plain tag of the filter at the moment of asking; nothing where that is too much."""
    tags = {tag for one in filters.walk(search.filter) if (tag := plain_tag(one)) is not None}
    if not tags:
        return {}
    expired = await expired_of(connection, search.tenant, sorted(tags), search.asked.now)
    if expired is None:
        return {}
    return {tag: counts.get(Term(TAG, tag), 0) - expired.get(tag, 0) for tag in tags}


def _total_of_tag(node: filters.FilterNode, live: Mapping[str, int], customers: int) -> int | None:
    """How many customers have the tag, or have it not, if the filter asks for nothing else."""
    if isinstance(node, filters.Not):
        others = _total_of_tag(node.not_, live, customers)
        return None if others is None else customers - others
    tag = plain_tag(node)
    return None if tag is None else live.get(tag)


def _named_in(nodes: Iterable[filters.FilterNode]) -> set[str]:
    return {one.segment for node in nodes for one in filters.walk(node) if isinstance(one, filters.BySegment)}


async def _asked_at(connection: Connection, tenant: str, node: filters.FilterNode, now: int) -> AskedAt:
    """The moment, with the end of the quota where the filter asks for it."""
    if not any(isinstance(one, filters.ByQuota) for one in filters.walk(node)):
        return AskedAt(now)
    return await with_quota_end(connection, tenant, now)


async def with_quota_end(connection: Connection, tenant: str, now: int) -> AskedAt:
    """The moment, with the end of the quota."""
    boundary = await boundary_of(connection, tenant, await quota_setting(connection, tenant))
    return AskedAt(now, None if boundary.address is None else QuotaEnd(*boundary.address), boundary.customer)
